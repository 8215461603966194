"""Which days and hours of the week a window really showed, and whether the busiest of them was among them."""

from datetime import timedelta

import numpy as np

from microglia.model.activity import F32, F64, Bools
from microglia.model.window import HOURS_OF_WEEK
from microglia.score.panel import WHOLE, Ints
from microglia.topology.graph import Topology

DAY = 24
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def named(hour: int) -> str:
    """``Monday 09:00 UTC``: hour of the week 0 is Monday 00:00."""
    day, clock = divmod(hour, DAY)
    return f"{_DAYS[day]} {clock:02d}:00 UTC"


def mesh_heard(topology: Topology) -> Bools:
    """Hours in which some reporter was heard as good as whole and every reply was whole, shape (H,)."""
    activity = topology.activity
    whole: Bools = (np.nan_to_num(activity.workloads.seen) >= WHOLE).any(axis=0) & activity.known
    return whole


def times_seen(heard: Bools, hour_of_week: Ints) -> Ints:
    """How often each hour of the week was ``heard`` (H,), shape (168,)."""
    return np.bincount(hour_of_week[heard], minlength=HOURS_OF_WEEK).astype(np.int64)


def week_coverage(times: Ints, least: int = 1) -> float:
    """The share of the 168 hours of the week that were seen at least ``least`` times: cells with enough samples over
    168."""
    return float((times >= least).mean())


def days_seen(heard: Bools) -> tuple[int, int]:
    """Days of which every hour was ``heard`` (H,), and all days, each of 24 hours counted back from the end."""
    days = heard.size // DAY
    return int(heard[heard.size - days * DAY :].reshape(days, DAY).all(axis=1).sum()), days


def whole_cycles(heard: Bools, length: timedelta) -> int:
    """How many whole periods of ``length`` lie between the first hour ``heard`` (H,) and the end of the window."""
    return (heard.size - first_heard(heard)) * timedelta(hours=1) // length


def first_heard(heard: Bools) -> int:
    """The first bucket that was ``heard`` (H,); H where none was."""
    return int(heard.argmax()) if heard.any() else int(heard.size)


def busiest_hour(values: F64 | F32, heard: Bools, hour_of_week: Ints) -> int | None:
    """The hour of the week of the highest of ``values`` (H,), None where nothing above 0 was seen.

    An hour that was never ``heard`` is taken to be as busy as its neighbours, and as that hour of the other days: where
    it ties with one that was seen, it is the busiest.
    """
    week = np.full(HOURS_OF_WEEK, -np.inf)
    np.maximum.at(week, hour_of_week[heard], np.nan_to_num(values[heard]).astype(np.float64))
    never = ~np.isfinite(week)
    around = np.maximum(np.roll(week, 1), np.roll(week, -1))
    other_days = np.tile(week.reshape(-1, DAY).max(axis=0), HOURS_OF_WEEK // DAY)
    likely = np.where(never, np.maximum(around, other_days), week)
    if not likely.max() > 0:
        return None
    first = np.flatnonzero(likely == likely.max())
    return int(min(first, key=lambda hour: (not never[hour], hour)))
