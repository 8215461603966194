"""TraefikServices (traefik/traefik: pkg/provider/kubernetes/crd/traefikio/v1alpha1/service.go)."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from microglia.model.ids import service_host
from microglia.model.objects import Objects, Raw, at, name_of, namespace_of, ref_of
from microglia.topology.failover import Failover

Known: TypeAlias = Mapping[tuple[str, str], Raw]
"""TraefikServices by namespace and name."""
Place: TypeAlias = tuple[str, str]
_FORMS = ("failover", "highestRandomWeight", "mirroring", "weighted")


def traefik_services(objects: Objects) -> Known:
    """All of them."""
    return {(namespace_of(raw), name_of(raw)): raw for raw in objects.of("TraefikService")}


def traefik_references(raw: Raw) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(field, reference) of everything that a TraefikService sends to."""
    for form in _FORMS:
        spec = at(raw, "spec", form, default={})
        if spec.get("name"):
            yield f"spec.{form}", spec
        for part in ("service", "fallback"):
            if isinstance(spec.get(part), Mapping):
                yield f"spec.{form}.{part}", spec[part]
        for part in ("services", "mirrors"):
            yield from ((f"spec.{form}.{part}[{i}]", one) for i, one in enumerate(spec.get(part) or ()))


def traefik_hosts(known: Known, reference: Mapping[str, Any], namespace: str) -> tuple[str, ...]:
    """The hosts at which ``reference`` ends, through as many TraefikServices as it takes, sorted."""
    found: set[str] = set()
    seen: set[Place] = set()
    queue = [(reference, namespace)]
    while queue:
        one, home = queue.pop()
        name, place = str(one.get("name", "")), str(one.get("namespace") or home)
        if one.get("kind", "Service") == "Service":
            found.add(service_host(place, name))
        elif (place, name) in known and (place, name) not in seen:
            seen.add((place, name))
            queue += [(below, place) for _, below in traefik_references(known[place, name])]
    return tuple(sorted(found))


def traefik_failovers(objects: Objects) -> Iterator[Failover]:
    """The fallback of a TraefikService stands by for its main one."""
    known = traefik_services(objects)
    for (namespace, _), raw in known.items():
        told = dict(traefik_references(raw))
        main, fallback = (told.get(f"spec.failover.{part}") for part in ("service", "fallback"))
        if main and fallback:
            hosts = [traefik_hosts(known, one, namespace) for one in (main, fallback)]
            source, value = ref_of("TraefikService", raw), str(fallback.get("name", ""))
            yield Failover(source, "spec.failover.fallback", value, *hosts)
