"""Activity lined up with workloads: row i of every array belongs to workload i."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F32, F64, Bools
from microglia.model.ids import WorkloadId
from microglia.model.window import HOURS_OF_WEEK
from microglia.policy.schema import PolicySpec
from microglia.topology.graph import Topology
from microglia.topology.nodes import Workload

Ints: TypeAlias = NDArray[np.int64]

AT_ONCE = 512
"""Rows of hourly values that fit into a processor's cache together: arithmetic on them is several times faster."""
WHOLE = 0.9
"""A bucket in which less than this share of heartbeats arrived may have hidden a peak: it counts as missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Every workload of a topology, sorted by id; ``rows`` (n,) is its row in the activity, -1 where there is none."""

    topology: Topology
    policy: PolicySpec
    ids: tuple[WorkloadId, ...]
    workloads: tuple[Workload, ...]
    rows: Ints

    @property
    def current(self) -> Ints:
        """Replicas that each workload asks for now, shape (n,)."""
        return np.array([workload.replicas for workload in self.workloads], dtype=np.int64)

    def series(self, name: str) -> F32:
        """The hourly facts ``name`` of ``WorkloadActivity``, shape (n, H, ...); NaN where metrics never named it."""
        return gather(getattr(self.topology.activity.workloads, name), self.rows)

    def flags(self, name: str) -> Bools:
        """The hourly yes or no ``name``, shape (n, H); False where metrics never named it."""
        return gather(getattr(self.topology.activity.workloads, name), self.rows)

    def per_workload(self, name: str) -> F64:
        """The fact ``name`` of the workload as a whole, shape (n,); NaN where metrics never named it."""
        return gather(getattr(self.topology.activity.workloads, name), self.rows)

    def parts(self) -> Iterator[tuple[slice, "Panel"]]:
        """The panel in pieces of ``AT_ONCE`` rows, each with where it lies."""
        for start in range(0, len(self.ids), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            yield rows, Panel(self.topology, self.policy, self.ids[rows], self.workloads[rows], self.rows[rows])

    def heard(self) -> Bools:
        """Buckets in which each workload's own reporters were heard: the reply whole, at least ``WHOLE`` of the
        heartbeats; shape (n, H)."""
        return np.asarray((self.series("seen") >= WHOLE) & self.topology.activity.known, dtype=np.bool_)

    def whole(self) -> Bools:
        """Buckets whose demand was really seen: the reply whole, at least ``WHOLE`` of the heartbeats; shape (n, H)."""
        return self.heard() & np.isfinite(self.series("peak"))


def panel(topology: Topology, policy: PolicySpec) -> Panel:
    """Line up ``topology``."""
    ids = tuple(sorted(topology.workloads))
    rows = np.array([topology.rows.get(one, -1) for one in ids], dtype=np.int64)
    return Panel(topology, policy, ids, tuple(topology.workloads[one] for one in ids), rows)


def gather(values: NDArray[Any], rows: Ints) -> NDArray[Any]:
    """``values[rows]``, with NaN (False for booleans) where ``rows`` is negative; a view where nothing moves."""
    if rows.size and rows[0] >= 0 and (np.diff(rows) == 1).all():
        return values if rows.size == len(values) else values[rows[0] : rows[0] + rows.size]
    empty = False if values.dtype == np.bool_ else np.nan
    found = rows >= 0
    out = np.full((rows.size, *values.shape[1:]), empty, dtype=values.dtype)
    out[found] = values[rows[found]]
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """``values`` (n, H) without holes, ``never`` (n, 168) the hours of the week that were required and never seen."""

    values: F64
    never: Bools

    @property
    def known(self) -> Bools:
        """Workloads whose every required hour of the week was seen, shape (n,)."""
        return np.asarray(~self.never.any(axis=1), dtype=np.bool_)


def fill(values: F32, whole: Bools, hour_of_week: Ints, *, whole_week: bool) -> Demand:
    """A missing bucket counts as the highest demand seen at that hour of the week or at its neighbours.

    ``values`` and ``whole`` are (n, H), ``hour_of_week`` (H,). ``whole_week`` requires all 168 hours, otherwise only
    those that the window holds. Where nothing at all was seen, 0 stands in, and ``never`` says so.
    """
    required = np.ones(HOURS_OF_WEEK, dtype=np.bool_) if whole_week else np.isin(np.arange(HOURS_OF_WEEK), hour_of_week)
    filled = np.empty(values.shape)
    never = np.empty((len(values), HOURS_OF_WEEK), dtype=np.bool_)
    for start in range(0, len(values), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        filled[rows], week = _filled(values[rows], whole[rows], hour_of_week)
        never[rows] = ~np.isfinite(week) & required
    return Demand(filled, never)


def _filled(values: F32, whole: Bools, hour_of_week: Ints) -> tuple[F64, F64]:
    """The values without holes, and the highest one at each hour of the week, (n, 168)."""
    count, hours = values.shape
    first = int(hour_of_week[0])
    weeks = -(-(first + hours) // HOURS_OF_WEEK)
    calendar = np.full((count, weeks * HOURS_OF_WEEK), -np.inf)
    calendar[:, first : first + hours] = np.where(whole, values, -np.inf)
    week = calendar.reshape(count, weeks, HOURS_OF_WEEK).max(axis=1)
    around = np.maximum(week, np.maximum(np.roll(week, 1, axis=1), np.roll(week, -1, axis=1)))
    guess = np.maximum(np.where(np.isfinite(values), values, -np.inf), around[:, hour_of_week])
    filled = np.where(whole, values, guess)
    return np.where(np.isfinite(filled), filled, 0.0), week


def whole_week(policy: PolicySpec) -> bool:
    """Whether every hour of the week must have been seen: yes, unless the policy asks for less than one whole week."""
    cycles = policy.observation.cycles
    return cycles.at_least * cycles.length >= timedelta(hours=HOURS_OF_WEEK)
