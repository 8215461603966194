"""Which hours are compared, and what each signal makes of them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from microglia.guard.exposure import Exposure, exposure
from microglia.guard.hours import pairs, quiet, since
from microglia.guard.sequential import Comparison
from microglia.guard.signals import SIGNS, errors, latency, missing, saturation, unsent, unserved
from microglia.model.activity import Activity, Slowness, WorkloadActivity
from microglia.policy.guarding import Signal
from microglia.policy.observing import Cycles
from tests.factories import NOW, WINDOW, activity, workload_activity

CUT = WINDOW.end - timedelta(hours=3)
LAST, WEEK = WINDOW.hours - 1, 168


def facts(**series: Any) -> WorkloadActivity:
    """One workload; each series is given as {bucket: value} over a default under the key None."""
    found = workload_activity(["shop/a"])
    for name, values in series.items():
        whole = getattr(found, name).copy()
        if None in values:
            whole[0, :] = values[None]
        for bucket, value in values.items():
            if bucket is not None:
                whole[0, bucket] = value
        found = replace(found, **{name: whole})
    return found


def compared(seen: Activity) -> tuple[list[int], list[list[int]]]:
    """The buckets since the cut and their partners."""
    found = pairs(seen, 0, CUT)
    return found.since.tolist(), found.before.tolist()


def test_whole_hours_since_the_cut_are_compared_with_the_same_hours_of_week() -> None:
    """Three hours since, each with its only earlier week in a window of two; the second week back lies outside."""
    after = [LAST - 2, LAST - 1, LAST]
    assert compared(activity(facts())) == (after, [[bucket - WEEK, -1] for bucket in after])


def test_the_first_hour_of_the_window_is_a_partner() -> None:
    """A cut after the first week is compared with the very beginning."""
    week = WINDOW.start + timedelta(days=7)
    assert pairs(activity(facts()), 0, week).before[0].tolist() == [0, -1]


def test_the_hour_of_the_cut_counts_for_neither_side() -> None:
    """A cut at ten past begins to count at the next full hour."""
    late = CUT + timedelta(minutes=10)
    assert since(activity(facts()), late).tolist() == [LAST - 1, LAST]
    assert pairs(activity(facts()), 0, late).since.tolist() == [LAST - 1, LAST]


@pytest.mark.parametrize(
    "parts",
    [{"seen": {LAST - 1: 0.89}}, {"seen": {LAST - 1 - WEEK: np.nan}}, {"rolling": {LAST - 1 - WEEK: True}}],
    ids=["unseen since", "unseen before", "rolling before"],
)
def test_an_hour_that_was_not_normal_is_left_out(parts: dict[str, Any]) -> None:
    """What was not seen, or was in the middle of a change before, has no partner."""
    assert compared(activity(facts(**parts)))[0] == [LAST - 2, LAST]


@pytest.mark.parametrize(("name", "bucket", "value"), [("known", LAST - 1, False), ("away", LAST - 1 - WEEK, True)])
def test_a_bucket_that_was_not_whole_is_left_out(name: str, bucket: int, *, value: bool) -> None:
    """A partial reply since the cut, or a zone away before it."""
    seen = activity(facts())
    getattr(seen, name)[bucket] = value
    assert compared(seen)[0] == [LAST - 2, LAST]


def test_a_rollout_since_the_cut_still_counts() -> None:
    """The step itself is a change of count; its hours are what is to be judged."""
    assert len(compared(activity(facts(rolling={LAST: True})))[0]) == 3


def compare(signal: Any, **series: Any) -> Comparison:
    """What ``signal`` makes of a workload's three hours since the cut."""
    found = facts(**series)
    seen = activity(found)
    comparison: Comparison = signal(seen, 0, pairs(seen, 0, CUT), 1.25)
    return comparison


