"""The facts of a run of hours, between the rows of a metrics server and the model's arrays."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64, Bools, Edge

NAN = float("nan")
COLUMNS = (
    "requests", "failures", "unserved", "sent", "peak", "imbalance", "latency", "cpu_peak", "memory", "throttled",
    "ready", "placed", "fullest_zone", "fullest_node", "rolling", "seen",
)  # fmt: skip
"""Hourly facts per workload, as in ``WorkloadActivity``."""
SIGNS = ("requests", "failures", "used", "flowing")
"""Hourly facts per edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """``hours`` buckets from ``start`` (epoch seconds).

    Values are (n, hours) arrays by name: ``workloads[key][column]`` and so on; NaN is unknown. ``zones`` are keyed by
    (workload, zone), ``containers`` by (workload, container). ``known`` and ``away`` are (hours,).
    """

    start: int
    hours: int
    workloads: Mapping[str, Mapping[str, F64]]
    zones: Mapping[tuple[str, str], F64]
    containers: Mapping[tuple[str, str], F64]
    edges: Mapping[Edge, Mapping[str, F64]]
    known: Bools
    away: Bools


def blank(hours: int, value: float = 0.0) -> F64:
    """One row of ``hours`` buckets."""
    return np.full(hours, value, dtype=np.float64) if value else np.zeros(hours)


def unread(start: int, hours: int) -> Block:
    """Hours of which nothing could be read."""
    nothing = np.zeros(hours, dtype=np.bool_)
    return Block(start, hours, {}, {}, {}, {}, known=nothing, away=nothing.copy())


class Sums:
    """Rows added up per key; buckets that no row touched stay NaN."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: dict[str, F64] = {}

    def add(self, key: str, positions: Iterable[int], values: F64) -> None:
        """Add ``values`` at ``positions`` of row ``key``."""
        row, spots = self._row(key), np.asarray(positions)
        before = row[spots]
        row[spots] = np.where(np.isnan(before), 0.0, before) + values

    def highest(self, key: str, positions: Iterable[int], values: F64) -> None:
        """Keep the larger of ``values`` and what is there."""
        row, spots = self._row(key), np.asarray(positions)
        row[spots] = np.fmax(row[spots], values)

    def _row(self, key: str) -> F64:
        if key not in self._rows:
            self._rows[key] = blank(self._width, NAN)
        return self._rows[key]

    def get(self, key: str, otherwise: float = NAN) -> F64:
        """Row ``key``; where it has no value, ``otherwise``."""
        row = self._rows.get(key)
        if row is None:
            return blank(self._width, otherwise)
        return row if np.isnan(otherwise) else np.where(np.isnan(row), otherwise, row)

    def rows(self) -> dict[str, F64]:
        """All of it, NaN where there is no value."""
        return dict(self._rows)
