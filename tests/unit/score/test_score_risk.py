"""Risk, its tail, and the steps that compete."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microglia.model.ids import WorkloadId
from microglia.policy.observing import LabelSelector
from microglia.policy.schema import Criticality, PolicySpec, Retention
from microglia.score import score
from microglia.score.risk import ladder, risks, steps
from microglia.score.tail import Tail, fit_tail
from tests import factories
from tests.unit.score.worlds import Spec, world

ID = WorkloadId("shop", "cart")


def _tail(**parts: float) -> Tail:
    values = {"threshold": 10.0, "share": 0.05, "scale": 2.0, "shape": 0.25, "peak": 20.0, "excesses": 9, **parts}
    return Tail(**{name: np.array([value]) for name, value in values.items()})


def _beyond(tail: Tail, level: float) -> float:
    return float(tail.beyond(np.zeros(1, dtype=np.int64), np.array([level]))[0])


def test_the_tail_follows_the_formula() -> None:
    """Zeta sigma/(1-xi) (1 + xi (y-u)/sigma)^(1-1/xi): 0.05 x 2/0.75 x (1 + 0.25 x 8/2)^-3 = 0.13333 x 2^-3."""
    assert _beyond(_tail(), 18.0) == pytest.approx(0.05 * 2 / 0.75 / 8)


def test_below_its_threshold_the_tail_is_its_whole_mean() -> None:
    """max(y, u): what lies below u is the observed part's business."""
    assert _beyond(_tail(), 3.0) == _beyond(_tail(), 10.0) == pytest.approx(0.05 * 2 / 0.75)


@pytest.mark.parametrize(("level", "none"), [(59.9, False), (60.0, True)])
def test_three_times_the_peak_ends_the_tail(level: float, *, none: bool) -> None:
    """From y = 3 x the observed peak on it is 0."""
    assert (_beyond(_tail(), level) == 0) == none


def _fitted(excesses: list[float], days: int = 20) -> Tail:
    """Twenty days of 24 flat hours at 10, with one hour above it on the first days."""
    peaks = np.full((1, days * 24), 10.0)
    for day, excess in enumerate(excesses):
        peaks[0, day * 24 + 3] += excess
    return fit_tail(peaks, np.repeat(np.arange(days), 24), np.zeros(1, dtype=bool))


def test_moments_give_shape_and_scale() -> None:
    """Excesses 1, 1, 1, 1, 6: mean 2, variance 5, xi = (1 - 4/5)/2 = 0.1, sigma = 2 x 0.9."""
    found = _fitted([1, 1, 1, 1, 6])
    assert found.threshold[0] == 10
    assert found.share[0] == pytest.approx(5 / 480)
    assert found.shape[0] == pytest.approx(0.1)
    assert found.scale[0] == pytest.approx(1.8)
    assert found.peak[0] == 16


def test_a_heavy_tail_stops_at_its_upper_bound() -> None:
    """Xi = (1 - m^2/s^2)/2 is below one half for any sample, so only rounding could pass 0.6; large spreads approach
    it."""
    found = _fitted([0.1] * 19 + [100])
    assert 0.4 < found.shape[0] <= 0.6
    mean = (1.9 + 100) / 20
    assert found.scale[0] == pytest.approx(mean * (1 - found.shape[0]))


def test_the_shape_does_not_depend_on_the_unit() -> None:
    """A thousandth of the excesses: the same shape, a thousandth of the scale."""
    large, small = _fitted([1.0] * 19 + [100]), _fitted([0.001] * 19 + [0.1])
    assert small.shape[0] == pytest.approx(large.shape[0], rel=1e-6)
    assert small.scale[0] == pytest.approx(large.scale[0] / 1000, rel=1e-6)


@pytest.mark.parametrize("excesses", [[1, 2, 3, 20], [2.0] * 6], ids=["four", "no spread"])
def test_few_or_equal_excesses_leave_the_shape_at_its_lower_bound(excesses: list[float]) -> None:
    """Fewer than five say too little; equal ones say that nothing is heavy."""
    assert _fitted(excesses).shape[0] == 0.1


def test_without_an_excess_or_for_the_silent_there_is_no_tail() -> None:
    """Flat peaks never pass their 95th percentile; silent workloads have none by definition."""
    assert _fitted([]).share[0] == 0
    peaks = np.full((1, 480), 10.0)
    peaks[0, 3] = 99
    assert fit_tail(peaks, np.repeat(np.arange(20), 24), np.ones(1, dtype=bool)).share[0] == 0


