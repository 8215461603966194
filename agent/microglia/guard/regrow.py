"""Verdicts -> the plan that gives back, and the shields that keep it from being taken again."""

from collections.abc import Sequence
from datetime import datetime

from microglia.guard.verdict import Verdict
from microglia.lifecycle.states import Shield, State
from microglia.lifecycle.step import merged
from microglia.plan.document import Plan
from microglia.plan.history import History
from microglia.plan.inverse import Taken, giving_back
from microglia.plan.standing import standing
from microglia.policy.digest import policy_digest
from microglia.policy.schema import PruningPolicy
from microglia.topology.graph import Topology

WINDOWS = 2
"""How many windows an element that hurt is left alone."""


def regrow(
    verdicts: Sequence[Verdict], history: History, topology: Topology, policy: PruningPolicy, now: datetime
) -> Plan | None:
    """The plan that gives back everything that is to regrow, newest first; None when nothing is, or nothing can be."""
    wanted = {(one.record, one.index): one for one in verdicts if one.verdict == "Regrow"}
    taken = [
        (one, wanted[one.record.id, one.index].why)
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
