"""Bounds of duration histograms: what "slower than" can be told for."""

from bisect import bisect_left

BOUNDS = (
    0.5, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 2.5e3, 5e3, 1e4, 3e4, 6e4, 3e5, 6e5, 1.8e6, 3.6e6,
)  # fmt: skip
"""Milliseconds, the upper bounds of the buckets that Envoy makes where nobody set others."""


def bound_over(milliseconds: float) -> float:
    """The smallest of ``BOUNDS`` that is not below ``milliseconds``; the largest one for anything beyond it."""
    return BOUNDS[min(bisect_left(BOUNDS, milliseconds), len(BOUNDS) - 1)]
