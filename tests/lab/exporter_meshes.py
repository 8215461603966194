"""Meshes, as their proxies and agents export: Istio, Linkerd, Cilium, Consul and Kuma."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tests.lab.exporter_story import Reporter
from tests.lab.exporter_text import CLIENT, HASH, NAMESPACE, Product, line, pod_of


def _istio(reporter: str, client: str, callee: str, **more: str) -> dict[str, str]:
    there = "unknown" if client == "unknown" else NAMESPACE
    return {
        "reporter": reporter, "source_workload": client, "source_workload_namespace": there,
        "destination_workload": callee, "destination_workload_namespace": NAMESPACE,
        "destination_service": f"{callee}.{NAMESPACE}.svc.cluster.local", "destination_service_name": callee,
        "destination_service_namespace": NAMESPACE, **more,
    }  # fmt: skip


_HTTP = {"request_protocol": "http", "response_code": "200", "response_flags": "-"}
_TCP = {"request_protocol": "tcp", "response_flags": "-"}
_HOP = {"destination_workload": "waypoint"}


def _sidecar(callee: str, count: float) -> list[str]:
    return [line("istio_requests_total", count, **_istio("source", CLIENT, callee, **_HTTP))]


def _ztunnel(callee: str, count: float) -> list[str]:
    through, there = _istio("source", CLIENT, callee, **_TCP) | _HOP, _istio("destination", CLIENT, callee, **_TCP)
    return [
        line(f"istio_tcp_{what}", share * count, **labels)
        for labels in (through, there)
        for what, share in (("connections_opened_total", 1), ("sent_bytes_total", 100), ("received_bytes_total", 10))
    ]


ISTIO = (
    Product(
        "sidecar", "istio", None, pod_of(CLIENT, NAMESPACE), _sidecar,
        lambda step: [
            line("istio_build", 1, component="proxy", tag="1.29.0"),
            line("istio_agent_scrapes_total", step),
        ],
        lambda callee, count: [
            line("istio_requests_total", count, **_istio("destination", "unknown", callee, **_HTTP)),
        ],
    ),
    Product(
        "waypoint", "istio-ambient", None, pod_of("waypoint", NAMESPACE),
        lambda callee, count: [line("istio_requests_total", count, **_istio("waypoint", CLIENT, callee, **_HTTP))],
        lambda step: [line("istio_build", 1, component="proxy", tag="1.29.0")],
        lambda callee, count: [line("istio_requests_total", count, **_istio("waypoint", "unknown", callee, **_HTTP))],
    ),
    Product(
        "ztunnel", "istio-ambient", None,
        lambda reporter: {"namespace": "istio-system", "pod": f"ztunnel-{reporter.pod}"}, _ztunnel,
        lambda step: [
            line("istio_build", 1, component="ztunnel", tag="1.29.0"),
            line("istio_tcp_connections_failed_total", step, **_istio("source", CLIENT, "ztunnel-quiet", **_TCP)),
        ],
        lambda callee, count: [
            line("istio_tcp_connections_opened_total", count, **_istio("destination", "unknown", callee, **_TCP))
        ],
    ),
)  # fmt: skip


def _linkerd(callee: str, count: float) -> list[str]:
    there = {
        "dst_namespace": NAMESPACE, "dst_service": callee, "dst_deployment": callee,
        "dst_pod": f"{callee}-{HASH}-zzzzz", "dst_pod_template_hash": HASH,
    }  # fmt: skip
    http = {"direction": "outbound", "authority": f"{callee}.{NAMESPACE}.svc.cluster.local:80", "tls": "true", **there}
    tcp = {"direction": "outbound", "peer": "dst", "tls": "true", **there}
    return [
        line("request_total", count, **http),
        line("response_total", count, **http, status_code="200", classification="success"),
        line("tcp_open_total", count, **tcp),
        line("tcp_write_bytes_total", 100 * count, **tcp),
    ]


def _linkerd_noise(step: int) -> list[str]:
    probe = {"direction": "inbound", "target_port": "8080", "route_kind": "default", "route_name": "probe"}
    return [
        line("proxy_build_info", 1, version="2.18"),
        line("request_total", step, direction="inbound", target_port="4191", tls="no_identity"),
        line("request_total", step, **probe, tls="no_identity"),
        line("tcp_open_total", step, direction="inbound", peer="src", target_port="4191", tls="no_identity"),
        line("control_request_total", step, addr="linkerd-dst:8086"),
    ]


def _meshed(reporter: Reporter) -> Mapping[str, str]:
    # The scrape writes the owner beside the pod; inbound noise is told of it.
    return {**pod_of("linkerd-quiet", NAMESPACE)(reporter), "deployment": "linkerd-quiet"}


LINKERD = (
    Product("linkerd", "linkerd", None, _meshed, _linkerd, _linkerd_noise),
    # Without relabelling the pod's owner is known by its name alone.
    Product("bare-linkerd", "linkerd", None, pod_of("bare-linkerd-quiet", NAMESPACE), _linkerd, _linkerd_noise),
)


def _hubble(source: Mapping[str, str], there: Mapping[str, str], count: float) -> list[str]:
    ends = {**source, **there}
    http = {"method": "GET", "protocol": "HTTP/1.1", "status": "200"}
    flow = {"protocol": "TCP", "type": "Trace", "subtype": "to-endpoint", "verdict": "FORWARDED"}
    return [
        line("hubble_http_requests_total", count, **http, reporter="server", **ends),
        # The client's node counts the same calls.
        line("hubble_http_requests_total", count, **http, reporter="client", **ends),
        line("hubble_tcp_flags_total", count, flag="SYN", family="IPv4", **ends),
        line("hubble_flows_processed_total", 9 * count, **flow, **ends),
    ]


def _hubble_noise(ends: Mapping[str, str], step: int) -> list[str]:
    denied = {"protocol": "TCP", "type": "PolicyVerdict", "subtype": "", "verdict": "DROPPED"}
    return [
        line("hubble_lost_events_total", 0, source="perf_event_ring_buffer"),
        line("hubble_tcp_flags_total", step, flag="RST", family="IPv4", **ends),
        line("hubble_flows_processed_total", step, **denied, **ends),
        line("hubble_drop_total", step, reason="POLICY_DENIED", protocol="TCP", **ends),
    ]


def _apart(end: str, workload: str) -> dict[str, str]:
    return {f"{end}_namespace": NAMESPACE if workload else "", f"{end}_workload": workload}


_IN = {"traffic_direction": "ingress"}
_WRITTEN = {
    "context": f"{NAMESPACE}/{{}}",
    "pods": f"{NAMESPACE}/{{}}-{HASH}-zzzzz",
    "ordinals": f"{NAMESPACE}/{{}}-0",
    "daemons": f"{NAMESPACE}/{{}}-zzzzz",
    "names": "{}",
}
"""How one string names an end: by its workload, by its pod, of which there are three kinds, or by a bare name."""


def _told(written: str, callee: str, count: float) -> list[str]:
    return _hubble({"source": written.format(CLIENT)}, {"destination": written.format(callee)}, count)


def _denied(written: str, product: str, step: int) -> list[str]:
    return _hubble_noise({"source": written.format(CLIENT), "destination": written.format(f"{product}-quiet")}, step)


def _probed(written: str, callee: str, count: float) -> list[str]:
    return _hubble({"source": "reserved:host"}, {"destination": written.format(callee)}, count)


def _looked_up(callee: str, count: float) -> list[str]:
    return [
        line(
            "hubble_dns_queries_total",
            count,
            query=f"{callee}.{NAMESPACE}.svc.cluster.local.",
            **_apart("source", CLIENT),
        ),
    ]


CILIUM = (
    Product(
        "dns", "cilium-dns", None, lambda reporter: {"node": f"node-{reporter.pod}"}, _looked_up,
        lambda step: [line("hubble_dns_queries_total", step, query="example.com.", **_apart("source", CLIENT))],
    ),
    Product(
        "hubble", "cilium-hubble", None, lambda reporter: {"node": f"node-{reporter.pod}"},
        lambda callee, count: _hubble(_apart("source", CLIENT), {**_apart("destination", callee), **_IN}, count),
        lambda step: _hubble_noise({**_apart("source", CLIENT), **_apart("destination", "hubble-quiet"), **_IN}, step),
        # The kubelet's probes have no workload, and neither have calls from outside: they are use, for nobody knows.
        lambda callee, count: _hubble(_apart("source", ""), {**_apart("destination", callee), **_IN}, count),
    ),
    *(
        Product(
            name, "cilium-hubble", None, lambda reporter: {"node": f"node-{reporter.pod}"},
            partial(_told, written), partial(_denied, written, name), partial(_probed, written),
        )
        for name, written in _WRITTEN.items()
    ),
)  # fmt: skip


def upstream(cluster: str, count: float, **tags: str) -> list[str]:
    """What any Envoy tells of one of its clusters."""
    return [
        line(f"envoy_cluster_upstream_{what}", share * count, envoy_cluster_name=cluster, **tags)
        for what, share in (("rq_total", 1), ("cx_total", 1), ("cx_tx_bytes_total", 100))
    ]


def alive(step: int, *own: str, **tags: str) -> list[str]:
    """What any Envoy tells of itself: its heartbeat, and its ``own`` clusters, which are always busy."""
    busy = [one for cluster in own for one in upstream(cluster, step, **tags)]
    return [line("envoy_server_live", 1), line("envoy_server_uptime", 100 + step), *busy]


_CONSUL = {"local_cluster": "front", "consul_source_service": "front", "consul_source_datacenter": "dc1"}
CONSUL = Product(
    "consul", "consul", 0.0, pod_of(CLIENT, NAMESPACE),
    lambda callee, count: upstream(
        callee, count, **_CONSUL, consul_destination_service=callee, consul_destination_namespace="default",
        consul_destination_datacenter="dc1",
    ),
    lambda step: alive(step, "local_app", "self_admin", "prometheus_backend", "consul-dataplane", **_CONSUL),
)  # fmt: skip
_KUMA = {
    "kuma-2.8": "{}_shop_svc_80",
    "kuma-2.9": "{}_shop_msvc_80",
    "kuma-2.10": "default_{}_shop_east_msvc_80",
    "kuma-kri": "kri_msvc_default_east_shop_{}_http",
}
"""How releases and settings name the cluster of a Service."""


def _kuma_sd(reporter: Reporter) -> Mapping[str, str]:
    own = {"mesh": "default", "kuma_io_zone": "east", "kuma_workload": CLIENT}
    return {**pod_of(CLIENT, NAMESPACE)(reporter), **own}


def _kuma(written: str, callee: str, count: float) -> list[str]:
    return upstream(written.format(callee), count, kuma_io_mesh_traffic="true")


KUMA = tuple(
    Product(
        name.replace(".", "-"), "kuma", 0.0, _kuma_sd, partial(_kuma, written),
        lambda step: alive(step, "kuma_envoy_admin", "ads_cluster", "localhost_8080", "kuma_metrics_hijacker"),
    )
    for name, written in _KUMA.items()
)  # fmt: skip
