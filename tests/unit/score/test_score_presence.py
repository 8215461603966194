"""The rule ``presence``: how often, not how much; every number can be counted by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from microglia.model.ids import WorkloadId
from microglia.policy.observing import LabelSelector
from microglia.policy.schema import Criticality, PolicySpec, Retention
from microglia.score import score
from microglia.score.presence import hours_a_week, hours_short, returning
from microglia.score.risk import steps
from microglia.score.scores import Evidence, ReplicaScore
from tests import factories
from tests.unit.score.worlds import Spec, calls, host, world

ID = WorkloadId("shop", "cart")
HOURS = factories.WINDOW.hour_of_week
WEEK = np.arange(168)
FORTNIGHT, MONTH = np.tile(WEEK, 2), np.tile(WEEK, 4)


def _level(peaks: dict[int, float], hours: np.ndarray = FORTNIGHT) -> tuple[float, int]:
    values = np.ones((1, hours.size))
    for place, peak in peaks.items():
        values[0, place] = peak
    level, hour = returning(values, hours)
    return float(level[0]), int(hour[0])


def test_once_is_no_rule() -> None:
    """900 rps in one hour of one week did not come back."""
    assert _level({9: 900})[0] == 1


def test_rare_but_regular_use_came_back() -> None:
    """Once a week for an hour: the lower of both Mondays."""
    level, hour = _level({9: 900, 177: 700})
    assert level == 700
    assert hour == 9


@pytest.mark.parametrize(("shift", "level"), [(1, 700), (2, 700), (3, 1)])
def test_what_is_regular_need_not_be_punctual(shift: int, level: float) -> None:
    """Up to two hours apart, one on each side, are the same hour of the week."""
    assert _level({9: 900, 177 + shift: 700})[0] == level


def test_of_several_weeks_two_are_enough() -> None:
    """The second highest of four weeks: every other Monday came back too."""
    assert _level({9: 900, 345: 700, 177: 5}, MONTH)[0] == 700


def test_an_hour_that_the_window_holds_once_may_come_back() -> None:
    """Nobody knows of a window of one week what is regular in it: everything counts."""
    assert _level({9: 900}, WEEK)[0] == 900
    assert _level({9: 900}, FORTNIGHT[:200])[0] == 1
    assert _level({100: 900}, FORTNIGHT[:200])[0] == 900


def test_a_window_may_begin_on_any_day() -> None:
    """From Wednesday: the hours are those of the week, not of the window."""
    hours = (FORTNIGHT + 50) % 168
    values = np.ones((1, 336))
    values[0, [9, 177]] = 700
    level, hour = returning(values, hours)
    assert (level[0], hour[0]) == (700, 59)


def test_many_workloads_are_counted_alike() -> None:
    """More rows than are looked at together, and none at all."""
    values = np.repeat(np.arange(600.0)[:, None], 336, axis=1)
    assert returning(values, FORTNIGHT)[0].tolist() == list(range(600))
    assert returning(np.zeros((0, 336)), FORTNIGHT)[0].size == 0


def test_hours_short_are_those_above_what_is_served() -> None:
    """At the limit it is served."""
    values = np.array([[1.0, 2, 3, 4], [5, 5, 5, 5]])
    rows, served = np.array([0, 0, 0, 1]), np.array([0.0, 2, 4, 4.9])
    assert hours_short(values, rows, served).tolist() == [4, 2, 0, 4]


def test_an_hour_is_used_once_at_most() -> None:
    """168 hours a week are all there are."""
    assert hours_a_week(np.array([0.0, 0.5, 1.0, 7.0])).tolist() == [0, 84, 168, 168]


def _presence(peaks: np.ndarray, replicas: int = 20, **retention: Any) -> ReplicaScore:
    spec = Spec("cart", replicas, rps=100, series={"peak": peaks, "cpu_peak": peaks * 0.0035})
    policy = PolicySpec(retention=Retention(rule="presence", **retention))
    return score(world(spec), policy).replicas[ID]


def _peaks(regular: float, once: float) -> np.ndarray:
    """50 rps, ``regular`` every Monday 09:00, ``once`` in three hours of one Thursday."""
    peaks = np.where(HOURS == 9, regular, 50.0)
    first = int(np.flatnonzero(HOURS == 84)[0])
    peaks[first : first + 3] = once
    return peaks


def test_need_covers_what_came_back() -> None:
    """500 rps every Monday: 550 need six survivors, of nine in three zones. A percentile would have passed it over:
    it is two hours of 336."""
    found = _presence(_peaks(500, 990))
    assert found.survivors[9] == 6
    assert found.need == 9
    assert "1.1 x 500 = 550 rps (came back: Monday 09:00 UTC)" in found.arithmetic
    policy = PolicySpec(retention=Retention(rule="peak-quantile"))
    spec = Spec("cart", 20, rps=100, series={"peak": _peaks(500, 990), "cpu_peak": _peaks(500, 990) * 0.0035})
    assert score(world(spec), policy).replicas[ID].need == 2


def test_what_is_beyond_need_is_worth_the_hours_in_which_it_was_needed() -> None:
    """990 rps in three hours of 336: P = 168 x chi2.ppf(0.95, 8) / 672 below ten survivors, and 168 x 3 / 336 = 1.5
    where no hour was short."""
    found = _presence(_peaks(500, 990))
    bound = {s: 168 * chi2.ppf(0.95, 2 * s + 2) / (2 * 336) for s in (0, 3)}
    assert [found.short[k] for k in (9, 14, 15, 20)] == [3, 3, 0, 0]
    assert found.present[14] == pytest.approx(bound[3])
    assert found.present[15] == pytest.approx(bound[0])
    assert bound[0] == pytest.approx(1.4979, rel=1e-4)
    (low, high, value), *rest = steps(found, 9)
    assert (low, high) == (9, 15)
    assert value == pytest.approx(bound[3] - bound[0])
    assert [one[2] for one in rest] == [0.0] * len(rest)
    assert found.worth == found.present


def test_more_than_there_are_is_not_counted() -> None:
    """No copy at all serves nothing: every hour was short, which is the whole week."""
    found = _presence(_peaks(500, 990))
    assert (found.short[0], found.present[0]) == (336, 168)


def test_criticality_weighs_presence_too() -> None:
    """Six times as critical, six times the worth."""
    plain = _presence(_peaks(500, 990))
    selector = LabelSelector()
    weighed = _presence(_peaks(500, 990), criticality=(Criticality(weight=6, selector=selector),))
    assert weighed.present == pytest.approx([6 * one for one in plain.present])
    assert weighed.short == plain.short


def test_by_other_rules_nothing_is_counted() -> None:
    """Their worth is the risk."""
    found = score(world(Spec("cart", rps=100)), PolicySpec()).replicas[ID]
    assert (found.short, found.present) == ((), ())
    assert found.worth == found.risk


def test_what_is_unknown_is_worth_the_same_at_any_count() -> None:
    """It is kept for being unknown, not for its worth."""
    spec = Spec("cart", rps=100, series={"seen": np.zeros(336)})
    found = score(world(spec), PolicySpec(retention=Retention(rule="presence"))).replicas[ID]
    assert found.judged.evidence is Evidence.UNKNOWN
    assert set(found.short) == {0}


@pytest.mark.parametrize(("requests", "worth"), [(0, 168 * 2.995732 / 336), (1, 168 * 4.743865 / 336), (1000, 168)])
def test_routes_are_worth_hours_too(requests: float, worth: float) -> None:
    """In 336 hours of the client's own activity, each request in an hour of its own, as an upper bound."""
    edges = calls(("web", "cart"), ("web", "desk"))
    counts = np.array([9000.0 if edge.host == host("cart") else requests for edge in edges.keys])
    edges = replace(edges, requests=counts, used=np.array([True, requests > 0]))
    topology = world(Spec("cart", rps=5), Spec("desk"), Spec("web", sent=1.0, series={"sent": 1.0}), edges=edges)
    found = score(topology, PolicySpec(retention=Retention(rule="presence"))).routes
    (desk,) = [route for route in found if host("desk") in route.hosts and route.client.name == "web"]
    assert desk.hours == 336
    assert desk.value == pytest.approx(worth, rel=1e-5)
