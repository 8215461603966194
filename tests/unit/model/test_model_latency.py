"""Bounds of duration histograms."""

import pytest

from microglia.model.latency import BOUNDS, bound_over


@pytest.mark.parametrize(
    ("above", "bound"), [(500, 500), (501, 1000), (0.1, 0.5), (3_600_000, 3_600_000), (9e9, 3_600_000)]
)
def test_a_bound_is_the_next_bucket(above, bound):
    """The smallest bucket bound that is not below what was asked for."""
    assert bound_over(above) == bound
    assert list(BOUNDS) == sorted(BOUNDS)
