"""A change that might be drafted, in pieces, so that a round can take part of it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from microglia.plan.document import Note


@dataclass(frozen=True, slots=True)
class Run:
    """``count`` pieces (replicas or hosts) that each cost the same per resource."""

    count: int
    cost: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A loser that nothing holds now.

    ``subject`` is the workload written, as text, ``namespace`` its namespace; ``density`` the value over priced cost of
    what goes first; ``runs`` its pieces in the order in which they go.
    """

    element: str
    subject: str
    namespace: str
    density: float
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """Candidates in the order in which they yield, and notes about what is held."""

    candidates: tuple[Candidate, ...]
    held: tuple[Note, ...]


def found(candidates: Iterable[Candidate], held: Iterable[Note]) -> Found:
    """Least density first, ties by element."""
    return Found(
        tuple(sorted(candidates, key=lambda one: (one.density, one.element))),
        tuple(sorted(held, key=lambda note: (note.subject, note.what, note.why))),
    )


def pieces(candidate: Candidate, left: Mapping[str, float]) -> int:
    """How many pieces fit into what is ``left`` per resource; resources that are not named are not scarce."""
    rest, taken = dict(left), 0
    for run in candidate.runs:
        count = min(run.count, _room(run.cost, rest))
        taken += count
        rest = spend(rest, run.cost, count)
        if count < run.count:
            break
    return taken


def cost(candidate: Candidate, count: int) -> dict[str, float]:
    """What the first ``count`` pieces cost per resource."""
    total: dict[str, float] = {}
    for run in candidate.runs:
        some = min(count, run.count)
        for resource, amount in run.cost.items():
            total[resource] = total.get(resource, 0.0) + some * amount
        count -= some
    return total


def spend(left: Mapping[str, float], amounts: Mapping[str, float], times: int = 1) -> dict[str, float]:
    """What is left of each named resource after ``times`` the ``amounts``; never below 0."""
    return {name: max(0.0, amount - times * amounts.get(name, 0.0)) for name, amount in left.items()}


def _room(price: Mapping[str, float], left: Mapping[str, float]) -> int:
    # The relative slack keeps a share such as 0.6 x 5 from losing its last piece to rounding.
    fits = [left[name] * (1 + 1e-9) / amount for name, amount in price.items() if amount > 0 and name in left]
    least = min(fits, default=math.inf)
    return 2**31 if math.isinf(least) else math.floor(least + 1e-9)
