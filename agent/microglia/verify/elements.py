"""Each element that goes: at rest, not under watch, proven, above every floor, and gone in the planned way."""

from collections.abc import Iterator

from microglia.lifecycle.states import Shield
from microglia.model.ids import RouteId
from microglia.model.units import show_duration, some
from microglia.plan.change import CountChange, ScaleChange, SidecarChange
from microglia.plan.standing import standing
from microglia.policy.schema import WeakRoutes
from microglia.score.scores import Evidence, ReplicaScore, RouteScore
from microglia.score.weak import FIELD, load_bearing
from microglia.verify.because import because, told
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection
from microglia.verify.whatif import by_zone

_ANEW = "make a new plan: microglia plan"


def in_flight(facts: Facts) -> Iterator[Objection]:
    """Each workload is at rest."""
    for index, change, workload in facts.taking:
        if workload.in_flight:
            yield Objection(
                index,
                change.workload,
                f"it is in the middle of a change: {workload.in_flight}; wait until it is done",
            )


def under_watch(facts: Facts) -> Iterator[Objection]:
    """No earlier step on the same element waits for its verdict."""
    watched = {one.change.element: one for one in standing(facts.history) if one.watched}
    for index, change, _ in facts.taking:
        earlier = watched.get(change.element)
        if earlier:
            since = show_duration(facts.now - earlier.at)
            why = earlier.judgement.why if earlier.judgement else "it was not judged yet"
            yield Objection(
                index,
                change.workload,
                f"its last step ({earlier.record.id}, {since} ago) is still under watch: {why}; wait, microglia status"
                " shows what for",
            )


def unsettled(facts: Facts) -> Iterator[Objection]:
    """No earlier write is left of which nobody knows whether it happened."""
    for record in facts.history.records:
        for step in record.steps:
            if step.state == "writing":
                yield Objection(
                    -1,
                    record.plan.changes[step.index].workload,
                    f"{record.id} was interrupted while writing it, and what became of that is not known; look with"
                    " microglia status",
                )


def evidence(facts: Facts) -> Iterator[Objection]:
    """The demand of what shrinks is known; every host that is hidden is proven idle, or weak where that competes."""
    for index, change, workload in facts.shrinking:
        score = facts.scores.replicas.get(workload.id)
        if score is None or score.judged.evidence is Evidence.UNKNOWN:
            why = score.judged.why if score else "it was not scored"
            yield Objection(index, change.workload, f"its demand is not known: {why}")
    routes = facts.cut_routes()
    for index, hide, _ in facts.hiding:
        for host in hide.cut:
            why = _needed(routes.get((hide.id, host)), facts.spec.retention.weak.routes)
            if why:
                yield Objection(index, str(RouteId(hide.id, host)), f"{why}; {_ANEW}")


def _needed(route: RouteScore | None, weak: WeakRoutes | None) -> str:
    if route is None:
        return "the client does not see this host any more, or it does not exist"
    if route.judged.evidence is Evidence.IDLE:
        return ""
    if route.judged.evidence is Evidence.UNKNOWN:
        return f"whether it is idle is not known: {route.judged.why}"
    if weak and route.value < weak.below:
        return ""
    return f"it is used, {route.requests:,.0f} requests in {route.hours:.0f} h"


def floors(facts: Facts) -> Iterator[Objection]:
    """No protection, no need, no hold and no absolute floor of the policy is undercut."""
    for index, change, workload in facts.shrinking:
        for protection in told(facts.protections.of(workload.id)):
            floor = workload.replicas if protection.level == "pin" else protection.floor
            if change.after < min(floor, workload.replicas):
                yield Objection(
                    index,
                    change.workload,
                    f"{some(change.after, 'replica')}, {protection.rule} keeps {min(floor, workload.replicas)}:"
                    f" {because(protection)}",
                )
        least = max(1, min(workload.replicas, facts.spec.protect.min_replicas))
        if change.after < least:
            yield Objection(
                index,
                change.workload,
                f"{some(change.after, 'replica')}, spec.protect.minReplicas keeps {least}; {_ANEW}",
            )
        score = facts.scores.replicas.get(workload.id)
        for limit, why in _scored(score, change, facts) if score else ():
            yield Objection(
                index, change.workload, f"{some(change.after, 'replica')}, {limit} are needed: {why}; {_ANEW}"
            )
    for index, hide, _ in facts.hiding:
        for host in hide.cut:
            for protection in told(facts.protections.of_route(hide.id, host)):
                why = f"{protection.rule} keeps it: {because(protection)}"
                yield Objection(index, str(RouteId(hide.id, host)), why)
    yield from _shielded(facts)


def _scored(score: ReplicaScore, change: CountChange, facts: Facts) -> Iterator[tuple[int, str]]:
    if score.judged.evidence is Evidence.UNKNOWN:
        return  # another gate says so
    bearing = load_bearing(score, facts.spec.retention)
    if score.need is None and not score.holds:
        yield score.current, "no count is known to be enough"
    elif bearing is not None and change.after < bearing:
        weak = f"{FIELD} allows no fewer, for " if bearing != score.need else ""
        yield bearing, f"{weak}its peak of {score.peak:.4g} rps, {score.arithmetic or 'with headroom and a failure'}"
    if change.after < score.reach:
        yield score.reach, "more load per replica at once than was seen healthy (spec.retention.stretch)"
    for hold in score.holds:
        if change.after < hold.floor:
            yield hold.floor, f"held by {hold.code}, {hold.why}"


def _shielded(facts: Facts) -> Iterator[Objection]:
    shields: dict[str, Shield] = (
        {one.element: one for one in facts.history.state.shields} if facts.history.state else {}
    )
    for index, change, _ in facts.taking:
        elements = [change.workload]
        if isinstance(change, SidecarChange):
            elements += [str(RouteId(change.id, host)) for host in change.cut]
        for element in elements:
            shield = shields.get(element)
            if shield and shield.until > facts.now:
                yield Objection(
                    index, element, f"it hurt when it was cut ({shield.reason}); kept until {shield.until:%d %b %Y}"
                )


def victims(facts: Facts) -> Iterator[Objection]:
    """The pods named to go are there, as many as the step is large, and leave the placement that was planned."""
    for index, change, workload in facts.shrinking:
        if not isinstance(change, ScaleChange):
            continue  # an autoscaler takes pods when it likes, and nobody names which
        present = {pod.name for pod in workload.pods}
        gone = sorted(set(change.victims) - present)
        step = workload.replicas - change.after
        if gone:
            yield Objection(index, change.workload, f"{_listed(gone)} should go and is gone already; {_ANEW}")
        elif len(set(change.victims)) != step:
            yield Objection(
                index, change.workload, f"{some(len(set(change.victims)), 'pod')} named for a step of {step}; {_ANEW}"
            )
        elif dict(by_zone(facts.after.pods[workload.id])) != {zone: n for zone, n in change.expected.items() if n}:
            yield Objection(
                index, change.workload, f"its pods would not lie as planned ({_spread(change.expected)}); {_ANEW}"
            )


def _listed(pods: list[str]) -> str:
    return f"{pods[0]} with {len(pods) - 1} more" if len(pods) > 1 else pods[0]


def _spread(placement: dict[str, int]) -> str:
    return ", ".join(f"{count} in {zone or 'an unknown zone'}" for zone, count in sorted(placement.items())) or "none"
