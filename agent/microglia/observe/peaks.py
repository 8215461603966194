"""The busiest 5 minutes of each hour: how much, how evenly, and in which zones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64, UNKNOWN_PEER
from microglia.observe.dialects.expressions import SLOT
from microglia.observe.facts import NAN, blank
from microglia.observe.names import Names
from microglia.observe.pods import PER_HOUR, Lives, marked, pod_of
from microglia.observe.replies import Row
from microglia.observe.spots import Spots


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """Hourly rows: ``peak`` and ``imbalance`` by workload, ``zones`` by (workload, zone)."""

    peak: dict[str, F64]
    imbalance: dict[str, F64]
    zones: dict[tuple[str, str], F64]


@dataclass(frozen=True, slots=True, eq=False)
class _Rates:
    """Slots by pod and by caller-side count: requests per second."""

    pods: dict[str, list[tuple[tuple[str, str], F64]]]
    callers: dict[str, F64]


def read_peaks(rows: Sequence[Row], names: Names, lives: Lives, ready: dict[str, F64], spots: Spots) -> Peaks:
    """Fold 5-minute rates. ``ready`` are replicas per hour, which count as idle where they have no row of their own."""
    rates = _rates(rows, names, spots)
    found = Peaks({}, {}, {})
    hours = spots.count // PER_HOUR
    for workload in rates.pods.keys() | rates.callers.keys():
        mine = rates.pods.get(workload, [])
        own = sum((values for _, values in mine), blank(spots.count))
        total = np.maximum(own, rates.callers.get(workload, 0.0)) * spots.share
        found.peak[workload] = _by_hour(total).max(axis=1)
        busiest = np.arange(hours) * PER_HOUR + _by_hour(own).argmax(axis=1)
        copies = ready.get(workload, blank(hours, NAN))
        found.imbalance[workload] = _imbalance([values[busiest] for _, values in mine], copies)
        for zone, values in _zones(mine, lives, names, spots.count).items():
            found.zones[workload, zone] = _by_hour(values * spots.share).max(axis=1)
    return found


def _rates(rows: Sequence[Row], names: Names, spots: Spots) -> _Rates:
    pods: dict[str, dict[tuple[str, str], F64]] = {}
    for row in marked(rows, "pod"):
        mine = pods.setdefault(_told(row) or names.workload(row.labels), {})
        mine[pod_of(row.labels)] = mine.get(pod_of(row.labels), 0.0) + _slots(row, spots)
    # What a series was born with may be all that it ever counts: no rate shows it.
    for row in marked(rows, "born"):
        mine = pods.setdefault(names.workload(row.labels), {})
        mine[pod_of(row.labels)] = mine.get(pod_of(row.labels), 0.0) + _slots(row, spots) / SLOT
    return _Rates(
        {workload: list(mine.items()) for workload, mine in pods.items()},
        {_told(row): _slots(row, spots) for row in marked(rows, "callers") if _told(row)},
    )


def _slots(row: Row, spots: Spots) -> F64:
    values = blank(spots.count)
    values[spots.of(row.times)] = row.values
    return values


def _told(row: Row) -> str:
    """The workload by the metric's own labels, which outlive its pods; empty when it says none."""
    namespace, name = (row.labels.get(f"destination_workload{suffix}", "") for suffix in ("_namespace", ""))
    return f"{namespace}/{name}" if name and name != UNKNOWN_PEER else ""


def _by_hour(values: F64) -> F64:
    return values.reshape(-1, PER_HOUR)


def _imbalance(busiest: Sequence[F64], ready: F64) -> F64:
    """The busiest pod over the mean of all that could serve, at least 1."""
    if not busiest:
        return blank(ready.size, 1.0)
    rates = np.stack(busiest)
    total = rates.sum(axis=0)
    serving = np.maximum((rates > 0).sum(axis=0), np.nan_to_num(ready))
    even = np.divide(total, serving, out=np.full_like(total, np.inf), where=(total > 0) & (serving > 0))
    uneven: F64 = np.maximum(1.0, rates.max(axis=0) / even)
    return uneven


def _zones(mine: Iterable[tuple[tuple[str, str], F64]], lives: Lives, names: Names, count: int) -> dict[str, F64]:
    """Slots by zone; a pod whose zone is not known counts in none."""
    found: dict[str, F64] = {}
    for pod, values in mine:
        zone = names.zone(lives.nodes.get(pod) or names.places.get(pod, ""))
        if zone:
            found[zone] = found.get(zone, blank(count)) + values
    return found
