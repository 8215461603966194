"""What stands behind a way in: the Services that an Ingress, a route, a VirtualService or a Service itself leads to."""

from collections.abc import Iterator, Mapping
from typing import Any

from microglia.model.ids import service_host
from microglia.model.objects import Raw, at, name_of, namespace_of
from microglia.protect.look import Look
from microglia.topology.envoy_gateway import addresses, endpoints, envoy_backends, referenced
from microglia.topology.routing import ROUTE_KINDS, backend_host, backends, destinations
from microglia.topology.traefik import traefik_hosts, traefik_services

FRONTS = ("Service", "Ingress", *ROUTE_KINDS, "VirtualService")
"""Kinds of ways in."""


def fronted(look: Look, kind: str, raw: Raw) -> tuple[str, ...]:
    """The hosts behind an object of ``kind``, sorted."""
    namespace = namespace_of(raw)
    if kind == "Ingress":
        found = set(ingress_hosts(at(raw, "spec", default={}), namespace))
    elif kind == "VirtualService":
        written = (str(at(route, "destination", "host", default="")) for _, route in destinations(raw))
        found = {host for one in written for host in look.hosts(one, namespace)}
    elif kind == "Service":
        found = {service_host(namespace, name_of(raw))}
    else:
        found = {host for _, reference in backends(raw) for host in reference_hosts(look, reference, namespace)}
    return tuple(sorted(found - {""}))


def reference_hosts(look: Look, reference: Mapping[str, Any], namespace: str) -> tuple[str, ...]:
    """The hosts that a reference of a route means: those of a Service, or of what other kinds lead to."""
    host = backend_host(reference, namespace)
    if host:
        return (host,)
    objects, group = look.topology.objects, reference.get("group")
    if reference.get("kind") == "ServiceImport" and group == "multicluster.x-k8s.io":
        own = service_host(str(reference.get("namespace") or namespace), str(reference.get("name", "")))
        return (own,) if own in look.services else ()
    if reference.get("kind") == "TraefikService" and group in {"traefik.io", "traefik.containo.us"}:
        return traefik_hosts(traefik_services(objects), reference, namespace)
    backend = referenced(reference, namespace, envoy_backends(objects))
    found = endpoints(backend, look.services, addresses(objects)) if backend else ()
    return tuple(host for _, _, host in found if host)


def ingress_hosts(spec: Mapping[str, Any], namespace: str) -> Iterator[str]:
    """The hosts behind the spec of an Ingress: its paths' and its default's."""
    parts = [at(spec, "defaultBackend", "service", "name")]
    for rule in at(spec, "rules", default=()):
        parts += [at(path, "backend", "service", "name") for path in at(rule, "http", "paths", default=())]
    yield from (service_host(namespace, str(name)) for name in parts if name)
