"""The generated world: as big as asked, consistent, and the same for a seed."""

from datetime import timedelta

import numpy as np
import pytest

from microglia.model.kinds import BY_NAME
from microglia.model.ports import AbsentError
from microglia.model.window import Window
from microglia.world.large import LargeCluster, Size
from microglia.world.large_traffic import LargeTraffic

SMALL = Size(workloads=300, pods=1500, edges=2000, nodes_per_zone=10)


@pytest.fixture(scope="module")
def cluster() -> LargeCluster:
    """Three namespaces of a hundred."""
    return LargeCluster(SMALL, seed=3)


def test_it_is_as_big_as_asked(cluster: LargeCluster) -> None:
    """Workloads, pods, Services, slices and edges are exactly as many as the size says."""
    for kind, count in (("Deployment", 300), ("Pod", 1500), ("Service", 300), ("EndpointSlice", 300), ("Node", 30)):
        assert len(cluster.objects(BY_NAME[kind])) == count
    clients, servers, rates = cluster.edges
    assert len(set(zip(clients.tolist(), servers.tolist(), strict=True))) == len(rates) == 2000
    assert (clients != servers).all()
    with pytest.raises(AbsentError):
        cluster.objects(BY_NAME["HTTPRoute"])


def test_objects_and_metrics_tell_of_the_same_placement(cluster: LargeCluster) -> None:
    """Pods per workload and their fullest zone are the same in both faces, and peaks are split accordingly."""
    window = Window(cluster.start, cluster.start + timedelta(days=7))
    found = LargeTraffic(cluster).activity({}, window, cluster.start).workloads
    zones: dict[str, list[str]] = {}
    for raw in cluster.objects(BY_NAME["Pod"]):
        key = f"{raw['metadata']['namespace']}/{raw['metadata']['labels']['app']}"
        zones.setdefault(key, []).append(raw["spec"]["nodeName"][:6])
    for row, key in enumerate(found.keys):
        counts = [zones[key].count(zone) for zone in found.zones]
        assert found.placed[row, 0] == len(zones[key])
        assert found.fullest_zone[row, 0] == max(counts)
        share = np.array(counts) / sum(counts)
        assert np.allclose(found.zone_peak[row], found.peak[row] * share[:, None], rtol=1e-5)


def test_traffic_adds_up_and_some_are_idle(cluster: LargeCluster) -> None:
    """Workloads get what their edges carry; a tenth is never called; the same window gives the same arrays."""
    window = Window(cluster.start, cluster.start + timedelta(days=7))
    traffic = LargeTraffic(cluster)
    one, two = (traffic.activity({}, window, cluster.start) for _ in range(2))
    assert np.isnan(traffic.slowness(cluster.keys[:2], window, cluster.start, 500).slow).all()
    assert np.array_equal(one.workloads.requests, two.workloads.requests)
    assert one.edges.keys == tuple(sorted(one.edges.keys)) == two.edges.keys
    got: dict[str, float] = dict.fromkeys(one.workloads.keys, 0.0)
    for edge, count in zip(one.edges.keys, one.edges.requests, strict=True):
        got[edge.server] += count
    total = one.workloads.requests.sum(axis=1)
    assert np.allclose(total, [got[key] for key in one.workloads.keys], rtol=0.05, atol=200)
    assert (total == 0).mean() >= 0.1


def test_who_answers_is_told(cluster: LargeCluster) -> None:
    """The source names the generated world and an istiod that can narrow routes."""
    source = LargeTraffic(cluster).describe(cluster.facts(), cluster.start)
    assert source.istiod == ("1.31.1",)
    assert source.cluster == cluster.facts().uid
