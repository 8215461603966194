"""How much of a load is the time of day, and how much is the day of the week."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F32, F64, Bools
from microglia.model.window import HOURS_OF_WEEK
from microglia.score.week import DAY

STRONG = 0.3
"""From this strength on a season is worth a word."""


@dataclass(frozen=True, slots=True)
class Season:
    """Strength of the daily season and of what the week adds to it, 0 to 1; None where two whole periods were not
    seen, because a period shows only when it comes back."""

    daily: float | None
    weekly: float | None


def season(values: F64 | F32, heard: Bools) -> Season:
    """The seasons of the hourly ``values`` (H,), of the hours that were ``heard`` (H,) alone."""
    level = np.nan_to_num(values).astype(np.float64)
    daily = _split(level, heard, DAY)
    return Season(strength(level, heard, DAY), strength(daily.rest, heard, HOURS_OF_WEEK))


def strength(values: F64, heard: Bools, period: int) -> float | None:
    """max(0, 1 - Var(rest) / Var(rest + season)) of the buckets that were ``heard`` (H,), once a straight line is taken
    out of ``values`` (H,); the season is the mean at each place in the ``period``.

    Wang, Smith and Hyndman (2006). Both variances are per degree of freedom, or means of a few periods would make a
    season out of noise. None where less than two periods were heard.
    """
    places = np.flatnonzero(heard)
    if not places.size or values.size - places[0] < 2 * period or places.size < 2 * period * (1 - _MISSING):
        return None
    parts = _split(values, heard, period)
    rest, whole = parts.rest[places], (parts.rest + parts.season)[places]
    free = places.size - parts.phases - 1
    spread = float(whole @ whole) / (places.size - 1)
    if free <= 0 or spread <= _FLAT * max(float(values[places] @ values[places]) / places.size, _FLAT):
        return 0.0
    return max(0.0, 1 - float(rest @ rest) / free / spread)


_MISSING = 0.1
"""Share of two periods that may be missing."""
_FLAT = 1e-12
"""A spread below this share of the level is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """``values`` = line + ``season`` + ``rest``, both (H,) and of mean 0; ``phases`` made the season."""

    season: F64
    rest: F64
    phases: int


def _split(values: F64, heard: Bools, period: int) -> _Parts:
    """Least squares of a line and a mean at each phase, over what was ``heard`` (H,)."""
    time, phase = np.arange(values.size, dtype=np.float64), np.arange(values.size) % period
    counts = np.bincount(phase[heard], minlength=period)

    def means(of: F64) -> F64:
        sums = np.bincount(phase[heard], weights=of[heard], minlength=period)
        found: F64 = np.divide(sums, counts, out=np.zeros(period), where=counts > 0)[phase]
        return found

    # The slope is that from one period to the next, or a season that is no whole circle would pass for a trend.
    away = (time - means(time))[heard]
    steep = float(away @ away)
    slope = float(away @ (values - means(values))[heard]) / steep if steep > 0 else 0.0
    level = values - slope * time
    mean = means(level)
    overall = float(mean[heard].mean()) if heard.any() else 0.0
    return _Parts(mean - overall, np.where(heard, level - mean, 0.0), int((counts > 0).sum()))


def periodogram_share(values: F64, period: float) -> float:
    """The share of the variance of ``values`` (H,) at the frequency nearest to one per ``period`` buckets; 0 where
    nothing varies."""
    power = np.abs(np.fft.rfft(values - values.mean()))[1:] ** 2
    place = round(values.size / period) - 1
    total = float(power.sum())
    return float(power[place]) / total if total > 0 and 0 <= place < power.size else 0.0
