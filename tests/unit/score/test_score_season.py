"""The strength of daily and weekly seasons, on series of which it is known."""

import numpy as np
import pytest

from microglia.score.season import Season, periodogram_share, season, strength

HOURS = np.arange(336)
ALL = np.ones(336, dtype=bool)
DAILY = np.sin(HOURS / 24 * 2 * np.pi)
WEEKDAYS = np.where(HOURS % 168 < 120, 1.0, 0.0)
NOISE = np.random.default_rng(7).normal(size=336)


def test_a_load_that_is_the_time_of_day_alone_has_full_strength() -> None:
    """Nothing is left once the mean day is taken out, so the week adds nothing."""
    found = season(10 + DAILY, ALL)
    assert found.daily == pytest.approx(1, abs=1e-9)
    assert found.weekly == 0


def test_noise_has_no_season() -> None:
    """Means of two weeks would make half of it a season, if the variances were not per degree of freedom."""
    found = season(10 + NOISE, ALL)
    assert found.daily == pytest.approx(0, abs=0.1)
    assert found.weekly == pytest.approx(0, abs=0.2)


def test_half_season_half_noise() -> None:
    """Variance 1/2 of the season and 1/4 of the noise: strength 2/3, within what 336 hours can tell."""
    assert season(10 + DAILY + NOISE / 2, ALL).daily == pytest.approx(2 / 3, abs=0.06)


def test_by_hand() -> None:
    """0, 2, 0, 2, 2, 4, 2, 4 in periods of 2. The means at both places, 1 and 3, leave -1, -1, -1, -1, 1, 1, 1, 1;
    against -3, -3, -1, -1, 1, 1, 3, 3 that is a slope of 16 / 40. Less the line the values are +-1 about the mean but
    for a rest of which the squares add up to 8 - 16 x 0.4 = 1.6; 8 - 2 - 1 degrees of freedom are left to it, and 7 to
    the whole, of which the season is 8 x (1 - 0.4 / 2)^2."""
    found = strength(np.array([0.0, 2, 0, 2, 2, 4, 2, 4]), np.ones(8, dtype=bool), 2)
    assert found == pytest.approx(1 - (1.6 / 5) / ((1.6 + 8 * 0.8**2) / 7))


def test_the_week_is_what_the_day_does_not_explain() -> None:
    """Weekends off, every day alike inside."""
    found = season(10 * WEEKDAYS, ALL)
    assert found.daily == pytest.approx(0, abs=0.1)
    assert found.weekly == pytest.approx(1, abs=0.01)


def test_a_trend_is_no_season() -> None:
    """A straight line is taken out first."""
    assert season(HOURS * 1.0, ALL) == Season(0.0, 0.0)


def test_a_flat_load_has_no_season() -> None:
    """Nothing varies."""
    assert season(np.full(336, 5.0), ALL) == Season(0.0, 0.0)
    assert season(np.zeros(336), ALL) == Season(0.0, 0.0)


def test_a_period_shows_only_when_it_comes_back() -> None:
    """Less than two weeks say nothing of the week, less than two days nothing of the day."""
    assert season(DAILY[:335], ALL[:335]).weekly is None
    assert season(DAILY[:47], ALL[:47]) == Season(None, None)
    assert season(DAILY, np.zeros(336, dtype=bool)) == Season(None, None)


def test_what_was_not_heard_does_not_count() -> None:
    """A night of zeros that was a gap in the scrapes changes nothing; most of a window missing does."""
    broken, heard = DAILY + 10, ALL.copy()
    broken[50:60], heard[50:60] = 0.0, False
    assert season(broken, heard).daily == pytest.approx(1, abs=1e-9)
    sparse = ALL.copy()
    sparse[10:300] = False
    assert season(DAILY, sparse).weekly is None


def test_where_every_place_was_heard_once_nothing_is_left_to_judge_by() -> None:
    """Two buckets, of which each is its own period, leave no degree of freedom."""
    assert strength(np.array([1.0, 2.0]), np.ones(2, dtype=bool), 1) == 0.0
    assert strength(np.array([1.0, 5.0]), np.ones(2, dtype=bool), 2) is None


def test_the_periodogram_gives_each_period_its_share() -> None:
    """Amplitudes 2 at a day and 1 at a week: 4/5 and 1/5 of the variance."""
    both = 2 * DAILY + np.sin(HOURS / 168 * 2 * np.pi)
    assert periodogram_share(both, 24) == pytest.approx(0.8)
    assert periodogram_share(both, 168) == pytest.approx(0.2)
    assert periodogram_share(both, 12) == pytest.approx(0, abs=1e-12)


def test_nothing_that_varies_has_no_periodogram() -> None:
    """Nor has a period longer than twice the window, or shorter than two buckets."""
    assert periodogram_share(np.ones(336), 24) == 0
    assert periodogram_share(DAILY, 1000) == 0
    assert periodogram_share(DAILY, 1) == 0
