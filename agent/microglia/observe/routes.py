"""Route objects of the Gateway API: which Services stand behind each of their rules. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from microglia.model.ids import service_host
from microglia.model.objects import Raw, at, name_of, namespace_of
from microglia.topology.routing import ROUTE_KINDS, backend_host, backends

Routes = Mapping[tuple[str, str, str], tuple[tuple[str, ...], ...]]
"""(kind in small letters, namespace, name) of a route -> for each of its rules the hosts that may serve it, sorted."""
_NUMBER = re.compile(r"\d+")


def read_routes(objects: Mapping[str, Sequence[Raw]], addresses: Mapping[str, str]) -> Routes:
    """Every route object. ``addresses`` are cluster IPs and whose they are."""
    places = {(namespace_of(raw), name_of(raw)): tuple(_pointed(raw, addresses)) for raw in objects.get("Backend", ())}
    return {
        (kind.lower(), namespace_of(raw), name_of(raw)): tuple(
            tuple(sorted(set(_hosts(rule, namespace_of(raw), places)))) for rule in at(raw, "spec", "rules", default=())
        )
        for kind in ROUTE_KINDS
        for raw in objects.get(kind, ())
    }


def behind(routes: Routes, text: str) -> tuple[str, ...]:
    """The hosts behind ``kind/namespace/name/rule/number``, sorted: those of the rule; where no such rule is there, or
    none is named, those of the whole route; none of a route that is not there."""
    kind, namespace, name, *rest = [*text.split("/"), "", "", ""]
    rules = routes.get((kind, namespace, name), ())
    number = _NUMBER.match(rest[1]) if rest[0] == "rule" else None
    if number and int(number[0]) < len(rules):
        return rules[int(number[0])]
    return tuple(sorted({host for hosts in rules for host in hosts}))


def _hosts(rule: Mapping[str, Any], namespace: str, places: Mapping[tuple[str, str], Sequence[str]]) -> Iterator[str]:
    """Backends and mirrors, whatever their weight. A Service that other clusters share, too, goes by its name here."""
    for _, reference in backends({"spec": {"rules": [rule]}}):
        there, name = str(reference.get("namespace") or namespace), str(reference.get("name", ""))
        host = backend_host(reference, namespace)
        if host:
            yield host
        elif reference.get("kind") == "ServiceImport":
            yield service_host(there, name)
        elif reference.get("kind") == "Backend":
            yield from places.get((there, name), ())


def _pointed(backend: Raw, addresses: Mapping[str, str]) -> Iterator[str]:
    """The hosts that an Envoy Gateway Backend points at by name or by address."""
    for endpoint in at(backend, "spec", "endpoints", default=()):
        name = str(at(endpoint, "fqdn", "hostname", default=""))
        host = name.rstrip(".") or addresses.get(str(at(endpoint, "ip", "address", default="")), "")
        if host:
            yield host
