"""What was seen healthy, and what was not."""

from dataclasses import replace

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.score import score
from microglia.score.demonstrated import read_health
from microglia.score.panel import panel
from microglia.score.scores import ReplicaScore
from tests import factories
from tests.unit.score.worlds import Spec, daily, world

HOURS = factories.WINDOW.hours
TOP = int(daily().argmax())
CART = Spec("cart", rps=100)


def _score(**series) -> ReplicaScore:
    return score(world(replace(CART, series=series)), PolicySpec()).replicas[WorkloadId("shop", "cart")]


def _at(value: float, *hours: int, other: float = 0.0) -> np.ndarray:
    found = np.full(HOURS, float(other))
    found[list(hours)] = value
    return found


def _codes(found: ReplicaScore) -> list[str]:
    return [hold.code for hold in found.holds]


def test_demonstrated_is_the_highest_healthy_load_per_ready_replica() -> None:
    """100 requests per second on 5 ready replicas: 20 each."""
    assert _score().capacity.demonstrated == 20


def test_an_hour_with_a_zone_away_demonstrates_more() -> None:
    """Only 2 of 5 were ready at one peak: 50 each were seen healthy."""
    assert _score(ready=_at(2, TOP, other=5)).capacity.demonstrated == 50


def test_a_load_remembered_from_before_the_window_counts() -> None:
    """It is kept as long as the peak that it belongs to."""
    assert _score(old_load=33.0).capacity.demonstrated == 33


def test_an_hour_in_which_the_count_changed_demonstrates_nothing() -> None:
    """The mean of ready replicas is not what carried the peak then."""
    ready, rolling = _at(1, TOP, other=5), _at(1, TOP).astype(bool)
    assert _score(ready=ready, rolling=rolling).capacity.demonstrated == 20


@pytest.mark.parametrize(
    "series",
    [
        {"throttled": _at(0.02, TOP)},
        {"failures": _at(36000, TOP)},
        {"latency": _at(10.1, TOP, other=5)},
    ],
    ids=["throttled", "failing", "slow"],
)
def test_an_unhealthy_bucket_demonstrates_nothing_and_at_the_peak_it_pins(series: dict[str, np.ndarray]) -> None:
    """Throttled over 1 %, ten per cent errors, or more than twice its own latency."""
    ready = _at(1, TOP, other=5)
    found = _score(ready=ready, **series)
    assert found.capacity.demonstrated == 20
    assert _codes(found) == ["unhealthy", "stretch"]
    assert found.holds[0].floor == 5
    assert "at its peak" in found.holds[0].why


@pytest.mark.parametrize(
    "series",
    [
        {"throttled": _at(0.01, TOP)},
        {"failures": _at(4, TOP)},
        {"failures": _at(3600, TOP)},
        {"latency": _at(10, TOP, other=5)},
    ],
    ids=["throttled", "four failures", "one per cent", "twice as slow"],
)
def test_at_the_limit_a_bucket_is_healthy(series: dict[str, np.ndarray]) -> None:
    """Exactly 1 % throttled, a handful of failures, 1 % errors or twice its latency are still its norm."""
    assert "unhealthy" not in _codes(_score(**series))


@pytest.mark.parametrize(("failures", "demonstrated"), [(4, 100), (5, 20)])
def test_five_failures_among_few_requests_are_too_many(failures: int, demonstrated: float) -> None:
    """Of 100 requests 4 may fail by chance, 5 make the hour unhealthy: its load is no example."""
    requests = 100 * daily() * 3600
    requests[TOP] = 100
    found = _score(requests=requests, failures=_at(failures, TOP), ready=_at(1, TOP, other=5))
    assert found.capacity.demonstrated == demonstrated


def test_a_quiet_hour_is_never_called_slow() -> None:
    """With fewer than 30 requests a mean latency is chance."""
    requests = 100 * daily() * 3600
    requests[TOP + 12] = 29
    assert "unhealthy" not in _codes(_score(requests=requests, latency=_at(500, TOP + 12, other=5)))


