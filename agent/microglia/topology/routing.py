"""Where route objects send a call: from the host that was asked for to hosts that may serve."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from microglia.model.ids import ObjectRef, service_host
from microglia.model.objects import Objects, Raw, at, name_of, namespace_of, ref_of
from microglia.topology.hosts import Hosts, covered, full_name

ROUTE_KINDS = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")


@dataclass(frozen=True, slots=True)
class Lead:
    """``source`` may send calls for one host on to ``hosts``; ``known`` is False when it leads somewhere unresolved."""

    source: ObjectRef
    hosts: tuple[str, ...]
    known: bool


def virtual_service_leads(objects: Objects, hosts: Hosts) -> Iterator[tuple[str, Lead]]:
    """(host asked for, lead) for every VirtualService that sidecars honour, delegates followed."""
    by_name = {(namespace_of(raw), name_of(raw)): raw for raw in objects.of("VirtualService")}
    for (namespace, _), raw in by_name.items():
        if "mesh" not in at(raw, "spec", "gateways", default=["mesh"]):
            continue
        found, known = _destinations(raw, by_name, hosts)
        lead = Lead(ref_of("VirtualService", raw), tuple(sorted(found)), known)
        for written in at(raw, "spec", "hosts", default=()):
            asked = full_name(str(written), namespace, hosts)
            for host in covered(asked, hosts) if asked.startswith("*") else [asked]:
                yield host, lead


def destinations(raw: Raw) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(field, route destination) of a VirtualService: routes with their weight, and mirrors."""
    for protocol in ("http", "tcp", "tls"):
        for i, rule in enumerate(at(raw, "spec", protocol, default=())):
            field = f"spec.{protocol}[{i}]"
            for j, route in enumerate(rule.get("route") or ()):
                yield f"{field}.route[{j}]", route
            if rule.get("mirror"):
                yield f"{field}.mirror", {"destination": rule["mirror"]}
            for j, mirror in enumerate(rule.get("mirrors") or ()):
                yield f"{field}.mirrors[{j}]", mirror


def _destinations(raw: Raw, by_name: Mapping[tuple[str, str], Raw], hosts: Hosts) -> tuple[set[str], bool]:
    found, known, queue, seen = set(), True, [raw], set()
    while queue:
        one = queue.pop()
        namespace = namespace_of(one)
        for _, route in destinations(one):
            host = full_name(str(at(route, "destination", "host", default="")), namespace, hosts)
            found.add(host)
            known = known and host in hosts
        for rule in at(one, "spec", "http", default=()):
            if not rule.get("delegate"):
                continue
            key = (str(rule["delegate"].get("namespace") or namespace), str(rule["delegate"].get("name")))
            if key not in by_name:
                known = False
            elif key not in seen:
                seen.add(key)
                queue.append(by_name[key])
    return found, known


def gateway_route_leads(objects: Objects, hosts: Hosts) -> Iterator[tuple[str, Lead]]:
    """(host asked for, lead) for every Gateway API route with a Service as its parent."""
    for kind in ROUTE_KINDS:
        for raw in objects.of(kind):
            namespace = namespace_of(raw)
            parents = [
                service_host(parent.get("namespace") or namespace, str(parent.get("name", "")))
                for parent in at(raw, "spec", "parentRefs", default=())
                if parent.get("kind") == "Service"
            ]
            if not parents:
                continue
            found = [backend_host(reference, namespace) for _, reference in backends(raw)]
            known = all(host in hosts for host in found)
            lead = Lead(ref_of(kind, raw), tuple(sorted({host for host in found if host})), known)
            yield from ((parent, lead) for parent in parents)


def backends(raw: Raw) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(field, backend reference) of a Gateway API route: backends and the targets of mirror filters."""
    for i, rule in enumerate(at(raw, "spec", "rules", default=())):
        for j, reference in enumerate(rule.get("backendRefs") or ()):
            yield f"spec.rules[{i}].backendRefs[{j}]", reference
            yield from _mirrors(f"spec.rules[{i}].backendRefs[{j}]", reference)
        yield from _mirrors(f"spec.rules[{i}]", rule)


def _mirrors(field: str, raw: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for k, entry in enumerate(raw.get("filters") or ()):
        reference = at(entry, "requestMirror", "backendRef")
        if reference:
            yield f"{field}.filters[{k}].requestMirror", reference


def backend_host(reference: Mapping[str, Any], namespace: str) -> str:
    """The host of a backend reference, empty when it is not a Service of this cluster."""
    if reference.get("kind", "Service") != "Service" or reference.get("group"):
        return ""
    return service_host(str(reference.get("namespace") or namespace), str(reference.get("name", "")))
