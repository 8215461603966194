"""Backends of Envoy Gateway (envoyproxy/gateway: api/v1alpha1/backend_types.go): hosts, and standbys among them."""

from collections.abc import Container, Iterator, Mapping
from typing import Any, TypeAlias

from microglia.model.ids import service_host
from microglia.model.objects import Objects, Raw, at, name_of, namespace_of, ref_of
from microglia.topology.failover import Failover
from microglia.topology.hosts import full_name
from microglia.topology.routing import ROUTE_KINDS, backend_host

GROUP = "gateway.envoyproxy.io"
Known: TypeAlias = Mapping[tuple[str, str], Raw]
"""Backends by namespace and name."""
Addresses: TypeAlias = Mapping[str, str]
"""Address of a Service -> its host."""


def envoy_backends(objects: Objects) -> Known:
    """All of them."""
    return {(namespace_of(raw), name_of(raw)): raw for raw in objects.of("Backend")}


def addresses(objects: Objects) -> Addresses:
    """Every address that Services have in the cluster."""
    found: dict[str, str] = {}
    for raw in objects.of("Service"):
        for address in (at(raw, "spec", "clusterIP", default=""), *at(raw, "spec", "clusterIPs", default=())):
            if address not in {"", "None"}:
                found[address] = service_host(namespace_of(raw), name_of(raw))
    return found


def endpoints(backend: Raw, known: Container[str], places: Addresses) -> Iterator[tuple[str, str, str]]:
    """(field, value, host) of each endpoint of a Backend; the host is empty where an address is no Service's."""
    for i, one in enumerate(at(backend, "spec", "endpoints", default=())):
        name, address = at(one, "fqdn", "hostname"), at(one, "ip", "address")
        if name:
            field = f"spec.endpoints[{i}].fqdn.hostname"
            yield field, str(name), full_name(str(name), namespace_of(backend), known)
        elif address:
            yield f"spec.endpoints[{i}].ip.address", str(address), places.get(str(address), "")


def envoy_failovers(objects: Objects, known: Container[str]) -> Iterator[Failover]:
    """Fallback Backends stand by for whatever else the same rule of a route sends to."""
    found = envoy_backends(objects)
    places = addresses(objects) if found else {}
    for kind in ROUTE_KINDS if found else ():
        for raw in objects.of(kind):
            for i, rule in enumerate(at(raw, "spec", "rules", default=())):
                references = rule.get("backendRefs") or ()
                sent = [referenced(one, namespace_of(raw), found) for one in references]
                hosts = [
                    {backend_host(reference, namespace_of(raw)), *_hosts(backend, known, places)} - {""}
                    for reference, backend in zip(references, sent, strict=True)
                ]
                idle = [j for j, backend in enumerate(sent) if at(backend, "spec", "fallback")]
                primaries = {host for j, some in enumerate(hosts) if j not in idle for host in some}
                for j in idle:
                    source, field = ref_of(kind, raw), f"spec.rules[{i}].backendRefs[{j}]"
                    value = str(references[j].get("name", ""))
                    yield Failover(source, field, value, tuple(sorted(primaries)), tuple(sorted(hosts[j])))


def _hosts(backend: Raw | None, known: Container[str], places: Addresses) -> set[str]:
    return {host for _, _, host in endpoints(backend, known, places)} if backend else set()


def referenced(reference: Mapping[str, Any], namespace: str, known: Known) -> Raw | None:
    """The Backend that a reference means, None if it means none, or none that is there."""
    if reference.get("kind") != "Backend" or reference.get("group") != GROUP:
        return None
    return known.get((str(reference.get("namespace") or namespace), str(reference.get("name", ""))))