@pytest.mark.parametrize(("count", "pinned"), [(3, False), (4, True)])
def test_more_than_one_per_cent_of_unhealthy_buckets_pins(count: int, *, pinned: bool) -> None:
    """3 of 336 are within 1 %, 4 are not."""
    found = _score(throttled=_at(0.5, *range(TOP + 10, TOP + 10 + count)))
    assert ("unhealthy" in _codes(found)) == pinned
    if pinned:
        assert "1.2% of its buckets" in found.holds[0].why


def test_without_latency_nothing_is_demonstrated() -> None:
    """A bucket whose latency was not seen is neither healthy nor unhealthy."""
    lined = panel(world(replace(CART, series={"latency": np.nan})), PolicySpec())
    found = read_health(lined, lined.whole())
    assert found.demonstrated.tolist() == [0.0]
    assert not found.unhealthy.any()
    assert found.loudest.tolist() == [20.0]


def test_a_silent_hour_is_healthy_without_latency() -> None:
    """No request, no latency: nothing was wrong."""
    lined = panel(world(Spec("cart", series={"peak": _at(5, 3)})), PolicySpec())
    assert read_health(lined, lined.whole()).demonstrated.tolist() == [1.0]


def _memory(limit: str, replicas: int = 5, **series) -> ReplicaScore:
    containers = [
        {"name": "app", "resources": {"requests": {"cpu": "500m", "memory": "128Mi"}, "limits": {"memory": limit}}}
    ]
    spec = replace(CART, replicas=replicas, series=series, parts={"pod": {"containers": containers}})
    return score(world(spec), PolicySpec()).replicas[WorkloadId("shop", "cart")]


def test_memory_that_would_pass_80_per_cent_of_its_limit_holds_the_count() -> None:
    """225 MB at 12.5 requests per second each, 10 MB for each further one, 600 MB allowed: 480 MB are reached at 38
    each, so after a failure three of them must be left, which takes five."""
    found = _memory("600M", 8, memory=1e8 + 1e7 * 12.5 * daily())
    assert found.survivors[4:6] == (2, 3)
    assert found.need == 3
    (hold,) = [one for one in found.holds if one.code == "memory"]
    assert hold.floor == 5
    assert "215 Mi" in hold.why
    assert "limit of 572 Mi" in hold.why


def test_memory_without_a_limit_or_a_slope_holds_nothing() -> None:
    """No limit: nothing to pass. Flat memory within its limit: nothing rises."""
    assert "memory" not in _codes(_score(memory=1e8 + 1e7 * 20 * daily()))
    assert "memory" not in _codes(_memory("1G", memory=1e8))


def test_memory_is_bounded_only_if_every_own_container_is() -> None:
    """One container without a limit may take what it likes, so nothing can be passed; the proxy does not matter."""
    limited = {"name": "app", "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1G"}}}
    free = {"name": "cache", "resources": {"requests": {"cpu": "10m"}}}
    for containers, held in (([limited], True), ([limited, free], False)):
        spec = replace(CART, series={"memory": 9e8}, parts={"pod": {"containers": containers}})
        found = score(world(spec), PolicySpec()).replicas[WorkloadId("shop", "cart")]
        assert ("memory" in _codes(found)) == held


def test_memory_that_was_not_seen_without_a_limit_does_not_matter() -> None:
    """There is nothing that it could pass."""
    assert "memory-unseen" not in _codes(_score(memory=np.nan))


def test_memory_already_above_80_per_cent_pins() -> None:
    """900 MB of 1 GB, whatever the load."""
    found = _memory("1G", memory=9e8)
    (hold,) = [one for one in found.holds if one.code == "memory"]
    assert hold.floor == 5
    assert "raise the limit" in hold.why


def test_memory_that_was_not_seen_under_a_limit_is_unknown() -> None:
    """A limit that nobody watches holds the count."""
    found = _memory("1G", memory=np.nan)
    assert ("memory-unseen", 5) in [(one.code, one.floor) for one in found.holds]
