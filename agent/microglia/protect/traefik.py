"""Traefik: fallbacks, mirrors and parked members of TraefikServices."""

from collections.abc import Iterator

from microglia.model.objects import ref_of
from microglia.protect.keep import Keep, Where
from microglia.protect.look import Look
from microglia.protect.named import Named, kept
from microglia.topology.traefik import traefik_hosts, traefik_references, traefik_services


def traefik_service(look: Look) -> Iterator[Keep]:
    """A TraefikService falls back to it, mirrors requests to it or parks it at weight 0."""
    yield from kept(look, traefik_names(look))


def traefik_names(look: Look) -> Iterator[Named]:
    """What TraefikServices keep for worse days, or only copy requests to."""
    known = traefik_services(look.topology.objects)
    for (namespace, _), raw in known.items():
        for field, reference in traefik_references(raw):
            part = field.removeprefix("spec.")
            if part == "failover.fallback":
                reason = "a TraefikService falls back to it"
            elif part.startswith("mirroring.mirrors"):
                reason = "a TraefikService mirrors requests to it"
            elif reference.get("weight") == 0:
                reason = "a TraefikService parks it at weight 0"
            else:
                continue
            # Names with an @ are those of other providers: files, Consul, Traefik itself.
            name = str(reference.get("name", ""))
            if "@" not in name:
                yield Named(
                    traefik_hosts(known, reference, namespace),
                    reason,
                    Where(ref_of("TraefikService", raw), field, name),
                )
