"""Linkerd decides about replicas, by a real Prometheus: who was asked, who was silent, and of whom nobody knows."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from microglia.model.activity import Activity
from microglia.model.ports import ClusterFacts
from microglia.model.snapshot import Source
from microglia.model.window import Window
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.traffic import PrometheusTraffic
from tests.factories import deployment, nodes, objects, running, service
from tests.lab import Lab
from tests.lab.remote_write import STALE, Series, write

HOURS, MINUTES = 8, 10 * 60
"""The window ends an hour before the history does, for the last hour may still be written to."""
END = int(time.time()) // 3600 * 3600
TIMES = (END - 60 * np.arange(MINUTES - 1, -1, -1, dtype=np.int64)) * 1000
NOW = datetime.fromtimestamp(END + 30, UTC)
WINDOW = Window.ending(NOW, timedelta(hours=HOURS))
MINUTE = np.arange(MINUTES)
ALWAYS = np.ones(MINUTES)
NAMES = ("busy", "idle", "bursty", "opaque", "deaf")
REQUEST = {"direction": "inbound", "target_port": "8080", "route_name": "default"}


def of(metric: str, pod: str, values: np.ndarray, **labels: str) -> Series:
    deployment = pod.partition("-")[0]
    where = {"job": "linkerd-proxy", "instance": pod, "namespace": "shop", "pod": pod, "deployment": deployment}
    return Series({"__name__": metric, **where, **labels}, TIMES, values)


def noise(pod: str) -> list[Series]:
    """What every proxy exports however idle it is: its build, the scrapes themselves and the kubelet's probes."""
    return [
        of("proxy_build_info", pod, ALWAYS),
        of("request_total", pod, MINUTE * 2.0, direction="inbound", target_port="4191", route_name="default"),
        of("request_total", pod, MINUTE * 6.0, direction="inbound", target_port="8080", route_name="probe"),
        of("tcp_read_bytes_total", pod, MINUTE * 900.0, direction="inbound", peer="src", target_port="8080"),
    ]


def bursts(size: float) -> np.ndarray:
    """A series that is born with ``size`` requests in minute 20 of every hour, and expires ten idle minutes later."""
    values = np.where((MINUTE % 60 >= 20) & (MINUTE % 60 < 30), size, np.nan)
    values[MINUTE % 60 == 30] = STALE
    return values


def history() -> list[Series]:
    found = []
    for name in NAMES:
        for number in range(2):
            pod = f"{name}-5d4f-{number}"
            found += noise(pod)
            if name == "busy":
                found.append(of("request_total", pod, MINUTE * 120.0, **REQUEST))
                found.append(of("response_latency_ms_sum", pod, MINUTE * 120.0 * 8, **REQUEST))
                found.append(of("response_total", pod, MINUTE * 6.0, classification="failure", **REQUEST))
            if name == "bursty" and number == 0:
                found.append(of("request_total", pod, bursts(300), **REQUEST))
            if name == "opaque":
                labels = {"direction": "inbound", "peer": "src", "target_port": "6379"}
                found.append(of("tcp_read_bytes_total", pod, MINUTE * 50.0, **labels))
    gap = np.where((MINUTE >= MINUTES - 90) & (MINUTE < MINUTES - 60), np.nan, 1.0)
    heard = [one for one in found if (one.labels["__name__"], one.labels["pod"]) != ("proxy_build_info", "deaf-5d4f-1")]
    return [*heard, of("proxy_build_info", "deaf-5d4f-1", gap)]


@pytest.fixture(scope="module")
def traffic(lab: Lab) -> PrometheusTraffic:
    """A Prometheus that knows Linkerd and no other mesh."""
    url = lab.another_prometheus("linkerd")
    write(url, history())
    return PrometheusTraffic(PrometheusServer(url))


@pytest.fixture(scope="module")
def source(traffic: PrometheusTraffic) -> Source:
    return traffic.describe(ClusterFacts("uid", "test", "v1.36.3"), NOW)


@pytest.fixture(scope="module")
def seen(traffic: PrometheusTraffic, source: Source) -> Activity:
    raws = [raw for name in NAMES for raw in (*running(deployment(name, replicas=2)), service(name))]
    assert source.dialects == ("linkerd",)
    return traffic.activity(objects(*raws, *nodes()).kinds, WINDOW, NOW)


def column(seen: Activity, name: str, column: str) -> list[float]:
    workloads = seen.workloads
    return [float(value) for value in getattr(workloads, column)[workloads.keys.index(f"shop/{name}")]]


def test_a_cluster_without_istio_is_described(source: Source) -> None:
    """Linkerd is enough to be judged by, and tells how often it is scraped."""
    assert (source.dialects, source.scrape_seconds, source.istiod) == (("linkerd",), 60, ())


def test_who_was_asked(seen: Activity) -> None:
    """Requests, failures, latency and peaks of both replicas; scrapes and probes are nobody's requests."""
    assert seen.known.all()
    assert not seen.faults
    assert column(seen, "busy", "requests") == pytest.approx([14400] * HOURS, rel=0.02)
    assert column(seen, "busy", "failures") == pytest.approx([720] * HOURS, rel=0.02)
    assert column(seen, "busy", "latency") == pytest.approx([8] * HOURS, rel=0.02)
    assert column(seen, "busy", "peak") == pytest.approx([4] * HOURS, rel=0.2)
    assert column(seen, "busy", "imbalance") == pytest.approx([1] * HOURS, rel=0.02)


def test_who_was_silent(seen: Activity) -> None:
    """Heard in every hour and never asked: nothing, proven."""
    assert column(seen, "idle", "seen") == [1] * HOURS
    assert column(seen, "idle", "requests") == [0] * HOURS
    assert column(seen, "idle", "peak") == [0] * HOURS
    assert "shop/idle" not in {key.server for key in seen.edges.keys}


def test_a_burst_after_idle_minutes_is_counted_whole(seen: Activity) -> None:
    """A series that is born with its whole burst, hour after hour, has no increase: its first values count."""
    assert column(seen, "bursty", "requests") == pytest.approx([300] * HOURS, rel=0.02)
    assert min(column(seen, "bursty", "peak")) >= 1


def test_what_speaks_no_http_was_used(seen: Activity) -> None:
    """Bytes on a port without requests are a call over TCP, which has no unit of request."""
    used = {(key.server, key.protocol) for key, one in zip(seen.edges.keys, seen.edges.used, strict=True) if one}
    assert {server for server, protocol in used if protocol == "tcp"} == {"shop/opaque"}
    flowing = {key.server for key, one in zip(seen.edges.keys, seen.edges.flowing, strict=True) if one}
    assert flowing == {"shop/opaque"}


def test_of_whom_nobody_knows(seen: Activity) -> None:
    """One replica that was not scraped for half an hour hides the hour of its workload."""
    assert column(seen, "deaf", "seen") == pytest.approx([1] * (HOURS - 1) + [0.5], abs=0.04)
