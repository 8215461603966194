"""Kuma: tiers between zones, and the proxies that carry traffic from one to the next."""

from collections.abc import Iterator, Mapping
from typing import Any

from microglia.model.ids import service_host
from microglia.model.objects import Raw, at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, of_client, pin, to_hosts
from microglia.protect.look import Look
from microglia.protect.named import Named, kept
from microglia.topology.nodes import Workload

_PROXIES = ("kuma.io/ingress", "kuma.io/egress", "kuma.io/gateway")
_DISPLAYED = ("kuma.io/display-name", "k8s.kuma.io/service-name")
_SPACE = "k8s.kuma.io/namespace"
_ELSEWHERE = frozenset({"MeshExternalService"})


def kuma_failover(look: Look) -> Iterator[Keep]:
    """A MeshLoadBalancingStrategy lets zones fail over to each other's copies of it."""
    yield from kept(look, strategy_names(look))


def strategy_names(look: Look) -> Iterator[Named]:
    """The Services whose copies zones share in need, as MeshLoadBalancingStrategies say."""
    for kind, raw in look.of("MeshLoadBalancingStrategy"):
        for i, one in enumerate(at(raw, "spec", "to", default=())):
            told = _crossing(at(one, "default", "localityAwareness", default={}))
            reference = at(one, "targetRef", default={})
            if told and reference.get("kind") not in _ELSEWHERE:
                field = f"spec.to[{i}].default.localityAwareness.crossZone.{told[0]}"
                reason = "zones fail over to each other's copies of it"
                yield Named(_meant(look, raw, reference), reason, Where(ref_of(kind, raw), field, told[1]))


def _crossing(awareness: Mapping[str, Any]) -> tuple[str, str] | None:
    """(field, value) by which traffic may leave its zone, None where it may not."""
    crossing = at(awareness, "crossZone", default={})
    ways = [str(at(one, "to", "type", default="Any")) for one in crossing.get("failover") or ()]
    open_ways = [way for way in ways if way != "None"]
    if awareness.get("disabled"):
        return None
    if open_ways:
        return "failover", ", ".join(open_ways)
    threshold = at(crossing, "failoverThreshold", "percentage")
    return ("failoverThreshold", str(threshold)) if threshold is not None and not ways else None


def _meant(look: Look, raw: Raw, reference: Mapping[str, Any]) -> tuple[str, ...]:
    """The hosts of a destination: one Service by name, ``name_namespace_svc_port`` or labels; else the whole mesh."""
    labels = at(reference, "labels", default={})
    shown = next((labels[key] for key in _DISPLAYED if key in labels), "")
    name = str(reference.get("name") or shown)
    if not name:
        meshed = {one.id for one in look.workloads.values() if _meshed(one)}
        return tuple(host for host, service in look.services.items() if not meshed.isdisjoint(service.workloads))
    if name.count("_") >= 2:
        short, namespace, *_ = name.split("_")
        return (service_host(namespace, short),)
    namespace = str(reference.get("namespace") or labels.get(_SPACE) or namespace_of(raw))
    exact = service_host(namespace, name)
    # A policy that a global control plane sent lies in a namespace of its own.
    if exact in look.services:
        return (exact,)
    return tuple(host for host, one in look.services.items() if one.name == name)


def _meshed(workload: Workload) -> bool:
    return any(pod.meshed for pod in workload.pods)


def kuma_proxy(look: Look) -> Iterator[Keep]:
    """It is a proxy between zones or a gateway of Kuma, and may be idle until a zone fails."""
    for one in look.workloads.values():
        template = at(one.raw, "spec", "template", "metadata", "annotations", default={})
        marks = {**one.pod_labels, **template}
        key = next((key for key in _PROXIES if marks.get(key, "disabled") not in {"disabled", "false"}), None)
        if key is not None:
            where = Where(one.ref, f"spec.template.metadata.annotations[{key}]", marks[key])
            yield from pin([one.id], "it carries traffic between zones, or into the mesh", where)
            yield of_client(one.id, "a proxy between zones must reach whatever is asked of it", where)
            yield from to_hosts(look.names.get(one.id, ()), "it carries traffic between zones, or into the mesh", where)
