"""How far peaks may go beyond what was seen: a generalised Pareto tail over the 95th percentile of bucket peaks."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.score.panel import Ints
from microglia.score.scores import TailFit

THRESHOLD = 0.95
LOWEST, HIGHEST = 0.1, 0.6
"""Bounds of the shape xi: below, a week says too little; above, means stop being finite."""
LEAST = 5
"""Fewer excesses leave xi at its lower bound."""
BEYOND = 3.0
"""Above this many times the observed peak the tail is taken for zero."""


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """One tail per workload, arrays of shape (n,): ``threshold`` u and ``scale`` sigma in requests per second,
    ``share`` zeta of the buckets above u, ``shape`` xi. ``share`` is 0 where there is no tail. ``excesses`` daily
    maxima lie above u."""

    threshold: F64
    share: F64
    scale: F64
    shape: F64
    peak: F64
    excesses: Ints

    def fits(self) -> Iterator[TailFit]:
        """One workload after the other."""
        columns = (self.threshold, self.share, self.scale, self.shape, self.peak, self.excesses)
        return map(TailFit, *(column.tolist() for column in columns))

    def beyond(self, rows: Ints, level: F64) -> F64:
        """Mean excess over ``level`` (m,) of the workloads ``rows`` (m,), requests per second averaged over buckets:
        zeta sigma/(1-xi) (1 + xi (max(y,u)-u)/sigma)^(1-1/xi); 0 from three times the observed peak on."""
        scale, shape = self.scale[rows], self.shape[rows]
        over = np.maximum(level - self.threshold[rows], 0.0)
        mean = self.share[rows] * scale / (1 - shape) * (1 + shape * over / scale) ** (1 - 1 / shape)
        return np.where(level >= BEYOND * self.peak[rows], 0.0, mean)


def fit_tail(peaks: F64, days: Ints, silent: Bools) -> Tail:
    """Fit to bucket ``peaks`` (n, H); ``days`` (H,) numbers the day of each bucket; ``silent`` (n,) rows have no tail.

    Excesses are of the daily maxima over u. By moments (Hosking and Wallis 1987): xi = (1 - m^2/s^2) / 2 within its
    bounds, and sigma = m (1 - xi), which keeps their mean m.
    """
    if not peaks.size:
        nothing = np.zeros(len(peaks))
        return Tail(nothing, nothing, nothing + 1, nothing + LOWEST, nothing, np.zeros(len(peaks), dtype=np.int64))
    threshold = np.quantile(peaks, THRESHOLD, axis=1)
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    excess = np.maximum.reduceat(peaks, starts, axis=1) - threshold[:, None]
    above = excess > 0
    count = above.sum(axis=1)
    mean = np.where(above, excess, 0.0).sum(axis=1) / np.maximum(count, 1)
    spread = np.where(above, (excess - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(count - 1, 1)
    ratio = np.divide(mean**2, spread, out=np.full_like(mean, np.inf), where=spread > 0)
    shape = np.where(count >= LEAST, np.clip((1 - ratio) / 2, LOWEST, HIGHEST), LOWEST)
    exists = (count > 0) & ~silent
    share = np.where(exists, (peaks > threshold[:, None]).mean(axis=1), 0.0)
    scale = np.where(exists, mean * (1 - shape), 1.0)
    return Tail(threshold, share, scale, shape, peaks.max(axis=1), np.where(exists, count, 0))
