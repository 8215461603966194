"""Envoy Gateway: Backends that serve only once the healthy share of the others falls below 72 %."""

from collections.abc import Iterator

from microglia.model.ids import host_service, service_host
from microglia.model.objects import Raw, at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where
from microglia.protect.look import Look
from microglia.protect.named import Named, kept
from microglia.topology.envoy_gateway import Addresses, addresses, endpoints, envoy_backends, referenced

POLICIES = ("SecurityPolicy", "EnvoyExtensionPolicy", "EnvoyProxy")
"""Kinds whose own references can be fallbacks: of authorisation, extensions, logs and traces."""


_REASON = "a fallback: it serves only when what it stands in for is not healthy"


def envoy_fallback(look: Look) -> Iterator[Keep]:
    """It is behind a fallback of Envoy Gateway, which serves only when what it stands in for is not healthy."""
    yield from kept(look, fallback_names(look))


def fallback_names(look: Look) -> Iterator[Named]:
    """The hosts of fallback Backends, and of fallback references of policies."""
    backends = envoy_backends(look.topology.objects)
    places = addresses(look.topology.objects) if backends else {}
    for raw in backends.values():
        if at(raw, "spec", "fallback"):
            yield from _behind(look, raw, places)
    for kind, raw in look.of(*POLICIES):
        for one in at(raw, "found", "fallbacks", default=()):
            namespace, name = str(one.get("namespace") or namespace_of(raw)), str(one.get("name", ""))
            backend = referenced(one, namespace_of(raw), backends)
            if backend:
                yield from _behind(look, backend, places)
            elif one.get("kind", "Service") == "Service":
                where = Where(ref_of(kind, raw), str(one.get("field", "")), name)
                yield Named((service_host(namespace, name),), _REASON, where)


def _behind(look: Look, backend: Raw, places: Addresses) -> Iterator[Named]:
    for field, value, host in endpoints(backend, look.services, places):
        # An address that no Service has is outside, and so is a host that is none of the cluster's.
        if host in look.services or host_service(host):
            yield Named((host,), _REASON, Where(ref_of("Backend", backend), field, value))
