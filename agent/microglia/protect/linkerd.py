"""Linkerd: failover by TrafficSplit, Services that other clusters mirror, retries and circuit breaking."""

from collections.abc import Iterator

from microglia.model.ids import service_host
from microglia.model.objects import Raw, annotations_of, at, labels_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, floor, pin, to_hosts
from microglia.protect.look import Look
from microglia.protect.named import Named, kept
from microglia.topology.linkerd import PRIMARY, fails_over
from microglia.topology.routing import ROUTE_KINDS, backend_host, backends

_SHARED = ("mirror.linkerd.io/exported", "mirror.linkerd.io/federated")
_LOCAL = "multicluster.linkerd.io/local-discovery"
_ELSEWHERE = ("mirror.linkerd.io/", "multicluster.linkerd.io/")
_ACCRUAL = ("balancer.linkerd.io/failure-accrual", "retry.linkerd.io/")


def linkerd_failover(look: Look) -> Iterator[Keep]:
    """A TrafficSplit that Linkerd's failover steers names it, or any TrafficSplit parks it at weight 0."""
    yield from kept(look, split_names(look))
    for kind, raw in look.of("TrafficSplit"):
        apex = str(at(raw, "spec", "service", default=""))
        where = Where(ref_of(kind, raw), "spec.service", apex)
        # What is called by this name is counted under the names of its backends.
        yield from to_hosts([service_host(namespace_of(raw), apex)], "a TrafficSplit answers to it", where)


def split_names(look: Look) -> Iterator[Named]:
    """The Services that TrafficSplits keep for worse days."""
    for kind, raw in look.of("TrafficSplit"):
        namespace, source, steered = namespace_of(raw), ref_of(kind, raw), fails_over(raw)
        primary = annotations_of(raw).get(PRIMARY)
        if primary:
            where = Where(source, f"metadata.annotations[{PRIMARY}]", primary)
            yield Named((service_host(namespace, primary),), "Linkerd's failover sends to it while it is ready", where)
        for i, backend in enumerate(at(raw, "spec", "backends", default=())):
            name, weight = str(backend.get("service", "")), str(backend.get("weight", ""))
            hosts = (service_host(namespace, name),)
            if steered:
                reason = "Linkerd's failover sends to it when others are not ready"
                yield Named(hosts, reason, Where(source, f"spec.backends[{i}].service", name))
            elif weight in {"", "0", "0m"}:
                where = Where(source, f"spec.backends[{i}].weight", weight or "not set")
                yield Named(hosts, "a TrafficSplit parks it at weight 0", where)


def linkerd_multicluster(look: Look) -> Iterator[Keep]:
    """Other clusters mirror or federate its Service: their calls are in no metric here."""
    for service in look.services.values():
        for part, found in (("labels", labels_of(service.raw)), ("annotations", annotations_of(service.raw))):
            for key in sorted(key for key in found if key.startswith(_ELSEWHERE)):
                where = Where(ref_of("Service", service.raw), f"metadata.{part}[{key}]", found[key])
                if found[key] == "false":
                    continue
                if key in _SHARED:
                    reason = "other clusters call it through their mirrors of its Service"
                    yield from pin(service.workloads, reason, where)
                yield from to_hosts([service.host], "its Service spans clusters: what others serve is unseen", where)
    yield from kept(look, federated_names(look))


def federated_names(look: Look) -> Iterator[Named]:
    """The members here of federated Services."""
    for service in look.services.values():
        name = annotations_of(service.raw).get(_LOCAL)
        if name:
            where = Where(ref_of("Service", service.raw), f"metadata.annotations[{_LOCAL}]", name)
            reason = f"it is this cluster's member of the federated Service {service.name}"
            yield Named((service_host(service.namespace, name),), reason, where)


def failure_accrual(look: Look) -> Iterator[Keep]:
    """Its Service or route has retries or circuit breaking of Linkerd, which need a second copy to turn to."""
    reason = "retries and circuit breaking need another copy"
    for service in look.services.values():
        for where in _breaking("Service", service.raw):
            yield from floor(service.workloads, 2, reason, where)
    for kind, raw in look.of(*ROUTE_KINDS):
        for where in _breaking(kind, raw):
            hosts = [backend_host(reference, namespace_of(raw)) for _, reference in backends(raw)]
            yield from floor(look.serving(hosts), 2, reason, where)


def _breaking(kind: str, raw: Raw) -> Iterator[Where]:
    """Where an object asks for retries or circuit breaking: the first annotation that does."""
    marks = annotations_of(raw)
    for key in [key for key in sorted(marks) if key.startswith(_ACCRUAL)][:1]:
        yield Where(ref_of(kind, raw), f"metadata.annotations[{key}]", marks[key])