def slowness(slow: dict[int | None, float], timed: dict[int | None, float], key: str = "shop/a") -> Slowness:
    """Slow and timed requests of one workload, as {bucket: value} over a default under the key None."""
    rows = [np.full((1, WINDOW.hours), values.pop(None, 0), dtype=np.float32) for values in (dict(slow), dict(timed))]
    for row, values in zip(rows, (slow, timed), strict=True):
        for bucket, value in values.items():
            row[0, slice(None) if bucket is None else bucket] = value
    return Slowness(500.0, (key,), *rows)


def timed(told: Slowness | None) -> Comparison:
    """What is made of a workload's slow requests in the three hours since the cut."""
    seen = activity(facts(), slowness=told)
    return latency(seen, 0, pairs(seen, 0, CUT), 1.25)


def test_errors_are_split_by_requests() -> None:
    """6 errors since against 2 before, at a quarter of the requests since."""
    found = compare(
        errors,
        requests={LAST: 100, LAST - WEEK: 300},
        failures={LAST: 6, LAST - WEEK: 2},
    )
    assert (found.events, found.total, found.share, found.prior) == (6, 8, 0.25, 20)


def test_unknown_hours_count_on_neither_side() -> None:
    """An hour whose errors are not known leaves with its partner."""
    found = compare(
        errors,
        requests={None: 100},
        failures={None: 1, LAST: np.nan, LAST - 1 - WEEK: np.nan},
    )
    assert (found.events, found.total, found.share) == (1, 2, 0.5)


def test_without_requests_nothing_is_compared() -> None:
    """An idle workload has no error rate."""
    assert compare(errors, requests={None: 0}).share == 0.0


def test_unserved_requests_count_as_exposure() -> None:
    """A service that answers nothing still shows how many tried."""
    found = compare(
        unserved,
        requests={LAST: 0, LAST - WEEK: 100},
        unserved={LAST: 50, LAST - WEEK: 0},
    )
    assert (found.events, found.total, found.share) == (50, 50, pytest.approx(1 / 3))


def test_slow_requests_are_split_by_those_that_were_timed() -> None:
    """6 slow ones since against 2 before, at a quarter of the timed requests since: single requests, as errors are."""
    found = timed(slowness({LAST: 6, LAST - WEEK: 2}, {LAST: 100, LAST - WEEK: 300}))
    assert (found.events, found.total, found.share, found.prior) == (6, 8, 0.25, 20)


def test_an_hour_whose_buckets_were_not_read_counts_on_neither_side() -> None:
    """One hour is missing since, another before: only the third is compared."""
    gone = {LAST: np.nan, LAST - 1 - WEEK: np.nan}
    found = timed(slowness({None: 1, **gone}, {None: 100, **gone}))
    assert (found.events, found.total, found.share) == (1, 2, 0.5)


@pytest.mark.parametrize(
    "told",
    [None, slowness({None: 9}, {None: 9}, key="shop/b"), slowness({None: np.nan}, {None: np.nan})],
    ids=["nobody asked", "asked of another", "no such buckets"],
)
def test_without_buckets_slowness_is_neither_harm_nor_health(told: Slowness | None) -> None:
    """Nothing is compared: no evidence, and no judgement."""
    found = timed(told)
    assert (found.share, found.log_e, found.harmed(1.0, 1.25)) == (0.0, 0.0, False)


def test_hours_of_missing_demand_are_counted() -> None:
    """Below the least of before over 1.25 counts; an hour that never had any is not compared."""
    series = {None: 100, LAST: 79, LAST - 1: 80, LAST - 2 - WEEK: 0}
    for signal, name in ((missing, "requests"), (unsent, "sent")):
        found = compare(signal, **{name: series})
        assert (found.events, found.total, found.share) == (1, 2, 0.5)
    assert compare(missing).share == 0.0


