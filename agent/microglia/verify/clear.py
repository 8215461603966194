"""Plan + fresh facts -> Cleared, Proposable or Refused. The only place where a ``Cleared`` is made."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from microglia.plan.change import Change, CountChange, RemoveChange
from microglia.plan.document import Note, Plan
from microglia.plan.history import History
from microglia.policy.schema import PruningPolicy
from microglia.topology.graph import Topology
from microglia.verify.facts import Facts, Judged, gather
from microglia.verify.gates import refusals
from microglia.verify.verdicts import Proof, Refusal, Refused

__all__ = ["Checked", "Cleared", "Proof", "Proposable", "Refusal", "Refused", "remainder", "verify", "winnow"]

_KEY: Final = object()


@dataclass(frozen=True, slots=True)
class Cleared:
    """A plan that passed every gate on fresh facts, ``at`` that moment. Only this module can make one."""

    plan: Plan
    proof: Proof
    at: datetime
    _key: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._key is not _KEY:
            raise TypeError("only verify.clear makes a Cleared")


@dataclass(frozen=True, slots=True)
class Proposable:
    """A plan for Git that passed every gate on fresh facts. Files may be written from it; nothing carries it out in a
    cluster, because that takes a ``Cleared``."""

    plan: Plan
    proof: Proof


Checked: TypeAlias = Cleared | Proposable | Refused
"""What verification makes of a plan."""


def verify(
    plan: Plan,
    topology: Topology,
    history: History,
    policy: PruningPolicy,
    now: datetime,
    judged: Judged | None = None,
) -> Checked:
    """Check ``plan`` against a ``topology`` that was observed just now. Every gate is asked, whatever another said.

    Its scores and protections are computed anew; ``judged`` are those of a topology with the same digest, if there is
    one. A plan without changes takes nothing and is cleared. One for Git is never cleared, it is proposable. A plan
    that gives back is only asked whether it does, and whether the objects are still the same and nobody else's; it
    needs no metrics.
    """
    return _answer(gather(plan, topology, history, policy, now, judged))


def winnow(
    plan: Plan,
    topology: Topology,
    history: History,
    policy: PruningPolicy,
    now: datetime,
    judged: Judged | None = None,
) -> Checked:
    """Verify a plan that nobody has consented to yet: a change that was refused for itself is left out and told in
    ``held``, and the rest is verified anew. Refused as a whole when a gate refuses the plan as such, or nothing is
    left."""
    facts = gather(plan, topology, history, policy, now, judged)
    first = answer = _answer(facts)
    while isinstance(answer, Refused):
        rest = remainder(answer)
        if rest is None:
            return first
        answer = _answer(gather(rest, topology, history, policy, now, (facts.scores, facts.protections)))
    return answer


def remainder(refused: Refused) -> Plan | None:
    """The same plan without the changes that were refused, which ``held`` tells of; to be verified anew. None when the
    plan was refused as a whole, or nothing is left."""
    reasons: dict[int, str] = {}
    for refusal in refused.refusals:
        reasons.setdefault(refusal.raised_by, f"gate {refusal.gate}: {refusal.message}")
    kept = [index for index in range(len(refused.plan.changes)) if index not in reasons]
    if not kept or -1 in reasons:
        return None
    held = [_held(refused.plan.changes[index], reasons[index]) for index in sorted(reasons)]
    return refused.plan.only(*kept).model_copy(update={"held": (*refused.plan.held, *held)})


def _answer(facts: Facts) -> Checked:
    found = refusals(facts) if facts.plan.changes else ()
    if found:
        return Refused(facts.plan, found, facts.proof)
    if facts.plan.way == "git":
        return Proposable(facts.plan, facts.proof)
    return Cleared(facts.plan, facts.proof, facts.now, _KEY)


def _held(change: Change, why: str) -> Note:
    if isinstance(change, CountChange):
        return Note(subject=change.workload, what=f"{change.before} -> {change.after}", why=why)
    if isinstance(change, RemoveChange):
        return Note(subject=change.workload, what=f"{change.what} removed", why=why)
    hosts = len(change.cut) or len(change.shown)
    return Note(subject=f"{change.workload} -> {hosts} hosts", what="hidden" if change.cut else "shown again", why=why)
