"""The test that may be looked at any time."""

import math

import numpy as np
import pytest

from microglia.guard.sequential import Comparison, log_e_value


def test_a_hand_computed_value() -> None:
    """One event of one since the cut at even exposure, prior 1: B(2,1)/B(1,1) / 0.5 = 1; two of two: (1/3)/0.25."""
    assert log_e_value(1, 1, 0.5, 1) == pytest.approx(0.0, abs=1e-12)
    assert math.exp(log_e_value(2, 2, 0.5, 1)) == pytest.approx(4 / 3)
    assert math.exp(log_e_value(3, 3, 0.5, 1)) == pytest.approx(2.0)
    assert math.exp(log_e_value(0, 2, 0.5, 1)) == pytest.approx(4 / 3)


def test_the_prior_follows_the_exposure() -> None:
    """With a quarter of the exposure b is 3 a: B(2,3)/B(1,3) / 0.25 = (1/4)/0.25."""
    assert math.exp(log_e_value(1, 1, 0.25, 1)) == pytest.approx(1.0)
    assert math.exp(log_e_value(2, 2, 0.25, 1)) == pytest.approx((2 / 20) / 0.0625)


def test_no_events_are_no_evidence() -> None:
    """Nothing seen says nothing."""
    assert log_e_value(0, 0, 0.3, 20) == 0.0


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_one_sided_exposure_compares_nothing(share: float) -> None:
    """Without exposure on both sides there is no comparison."""
    assert log_e_value(9, 9, share, 20) == 0.0


@pytest.mark.parametrize(
    ("events", "total", "share", "ratio"),
    [(30, 50, 0.5, 1.5), (10, 40, 0.25, 1.0), (5, 5, 0.5, math.inf), (0, 0, 0.5, 1.0), (0, 8, 0.5, 0.0)],
)
def test_the_ratio_compares_rates(events: float, total: float, share: float, ratio: float) -> None:
    """Events per exposure since, over events per exposure before."""
    assert Comparison(events, total, share, 20).ratio == pytest.approx(ratio)


def test_harm_needs_certainty_and_size() -> None:
    """Many events a little above the norm are certain but tolerated; few far above are not certain; less is no harm."""
    assert not Comparison(110_000, 210_000, 0.5, 20).harmed(0.01, 1.25)
    assert Comparison(110_000, 210_000, 0.5, 20).log_e > math.log(1e6)
    assert not Comparison(4, 5, 0.5, 20).harmed(0.01, 1.25)
    assert not Comparison(100, 400, 0.5, 20).harmed(0.01, 1.25)
    assert Comparison(300, 400, 0.5, 20).harmed(0.01, 1.25)


@pytest.mark.parametrize(("events", "harmed"), [(124_999, False), (125_000, True), (125_001, True)])
def test_what_is_tolerated_is_a_limit(events: int, *, harmed: bool) -> None:
    """At 1.25 times the rate before it is harm, just below it is not."""
    assert Comparison(events, events + 100_000, 0.5, 20).harmed(0.01, 1.25) is harmed


def test_a_test_is_telling_once_it_had_enough_events() -> None:
    """A quarter more errors shows in two thousand events, not in a hundred; in none, never."""
    assert [Comparison(total / 2, total, 0.5, 20).telling(0.01, 1.25) for total in (0, 100, 2000)] == [
        False,
        False,
        True,
    ]


def looks(ratio: float, alpha: float, runs: int = 1000, seed: int = 7) -> np.ndarray:
    """The look (1 to 60) at which each run raises the alarm, 0 for never: ten errors per look in each arm expected
    before, ``ratio`` times as many since."""
    chance = np.random.default_rng(seed)
    since, before = chance.poisson(10 * ratio, (runs, 60)).cumsum(1), chance.poisson(10, (runs, 60)).cumsum(1)
    found = np.zeros(runs, dtype=int)
    for run in range(runs):
        for look in range(60):
            counts = Comparison(since[run, look], since[run, look] + before[run, look], 0.5, 20)
            if counts.log_e >= -math.log(alpha) and counts.ratio > 1:
                found[run] = look + 1
                break
    return found


def test_sixty_looks_rarely_alarm_falsely() -> None:
    """At alpha 5 % no more than 5 % of quiet runs alarm, however often one looks."""
    assert np.mean(looks(1.0, 0.05, runs=400) > 0) <= 0.05


def test_half_as_many_errors_again_are_caught_early() -> None:
    """x1.5 is caught in nearly every run, half of them by look 15."""
    found = looks(1.5, 0.05, runs=200)
    assert np.mean(found > 0) > 0.99
    assert np.median(found[found > 0]) <= 15
