"""Who goes in this lap: least density first, within the round's allowance and the caps."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from microglia.lifecycle.pace import limit
from microglia.plan.candidate import Candidate, cost, pieces, spend
from microglia.plan.history import History
from microglia.policy.schema import Pace


@dataclass(frozen=True, slots=True)
class Caps:
    """How many objects this lap may still write: in all, and per namespace. ``why`` names the tightest one."""

    lap: int
    namespaces: Mapping[str, int]
    why: str


@dataclass(frozen=True, slots=True)
class Picks:
    """What goes: candidates with how many of their pieces. ``capped`` counts those that only a cap kept back."""

    taken: tuple[tuple[Candidate, int], ...]
    capped: int


def caps(pace: Pace, populations: Mapping[str, int], history: History, now: datetime) -> Caps:
    """The caps in force.

    ``populations`` are the objects in scope by namespace; what pruning plans wrote in the last hour counts against
    ``perHour``.
    """
    lap = limit(pace.per_lap, sum(populations.values()))
    hour = max(0, pace.per_hour - written(history, now - timedelta(hours=1)))
    namespaces = {name: limit(pace.per_namespace, count) for name, count in sorted(populations.items())}
    why = f"spec.pace.perLap allows {lap} for {sum(populations.values())} objects in scope"
    if hour < lap:
        why = f"spec.pace.perHour allows {pace.per_hour}, and the last hour had {pace.per_hour - hour}"
    return Caps(min(lap, hour), namespaces, why)


def written(history: History, since: datetime) -> int:
    """How many changes of pruning plans were written after ``since``."""
    return sum(
        (step.at or record.started) > since
        for record in history.records
        if record.plan.purpose == "prune"
        for step in record.steps
        if step.state in ("done", "undone", "writing")
    )


def pick(candidates: Sequence[Candidate], left: Mapping[str, float], allowed: Caps, *, first: bool) -> Picks:
    """Take ``candidates`` in their order as far as ``left`` (per resource) and the caps go.

    ``first`` says that the round has taken nothing yet: then the first candidate gives one piece even if that is more
    than the round's share, so that every round moves.
    """
    taken: list[tuple[Candidate, int]] = []
    used: Counter[str] = Counter()
    capped = 0
    for candidate in candidates:
        full = len(taken) >= allowed.lap or used[candidate.namespace] >= allowed.namespaces.get(candidate.namespace, 0)
        count = pieces(candidate, left) or int(first and not taken)
        if full:
            capped += count > 0
        elif count:
            taken.append((candidate, count))
            used[candidate.namespace] += 1
            left = spend(left, cost(candidate, count))
    return Picks(tuple(taken), capped)


def movable(candidates: Sequence[Candidate], left: Mapping[str, float], *, first: bool) -> bool:
    """Whether the round may still take anything, caps aside."""
    return bool(candidates) and (first or any(pieces(candidate, left) for candidate in candidates))
