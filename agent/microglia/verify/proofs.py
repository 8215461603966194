"""What replaying the window and losing one thing at a time brought to light, as refusals."""

from collections.abc import Iterator
from itertools import groupby

from microglia.model.ids import RouteId, WorkloadId
from microglia.model.units import some
from microglia.verify.facts import Facts
from microglia.verify.failures import Worse
from microglia.verify.gate import Objection

_ANEW = "make a new plan: microglia plan"


def replayed(facts: Facts) -> Iterator[Objection]:
    """No recorded request loses its route, none is left unanswered that was answered before."""
    shrinking, hiding = _indices(facts)
    for lost in facts.replay.unrouted:
        route = str(RouteId(lost.client, lost.host))
        yield Objection(
            hiding[lost.client], route, f"{lost.requests:,.0f} recorded requests would find no route; {_ANEW}"
        )
    for one in facts.replay.overloaded:
        yield Objection(
            shrinking[one.workload],
            str(one.workload),
            f"{one.lost - one.before:,.0f} recorded requests would be above what {some(one.count, 'replica')} can"
            f" serve in its peaks; {_ANEW}",
        )


def failures(facts: Facts) -> Iterator[Objection]:
    """No failure of one node, zone, service or primary loses more than allowed; the worst one per workload is told."""
    shrinking, hiding = _indices(facts)
    for target, group in groupby(facts.worse, key=lambda one: one.workload):
        found = list(group)
        hidden = [one for one in found if one.hidden]
        short = [one for one in found if not one.hidden]
        if hidden:
            yield Objection(hiding[target], str(target), f"{_hidden(hidden[0])}{_more(hidden)}; {_ANEW}")
        if short:
            worst = max(short, key=lambda one: (one.lost - one.before, one.kind != "service", one.kind, one.name))
            yield Objection(shrinking[target], str(target), f"{_short(worst, facts)}{_more(short)}; {_ANEW}")


def _indices(facts: Facts) -> tuple[dict[WorkloadId, int], dict[WorkloadId, int]]:
    shrinking = {change.id: index for index, change, _ in facts.shrinking}
    return shrinking, {change.id: index for index, change, _ in facts.hiding}


def _hidden(one: Worse) -> str:
    return f"losing the {one.kind} {one.name} would need {one.hidden}, which the plan hides from it"


def _short(one: Worse, facts: Facts) -> str:
    peak = facts.scores.replicas[one.workload].peak if one.workload in facts.scores.replicas else 0.0
    return (
        f"losing the {one.kind} {one.name} would leave {some(one.left, 'replica')} instead of {one.left_before} and"
        f" {one.lost:,.0f} recorded requests unanswered instead of {one.before:,.0f} (peak {peak:.4g} rps)"
    )


def _more(found: list[Worse]) -> str:
    return f", and {some(len(found) - 1, 'more failure')} likewise" if len(found) > 1 else ""
