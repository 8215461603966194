"""Pages of hours to the model's arrays. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F32, F64, Activity, Bools, ContainerActivity, Edge, EdgeActivity, WorkloadActivity
from microglia.model.window import Window
from microglia.observe.buckets import HOUR, HourBook
from microglia.observe.facts import COLUMNS, SIGNS
from microglia.observe.memory import Memory
from microglia.observe.names import Names
from microglia.observe.pages import SECTIONS, Ids, Page, ids_of, parted


@dataclass(frozen=True, slots=True, eq=False)
class Origins:
    """Since when things exist, as metrics say: workload key or FQDN -> epoch seconds."""

    workloads: Mapping[str, float]
    hosts: Mapping[str, float]


class Table:
    """Names and their rows, found by digest."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        digests = ids_of(self.names)
        self._order = np.argsort(digests)
        self._sorted = digests[self._order]

    def rows(self, ids: Ids) -> tuple[Bools, NDArray[np.int64]]:
        """Which of ``ids`` are in the table, and the rows of those."""
        if not self._sorted.size:
            return np.zeros(ids.size, dtype=np.bool_), np.zeros(0, dtype=np.int64)
        spots = np.searchsorted(self._sorted, ids).clip(max=self._sorted.size - 1)
        found = self._sorted[spots] == ids
        return found, self._order[spots[found]]


def assemble(window: Window, book: HourBook, names: Names, origins: Origins, memory: Memory) -> Activity:
    """The activity of ``window``: of what exists now, by ``names``, and of what was seen. ``memory`` is brought up to
    date with the window and then tells what is still in force from before it."""
    pages = [book.pages.get(int(start)) for start in window.starts]
    workloads = _workloads(book, pages, names)
    edges = _edges(window, book, pages)
    memory.learn(window, workloads, edges)
    born = _born(workloads, origins.workloads, window)
    peaks, loads = memory.in_force(workloads.keys, window)
    return Activity(
        window=window,
        workloads=replace(workloads, born=born, old_peak=peaks, old_load=loads),
        containers=_containers(book, pages),
        edges=memory.widened(edges),
        known=np.array([page is not None and page.known for page in pages], dtype=np.bool_),
        away=np.array([page is not None and page.away for page in pages], dtype=np.bool_),
        hosts={host: origins.hosts[host] for host in sorted(origins.hosts)},
    )


def _fill(pages: Sequence[Page | None], section: str, names: Sequence[str]) -> F32:
    """(columns, names, hours), NaN where no page tells."""
    table = Table(names)
    values = np.full((len(SECTIONS[section]), len(names), len(pages)), np.nan, dtype=np.float32)
    for hour, page in enumerate(pages):
        if page is not None:
            part = page.sections[section]
            found, rows = table.rows(part.ids)
            values[:, rows, hour] = part.values[:, found]
    return values


def _workloads(book: HourBook, pages: Sequence[Page | None], present: Names) -> WorkloadActivity:
    keys = sorted({*present.workloads, *book.names("workloads")})
    columns = dict(zip(COLUMNS, _fill(pages, "workloads", keys), strict=True))
    names = book.names("zones")
    by_zone = _fill(pages, "zones", names)[0]
    zones = tuple(sorted({parted(name)[1] for name in names}))
    rows = {key: row for row, key in enumerate(keys)}
    # Zones are told of only where a pod of theirs served: in a known hour the others served nothing.
    zone_peak = np.where(np.isnan(columns["peak"])[:, None, :], np.nan, np.zeros((1, len(zones), 1), dtype=np.float32))
    for name, values in zip(names, by_zone, strict=True):
        workload, zone = parted(name)
        if workload in rows:
            target = zone_peak[rows[workload], zones.index(zone)]
            target[:] = np.where(np.isnan(values), target, values)
    none = np.zeros(len(keys))
    return WorkloadActivity(
        keys=tuple(keys),
        zones=zones,
        rolling=np.nan_to_num(columns.pop("rolling")) > 0,
        seen=np.nan_to_num(columns.pop("seen")),
        zone_peak=zone_peak.astype(np.float32),
        born=none,
        old_peak=none,
        old_load=none,
        **columns,
    )


def _born(workloads: WorkloadActivity, told: Mapping[str, float], window: Window) -> F64:
    """When kube-state-metrics says that it was created, else the first hour in which its reporters were heard."""
    heard = workloads.seen > 0
    first = np.where(heard.any(axis=1), window.starts[heard.argmax(axis=1)].astype(np.float64), np.nan)
    return np.array([told.get(key, first[row]) for row, key in enumerate(workloads.keys)], dtype=np.float64)


def _containers(book: HourBook, pages: Sequence[Page | None]) -> ContainerActivity:
    names = book.names("containers")
    cpu = _fill(pages, "containers", names)[0]
    told = np.flatnonzero(~np.isnan(cpu).all(axis=1))
    keys = {(parted(names[row])[0], parted(names[row])[1]): row for row in told}
    order = sorted(keys)
    return ContainerActivity(tuple(order), cpu[[keys[key] for key in order]].reshape(len(order), len(pages)))


def _edges(window: Window, book: HourBook, pages: Sequence[Page | None]) -> EdgeActivity:
    table = Table(book.names("edges"))
    sums = np.zeros((len(SIGNS), len(table.names)))
    last = np.full(len(table.names), np.nan)
    for start, page in zip(window.starts, pages, strict=True):
        if page is not None:
            part = page.sections["edges"]
            found, rows = table.rows(part.ids)
            sums[:, rows] += part.values[:, found]
            last[rows] = float(start) + HOUR
    told = np.flatnonzero((sums > 0).any(axis=0))
    keys = {Edge(*parted(table.names[row])): row for row in told}
    order = np.array([keys[key] for key in sorted(keys)], dtype=np.int64)
    requests, failures, used, flowing = sums[:, order]
    return EdgeActivity(
        keys=tuple(sorted(keys)),
        used=(used > 0) | (flowing > 0) | (requests > 0),
        requests=requests,
        failures=failures,
        last=last[order],
        # Bytes and messages that belong to finished calls say nothing new.
        flowing=(flowing > 0) & (requests == 0),
    )
