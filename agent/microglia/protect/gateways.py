"""Ways in and out: gateways, fallbacks of Ingresses, Services that other clusters share."""

from collections.abc import Iterator

from microglia.model.objects import annotations_of, at, labels_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, floor, of_client, pin, to_hosts
from microglia.protect.look import Look
from microglia.topology.nodes import Workload

_GATEWAY_LABELS = ("gateway.istio.io/managed", "gateway.networking.k8s.io/gateway-name", "topology.istio.io/network")
_GATEWAY_ROLES = frozenset({"ingressgateway", "egressgateway", "eastwestgateway"})
_NGINX = "nginx.ingress.kubernetes.io/"


def gateway(look: Look) -> Iterator[Keep]:
    """It is a gateway or waypoint: traffic enters, leaves or is policed there, at times only when a cluster fails."""
    for one in look.workloads.values():
        mark = _gateway_mark(one)
        if mark is not None:
            where = Where(one.ref, f"spec.template.metadata.labels[{mark[0]}]", mark[1])
            yield from pin([one.id], "it is a gateway, and may be idle until a cluster or a region fails", where)
            yield of_client(one.id, "a gateway must reach whatever is asked of it", where)
            yield from to_hosts(look.names.get(one.id, ()), "it is a gateway", where)


def _gateway_mark(one: Workload) -> tuple[str, str] | None:
    for labels in (one.pod_labels, one.labels):
        for key in _GATEWAY_LABELS:
            if key in labels:
                return key, labels[key]
        if labels.get("istio") in _GATEWAY_ROLES:
            return "istio", labels["istio"]
    return None


def ingress_fallback(look: Look) -> Iterator[Keep]:
    """An Ingress falls back to it, or parks a canary there."""
    for kind, raw in look.of("Ingress"):
        name = at(raw, "spec", "defaultBackend", "service", "name")
        if name:
            where = Where(ref_of(kind, raw), "spec.defaultBackend.service.name", str(name))
            yield from pin(look.behind(namespace_of(raw), str(name)), "an Ingress falls back to it", where)
        marks = annotations_of(raw)
        fallback = marks.get(f"{_NGINX}default-backend", "")
        if fallback:
            where = Where(ref_of(kind, raw), f"metadata.annotations[{_NGINX}default-backend]", fallback)
            namespace, _, service = fallback.rpartition("/")
            targets = look.behind(namespace or namespace_of(raw), service)
            yield from pin(targets, "it answers when the Service of an Ingress has no endpoint", where)
        if marks.get(f"{_NGINX}canary") == "true":
            where = Where(ref_of(kind, raw), f"metadata.annotations[{_NGINX}canary]", "true")
            for rule in at(raw, "spec", "rules", default=()):
                for path in at(rule, "http", "paths", default=()):
                    service = str(at(path, "backend", "service", "name", default=""))
                    yield from pin(look.behind(namespace_of(raw), service), "an Ingress parks a canary there", where)


def remote_callers(look: Look) -> Iterator[Keep]:
    """Its Service is offered to other clusters, or backs up theirs: their calls are in no metric here."""
    for service in look.services.values():
        labels, marks = labels_of(service.raw), annotations_of(service.raw)
        for field, found in (("labels", labels), ("annotations", marks)):
            for key in sorted(found):
                if key.startswith(_REMOTE):
                    where = Where(ref_of("Service", service.raw), f"metadata.{field}[{key}]", found[key])
                    yield from pin(service.workloads, "other clusters call it, or fall back to it", where)
                    yield from to_hosts([service.host], "other clusters share it", where)


_REMOTE = (
    "mirror.linkerd.io/", "multicluster.linkerd.io/", "service.cilium.io/", "io.cilium/global-service",
    "multicluster.kubernetes.io/", "topology.istio.io/", "external-dns.alpha.kubernetes.io/aws-failover",
    "external-dns.alpha.kubernetes.io/aws-weight", "external-dns.alpha.kubernetes.io/set-identifier",
    "failover.linkerd.io/", "k8gb.absa.oss/", "k8gb.io/",
)  # fmt: skip
"""Labels and annotations of Services that mean callers, or a standby, beyond this cluster."""


def failure_accrual(look: Look) -> Iterator[Keep]:
    """Its Service has retries or circuit breaking, which need a second copy to turn to."""
    for service in look.services.values():
        marks = annotations_of(service.raw)
        for key in sorted(marks):
            if key.startswith(("balancer.linkerd.io/failure-accrual", "retry.linkerd.io/")):
                where = Where(ref_of("Service", service.raw), f"metadata.annotations[{key}]", marks[key])
                yield from floor(service.workloads, 2, "retries and circuit breaking need another copy", where)
                break
