"""Replicas below need, where the policy lets them compete at a risk that it states."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec, Retention, Weak, WeakReplicas
from microglia.score import score
from microglia.score.scores import Capacity, ReplicaScore
from microglia.score.weak import below_need, load_bearing, why_not
from tests import factories
from tests.unit.score.worlds import Spec, daily, host, world

ID = WorkloadId("shop", "cart")
UNKNOWN = Capacity(None, "nobody knows", 1.0, 0.0, "")


def _weak(at_risk: float, **parts: Any) -> Retention:
    return Retention(weak=Weak(replicas=WeakReplicas(at_risk=at_risk)), **parts)


def _score(**parts: Any) -> ReplicaScore:
    """Eight replicas of which six are needed: 4 put 2 requests per hour at risk, 5 put 0.9."""
    risk = (1000.0, 1000.0, 50.0, 9.0, 2.0, 0.9, 0.5, 0.2, 0.0)
    return factories.replica_score(ID, 8, **{"need": 6, "risk": risk, **parts})


def _real(retention: Retention, count: int = 6, **parts: Any) -> ReplicaScore:
    policy = PolicySpec(retention=retention)
    return score(world(Spec("cart", count, **{"rps": 180, **parts})), policy).replicas[ID]


@pytest.mark.parametrize(("at_risk", "count"), [(0.4, 6), (0.89, 6), (0.9, 5), (2.0, 4), (8.9, 4), (5000.0, 1)])
def test_the_least_count_within_the_stated_risk_is_load_bearing(at_risk: float, count: int) -> None:
    """Exactly at the risk is within it; the last copy always stays."""
    assert load_bearing(_score(), _weak(at_risk)) == count


def test_without_a_word_of_the_policy_need_is_load_bearing() -> None:
    """Replicas below need compete only where the policy says so."""
    assert load_bearing(_score(), Retention()) == 6
    assert load_bearing(_score(need=None), _weak(9.0)) is None
    assert below_need(_score(), 5, Retention()) == why_not(_score(), Retention()) == ""


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"need": 9}, "it has 8 replicas, less than need already"),
        ({"capacity": UNKNOWN}, "what one replica can serve is not known, so neither is the risk"),
        ({"firm": 6}, "its CPU, or the peak of a zone, needs 6 whatever the requests"),
        ({"risk": (99.0,) * 9}, "5 would put 99 requests/h at risk, 9 are allowed"),
    ],
)
def test_what_keeps_need_in_force_is_told(parts: dict[str, Any], why: str) -> None:
    """Short, of unknown capacity, bound by CPU or zones, or too risky: need stays, and the reason says which."""
    found = _score(**parts)
    assert load_bearing(found, _weak(9.0)) == found.need
    assert why_not(found, _weak(9.0)) == f"none below need, though spec.retention.weak.replicas is set: {why}"
    assert below_need(found, 5, _weak(9.0)) == ""


def test_nothing_is_said_where_it_takes_effect_or_makes_no_difference() -> None:
    """A need of one cannot be undercut."""
    assert why_not(_score(), _weak(9.0)) == ""
    assert why_not(_score(need=1), _weak(9.0)) == ""
    assert why_not(_score(need=None), _weak(9.0)) == ""


def test_a_count_below_need_says_by_whose_word_and_at_what_risk() -> None:
    """Only counts that the policy allows and that are really below need."""
    told = "below need, because spec.retention.weak.replicas allows 2 requests/h at risk; at risk 0.9 requests/h"
    assert below_need(_score(), 5, _weak(2.0)) == told
    assert below_need(_score(), 6, _weak(2.0)) == below_need(_score(), 3, _weak(2.0)) == ""


def test_cpu_is_never_undercut() -> None:
    """Requests would do with less, but a CPU peak that no model ties to requests needs what it needs; where a model
    does, the shortfall of CPU is among the requests at risk."""
    declared = {"annotations": {"microglia.dev/capacity": "180rps"}}
    found = _real(_weak(1e9), count=8, parts=declared, seconds=0, series={"cpu_peak": 3 * 0.35 * daily()})
    assert (found.need, found.firm) == (5, 5)
    assert load_bearing(found, _weak(1e9)) == 5
    modelled = _real(_weak(1e9), count=8)
    assert (modelled.need, modelled.firm) == (3, 0)
    assert load_bearing(modelled, _weak(1e9)) == 1


def test_zones_are_never_undercut() -> None:
    """Where calls stay in their zone, each zone keeps what its own peak needs: risk takes the load to be spread."""
    topology = world(Spec("cart", 9, rps=100, series={"zones": (90, 5, 5)}))
    near = replace(topology.services[host("cart")], raw=factories.service("cart", trafficDistribution="PreferClose"))
    local = replace(topology, services={host("cart"): near})
    found = score(local, PolicySpec(retention=_weak(1e9))).replicas[ID]
    assert (found.need, found.firm, load_bearing(found, _weak(1e9))) == (6, 6, 6)


def test_stretch_holds_below_need_too() -> None:
    """Where replicas below need may go, what was seen healthy limits each step, and says what releases it."""
    assert [hold.code for hold in _real(Retention(), count=3, rps=100, series={"old_load": 60.0}).holds] == []
    holds = {one.code: one for one in _real(_weak(1e9), count=3, rps=100, series={"old_load": 60.0}).holds}
    assert (holds["stretch"].floor, holds["failureStretch"].floor) == (2, 2)
    assert holds["failureStretch"].why == "with 1 replica, after the worst failure, none would be left"
    assert "with 1 replica, at its peak, 100 requests per second would fall on each" in holds["stretch"].why


def test_memory_holds_below_need_too() -> None:
    """A pod that cannot hold the load of fewer copies keeps its count although the policy would let it go."""
    seen = {"memory": 1e8 + 1e6 * 60 * daily()}
    resources = {"requests": {"cpu": "500m", "memory": "128Mi"}, "limits": {"memory": "250M"}}
    spec = {"series": seen, "parts": {"pod": {"containers": [{"name": "app", "resources": resources}]}}}
    plain, weak = (_real(retention, count=3, **spec) for retention in (Retention(), _weak(1e9)))
    assert "memory" not in {hold.code for hold in plain.holds}
    held = next(hold for hold in weak.holds if hold.code == "memory")
    assert held.floor == 3
    assert "below 3 replicas, after a failure" in held.why


def test_an_idle_workload_keeps_its_floor() -> None:
    """Nothing at risk is no reason to go below what is idle's need already."""
    found = _real(_weak(1.0), rps=0)
    assert found.need == 0
    assert load_bearing(found, _weak(1.0)) == 0
    assert np.isclose(sum(found.risk), 0)