def test_more_weeks_make_an_extreme_hour_rarer() -> None:
    """With one hour seen twice before and another once, chance is judged by the poorer one."""
    window = replace(WINDOW, start=WINDOW.start - timedelta(days=7))
    found = workload_activity(["shop/a"], window)
    slow = np.full((1, window.hours), 100, dtype=np.float32)
    slow[0, -3:] = 500
    rich = activity(replace(found, throttled=slow), window=window)
    hours = pairs(rich, 0, CUT)
    assert saturation(rich, 0, hours, 1.25).share == pytest.approx(1 / 3)
    slow[0, window.hours - 1 - 2 * WEEK] = np.nan
    assert saturation(rich, 0, hours, 1.25).share == 0.5


def test_throttled_hours_are_counted() -> None:
    """Above a hundredth, and above 1.25 x the same hour before; below that a busier CPU is what was asked for."""
    found = compare(
        saturation,
        throttled={None: 0.0, LAST: 0.02, LAST - 1: 0.01, LAST - 2: 0.04, LAST - 2 - WEEK: 0.04},
    )
    assert (found.events, found.total, found.share, found.prior) == (1, 3, 0.5, 1)
    assert compare(saturation, throttled={None: np.nan, LAST: 0.5}).total == 0


def test_an_hour_without_any_traffic_is_no_partner() -> None:
    """Neither before nor since: when nobody calls anything, nobody's demand is missing."""
    assert compared(activity(facts(requests={None: 9, LAST: 0, LAST - 1 - WEEK: 0})))[0] == [LAST - 2]
    assert compared(activity(facts(sent={None: 9}, requests={LAST: 1})))[0] == [LAST - 2, LAST - 1, LAST]


def test_silence_is_counted_from_the_newest_hour() -> None:
    """Hours at the end in which the whole mesh was still; a mesh that never spoke is not silent."""
    assert quiet(activity(facts(requests={None: 9, LAST: 0, LAST - 1: 0}))) == 2
    assert quiet(activity(facts(requests={None: 9, LAST - 1: 0}))) == 0
    assert quiet(activity(facts())) == 0


@pytest.mark.parametrize("name", ["errors", "latency", "unserved", "missing", "saturation"])
def test_every_signal_of_a_policy_is_known(name: Signal) -> None:
    """Each name has at least one sign, with words that take the ratio."""
    assert SIGNS[name]
    assert all("{}" in sign.words for sign in SIGNS[name])


def test_exposure_is_the_lowest_weekly_peak_over_the_new_count() -> None:
    """Weeks peak at 180 and 200: four replicas must have carried 45 each; 30 were seen since the cut."""
    seen = activity(facts(peak={None: 10, 5: 180, 200: 200, LAST: 120}))
    found = exposure(seen, 0, 4, CUT, Cycles())
    assert (found.expected, found.reached, found.idle) == (45.0, 30.0, False)


def test_demand_that_fell_for_a_whole_week_is_what_is_expected() -> None:
    """The week since the cut counts too, so that waiting ends."""
    seen = activity(facts(peak={None: 10, 5: 180, 200: 40}))
    assert exposure(seen, 0, 4, WINDOW.end - timedelta(days=7), Cycles()) == Exposure(10.0, 10.0)


def test_a_short_window_counts_as_one_week() -> None:
    """Less than a cycle is taken as it is; hours that are not known are left out."""
    long = Cycles(length="4w")
    assert exposure(activity(facts(peak={None: np.nan, 5: 90})), 0, 3, CUT, long) == Exposure(30.0, 0.0)
    assert exposure(activity(facts(peak={None: np.nan})), 0, 3, CUT, long) == Exposure(0.0, 0.0)


@pytest.mark.parametrize(("reached", "enough"), [(40.4, False), (40.5, True), (50.0, True)])
def test_nine_tenths_of_the_expected_load_are_enough(reached: float, *, enough: bool) -> None:
    """The limit belongs to enough."""
    assert Exposure(45.0, reached).enough(0.9) is enough


def test_no_expected_load_is_idle() -> None:
    """A workload without any peak has nothing to be exposed to; no replicas left are counted as one."""
    assert Exposure(0.0, 0.0).idle
    assert exposure(activity(facts(peak={None: 10.0})), 0, 0, NOW, Cycles()).expected == 10.0