def test_no_workloads_have_no_tails() -> None:
    """An empty mesh has an empty answer."""
    assert fit_tail(np.zeros((0, 24)), np.zeros(24, dtype=np.int64), np.zeros(0, dtype=bool)).share.size == 0


def test_risk_is_the_larger_of_observed_and_tail_for_five_minutes() -> None:
    """Peaks 10, 20, 30, 40 and 25 served: observed (5 + 15)/4 = 5, times 300 s; a larger tail takes its place."""
    peaks, row = np.array([[10.0, 20, 30, 40]]), np.zeros(1, dtype=np.int64)
    assert risks(peaks, _tail(share=0.0), row, np.array([25.0]))[0] == pytest.approx(1500)
    heavy = _tail(share=1.0, scale=100.0, threshold=25.0, peak=40.0)
    assert risks(peaks, heavy, row, np.array([25.0]))[0] == pytest.approx(300 * 100 / 0.75)


def test_the_ladder_counts_every_replica_of_every_workload() -> None:
    """Two and none: 0 1 2 and 0."""
    found = ladder(np.array([2, 0]))
    assert (found.rows.tolist(), found.counts.tolist(), found.starts.tolist()) == (
        [0, 0, 0, 1],
        [0, 1, 2, 0],
        [0, 3, 4],
    )


def _steps(*risk: float, base: int = 0) -> tuple[tuple[int, int, float], ...]:
    return steps(factories.replica_score(ID, len(risk) - 1, risk=risk), base)


def test_where_risk_does_not_fall_copies_compete_together() -> None:
    """R = 9, 4, 4, 1: the second copy adds nothing alone, so 1 to 3 is one step."""
    assert _steps(9, 4, 4, 1) == ((0, 1, 5), (1, 3, 3))


def test_equal_falls_stay_apart() -> None:
    """A straight line has every count as a vertex: steps are as small as they can be."""
    assert _steps(6, 4, 2, 0) == ((0, 1, 2), (1, 2, 2), (2, 3, 2))
    assert _steps(0, 0, 0) == ((0, 1, 0), (1, 2, 0))


def test_steps_start_at_the_base() -> None:
    """What lies below it is not up for competition; at the present count there is none."""
    assert _steps(9, 4, 4, 1, base=2) == ((2, 3, 3),)
    assert _steps(9, 4, 4, 1, base=3) == ()


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
def test_steps_cover_the_counts_and_fall_per_copy(falls: list[float]) -> None:
    """Contiguous, from base to present, with values per copy that never rise, and together all of the risk."""
    risk = np.append(np.cumsum(falls[::-1])[::-1], 0.0)
    found = _steps(*risk.tolist())
    assert [low for low, _, _ in found] == [0, *(high for _, high, _ in found[:-1])]
    assert found[-1][1] == len(falls)
    per_copy = [value / (high - low) for low, high, value in found]
    assert all(after <= before * (1 + 1e-9) + 1e-9 for before, after in pairwise(per_copy))
    assert sum(value for _, _, value in found) == pytest.approx(risk[0])


def test_criticality_multiplies_the_risk() -> None:
    """Every entry that selects the workload multiplies; both of its conditions must hold."""
    chosen = LabelSelector(match_labels={"tier": "gold"})
    entries = (
        Criticality(weight=3, namespaces=("sh*",)),
        Criticality(weight=2, selector=chosen),
        Criticality(weight=50, namespaces=("pay",)),
        Criticality(weight=70, selector=LabelSelector(match_labels={"tier": "tin"})),
    )
    topology = world(Spec("cart", rps=100, parts={"labels": {"tier": "gold"}}))
    plain = score(topology, PolicySpec()).replicas[ID]
    weighed = score(topology, PolicySpec(retention=Retention(criticality=entries))).replicas[ID]
    assert (plain.criticality, weighed.criticality) == (1, 6)
    assert weighed.risk == pytest.approx([6 * one for one in plain.risk])


def test_what_has_no_capacity_or_is_unknown_has_no_risk() -> None:
    """Nothing can be computed, and nothing is pruned either."""
    spec = Spec("cart", rps=100)
    unknown = score(world(replace(spec, series={"seen": 0.0})), PolicySpec()).replicas[ID]
    uneven = score(world(replace(spec, series={"imbalance": np.nan})), PolicySpec()).replicas[ID]
    assert set(unknown.risk) == set(uneven.risk) == {0.0}
