"""What lost, laid out for drafting: a large mesh has far more losing routes than one lap takes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from microglia.compete.prices import Losers
from microglia.compete.selection import Selection, Yielded
from microglia.model.ids import WorkloadId
from microglia.plan.candidate import Run
from microglia.score.scores import Routes, RouteScore, columns


@dataclass(frozen=True, slots=True, eq=False)
class LostRoutes:
    """The ``routes`` that lost. Per route, in their order: ``density`` (value over priced cost, 0 where nobody competed
    for it), ``copies`` and ``costs`` of each of its hosts, and its place among ``yielded`` (-1: not there). ``rows`` of
    each client: least density first, ties by host."""

    routes: Routes
    yielded: Sequence[Yielded]
    places: Sequence[int]
    density: Sequence[float]
    copies: Sequence[int]
    costs: Sequence[float]
    rows: Mapping[WorkloadId, Sequence[int]]

    def of(self, client: WorkloadId) -> tuple[tuple[int, RouteScore], ...]:
        """The routes of ``client`` that lost and their rows, in that order."""
        rows = self.rows[client]
        return tuple(zip(rows, self.routes.take(np.array(rows, dtype=np.int64)), strict=True))

    def runs(self, losers: Iterable[tuple[int, int]]) -> tuple[Run, ...]:
        """``losers``, which are rows with how many hosts of each, as runs of equal cost in the same order."""
        alike = groupby(losers, key=lambda one: self.costs[one[0]])
        return tuple(Run(sum(count for _, count in some), {"proxyConfig": cost}) for cost, some in alike)

    def winner(self, row: int) -> str | None:
        """Who the route in ``row`` lost to; None when nobody needed the room."""
        place = self.places[row]
        return self.yielded[place].lost_to if place >= 0 else None


def lost_routes(chosen: Selection) -> LostRoutes:
    """Lay out ``chosen.cut``."""
    routes, yielded = columns(chosen.cut), chosen.yielded
    if isinstance(yielded, Losers):
        # The routes among them are those that were cut, in the same order.
        places = list(range(yielded.replicas, len(yielded)))
        density = yielded.density[yielded.replicas :].tolist()
    else:
        known = {(one.element.workload, *one.element.hosts[:1]): place for place, one in enumerate(yielded)}
        places = [known.get((route.client, route.hosts[0]), -1) for route in routes]
        density = [yielded[place].density if place >= 0 else 0.0 for place in places]
    found: dict[int, list[int]] = {}
    for row, client in enumerate(routes.client.tolist()):
        found.setdefault(client, []).append(row)
    first = routes.first
    for mine in found.values():
        mine.sort(key=lambda row: (density[row], first[row]))
    rows = {routes.clients[client]: mine for client, mine in found.items()}
    return LostRoutes(routes, yielded, places, density, routes.copies.tolist(), routes.cost.tolist(), rows)


def lost_steps(chosen: Selection) -> dict[WorkloadId, tuple[Yielded, ...]]:
    """The replica steps of each workload that lost, topmost first."""
    yielded = chosen.yielded
    some: Iterable[Yielded] = yielded[: yielded.replicas] if isinstance(yielded, Losers) else yielded
    found: dict[WorkloadId, list[Yielded]] = {}
    for one in some:
        if one.element.kind == "replica":
            found.setdefault(one.element.workload, []).append(one)
    return {workload: tuple(sorted(steps, key=lambda one: -one.element.high)) for workload, steps in found.items()}
