"""Least squares of many series at once: y = a + b x, with the upper 95 % bound of b."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from microglia.model.activity import F64, Bools
from microglia.score.panel import AT_ONCE

LEAST = 24
"""Fewer points than a day's say nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """One line per row, arrays of shape (n,): slope and its one-sided upper 95 % bound (NaN with fewer than ``LEAST``
    points or when x never varied), and the share of variance that x explains (0 then)."""

    slope: F64
    upper: F64
    explained: F64


def fit(x: NDArray[np.floating], y: NDArray[np.floating], usable: Bools) -> Fit:
    """Fit each row of ``y`` (n, H) on ``x`` (n, H) over its ``usable`` points (n, H).

    b = Sxy / Sxx; its standard error is sqrt((Syy - b Sxy) / (m - 2) / Sxx); R^2 = Sxy^2 / (Sxx Syy).
    """
    points = usable.sum(axis=1)
    sums = [
        _squares(x[rows], y[rows], usable[rows])
        for rows in (slice(first, first + AT_ONCE) for first in range(0, len(usable), AT_ONCE))
    ]
    sxx, sxy, syy = np.concatenate(sums, axis=1) if sums else np.zeros((3, 0))
    fits = (points >= LEAST) & (sxx > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(fits, sxy / sxx, np.nan)
        error = np.sqrt(np.maximum(syy - slope * sxy, 0.0) / np.maximum(points - 2, 1) / sxx)
        upper = slope + special.stdtrit(np.maximum(points - 2, 1), 0.95) * error
        explained = np.where(fits & (syy > 0), sxy**2 / (sxx * syy), 0.0)
    return Fit(slope, upper, explained)


def _squares(x: NDArray[np.floating], y: NDArray[np.floating], usable: Bools) -> F64:
    """Sxx, Sxy and Syy of each row over its usable points, shape (3, n)."""
    safe = np.maximum(usable.sum(axis=1, keepdims=True), 1)
    left, right = (np.where(usable, values, 0.0).astype(np.float64, copy=False) for values in (x, y))
    left -= np.where(usable, left.sum(axis=1, keepdims=True) / safe, 0.0)
    right -= np.where(usable, right.sum(axis=1, keepdims=True) / safe, 0.0)
    pairs = ((left, left), (left, right), (right, right))
    return np.stack([np.einsum("ij,ij->i", *pair) for pair in pairs])
