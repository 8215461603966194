"""Is the minimum of an autoscaler still ours to lower, and does the autoscaler still work?"""

from collections.abc import Iterator

from microglia.plan.change import MinimumChange, minimum_digest
from microglia.topology.nodes import Lever, Workload
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection


def scaler_works(facts: Facts) -> Iterator[Objection]:
    """An autoscaler whose minimum is lowered scales (its conditions, not paused), and rests at that minimum."""
    for index, change, workload in facts.shrinking:
        if not isinstance(change, MinimumChange):
            continue
        lever = lever_for(change, workload)
        if lever is None:
            yield Objection(
                index,
                change.workload,
                f"{change.ref} does not own its count any more ({workload.owner.evidence}); make a new plan: microglia"
                " plan",
            )
        elif lever.stuck:
            yield Objection(index, change.workload, f"its minimum may not be lowered now: {lever.stuck}")
        elif (score := facts.scores.replicas.get(workload.id)) and change.after < (score.need or change.before):
            yield Objection(
                index,
                change.workload,
                f"{change.after} at least, {score.need or change.before} are needed: no minimum goes below that; make a"
                " new plan: microglia plan",
            )
        elif workload.replicas != change.before:
            yield Objection(
                index,
                change.workload,
                f"{change.ref} holds {workload.replicas} replicas now, not its minimum of {change.before}: wait"
                " until it rests there",
            )


def lever_for(change: MinimumChange, workload: Workload) -> Lever | None:
    """The minimum that ``change`` writes, where it still is that of the workload's owner."""
    lever = workload.owner.lever
    return lever if lever is not None and lever.ref == change.ref else None


def least_now(change: MinimumChange, workload: Workload) -> int:
    """The minimum as it is now; as planned where that is not to be seen, which another gate says."""
    lever = lever_for(change, workload)
    return lever.least if lever else change.before


def theirs(change: MinimumChange, workload: Workload, *, git: bool) -> str:
    """Who else decides the minimum, empty when nobody does; what is proposed in Git may be anybody's who reads it from
    files."""
    lever = lever_for(change, workload)
    if lever is None:
        return (
            f"{workload.owner.name} owns its replica count ({workload.owner.evidence}), and {change.ref} is not asked"
        )
    owner = lever.owner
    if owner.act or (git and owner.declared):
        return ""
    return f"{owner.name} owns {lever.field} of {change.ref} ({owner.evidence}); {owner.remedy}"


def changed(change: MinimumChange, workload: Workload) -> str:
    """What is not as the plan saw it, empty when all is."""
    lever = lever_for(change, workload)
    if lever is None:
        return ""
    if lever.least != change.before:
        return f"{lever.field} of {change.ref} is {lever.least}, the plan saw {change.before}"
    if minimum_digest(workload.raw, lever.raw) != change.digest:
        return f"{change.ref}, or the selector, template, marks, labels or owner of its target changed"
    return ""
