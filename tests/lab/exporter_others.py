"""What is no mesh: service graphs of traces, eBPF agents, and the ways into a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from tests.lab.exporter_meshes import alive, upstream
from tests.lab.exporter_story import Reporter
from tests.lab.exporter_text import CLIENT, HASH, NAMESPACE, Product, line, pod_of


def _graph(client: str, server: str, count: float, kind: str = "") -> list[str]:
    return [
        line("traces_service_graph_request_total", count, client=client, server=server, connection_type=kind),
        line("traces_service_graph_request_failed_total", 0, client=client, server=server, connection_type=kind),
        line("traces_service_graph_request_server_seconds_count", count, client=client, server=server),
    ]


GRAPH = Product(
    "graph", "service-graph", None, pod_of("collector", "tracing"),
    lambda callee, count: _graph(CLIENT, callee, count),
    lambda step: _graph(CLIENT, "api.example.com", step, "virtual_node"),
    lambda callee, count: _graph("user", callee, count, "virtual_node"),
)  # fmt: skip


def _flow(agent: str, client: str, callee: str, count: float) -> list[str]:
    ends = {
        "k8s_src_namespace": NAMESPACE if client else "", "k8s_src_owner_name": client,
        "k8s_dst_namespace": NAMESPACE if callee else "", "k8s_dst_owner_name": callee, "k8s_cluster_name": "east",
    }  # fmt: skip
    return [line(f"{agent}_network_flow_bytes_total", 100 * count, **ends)]


def _agent(agent: str) -> Product:
    return Product(
        agent, agent, None, pod_of(agent, agent),
        lambda callee, count: [*_flow(agent, CLIENT, callee, count), *_flow(agent, callee, CLIENT, count)],
        lambda step: _flow(agent, CLIENT, "", step),
        lambda callee, count: _flow(agent, "", callee, count),
    )  # fmt: skip


def _link(client: str, count: float, role: str, **server: str) -> str:
    there = "external" if client.startswith("2") else NAMESPACE
    kind = "external" if there == "external" else "Deployment"
    ends = {"client_namespace": there, "client_name": client, "client_kind": kind, **server}
    return line("caretta_links_observed", 100 * count, link_id="1", role=role, server_port="80", **ends)


def _links(client: str, callee: str, count: float) -> list[str]:
    there = {"server_namespace": NAMESPACE, "server_name": callee}
    return [
        _link(client, count, "1", **there, server_kind="Service"),
        _link(client, count, "2", **there, server_kind="Deployment"),
    ]


EBPF = (
    _agent("beyla"),
    _agent("obi"),
    Product(
        "caretta", "caretta", None, pod_of("caretta", "caretta"),
        lambda callee, count: _links(CLIENT, callee, count),
        lambda step: [
            line("caretta_polls_made", step),
            _link(CLIENT, step, "1", server_namespace="external", server_name="203.0.113.9", server_kind="external"),
        ],
        lambda callee, count: _links("203.0.113.7", callee, count),
    ),
)  # fmt: skip


def _served(workload: str, reporter: Reporter) -> Mapping[str, str]:
    """The labels that a ServiceMonitor adds."""
    return {**pod_of(workload, "edge")(reporter), "service": f"{workload}-metrics", "endpoint": "metrics"}


def _nginx_requests(namespace: str, callee: str, count: float) -> str:
    return line(
        "nginx_ingress_controller_requests", count, namespace=namespace, ingress=callee, service=callee, path="/",
        host="shop.example.com", method="GET", status="200", canary="", controller_class="k8s.io/ingress-nginx",
        controller_namespace="edge", controller_pod=f"nginx-{HASH}-aaaaa",
    )  # fmt: skip


def _traefik_requests(service: str, count: float) -> str:
    return line("traefik_service_requests_total", count, code="200", method="GET", protocol="http", service=service)


def _haproxy(proxy: str, count: float) -> list[str]:
    return [
        line("haproxy_backend_http_requests_total", count, proxy=proxy),
        line("haproxy_backend_sessions_total", count, proxy=proxy),
        line("haproxy_backend_http_responses_total", count, proxy=proxy, code="2xx"),
    ]


def _nginx_noise(step: int) -> list[str]:
    return [
        line("nginx_ingress_controller_build_info", 1, release="v1.12.0"),
        line("nginx_ingress_controller_nginx_process_requests_total", step),
        # Whatever no Ingress asks for, such as a scanner's or a probe's request.
        _nginx_requests("", "", step),
    ]


def _traefik_noise(step: int) -> list[str]:
    return [
        line("traefik_config_last_reload_success", 1700000000),
        line("traefik_entrypoint_requests_total", step, entrypoint="metrics", code="200"),
        *(_traefik_requests(f"{own}@internal", step) for own in ("ping", "prometheus", "api")),
    ]


def _haproxy_noise(step: int) -> list[str]:
    return [one for own in ("healthz", "stats", "prometheus") for one in _haproxy(own, step)]


def _gateway_noise(step: int) -> list[str]:
    return alive(step, "xds_cluster", "prometheus_stats", "wasm_cluster", "httproute/shop/gone/rule/0")


def _gateway(name: str, written: str) -> Product:
    return Product(
        name, "envoy-gateway", 0.0, pod_of("envoy-shop-eg-0a1b2c3d", "envoy-gateway-system"),
        lambda callee, count: upstream(written.format(callee), count), _gateway_noise,
    )  # fmt: skip


def _through_nginx(callee: str, count: float) -> list[str]:
    return [_nginx_requests(NAMESPACE, callee, count)]


def _through_traefik(port: str, callee: str, count: float) -> list[str]:
    return [_traefik_requests(f"shop-{callee}-{port}", count)]


# Once as a ServiceMonitor has them scraped, once by the annotations of their pods.
WAYS_IN = (
    Product("nginx", "ingress-nginx", None, partial(_served, "nginx"), _through_nginx, _nginx_noise),
    Product("bare-nginx", "ingress-nginx", None, pod_of("nginx", "edge"), _through_nginx, _nginx_noise),
    Product(
        "traefik", "traefik", None, partial(_served, "traefik"),
        partial(_through_traefik, "80@kubernetes"), _traefik_noise,
    ),
    Product(
        "bare-traefik", "traefik", None, pod_of("traefik", "edge"),
        partial(_through_traefik, "http-web-http@kubernetesgateway"), _traefik_noise,
    ),
    Product(
        "haproxy", "haproxy", 0.0, partial(_served, "haproxy"),
        lambda callee, count: _haproxy(f"shop_svc_{callee}_http", count), _haproxy_noise,
    ),
    _gateway("gateway", "httproute/shop/{}/rule/0"),
    _gateway("merged", "service/shop/{}/80"),
)  # fmt: skip
OTHERS = (GRAPH, *EBPF, *WAYS_IN)
