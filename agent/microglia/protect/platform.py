"""What the cluster itself stands on: system namespaces and critical priority."""

from collections.abc import Iterator, Mapping

from microglia.model.objects import at, labels_of, ref_of
from microglia.protect.keep import Keep, Where, of_client, pin, to_hosts
from microglia.protect.look import Look
from microglia.topology.nodes import Workload

SYSTEM = frozenset(
    {
        "kube-system", "kube-public", "kube-node-lease", "istio-system", "linkerd", "gatekeeper-system",
        "cert-manager", "gke-system", "calico-system", "tigera-operator", "kyverno",
    }
)  # fmt: skip
_CRITICAL = frozenset({"system-cluster-critical", "system-node-critical"})


_CLUSTER_SERVICE = "kubernetes.io/cluster-service"
_OPERATOR_KEYS = ("control-plane", "olm.owner")
_OPERATOR_ROLES = frozenset({"operator", "controller-manager", "kube-controller-manager"})


def system_namespace(look: Look) -> Iterator[Keep]:
    """It runs in a namespace of the platform, or is labelled as a service of the cluster."""
    for one in look.workloads.values():
        where = Where(one.ref, "metadata.namespace", one.id.namespace)
        if one.id.namespace not in SYSTEM:
            part = next((part for part, labels in _labelled(one) if labels.get(_CLUSTER_SERVICE) == "true"), "")
            if not part:
                continue
            where = Where(one.ref, f"{part}[{_CLUSTER_SERVICE}]", "true")
        yield from pin([one.id], "it is part of the platform", where)
        yield of_client(one.id, "it is part of the platform", where)
    for service in look.services.values():
        if service.namespace in SYSTEM or (service.namespace, service.name) == ("default", "kubernetes"):
            where = Where(ref_of("Service", service.raw), "metadata.namespace", service.namespace)
            yield from to_hosts([service.host], "proxies and clients talk to the platform unseen", where)
        elif labels_of(service.raw).get(_CLUSTER_SERVICE) == "true":
            where = Where(ref_of("Service", service.raw), f"metadata.labels[{_CLUSTER_SERVICE}]", "true")
            yield from pin(service.workloads, "its Service is one of the cluster's own", where)
            yield from to_hosts([service.host], "proxies and clients talk to the platform unseen", where)


def _labelled(one: Workload) -> tuple[tuple[str, Mapping[str, str]], ...]:
    return ("metadata.labels", one.labels), ("spec.template.metadata.labels", one.pod_labels)


def operator(look: Look) -> Iterator[Keep]:
    """It is an operator: it reconciles custom resources, which no mesh metric shows."""
    for one in look.workloads.values():
        for part, labels in _labelled(one):
            key = next((key for key in _OPERATOR_KEYS if key in labels), "")
            if not key and labels.get("app.kubernetes.io/component") in _OPERATOR_ROLES:
                key = "app.kubernetes.io/component"
            if key:
                where = Where(one.ref, f"{part}[{key}]", labels[key])
                yield from pin([one.id], "it reconciles objects; nothing calls it, and much depends on it", where)
                break


def priority_class(look: Look) -> Iterator[Keep]:
    """Its pods have a critical priority class."""
    for one in look.workloads.values():
        name = at(one.raw, "spec", "template", "spec", "priorityClassName")
        if name in _CRITICAL:
            where = Where(one.ref, "spec.template.spec.priorityClassName", str(name))
            yield from pin([one.id], "the cluster evicts others before it", where)
