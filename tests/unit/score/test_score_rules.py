"""The retention rules by name, and how much may still be unseen."""

from dataclasses import replace

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec, Prices, Retention
from microglia.score import score
from microglia.score.rules import RULES
from microglia.score.unseen import unseen_mass
from tests import factories
from tests.unit.score.worlds import Spec, calls, daily, host, world

ID = WorkloadId("shop", "cart")


def _spiky() -> Spec:
    """Every day 100 requests per second, once 1,000."""
    peaks = 100 * daily()
    peaks[int(peaks.argmax())] = 1000
    return Spec("cart", 20, rps=100, series={"peak": peaks, "cpu_peak": peaks * 0.0035})


def test_every_rule_of_the_policy_exists_and_explains_itself() -> None:
    """The names that a policy may write are the names of documented functions."""
    assert sorted(RULES) == ["peak-quantile", "presence", "requests-at-risk"]
    assert all(rule.__doc__ for rule in RULES.values())


def test_requests_at_risk_needs_the_highest_peak() -> None:
    """1,100 requests per second take 11 survivors: of 17 in three zones."""
    found = score(world(_spiky()), PolicySpec()).replicas[ID]
    assert found.survivors[17] == 11
    assert found.need == 17


def test_peak_quantile_needs_the_95th_percentile() -> None:
    """The lone spike lies above it; what it risks is up for competition."""
    policy = PolicySpec(retention=Retention(rule="peak-quantile"))
    found = score(world(_spiky()), policy).replicas[ID]
    quantile = np.quantile(world(_spiky()).activity.workloads.peak[0].astype(float), 0.95)
    assert found.need == 3
    assert f"1.1 x {quantile:.6g}" in found.arithmetic
    assert found.peak == 1000
    assert found.risk[3] > 0


def test_both_rules_score_routes_alike() -> None:
    """The rule is about replicas."""
    topology = world(_spiky(), Spec("web", series={"sent": 1.0}), edges=calls(("web", "cart")))
    policy = PolicySpec(retention=Retention(rule="peak-quantile"))
    assert score(topology, policy).routes == score(topology, PolicySpec()).routes


def test_an_empty_mesh_has_no_scores() -> None:
    """Nothing selected, nothing scored, by either rule."""
    for rule in ("requests-at-risk", "peak-quantile", "presence"):
        found = score(world(), PolicySpec(retention=Retention(rule=rule)))
        assert (dict(found.replicas), found.routes) == ({}, ())


def test_the_cost_of_a_replica_is_what_it_requests() -> None:
    """600 m and 384 Mi with its proxy, and money for 730 hours a month."""
    prices = Prices(cpu_hour=0.1, memory_gi_hour=0.01)
    found = score(world(Spec("cart")), PolicySpec(prices=prices)).replicas[ID]
    assert found.unit["cpu"] == pytest.approx(0.6)
    assert found.unit["memory"] == 384 * 2**20
    assert found.unit["replicas"] == 1
    assert found.unit["money"] == pytest.approx(730 * (0.6 * 0.1 + 0.375 * 0.01))


def test_the_same_world_in_another_order_scores_the_same() -> None:
    """Workloads come sorted by id, whatever the order in which they were found."""
    specs = [Spec(name, rps=10) for name in "cab"]
    one, other = (world(*order, edges=calls(("a", "b"))) for order in (specs, specs[::-1]))
    assert list(score(one, PolicySpec()).replicas) == [WorkloadId("shop", name) for name in "abc"]
    assert repr(score(one, PolicySpec())) == repr(score(other, PolicySpec()))


def _mass(*counts: float, **parts) -> float:
    edges = factories.edges(*(("shop/a", host(f"h{i}"), "") for i in range(len(counts))))
    edges = replace(edges, requests=np.array(counts, dtype=float), **parts)
    return unseen_mass(world(Spec("a"), edges=edges)).share


def test_unseen_mass_is_the_share_of_requests_alone_on_their_edge() -> None:
    """1 and 1 of 1 + 1 + 98."""
    assert _mass(1, 1, 98) == pytest.approx(0.02)


def test_a_sign_without_a_volume_is_one_request() -> None:
    """A lone call that no counter rose for was still seen once."""
    assert _mass(0, np.nan, 98) == pytest.approx(0.02)


def test_unseen_mass_leaves_out_what_was_not_seen_in_the_window() -> None:
    """Unused edges, and uses remembered from before it, say nothing about it."""
    start = factories.WINDOW.start.timestamp()
    assert _mass(1, 1, 98, last=np.array([start - 1, np.nan, start])) == pytest.approx(1 / 99)
    assert _mass(1, 1, 98, last=np.array([start, np.nan, start])) == pytest.approx(2 / 100)
    assert _mass(1, 1, 98, used=np.array([False, True, True])) == pytest.approx(1 / 99)


def test_unseen_mass_leaves_out_hosts_that_are_none() -> None:
    """Traffic to a pseudo host belongs to no route."""
    edges = factories.edges(("shop/a", "PassthroughCluster", ""), requests=1.0)
    assert unseen_mass(world(Spec("a"), edges=edges)).share == 1.0


def test_when_nothing_was_seen_everything_may_be_unseen() -> None:
    """No requests at all: the worst is assumed."""
    assert unseen_mass(world(Spec("a"))).share == 1.0
