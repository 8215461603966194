"""Routes before anything competes: which enter, and what is kept of the others."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microglia.compete.fates import Fate, Sorter
from microglia.model.activity import F64
from microglia.model.ids import WorkloadId
from microglia.score.panel import Ints
from microglia.score.scores import Evidence, Routes

Shielded = Mapping[tuple[WorkloadId, str], list[str]]
"""By client and namespace of the host, hosts that are kept by a protection alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """``competing`` routes; what all others cost together by fate, per workload of the scope, shape (w,)."""

    competing: Routes
    costs: Mapping[Fate, F64]
    shielded: Shielded


def sort_routes(routes: Routes, judge: Sorter, places: Mapping[WorkloadId, int]) -> Sorted:
    """Sort the routes of the clients in ``places``, which says where each stands in the scope.

    Most routes are held by no protection: those are sorted all at once, the others one by one.
    """
    routes = routes.within(places)
    place = np.array([places.get(one, -1) for one in routes.clients], dtype=np.int64)[routes.client]
    amounts, unprotected = routes.cost * routes.copies, judge.unprotected(routes)
    costs = {fate: np.where(unprotected[fate], amounts, 0.0) for fate in Fate}
    competes = unprotected[Fate.COMPETES].copy()
    parts: dict[int, tuple[str, ...]] = {}
    shielded: dict[tuple[WorkloadId, str], list[str]] = {}
    rows = np.flatnonzero(judge.touched(routes))
    for row, route in zip(rows.tolist(), routes.take(rows), strict=True):
        for fate in Fate:
            costs[fate][row] = 0.0
        competes[row] = False
        for fate, part in judge.fates(route):
            if fate is Fate.COMPETES:
                competes[row], parts[row] = True, part.hosts
                continue
            costs[fate][row] = part.cost * len(part.hosts)
            if fate is not Fate.BEARING and part.judged.evidence is not Evidence.UNKNOWN:
                shielded.setdefault((route.client, route.namespace), []).extend(part.hosts)
    kept = np.flatnonzero(competes)
    return Sorted(
        routes.take(kept).narrowed({int(np.searchsorted(kept, row)): hosts for row, hosts in parts.items()}),
        {fate: _summed(place, found, len(places)) for fate, found in costs.items()},
        shielded,
    )


def _summed(place: Ints, amounts: F64, count: int) -> F64:
    total: F64 = np.bincount(place, weights=amounts, minlength=count).astype(np.float64)
    return total
