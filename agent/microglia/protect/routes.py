"""Routes that are never cut, whatever their use."""

import re
from collections.abc import Iterator

from microglia.model.ids import WorkloadId, service_host
from microglia.model.objects import at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, between, of_client, to_hosts
from microglia.protect.look import Look
from microglia.topology.roles import traffic_policies

_ORIGINATING = frozenset({"SIMPLE", "MUTUAL"})
_PROXY_PORTS = frozenset({4317, 4318, 9411, 14250, 14268, 55678})
"""OTLP, Zipkin, Jaeger, OpenCensus."""
_PROXY_NAMES = re.compile(r"ext-?authz?|authz|rate-?limit|otel|otlp|zipkin|jaeger|(^|-)opa($|-)|access-?log")
_LOST = frozenset({"PassthroughCluster", "BlackHoleCluster"})


def service_entry(look: Look) -> Iterator[Keep]:
    """The host is one of a ServiceEntry: beyond the mesh, where nothing can be seen of its use."""
    for kind, raw in look.of("ServiceEntry"):
        for i, host in enumerate(at(raw, "spec", "hosts", default=())):
            where = Where(ref_of(kind, raw), f"spec.hosts[{i}]", str(host))
            yield from to_hosts(look.hosts(str(host), namespace_of(raw)), "a ServiceEntry defines it", where)


def tls_origination(look: Look) -> Iterator[Keep]:
    """A DestinationRule originates TLS to the host: without the route, calls would leave in plain text."""
    for kind, raw in look.of("DestinationRule"):
        for field, policy in traffic_policies(raw):
            mode = at(policy, "tls", "mode")
            if mode in _ORIGINATING:
                where = Where(ref_of(kind, raw), f"{field}.tls.mode", str(mode))
                hosts = look.hosts(str(at(raw, "spec", "host", default="")), namespace_of(raw))
                yield from to_hosts(hosts, "the sidecar originates TLS to it", where)


def headless(look: Look) -> Iterator[Keep]:
    """The host is a headless Service: it carries names, not requests."""
    for service in look.services.values():
        if service.headless:
            where = Where(ref_of("Service", service.raw), "spec.clusterIP", "None")
            yield from to_hosts([service.host], "a headless Service carries names, not requests", where)


def governing_service(look: Look) -> Iterator[Keep]:
    """The host governs a StatefulSet: its pods have their names from it, whoever calls it."""
    for kind, raw in look.of("StatefulSet"):
        name = at(raw, "spec", "serviceName")
        if name:
            where = Where(ref_of(kind, raw), "spec.serviceName", str(name))
            host = service_host(namespace_of(raw), str(name))
            yield from to_hosts([host], "it gives the pods of a StatefulSet their names", where)


def proxy_called(look: Look) -> Iterator[Keep]:
    """Sidecars themselves may call it (tracing, authorisation, rate limits): no metric counts that."""
    for service in look.services.values():
        for i, port in enumerate(at(service.raw, "spec", "ports", default=())):
            names = (service.name, str(port.get("name", "")))
            if port.get("port") in _PROXY_PORTS or any(_PROXY_NAMES.search(name) for name in names):
                said = f"{service.name} {port.get('name', '')} {port.get('port')}"
                where = Where(ref_of("Service", service.raw), f"spec.ports[{i}]", said)
                yield from to_hosts([service.host], "sidecars themselves may call it, which no metric shows", where)


def passthrough_client(look: Look) -> Iterator[Keep]:
    """The client sent traffic past all routes, so that what it really called is not known."""
    edges = look.topology.activity.edges
    found: set[tuple[WorkloadId, str]] = set()
    for edge, used in zip(edges.keys, edges.used.tolist(), strict=True):
        if used and edge.host in _LOST:
            workload = look.topology.by_key(edge.client)
            if workload is not None:
                found.add((workload.id, edge.host))
    for client, host in sorted(found):
        where = Where(look.workloads[client].ref, "traffic", host)
        yield of_client(client, f"it sent traffic to {host}, which cannot be attributed to a host", where)


def configured_host(look: Look) -> Iterator[Keep]:
    """The client's own template mentions the host: a dependency that somebody wrote down."""
    for one in look.workloads.values():
        for host in one.hosts:
            if host in look.services:
                yield between(one.id, host, "its template mentions the host", Where(one.ref, "found.hosts", host))
