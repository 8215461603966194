"""Services that several clusters share by the Multi-Cluster Services API (kubernetes-sigs/mcs-api), or by a label."""

from collections.abc import Iterator

from microglia.model.ids import service_host
from microglia.model.objects import annotations_of, labels_of, name_of, namespace_of, ref_of
from microglia.protect.fronts import reference_hosts
from microglia.protect.keep import Keep, Where, pin, to_hosts
from microglia.protect.look import Look
from microglia.protect.named import Named, kept
from microglia.topology.routing import ROUTE_KINDS, backends

_GROUP = "multicluster.x-k8s.io"
_DERIVED = "multicluster.kubernetes.io/"
_REMOTE = ("topology.istio.io/", "failover.linkerd.io/")
"""Labels and annotations of Services that mean callers, or a standby, beyond this cluster."""


def multicluster_service(look: Look) -> Iterator[Keep]:
    """A ServiceExport offers its Service to other clusters, or an import makes one Service of theirs and ours."""
    yield from kept(look, export_names(look))
    yield from kept(look, import_names(look))
    for service in look.services.values():
        labels = labels_of(service.raw)
        for key in sorted(labels):
            if key.startswith(_DERIVED):
                where = Where(ref_of("Service", service.raw), f"metadata.labels[{key}]", labels[key])
                yield from pin(service.workloads, "its Service spans clusters", where)
                yield from to_hosts([service.host], "its Service spans clusters", where)


def export_names(look: Look) -> Iterator[Named]:
    """The Services that ServiceExports offer: those of their own names."""
    for kind, raw in look.of("ServiceExport"):
        host = service_host(namespace_of(raw), name_of(raw))
        where = Where(ref_of(kind, raw), "metadata.name", name_of(raw))
        yield Named((host,), "other clusters call it, which no metric here shows", where)


def import_names(look: Look) -> Iterator[Named]:
    """The Services here that are one with an import, and those of imports that routes send to."""
    for kind, raw in look.of("ServiceImport"):
        host = service_host(namespace_of(raw), name_of(raw))
        # Without a Service of that name, only other clusters have it.
        if host in look.services:
            where = Where(ref_of(kind, raw), "metadata.name", name_of(raw))
            yield Named((host,), "it is one Service with those of other clusters", where)
    for kind, raw in look.of(*ROUTE_KINDS):
        for field, reference in backends(raw):
            if (reference.get("kind"), reference.get("group")) == ("ServiceImport", _GROUP):
                for host in reference_hosts(look, reference, namespace_of(raw)):
                    where = Where(ref_of(kind, raw), field, str(reference.get("name", "")))
                    yield Named((host,), "a route sends to it and to its like in other clusters", where)


def remote_callers(look: Look) -> Iterator[Keep]:
    """Its Service is marked as one of a network or a failover beyond this cluster."""
    for service in look.services.values():
        for part, found in (("labels", labels_of(service.raw)), ("annotations", annotations_of(service.raw))):
            for key in sorted(found):
                if key.startswith(_REMOTE):
                    where = Where(ref_of("Service", service.raw), f"metadata.{part}[{key}]", found[key])
                    yield from pin(service.workloads, "other clusters call it, or fall back to it", where)
                    yield from to_hosts([service.host], "other clusters share it", where)
