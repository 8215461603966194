"""The truth as the model's arrays: what is known, what accidents hide, what is remembered."""

from datetime import timedelta

import numpy as np
import pytest

from microglia.model.activity import Activity, Edge
from microglia.model.ports import UnreadableError
from microglia.model.window import Window
from microglia.world.memory import MemoryCluster
from microglia.world.traffic import MemoryTraffic

BACK = "back.shop.svc.cluster.local"


def seen(world, days: int = 2, hours: int = 48) -> Activity:
    """The last ``hours`` before the end of day ``days``."""
    cluster = MemoryCluster(world, world.start + timedelta(days=days, hours=1))
    now = cluster.now
    return MemoryTraffic(cluster).activity({}, Window.ending(now, timedelta(hours=hours)), now)


def row(activity: Activity, key: str) -> int:
    """The row of a workload."""
    return activity.workloads.keys.index(key)


def test_requests_add_up_over_edges_and_workloads(bend) -> None:
    """What a workload got is what its edges carried, and what clients sent."""
    found = seen(bend())
    edges = dict(zip(found.edges.keys, found.edges.requests, strict=True))
    back = found.workloads.requests[row(found, "shop/back")].sum(dtype=np.float64)
    total = edges[Edge("shop/front", BACK, "shop/back", "http")] + edges[Edge("unknown", BACK, "shop/back", "http")]
    assert back == total > 0
    sent = found.workloads.sent[row(found, "shop/front")].sum(dtype=np.float64)
    outside = edges[Edge("shop/front", "ledger.old.svc.cluster.local", "old/ledger", "http")]
    assert sent == edges[Edge("shop/front", BACK, "shop/back", "http")] + outside


def test_slow_requests_are_those_beyond_the_bound(bend) -> None:
    """Durations are spread exponentially about the mean; a bound without a bucket, or a server without a sidecar, tells
    nothing."""
    calm = bend(latencyBounds=[100])
    cluster = MemoryCluster(calm, calm.start + timedelta(days=1, hours=1))
    window, traffic = Window.ending(cluster.now, timedelta(hours=24)), MemoryTraffic(cluster)
    found = traffic.slowness(["shop/front", "old/ledger", "shop/nobody"], window, cluster.now, 60)
    assert (found.above, found.keys) == (100.0, ("old/ledger", "shop/front", "shop/nobody"))
    assert (found.slow[1].sum() / found.timed[1].sum()) == pytest.approx(np.exp(-100 / 20), rel=0.1)
    assert np.isnan(found.slow[[0, 2]]).all()
    assert np.isnan(traffic.slowness(["shop/front"], window, cluster.now, 500).timed).all()
    with pytest.raises(UnreadableError, match="ask for closed hours"):
        traffic.slowness([], Window(cluster.now, cluster.now + timedelta(hours=1)), cluster.now, 500)


def test_a_peak_is_the_busiest_five_minutes(bend) -> None:
    """The peak of an hour is at least its mean, and close to the rate at the peak of the shape."""
    found = seen(bend())
    number = row(found, "shop/back")
    peak, mean = found.workloads.peak[number], found.workloads.requests[number] / 3600
    assert (peak >= mean).all()
    assert 61 <= peak.max() <= 85
    zones = found.workloads.zone_peak[number]
    assert found.workloads.zones == ("a", "b", "c")
    assert np.allclose(sorted(zones.max(axis=1) / peak.max()), [0.2, 0.4, 0.4], atol=0.02)
    assert np.allclose(found.workloads.imbalance[number], 1, atol=0.01)


def test_nobody_knows_the_traffic_of_what_has_no_sidecar(bend) -> None:
    """Without a sidecar silence is unknown; what callers with one saw is known; calls among strangers are invisible."""
    quiet = {"replicas": 1, "ports": [{"name": "http", "port": 80}]}
    found = seen(bend(workloads={"old/quiet": quiet}, calls=[{"client": "old/ledger", "host": "quiet.old", "rate": 1}]))
    assert np.isnan(found.workloads.requests[row(found, "old/quiet")]).all()
    assert (found.workloads.requests[row(found, "old/ledger")] > 0).all()
    assert (found.workloads.seen[[row(found, "old/quiet"), row(found, "old/ledger")]] == 0).all()
    assert not any(edge.server == "old/quiet" for edge in found.edges.keys)
    assert (found.workloads.cpu_peak[row(found, "old/quiet")] > 0).all()


def test_an_idle_workload_is_zero_and_seen(bend) -> None:
    """A workload in the mesh that nobody calls has zero requests and full coverage."""
    found = seen(bend())
    number = row(found, "shop/idle")
    assert (found.workloads.requests[number] == 0).all()
    assert (found.workloads.seen[number] == 1).all()


def test_a_lost_zone_takes_its_pods_out_of_service(bend) -> None:
    """While a zone is away fewer replicas are ready, the others carry the load, and its reporters are silent."""
    gone = {"kind": "zone", "target": "a", "day": 1, "start": "12:00", "end": "14:00"}
    found = seen(bend(accidents=[gone]))
    number = row(found, "shop/back")
    assert found.away.nonzero()[0].tolist() == [36, 37]
    assert found.workloads.ready[number][[35, 36, 37, 38]].tolist() == [5, 3, 3, 5]
    assert found.workloads.placed[number][36] == 5
    assert found.workloads.seen[number][[35, 36, 37, 38]].tolist() == [1, 0, 0, 1]
    assert found.workloads.zone_peak[number][0][36] == 0 < found.workloads.zone_peak[number][1][36]
    assert found.workloads.requests[number][36] > 0


