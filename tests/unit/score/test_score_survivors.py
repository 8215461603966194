"""What remains after the worst named failure."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.model.objects import BlindSpot, Objects
from microglia.policy.schema import Failure, PolicySpec, Retention
from microglia.score import score
from microglia.score.need import LARGEST, Required, copies, needs
from microglia.score.panel import panel
from microglia.score.survivors import Shape, read_shape
from microglia.topology.graph import Topology
from tests import factories
from tests.unit.score.worlds import Spec, daily, host, world

HOURS = factories.WINDOW.hours
CART = Spec("cart", rps=100)


def _policy(*survive: Failure, **retention) -> PolicySpec:
    return PolicySpec(retention=Retention(survive=survive, **retention))


def _survivors(topology: Topology, *survive: Failure, upto: int = 9) -> list[int]:
    shape = read_shape(panel(topology, _policy(*survive)))
    counts = np.arange(upto + 1)
    return shape.survivors(np.zeros_like(counts), counts).tolist()


def _shape(**parts) -> Shape:
    one = np.zeros(1, dtype=np.int64)
    defaults = {
        "zones": one + 3, "nodes": 3, "zone_skew": one, "node_skew": one, "unavailable": one,
        "unavailable_percent": one - 1,
        "surge": one + 1, "surge_percent": one - 1, "survive": ("replica",),
    }  # fmt: skip
    return Shape(**{**defaults, **parts})


def test_one_replica_lost_leaves_one_less() -> None:
    """K - 1, never below none."""
    assert _survivors(world(CART), "replica", upto=4) == [0, 0, 1, 2, 3]


def test_a_zone_lost_takes_its_share_rounded_up() -> None:
    """Of 3, 4, 5, 6 in three zones there remain 2, 2, 3, 4."""
    assert _survivors(world(CART), "zone")[3:7] == [2, 2, 3, 4]


def test_the_worst_failure_counts() -> None:
    """Of the named failures the least remains."""
    topology = world(CART)
    found = _survivors(topology, "replica", "zone", "rollout")
    each = zip(*(_survivors(topology, one) for one in ("replica", "zone", "rollout")), strict=True)
    assert found == [min(left) for left in each]


def _rolls(strategy: dict, kind: str = "Deployment") -> Topology:
    key = "updateStrategy" if kind == "StatefulSet" else "strategy"
    topology = world(CART)
    (one,) = topology.workloads.values()
    found = replace(one, id=WorkloadId("shop", "cart", kind), raw={"spec": {key: strategy}})
    return replace(topology, workloads={found.id: found})


@pytest.mark.parametrize(
    ("strategy", "left"),
    [
        ({}, [0, 1, 2, 3, 3, 4, 5, 6, 6, 7]),
        ({"rollingUpdate": {"maxUnavailable": "50%"}}, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]),
        ({"rollingUpdate": {"maxUnavailable": 2, "maxSurge": 0}}, [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]),
        ({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 0}}, [0, 0, 1, 2, 3, 4, 5, 6, 6, 7]),
        ({"type": "Recreate"}, [0] * 10),
        ({"rollingUpdate": {"maxUnavailable": "a few"}}, [0] * 10),
    ],
    ids=["default", "half", "two", "surge only", "never both zero", "recreate", "not understood"],
)
def test_a_rollout_takes_what_its_strategy_allows(strategy: dict, left: list[int]) -> None:
    """Shares of maxUnavailable round down and of maxSurge up, as Kubernetes does; if both come to 0, one goes."""
    assert _survivors(_rolls(strategy), "rollout") == left


def test_a_stateful_set_rolls_one_at_a_time() -> None:
    """Unless its maxUnavailable says otherwise."""
    assert _survivors(_rolls({}, "StatefulSet"), "rollout", upto=3) == [0, 0, 1, 2]
    two = {"rollingUpdate": {"maxUnavailable": 2}}
    assert _survivors(_rolls(two, "StatefulSet"), "rollout", upto=3) == [0, 0, 0, 1]


def test_the_worst_excess_of_the_fullest_zone_is_skew() -> None:
    """3 of 5 in one zone, once, is one more than an even spread; hours away or rolling are left out."""
    fullest, away, rolling = np.full(HOURS, 2.0), np.zeros(HOURS, bool), np.zeros(HOURS, bool)
    fullest[5], fullest[6], fullest[7] = 3, 5, 4
    away[6], rolling[7] = True, True
    spec = replace(CART, series={"fullest_zone": fullest, "rolling": rolling})
    placed = score(world(spec, away=away), _policy("zone")).replicas[WorkloadId("shop", "cart")]
    assert placed.placement.zone_skew == 1
    assert placed.survivors == (0, 0, 0, 1, 1, 2)


def test_where_history_is_missing_the_present_placement_counts() -> None:
    """All five pods on one node: in one zone, three more than even; nodes likewise."""
    series = dict.fromkeys(("placed", "fullest_zone", "fullest_node"), np.nan)
    topology = world(replace(CART, series=series))
    one = topology.workloads[WorkloadId("shop", "cart")]
    moved = replace(one, pods=tuple(replace(pod, node="node-a", zone="a") for pod in one.pods))
    shape = read_shape(panel(replace(topology, workloads={one.id: moved}), _policy("zone", "node")))
    assert (shape.placement(0).zone_skew, shape.placement(0).node_skew) == (3, 3)
    assert read_shape(panel(topology, _policy("zone"))).placement(0).zone_skew == 0


def test_pods_in_unknown_zones_are_taken_to_share_one() -> None:
    """Nobody can tell, so the worst is assumed."""
    series = dict.fromkeys(("placed", "fullest_zone", "fullest_node"), np.nan)
    topology = world(replace(CART, series=series))
    one = topology.workloads[WorkloadId("shop", "cart")]
    moved = replace(one, pods=tuple(replace(pod, zone=None) for pod in one.pods))
    shape = read_shape(panel(replace(topology, workloads={one.id: moved}), _policy("zone")))
    assert shape.placement(0).zone_skew == 3


def test_losing_a_node_counts_like_losing_a_zone() -> None:
    """Over the nodes that there are."""
    nodes = [factories.node(f"node-{name}", "a") for name in "abcdef"]
    spread = replace(CART, series={"fullest_node": 1.0})
    assert _survivors(world(spread, nodes=nodes), "node")[5:8] == [4, 5, 5]


def test_two_zones_or_nodes_are_enough_to_lose_one() -> None:
    """Half of it goes, rounded up."""
    nodes = [factories.node("node-a", "a"), factories.node("node-b", "b")]
    even = replace(CART, series={"fullest_zone": 2.5, "fullest_node": 2.5})
    assert _survivors(world(even, nodes=nodes), "zone", upto=5) == [0, 0, 1, 1, 2, 2]
    assert _survivors(world(even, nodes=nodes), "node", upto=5) == [0, 0, 1, 1, 2, 2]


def test_a_single_zone_or_node_is_dropped() -> None:
    """With one of them there is nothing to survive in; the arithmetic does not name it."""
    topology = world(CART, nodes=[factories.node("node-a", "a")])
    assert _survivors(topology, "zone", "node", "replica", upto=3) == [0, 0, 1, 2]
    found = score(topology, _policy("zone", "node", "replica")).replicas[WorkloadId("shop", "cart")]
    assert found.arithmetic.endswith("survivors: replica k - 1")
    only = score(topology, _policy("zone")).replicas[WorkloadId("shop", "cart")]
    assert only.survivors == (0, 1, 2, 3, 4, 5)
    assert only.arithmetic.endswith("survivors: k")


@pytest.mark.parametrize(
    ("zones", "counted"), [("aabbc", 3), ("abcde", 5), ("aaaaa", 5), ("aabb", 2), ("ab", 5), ("aabb?", 5)]
)
def test_only_zones_that_copies_may_lie_in_count(zones: str, counted: int) -> None:
    """Five zones, and copies kept out of two: losing one takes a third. One zone, or one copy each, proves nothing."""
    nodes = [factories.node(f"node-{name}", name) for name in "abcde"]
    topology = world(replace(CART, replicas=len(zones)), nodes=nodes)
    one = topology.workloads[WorkloadId("shop", "cart")]
    placed = zip(one.pods, zones, strict=True)
    moved = replace(one, pods=tuple(replace(pod, zone=None if zone == "?" else zone) for pod, zone in placed))
    shape = read_shape(panel(replace(topology, workloads={one.id: moved}), _policy("zone")))
    assert shape.placement(0).zones == counted


def test_survivors_are_told_in_words() -> None:
    """One term per failure, with its skew and its strategy."""
    shape = _shape(zone_skew=np.array([2]), survive=("zone", "node", "rollout"), unavailable=np.array([2]))
    assert shape.words(0) == "zone k - ceil(k/3) - 2, node k - ceil(k/3), rollout k - 2"


def test_unreadable_nodes_leave_zones_unknown() -> None:
    """Without nodes nobody knows which zones exist: held. Nodes without zone labels are one zone: not held."""
    topology = world(CART, nodes=())
    faults = (BlindSpot("Node", "forbidden"),)
    blind = replace(topology, snapshot=replace(topology.snapshot, objects=Objects(topology.objects.kinds, faults)))
    ident = WorkloadId("shop", "cart")
    held = score(blind, PolicySpec()).replicas[ident].holds
    assert ("zones", 5) in [(one.code, one.floor) for one in held]
    assert "zones" not in [one.code for one in score(blind, _policy("replica")).replicas[ident].holds]
    assert "zones" not in [one.code for one in score(topology, PolicySpec()).replicas[ident].holds]


def test_copies_round_up_and_forgive_rounding() -> None:
    """198 of 100 takes two; exactly 200, or a rounding error above it, takes two as well; 201 three."""
    demand = np.array([198.0, 200.0, 200.0 * (1 + 1e-12), 201.0, 0.0, 5.0, 1e12])
    each = np.array([100.0, 100.0, 100.0, 100.0, 100.0, np.nan, 1.0])
    assert copies(demand, each).tolist() == [2, 2, 2, 3, 0, 0, LARGEST + 1]


def _need(shape: Shape, survivors: int, local: int = 0) -> int:
    one = np.ones(1, dtype=np.int64)
    return int(needs(shape, Required(one * survivors, one * 0, one * local))[0])


@pytest.mark.parametrize(("survivors", "need"), [(0, 0), (1, 2), (2, 3), (3, 5), (4, 6)])
def test_need_is_the_least_count_whose_survivors_suffice(survivors: int, need: int) -> None:
    """In three zones."""
    assert _need(_shape(survive=("zone",)), survivors) == need


def test_no_count_survives_a_recreation() -> None:
    """Whatever the count, all are taken: there is none; nor is there for more than can be looked at."""
    everything = _shape(survive=("rollout",), unavailable_percent=np.array([100]))
    assert _need(everything, 1) == -1
    assert _need(_shape(), LARGEST + 1) == -1
    assert _need(_shape(), LARGEST) == -1


def test_every_zone_must_hold_its_own_where_calls_stay_in_it() -> None:
    """Two left in each of three zones after one is lost: nine."""
    assert _need(_shape(), 1, local=2) == 9
    assert _need(_shape(survive=("zone",)), 1, local=2) == 6
    assert _need(_shape(survive=("rollout",), unavailable=np.array([2])), 1, local=1) == 9
    assert _need(_shape(zone_skew=np.array([1]), survive=("zone",)), 1, local=1) == 6


def test_a_workload_that_recreates_is_held_with_the_reason() -> None:
    """No count satisfies need: pinned, need is None."""
    spec = replace(CART, parts={"spec": {"strategy": {"type": "Recreate"}}})
    found = score(world(spec), PolicySpec()).replicas[WorkloadId("shop", "cart")]
    assert found.need is None
    assert ("no-count", 5) in [(one.code, one.floor) for one in found.holds]
    assert found.arithmetic.startswith("need nothing: least k with")


def test_a_workload_below_its_need_is_short() -> None:
    """It has two and needs three: held at two, and said."""
    found = score(world(replace(CART, replicas=2)), PolicySpec()).replicas[WorkloadId("shop", "cart")]
    assert found.need == 3
    assert [(one.code, one.floor) for one in found.holds if one.code == "short"] == [("short", 2)]
    assert "it has 2 replicas and needs 3" in next(one.why for one in found.holds if one.code == "short")


def test_cpu_raises_need_where_requests_do_not() -> None:
    """1.3 cores at the peak need four survivors of 0.42 each, though the requests need two."""
    spec = replace(CART, replicas=9, series={"cpu_peak": 1.3 * daily()})
    found = score(world(spec), PolicySpec()).replicas[WorkloadId("shop", "cart")]
    assert found.survivors[6] == 4
    assert found.need == 6
    exact = score(world(replace(spec, replicas=6)), PolicySpec()).replicas[WorkloadId("shop", "cart")]
    assert "; survivors(5) = 3, survivors(6) = 4;" in exact.arithmetic
    assert "survivors(k) x 0.42 cpu >= 1.3 cpu" in found.arithmetic


def test_an_idle_workload_that_works_is_sized_by_its_cpu() -> None:
    """Below what one replica may take it is held by its floor alone; above, its CPU needs survivors."""
    for cpu, need in ((0.3, 0), (0.5, 3)):
        spec = Spec("cart", 9, series={"cpu_peak": cpu})
        found = score(world(spec), _policy("zone")).replicas[WorkloadId("shop", "cart")]
        assert found.need == need
    assert found.arithmetic.startswith("need 3: least k with survivors(k) x 0.42 cpu >= 0.5 cpu")


def _local(spec: Spec, **parts) -> Topology:
    rule = factories.thing("DestinationRule", "cart", spec={"host": "cart", **parts})
    return world(spec, more=[rule])


@pytest.mark.parametrize(
    "policy",
    [
        {"trafficPolicy": {"outlierDetection": {}}},
        {"trafficPolicy": {"loadBalancer": {"localityLbSetting": {"enabled": True}}}},
        {"subsets": [{"name": "v1", "trafficPolicy": {"outlierDetection": {"interval": "1s"}}}]},
    ],
    ids=["outlier detection", "by name", "subset"],
)
def test_under_locality_aware_routing_every_zone_needs_enough(policy: dict) -> None:
    """90 requests per second in one zone need one replica left there: two per zone."""
    spec = replace(CART, replicas=9, series={"zones": (90, 5, 5)})
    found = score(_local(spec, **policy), PolicySpec()).replicas[WorkloadId("shop", "cart")]
    assert found.need == 6
    assert "and 1 left in every zone for its peak of 90 rps" in found.arithmetic


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"trafficPolicy": {"outlierDetection": {}, "loadBalancer": {"localityLbSetting": {"enabled": False}}}},
    ],
    ids=["plain", "disabled"],
)
def test_without_locality_only_the_whole_counts(policy: dict) -> None:
    """A rule that says nothing of zones, or switches it off."""
    spec = replace(CART, replicas=9, series={"zones": (90, 5, 5)})
    assert score(_local(spec, **policy), PolicySpec()).replicas[WorkloadId("shop", "cart")].need == 3


@pytest.mark.parametrize(
    ("parts", "need"),
    [
        ({"trafficDistribution": "PreferClose"}, 6),
        ({"annotations": {"service.kubernetes.io/topology-mode": "Auto"}}, 6),
        ({"annotations": {"service.kubernetes.io/topology-aware-hints": "auto"}}, 6),
        ({"annotations": {"service.kubernetes.io/topology-mode": "Disabled"}}, 3),
    ],
    ids=["distribution", "mode", "hints", "disabled"],
)
def test_a_service_may_ask_for_its_zone_too(parts: dict, need: int) -> None:
    """By trafficDistribution, by topology mode or by its older name."""
    spec = replace(CART, replicas=9, series={"zones": (90, 5, 5)})
    topology = world(spec)
    service = topology.services[host("cart")]
    raw = factories.service("cart", **parts)
    found = replace(topology, services={host("cart"): replace(service, raw=raw)})
    assert score(found, PolicySpec()).replicas[WorkloadId("shop", "cart")].need == need


def test_unknown_zone_peaks_hold_what_stays_in_its_zone() -> None:
    """Nobody knows what the busiest zone takes."""
    spec = replace(CART, replicas=9, series={"zones": (np.nan, np.nan, np.nan)})
    found = score(_local(spec, trafficPolicy={"outlierDetection": {}}), PolicySpec())
    holds = found.replicas[WorkloadId("shop", "cart")].holds
    assert ("zone-peaks", 9) in [(one.code, one.floor) for one in holds]


def test_one_zone_has_no_zone_peaks_to_know() -> None:
    """Where there is a single zone, its peak is the whole peak."""
    nodes: Sequence = [factories.node(f"node-{name}", "a") for name in "abc"]
    rule = factories.thing("DestinationRule", "cart", spec={"host": "cart", "trafficPolicy": {"outlierDetection": {}}})
    spec = replace(CART, replicas=9, series={"zones": (np.nan, np.nan, np.nan)})
    found = score(world(spec, nodes=nodes, more=[rule]), PolicySpec()).replicas[WorkloadId("shop", "cart")]
    assert "zone-peaks" not in [one.code for one in found.holds]
