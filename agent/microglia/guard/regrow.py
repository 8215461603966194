"""Verdicts -> the plan that gives back, and the shields that keep it from being taken again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from microglia.guard.verdict import Verdict
from microglia.lifecycle.states import Shield, State
from microglia.lifecycle.step import merged
from microglia.model.ids import ObjectRef, RouteId
from microglia.model.objects import ref_of
from microglia.plan.change import Change, MinimumChange, SidecarChange
from microglia.plan.document import Plan
from microglia.plan.history import History
from microglia.plan.inverse import Taken, giving_back
from microglia.plan.standing import standing
from microglia.policy.digest import policy_digest
from microglia.policy.schema import PruningPolicy
from microglia.topology.claims.delivery import delivered_by
from microglia.topology.graph import Topology

WINDOWS = 2
"""How many windows an element that hurt is left alone."""


def regrow(
    verdicts: Sequence[Verdict], history: History, topology: Topology, policy: PruningPolicy, now: datetime
) -> Plan | None:
    """The plan that gives back everything that is to regrow, newest first; None when nothing is, or nothing can be."""
    wanted = {(one.record, one.index): one.why for one in verdicts if one.verdict == "Regrow"}
    return _giving_back(wanted, history, topology, policy, now)


@dataclass(frozen=True, slots=True)
class Owed:
    """What hurt, is still taken, and only Git can give back: whoever delivers the object would undo another's write.

    ``plan`` gives back what of it nobody has proposed yet; it is empty when all of it waits for a merge. ``elements``
    are all of it, sorted.
    """

    plan: Plan
    elements: tuple[str, ...]


def owed(
    verdicts: Sequence[Verdict], history: History, topology: Topology, policy: PruningPolicy, now: datetime
) -> Owed | None:
    """What Git must give back; None when it is nothing.

    A merge takes its time, and harm may pause meanwhile: what was ordered back stays so while its shield in
    ``history.state`` lasts.
    """
    wanted = {(one.record, one.index): one.why for one in verdicts if one.verdict == "Regrow"}
    held = history.state.shields if history.state else ()
    shielded = {one.element: one.reason for one in held if one.until > now}
    for one in standing(history):
        for element in _elements(one.change):
            # What was kept stays kept: the shield is then another step's of the same workload.
            if element in shielded and one.watched:
                wanted.setdefault((one.record.id, one.index), shielded[element])
    plan = _giving_back(wanted, history, topology, policy, now)
    delivered = [index for index, one in enumerate(plan.changes) if _delivered(one, topology)] if plan else []
    if plan is None or not delivered:
        return None
    asked = {
        record.plan.changes[step.index].element
        for record in history.records
        for step in record.steps
        if step.state == "proposed" and record.plan.changes[step.index].widens
    }
    rest = [index for index in delivered if plan.changes[index].element not in asked]
    elements = sorted({plan.changes[index].element for index in delivered})
    return Owed(plan.only(*rest).model_copy(update={"way": "git"}), tuple(elements))


def _elements(change: Change) -> tuple[str, ...]:
    """As shields name them."""
    if isinstance(change, SidecarChange):
        return tuple(str(RouteId(change.id, host)) for host in change.cut)
    return (change.workload,)


def _delivered(change: Change, topology: Topology) -> bool:
    if isinstance(change, SidecarChange):
        ref = ObjectRef("Sidecar", change.namespace, change.name)
        found = (one for one in topology.objects.of("Sidecar") if ref_of("Sidecar", one) == ref)
        return any(delivered_by(ref, one) is not None for one in found)
    workload = topology.workloads.get(change.id)
    if isinstance(change, MinimumChange):
        lever = workload.owner.lever if workload else None
        return lever is not None and lever.owner.declared
    return workload is not None and not workload.owner.act and workload.owner.declared


def _giving_back(
    wanted: Mapping[tuple[str, int], str], history: History, topology: Topology, policy: PruningPolicy, now: datetime
) -> Plan | None:
    taken = [
        (one, wanted[one.record.id, one.index])
        for one in reversed(standing(history))
        if (one.record.id, one.index) in wanted
    ]
    if not taken:
        return None
    undo = [Taken(one.change, why) for one, why in taken]
    plan = giving_back(undo, topology.objects, taken[0][0].record.plan, now, "regrow")
    if not plan.changes:
        return None
    window = topology.snapshot.window
    return plan.model_copy(
        update={
            "window_start": window.start,
            "window_end": window.end,
            "snapshot_digest": topology.snapshot.digest,
            "policy": policy.metadata.name,
            "policy_digest": policy_digest(policy),
        }
    )


def shields(
    state: State | None, verdicts: Sequence[Verdict], policy: PruningPolicy, now: datetime
) -> tuple[Shield, ...]:
    """The shields in force: those remembered, and one for two windows on everything that is to regrow. Sorted."""
    until = now + WINDOWS * policy.spec.observation.window
    fresh = [Shield(element, until, one.why) for one in verdicts if one.verdict == "Regrow" for element in one.protects]
    return merged(state.shields if state else (), fresh, now)