@pytest.mark.parametrize(("kind", "coverage"), [("gap", 2 / 3), ("envoy", 0.0)])
def test_a_gap_lowers_coverage(bend, kind: str, coverage: float) -> None:
    """Twenty minutes without scrapes cost a third of the hour; one failed Envoy sub-scrape costs all of it."""
    bad = {"kind": kind, "target": "shop/back", "day": 1, "start": "12:00", "end": "12:20"}
    found = seen(bend(accidents=[bad]))
    number = row(found, "shop/back")
    assert found.workloads.seen[number][36] == pytest.approx(coverage, abs=1e-6)
    assert found.workloads.seen[number].sum() == pytest.approx(47 + coverage, abs=1e-5)
    assert found.workloads.requests[number][36] > 0


def test_an_hour_that_prometheus_slept_through_is_unknown(bend) -> None:
    """Where nothing was scraped nothing is known: not demand, not CPU, not placement."""
    sleep = {"kind": "gap", "day": 1, "start": "12:00", "end": "13:00"}
    found = seen(bend(accidents=[sleep]))
    for name in ("requests", "peak", "sent", "cpu_peak", "ready", "placed"):
        values = getattr(found.workloads, name)[row(found, "shop/back")]
        assert np.isnan(values[36]), name
        assert np.isfinite(np.delete(values, 36)).all(), name


def test_a_restart_costs_a_minute_of_one_pod(bend) -> None:
    """A proxy that restarts misses two scrapes of its own pod and nothing else."""
    found = seen(bend(accidents=[{"kind": "restart", "target": "shop/back", "day": 1, "start": "12:30"}]))
    lost = 1 - found.workloads.seen[row(found, "shop/back")]
    assert lost[36] == pytest.approx(1 / 60, abs=1e-6)
    assert lost.sum() == pytest.approx(1 / 60, abs=1e-5)


def test_streams_flow_without_requests(bend) -> None:
    """A stream that never ends is used and flowing, and has no finished request."""
    stream = {"client": "shop/idle", "host": "back.shop", "protocol": "grpc", "rate": 3, "stream": True}
    found = seen(bend(calls=[stream]))
    number = found.edges.keys.index(Edge("shop/idle", BACK, "shop/back", "grpc"))
    assert found.edges.used[number]
    assert found.edges.flowing[number]
    assert found.edges.requests[number] == 0


def test_what_left_the_window_stays_in_force(bend) -> None:
    """A peak and a use that a traffic reader saw once are remembered after they left the window."""
    once = {"client": "shop/idle", "host": "front.shop", "at": [{"day": 1, "clock": "10:00:00"}]}
    world = bend(
        calls=[once, {"client": "unknown", "host": "idle.shop", "at": [{"day": 1, "clock": "11:00", "count": 900}]}]
    )
    cluster = MemoryCluster(world, world.start + timedelta(days=2, hours=1))
    traffic = MemoryTraffic(cluster)
    traffic.activity({}, Window.ending(cluster.now, timedelta(days=2)), cluster.now)
    cluster.advance(world.start + timedelta(days=9))
    found = traffic.activity({}, Window.ending(cluster.now, timedelta(days=2)), cluster.now)
    number = row(found, "shop/idle")
    assert found.workloads.peak[number].max() == 0
    assert found.workloads.old_peak[number] == pytest.approx(3)
    assert found.workloads.old_load[number] == pytest.approx(1.5)
    edge = found.edges.keys.index(Edge("shop/idle", "front.shop.svc.cluster.local", "shop/front", "http"))
    assert found.edges.used[edge]
    assert found.edges.requests[edge] == 0
    assert found.edges.last[edge] == world.start.timestamp() + 86400 + 36300


def test_cpu_follows_requests_and_what_requests_do_not_explain(bend) -> None:
    """The app uses what its requests cost; background work comes on top, at its own shape."""
    busy = {"replicas": 2, "background": {"cores": 2, "shape": "office"}, "cpuSeconds": 0}
    found = seen(bend(workloads={"shop/worker": busy}))
    keys = found.containers.keys
    app = found.containers.cpu[keys.index(("shop/back", "app"))]
    rate = found.workloads.requests[row(found, "shop/back")] / 3600
    assert np.allclose(app, 5 * 0.01 + rate * 0.005, rtol=0.05)
    worker = found.containers.cpu[keys.index(("shop/worker", "app"))]
    assert worker.max() > 1.7
    assert worker.min() < 0.4
    assert ("old/ledger", "istio-proxy") not in keys


def test_throttling_shows_at_the_limit(bend) -> None:
    """An app that would need its whole limit is throttled at its peak and not at night."""
    tight = {
        "replicas": 1,
        "region": "west",
        "cpuLimit": "250m",
        "cpuSeconds": 0.008,
        "ports": [{"name": "h", "port": 1}],
    }
    found = seen(bend(workloads={"shop/tight": tight}, calls=[{"client": "unknown", "host": "tight.shop", "rate": 31}]))
    values = found.workloads.throttled[row(found, "shop/tight")]
    assert values[14] > 0.8
    assert values[2] == 0


def test_without_nodes_zones_are_unknown(bend) -> None:
    """A reader that cannot see nodes has no zones to tell of."""
    cluster = MemoryCluster(bend(), bend().start + timedelta(days=3))
    found = MemoryTraffic(cluster).activity({"Pod": ()}, Window.ending(cluster.now, timedelta(days=1)), cluster.now)
    assert found.workloads.zones == ()
    assert found.workloads.zone_peak.shape[1] == 0
    assert np.isnan(found.workloads.fullest_zone).all()
