"""Peaks that nobody has seen yet: how likely a new record is, and how high it may be."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F32, F64

THRESHOLD = 0.95
APART = 12
"""Buckets without an excess after which the next one belongs to another peak."""
LEAST = 5
"""Fewer peaks say nothing about their tail."""
_EVEN = 1e-9
"""Below this share of their mean the excesses do not differ."""


def record_chance(seen: float, ahead: float) -> float:
    """The chance that the next ``ahead`` blocks hold a higher peak than all ``seen`` ones, m / (n + m): of n + m blocks
    without order each is as likely as any other to hold the highest (the record rule; no distribution is assumed)."""
    return ahead / (seen + ahead)


@dataclass(frozen=True, slots=True)
class Exceedances:
    """What rose above ``threshold`` u: ``count`` separate peaks, ``share`` zeta of the buckets, and the generalised
    Pareto ``scale`` sigma and ``shape`` xi of their excesses."""

    threshold: float
    count: int
    share: float
    scale: float
    shape: float

    def level(self, buckets: float) -> float:
        """What one bucket in ``buckets`` is expected to pass, x_m = u + sigma / xi ((m zeta)^xi - 1), and
        u + sigma ln(m zeta) for xi = 0 (Coles 2001, 4.3.3); u where not even one in so many passes it."""
        often = buckets * self.share
        if often <= 1:
            return self.threshold
        if abs(self.shape) < _EVEN:
            return float(self.threshold + self.scale * np.log(often))
        return float(self.threshold + self.scale / self.shape * (often**self.shape - 1))


def peaks_over(values: F64 | F32, apart: int = APART) -> Exceedances | None:
    """Fit to the peaks of ``values`` (H,) over their 95th percentile; None where there are less than ``LEAST``.

    Excesses less than ``apart`` buckets from each other are one peak, and count as its highest. By probability weighted
    moments (Hosking and Wallis 1987): with a0 the mean of the k excesses and a1 that of each times the share of the
    others above it, xi = 2 - a0 / (a0 - 2 a1) and sigma = 2 a0 a1 / (a0 - 2 a1).
    """
    if not values.size:
        return None
    level = np.asarray(values, dtype=np.float64)
    threshold = float(np.quantile(level, THRESHOLD))
    above = np.flatnonzero(level > threshold)
    if above.size < LEAST:
        return None
    starts = np.flatnonzero(np.diff(above, prepend=above[0] - apart) >= apart)
    excess = np.sort(np.maximum.reduceat(level[above], starts) - threshold)
    count = excess.size
    if count < LEAST:
        return None
    first = float(excess.mean())
    weighted = float((excess * np.arange(count - 1, -1, -1)).sum()) / (count - 1) / count
    rest = first - 2 * weighted
    if rest <= _EVEN * first:
        # All peaks alike: nothing says that any is higher.
        return Exceedances(threshold, count, count / level.size, first, -1.0)
    return Exceedances(threshold, count, count / level.size, 2 * first * weighted / rest, 2 - first / rest)
