"""Records and tails: figures that anybody can recompute."""

import numpy as np
import pytest
from scipy import stats

from microglia.score.extremes import Exceedances, peaks_over, record_chance


@pytest.mark.parametrize(
    ("seen", "ahead", "chance"), [(7, 7, 0.5), (28, 7, 0.2), (14, 7, 1 / 3), (2, 1, 1 / 3), (0, 1, 1)]
)
def test_the_record_rule(seen: float, ahead: float, chance: float) -> None:
    """M / (n + m): a week that guards a week has an even chance of a new peak, four weeks one of a fifth."""
    assert record_chance(seen, ahead) == pytest.approx(chance)


def test_the_level_is_what_the_formula_says() -> None:
    """U = 100, zeta = 0.05, sigma = 10, xi = 0.5, m = 320: 16 times a peak, so 100 + 20 (4 - 1)."""
    fit = Exceedances(100.0, 16, 0.05, 10.0, 0.5)
    assert fit.level(320) == pytest.approx(160)


def test_without_a_shape_the_tail_is_exponential() -> None:
    """U + sigma ln(m zeta), and the formula comes close to it."""
    assert Exceedances(100.0, 16, 0.05, 10.0, 0.0).level(320) == pytest.approx(100 + 10 * np.log(16))
    assert Exceedances(100.0, 16, 0.05, 10.0, 1e-6).level(320) == pytest.approx(100 + 10 * np.log(16), rel=1e-5)


def test_a_bounded_tail_ends() -> None:
    """Xi = -1: never more than sigma above u."""
    fit = Exceedances(100.0, 16, 0.05, 10.0, -1.0)
    assert fit.level(320) == pytest.approx(109.375)
    assert fit.level(1e12) == pytest.approx(110)


def test_what_is_not_even_expected_once_is_the_threshold() -> None:
    """One bucket in 20 passes it: 20 buckets hold it once, and ten not even that."""
    fit = Exceedances(100.0, 16, 0.05, 10.0, 0.5)
    assert (fit.level(20), fit.level(10)) == (100.0, 100.0)
    assert fit.level(21) > 100


@pytest.mark.parametrize("shape", [-0.2, 0.2, 0.5])
def test_the_fit_finds_the_tail_that_was_drawn(shape: float) -> None:
    """The quantiles of a known tail as 2,000 peaks, one bucket in 20 and far apart."""
    drawn = stats.genpareto.ppf((np.arange(2000) + 0.5) / 2000, shape, scale=10)
    values = np.zeros(40_000)
    values[::20] = np.random.default_rng(3).permutation(drawn)
    fit = peaks_over(values)
    assert fit is not None
    assert (fit.threshold, fit.count, fit.share) == (pytest.approx(0, abs=1e-3), 2000, 0.05)
    assert fit.shape == pytest.approx(shape, abs=0.03)
    assert fit.scale == pytest.approx(10, rel=0.05)


def test_the_moments_by_hand() -> None:
    """Excesses 1, 2, 3, 4, 10 over u = 0: a0 = 4, a1 = (1 x 4 + 2 x 3 + 3 x 2 + 4 x 1) / 4 / 5 = 1, so
    xi = 2 - 4 / 2 = 0 and sigma = 2 x 4 x 1 / 2 = 4."""
    values = np.zeros(336)
    values[[10, 60, 110, 160, 210]] = [3, 1, 10, 4, 2]
    fit = peaks_over(values)
    assert fit == Exceedances(0.0, 5, 5 / 336, pytest.approx(4.0), pytest.approx(0.0, abs=1e-12))


def test_peaks_close_together_are_one() -> None:
    """Eleven hours apart they are one peak, twelve hours apart two; each counts as its highest."""
    values = np.zeros(336)
    values[[10, 21, 60, 110, 160, 210]] = [3, 2.5, 1, 10, 4, 2]
    fit = peaks_over(values)
    assert fit is not None
    assert (fit.count, fit.scale) == (5, pytest.approx(4.0))
    values[[21, 22]] = 0, 2.5
    apart = peaks_over(values)
    assert apart is not None
    assert apart.count == 6


def test_too_few_peaks_say_nothing() -> None:
    """Four, or none, or five hours that are one peak, or no window."""
    values = np.zeros(336)
    values[[10, 60, 110, 160]] = 5
    assert peaks_over(values) is None
    assert peaks_over(np.zeros(336)) is None
    together = np.zeros(336)
    together[10:16] = 5
    assert peaks_over(together) is None
    assert peaks_over(np.zeros(0)) is None


def test_peaks_that_are_all_alike_have_an_end() -> None:
    """Every day the same: none is expected to be higher."""
    values = np.zeros(336)
    values[12::24] = 50
    fit = peaks_over(values)
    assert fit is not None
    assert fit.shape == -1.0
    assert fit.level(1e9) == pytest.approx(50, rel=1e-6)


def test_a_heavy_tail_goes_beyond_what_was_seen() -> None:
    """Two weeks of daily peaks from a tail with xi = 0.5: within 90 days the highest of them is passed."""
    values = np.zeros(336)
    values[12::24] = stats.genpareto.ppf((np.arange(14) + 0.5) / 14, 0.5, scale=10)
    fit = peaks_over(values)
    assert fit is not None
    assert fit.shape > 0.3
    assert fit.level(90 * 24) > 1.3 * values.max()
    assert fit.level(336) < values.max()
