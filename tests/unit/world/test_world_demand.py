"""Demand: deterministic, shaped, with single calls where they belong."""

import numpy as np

from microglia.world.demand import DAY, demand, shaped, singles
from microglia.world.layout import build
from microglia.world.schema import Shape

MONDAY = 20703


def test_demand_depends_on_the_seed_and_on_nothing_else(bend) -> None:
    """The same call on the same day is the same, whatever else the world holds and whatever was asked before."""
    layout = build(bend())
    first = demand(layout, 1, MONDAY)
    demand(layout, 0, MONDAY + 3)
    assert np.array_equal(demand(layout, 1, MONDAY), first)
    assert not np.array_equal(demand(build(bend(seed=6)), 1, MONDAY), first)
    assert not np.array_equal(demand(layout, 1, MONDAY + 1), first)


def test_a_shape_has_its_peak_its_trough_and_its_weekend() -> None:
    """At the peak hour all of the rate, at the trough ``night`` of it, on Sunday ``weekend`` times that."""
    shape = Shape(night=0.25, peak_hour=14, weekend=0.5)
    day = shaped(shape, MONDAY)
    assert day.argmax() in {14 * 12 - 1, 14 * 12}
    assert np.isclose(day.max(), 1, atol=1e-3)
    assert np.isclose(day.min(), 0.25, atol=1e-3)
    assert np.allclose(shaped(shape, MONDAY + 6), day / 2)
    assert np.allclose(shaped(shape, MONDAY + 4), day)


def test_the_rate_is_met_over_a_day(bend) -> None:
    """A flat call at 10 per second makes 864,000 requests a day, give or take its noise."""
    layout = build(bend(calls=[{"client": "unknown", "host": "idle.shop", "rate": 10, "shape": "flat"}]))
    assert abs(demand(layout, 4, MONDAY).sum() / 864_000 - 1) < 0.02


def test_single_calls_happen_once_at_their_second(bend) -> None:
    """A single call stands in its own slot of its own day, and nowhere else."""
    once = {"client": "shop/idle", "host": "back.shop", "at": [{"day": 2, "clock": "10:59:59.5", "count": 3}]}
    layout = build(bend(calls=[once]))
    assert demand(layout, 4, MONDAY + 1).sum() == 0
    day = demand(layout, 4, MONDAY + 2)
    assert day[10 * 12 + 11] == day.sum() == 3
    assert singles(layout, 4, MONDAY + 2) == [((MONDAY + 2) * DAY + 10 * 3600 + 59 * 60 + 59.5, 3)]


def test_a_monthly_job_runs_on_its_day(bend) -> None:
    """The job of the first of the month calls then, for as long as it lasts, and never else."""
    job = {"day": 1, "clock": "03:00", "lasts": "20m", "rate": 5}
    layout = build(bend(calls=[{"client": "shop/idle", "host": "back.shop", "monthly": job}]))
    first = demand(layout, 4, MONDAY + 24)
    assert set(np.flatnonzero(first)) == {36, 37, 38, 39}
    assert abs(first.sum() - 6000) < 400
    assert all(demand(layout, 4, MONDAY + day).sum() == 0 for day in range(24))
