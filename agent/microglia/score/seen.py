"""What a window showed, for a person to judge whether it stands for the load that is to come."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from microglia.model.activity import F32, F64, Bools
from microglia.model.window import HOURS_OF_WEEK
from microglia.policy.schema import PolicySpec
from microglia.score.extremes import record_chance
from microglia.score.known_peaks import occurrences
from microglia.score.season import Season, season
from microglia.score.week import busiest_hour, days_seen, mesh_heard, times_seen, whole_cycles
from microglia.topology.graph import Topology


@dataclass(frozen=True, slots=True)
class Seen:
    """``days_seen`` of ``days`` as a whole, ``hours_seen`` of the 168 hours of the week, ``busiest`` of them (None: no
    load) and whether it was seen; ``cycles`` whole ones of ``cycle``, after which the next one holds a new highest peak
    with a chance of ``record``; the ``season`` of the load; names of ``missing`` known peaks."""

    days_seen: int
    days: int
    hours_seen: int
    busiest: int | None
    busiest_seen: bool
    cycles: int
    cycle: timedelta
    record: float
    season: Season
    missing: tuple[str, ...] = ()

    @property
    def week_coverage(self) -> float:
        """The share of the hours of the week that were seen."""
        return self.hours_seen / HOURS_OF_WEEK


def see_window(topology: Topology, policy: PolicySpec) -> Seen:
    """What the window showed of the whole mesh: its load is what all workloads received together."""
    load: F64 = np.nansum(topology.activity.workloads.requests, axis=0, dtype=np.float64)
    heard, window = mesh_heard(topology), topology.activity.window
    missing = tuple(dict.fromkeys(peak.name for peak in policy.observation.schedule if not occurrences(peak, window)))
    return _seen(load, heard, topology, policy, missing)


def see_one(values: F32, heard: Bools, topology: Topology, policy: PolicySpec) -> Seen:
    """The same of one workload: its hourly ``values`` (H,), and the hours in which it was ``heard`` (H,)."""
    return _seen(values, heard, topology, policy, ())


def _seen(values: F64 | F32, heard: Bools, topology: Topology, policy: PolicySpec, missing: tuple[str, ...]) -> Seen:
    hours = topology.activity.window.hour_of_week
    times, busiest = times_seen(heard, hours), busiest_hour(values, heard, hours)
    found, days = days_seen(heard)
    length = policy.observation.cycles.length
    cycles = whole_cycles(heard, length)
    return Seen(
        days_seen=found,
        days=days,
        hours_seen=int((times > 0).sum()),
        busiest=busiest,
        busiest_seen=busiest is not None and bool(times[busiest] > 0),
        cycles=cycles,
        cycle=length,
        record=record_chance(cycles, 1),
        season=season(values, heard),
        missing=missing,
    )
