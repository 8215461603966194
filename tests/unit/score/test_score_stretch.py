"""How far one step may go, and what releases it."""

from dataclasses import replace

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec, Retention
from microglia.score import score
from microglia.score.scores import ReplicaScore
from microglia.score.stretch import release
from tests.unit.score.worlds import Spec, world

ID = WorkloadId("shop", "cart")


def _score(replicas: int, seen: float, peak: float = 100, **retention) -> ReplicaScore:
    """A workload of which only ``seen`` requests per second per replica are demonstrated."""
    declared = {"annotations": {"microglia.dev/capacity": "1000rps"}}
    series = {"latency": np.nan, "old_load": seen, "cpu_peak": 0.0}
    policy = PolicySpec(retention=Retention(**{"survive": ("replica",), **retention}))
    spec = Spec("cart", replicas, rps=peak, series=series, parts=declared)
    found = score(world(spec), policy).replicas[ID]
    # A declared capacity counts as demonstrated; these tests are about what was seen.
    assert found.capacity.demonstrated == 1000
    undeclared = replace(spec, parts={}, seconds=0.0035)
    return score(world(undeclared), policy).replicas[ID]


def _floors(found: ReplicaScore) -> dict[str, int]:
    return {hold.code: hold.floor for hold in found.holds}


def test_one_step_raises_the_load_by_at_most_stretch() -> None:
    """100 rps on 10 replicas, 10 each seen: 15 each on 7 is allowed (14.3), on 6 (16.7) is not."""
    found = _score(10, 10)
    assert found.reach == 7
    assert _floors(found) == {"stretch": 7, "failureStretch": 5}


def test_exactly_at_the_limit_is_allowed() -> None:
    """60 rps on 6, 10 each seen: 4 carry exactly 15."""
    assert _score(6, 10, peak=60).reach == 4


def test_after_a_failure_the_wider_limit_counts() -> None:
    """100 rps, 20 each seen: 4 would do for 25 <= 30, and 3 left carry 33 <= 50; 3 would leave 2 with 50: allowed; with
    failureStretch 1.6 the limit is 32, so four must be left."""
    assert _score(5, 20).reach == 4
    tight = _score(5, 20, failure_stretch=1.6)
    assert (tight.reach, _floors(tight)) == (5, {"stretch": 4, "failureStretch": 5})


def test_no_more_than_before_is_always_allowed_after_a_failure() -> None:
    """In three zones 4 and 3 leave two alike: the load after a zone is lost is what it was."""
    found = _score(4, 34, peak=100, survive=("zone",), failure_stretch=1.5, stretch=1.1)
    assert found.survivors[3:] == (2, 2)
    assert found.reach == 3


def test_nothing_demonstrated_allows_no_step() -> None:
    """Capacity is a guess until it has been seen."""
    found = _score(5, 0)
    assert found.reach == 5
    assert set(_floors(found)) == {"stretch", "failureStretch"}


def test_a_hold_below_need_is_not_named() -> None:
    """What need keeps anyway needs no further reason."""
    found = _score(5, 1000)
    assert (found.reach, found.holds) == (2, ())


def test_the_sentence_can_be_recomputed() -> None:
    """It names the count, the load, the limit, what was seen and what releases it."""
    holds = {hold.code: hold.why for hold in _score(10, 10).holds}
    assert "with 6 replicas, at its peak, 16.67 requests per second" in holds["stretch"]
    assert "1.5 x the 10 seen healthy is the most; released once 11.11 have been seen" in holds["stretch"]
    assert "with 4 replicas, after the worst failure, 33.33 requests" in holds["failureStretch"]


@pytest.mark.parametrize(("count", "survivors", "load"), [(3, 2, 40.0), (3, 1, 72.0)])
def test_release_is_what_both_limits_ask_for(count: int, survivors: int, load: float) -> None:
    """180 rps: 60 each over 1.5, or what is left over 2.5, whichever is more."""
    assert release(Retention(), 180.0, count, survivors) == load


def test_an_idle_workload_may_go_all_the_way() -> None:
    """There is no load to stretch."""
    found = score(world(Spec("cart")), PolicySpec()).replicas[ID]
    assert (found.reach, found.holds) == (0, ())


def test_a_peak_from_before_the_window_is_still_in_force() -> None:
    """Need and reach are for the highest peak remembered; it has no bucket."""
    found = score(world(Spec("cart", 9, rps=100, series={"old_peak": 390.0})), PolicySpec()).replicas[ID]
    assert (found.peak, found.peak_at) == (390.0, -1)
    assert found.need == 8
    now = score(world(Spec("cart", 9, rps=100)), PolicySpec()).replicas[ID]
    assert (now.peak, now.need) == (100.0, 3)
    assert now.peak_at == int(np.argmax(world(Spec("cart", rps=100)).activity.workloads.peak[0]))


def test_a_worker_that_is_not_driven_by_requests_is_held() -> None:
    """Its CPU exceeds 20 % of what it requests and its requests explain none of it."""
    busy = 1.0 + np.random.default_rng(1).random(336)
    found = score(world(Spec("cart", series={"cpu_peak": busy})), PolicySpec()).replicas[ID]
    (held,) = [hold for hold in found.holds if hold.code == "not-request-driven"]
    assert held.floor == 5
    assert "its requests explain 0% of it" in held.why


@pytest.mark.parametrize(("cpu", "held"), [(0.59, False), (0.61, True)])
def test_at_a_fifth_of_its_request_a_worker_is_still_quiet(cpu: float, *, held: bool) -> None:
    """5 replicas of 600 m: 20 % are 0.6 cores."""
    found = score(world(Spec("cart", series={"cpu_peak": cpu})), PolicySpec()).replicas[ID]
    assert ("not-request-driven" in _floors(found)) == held


def test_cpu_that_was_never_seen_holds() -> None:
    """Nobody knows whether it works on something else."""
    found = score(world(Spec("cart", series={"cpu_peak": np.nan})), PolicySpec()).replicas[ID]
    assert _floors(found) == {"cpu-unseen": 5}


def test_what_is_used_without_a_measured_volume_is_held() -> None:
    """A declared capacity does not help when nobody knows the demand."""
    declared = {"annotations": {"microglia.dev/capacity": "100rps"}}
    sent = np.ones(336)
    found = score(world(Spec("cart", series={"sent": sent}, parts=declared)), PolicySpec()).replicas[ID]
    (held,) = found.holds
    assert held.code == "capacity"
    assert "never measured" in held.why
    assert found.arithmetic.startswith("need 2: least k with survivors(k) x 100 rps >= 1.1 x 0 = 0 rps")
