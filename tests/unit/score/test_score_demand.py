"""A missing bucket never looks like a quiet one."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microglia.model.ids import WorkloadId
from microglia.model.window import Window
from microglia.policy.observing import Cycles, KnownPeak, Observation
from microglia.policy.schema import PolicySpec
from microglia.score import score
from microglia.score.known_peaks import occurrences
from microglia.score.panel import fill, gather, whole_week
from microglia.score.scores import Evidence, ReplicaScore
from tests import factories
from tests.unit.score.worlds import Spec, daily, world

HOURS = factories.WINDOW.hours
WEEK = factories.WINDOW.hour_of_week
BUSY = Spec("busy", rps=100)


def _score(spec: Spec, policy: PolicySpec | None = None, **parts) -> ReplicaScore:
    topology = world(spec, **parts)
    return score(topology, policy or PolicySpec()).replicas[WorkloadId("shop", spec.name)]


def _without(*hours: int) -> np.ndarray:
    seen = np.ones(HOURS)
    seen[list(hours)] = 0
    return seen


def test_a_missing_bucket_counts_as_the_other_week_at_that_hour() -> None:
    """A gap exactly on one week's peak is filled with the same hour of the other week."""
    values = np.zeros((1, HOURS), dtype=np.float32)
    values[0, 10], values[0, 10 + 168] = 7, 90
    whole = np.ones((1, HOURS), dtype=bool)
    whole[0, 10] = False
    found = fill(values, whole, WEEK, whole_week=True)
    assert found.values[0, 10] == 90
    assert found.known.tolist() == [True]


def test_a_missing_bucket_counts_as_its_neighbours_when_they_are_higher() -> None:
    """The hours of the week before and after count as well, across the week's end too."""
    values = np.zeros((1, HOURS), dtype=np.float32)
    monday, sunday = int(np.flatnonzero(WEEK == 0)[0]), int(np.flatnonzero(WEEK == 167)[0])
    values[0, sunday] = 55
    whole = np.ones((1, HOURS), dtype=bool)
    whole[0, monday] = False
    assert fill(values, whole, WEEK, whole_week=True).values[0, monday] == 55


def test_a_partly_seen_bucket_keeps_what_it_showed_if_that_is_more() -> None:
    """Half a bucket is a lower bound of the whole."""
    values = np.ones((1, HOURS), dtype=np.float32)
    values[0, 20] = 30
    whole = np.ones((1, HOURS), dtype=bool)
    whole[0, 20] = False
    assert fill(values, whole, WEEK, whole_week=True).values[0, 20] == 30


def test_an_hour_of_the_week_never_seen_is_reported() -> None:
    """Missing in every week: the hour is named, and 0 stands in."""
    values = np.full((1, HOURS), np.nan, dtype=np.float32)
    found = fill(values, np.zeros((1, HOURS), dtype=bool), WEEK, whole_week=True)
    assert found.never.sum() == 168
    assert found.values.max() == 0
    assert found.known.tolist() == [False]


def test_a_short_window_needs_only_its_own_hours_if_the_policy_waives_the_week() -> None:
    """A day is enough only when the policy asks for less than one whole week."""
    day = Window.ending(factories.NOW, timedelta(days=1))
    values, whole = np.ones((1, 24), dtype=np.float32), np.ones((1, 24), dtype=bool)
    assert fill(values, whole, day.hour_of_week, whole_week=True).never.sum() == 144
    assert fill(values, whole, day.hour_of_week, whole_week=False).known.tolist() == [True]
    assert whole_week(PolicySpec())
    assert not whole_week(PolicySpec(observation=Observation(cycles=Cycles(at_least=0))))


@given(st.sets(st.integers(0, HOURS - 1), max_size=60))
def test_filling_never_lowers_what_was_seen(missing: set[int]) -> None:
    """Every filled bucket is at least the bucket as it was seen."""
    values = (100 * daily()).astype(np.float32)[None, :]
    whole = np.ones((1, HOURS), dtype=bool)
    whole[0, sorted(missing)] = False
    assert (fill(values, whole, WEEK, whole_week=True).values >= values - 1e-6).all()


def test_rows_that_metrics_do_not_have_are_nan_or_false() -> None:
    """A negative row is unknown: NaN for numbers, False for flags; untouched rows are not copied."""
    values, flags = np.arange(6.0).reshape(3, 2), np.ones((3, 2), dtype=bool)
    assert gather(values, np.array([0, -1]))[0].tolist() == [0.0, 1.0]
    rows = np.array([2, -1])
    assert gather(values, rows)[0].tolist() == [4.0, 5.0]
    assert np.isnan(gather(values, rows)[1]).all()
    assert not gather(flags, rows)[1].any()
    assert gather(values, np.arange(3)) is values


def test_a_workload_with_a_never_seen_hour_is_unknown_though_used() -> None:
    """Its need at that hour is not known; the sentence names the first such hour."""
    at = np.flatnonzero(WEEK == 33)
    found = _score(replace(BUSY, series={"seen": _without(*at)}))
    assert found.judged.evidence is Evidence.UNKNOWN
    assert "1 h of the week were never seen, the first is Tuesday 09:00 UTC" in found.judged.why
    assert (found.need, found.holds[0].code, found.holds[0].floor) == (None, "unknown", 5)
    assert found.arithmetic == "need is not known"


def test_a_gap_on_one_peak_changes_nothing_while_the_other_week_is_there() -> None:
    """The peak of the other week stands in for it."""
    spec = replace(BUSY, rps=100)
    top = int(daily().argmax())
    gap = _score(replace(spec, series={"seen": _without(top)}))
    assert gap.judged.evidence is Evidence.USED
    assert gap.need == _score(spec).need


def test_a_known_peak_outside_the_window_makes_unknown() -> None:
    """Month-end was not in these 14 days, so nobody knows what it needs; other namespaces are not touched."""
    peak = KnownPeak(name="month-end", cron="0 0 1 * *", lasts="24h", namespaces=("shop",))
    policy = PolicySpec(observation=Observation(schedule=(peak,)))
    found = _score(BUSY, policy)
    assert (found.judged.evidence, "no month-end" in found.judged.why) == (Evidence.UNKNOWN, True)
    other = policy.model_copy(
        update={"observation": Observation(schedule=(peak.model_copy(update={"namespaces": ("else",)}),))}
    )
    assert _score(BUSY, other).judged.evidence is Evidence.USED


def test_a_known_peak_must_have_been_seen_and_not_only_passed() -> None:
    """An occurrence inside the window counts when its hours were covered."""
    start = factories.WINDOW.moment(50)
    peak = KnownPeak(name="sale", cron=f"0 {start.hour} {start.day} * *", lasts="3h")
    policy = PolicySpec(observation=Observation(schedule=(peak,)))
    assert _score(BUSY, policy).judged.evidence is Evidence.USED
    assert _score(replace(BUSY, series={"seen": _without(51)}), policy).judged.evidence is Evidence.UNKNOWN


@pytest.mark.parametrize(("offset", "count"), [(0, 1), (HOURS - 2, 1), (HOURS - 1, 0)])
def test_an_occurrence_counts_when_it_ends_in_the_window(offset: int, count: int) -> None:
    """Two hours from the first bucket, or ending with the last, lie in it; one hour later they do not."""
    start = factories.WINDOW.moment(offset)
    peak = KnownPeak(name="sale", cron=f"0 {start.hour} {start.day} {start.month} *", lasts="2h")
    found = occurrences(peak, factories.WINDOW)
    assert len(found) == count
    assert all(span == (offset, offset + 2) for span in found)
