"""What the cluster itself stands on: system namespaces and critical priority."""

from collections.abc import Iterator

from microglia.model.objects import at, ref_of
from microglia.protect.keep import Keep, Where, of_client, pin, to_hosts
from microglia.protect.look import Look

SYSTEM = frozenset(
    {
        "kube-system", "kube-public", "kube-node-lease", "istio-system", "linkerd", "gatekeeper-system",
        "cert-manager", "gke-system", "calico-system", "tigera-operator", "kyverno",
    }
)  # fmt: skip
_CRITICAL = frozenset({"system-cluster-critical", "system-node-critical"})


def system_namespace(look: Look) -> Iterator[Keep]:
    """It runs in a namespace of the platform, or is labelled as a service of the cluster."""
    for one in look.workloads.values():
        where = Where(one.ref, "metadata.namespace", one.id.namespace)
        if one.id.namespace not in SYSTEM:
            value = one.labels.get("kubernetes.io/cluster-service", "")
            if value != "true":
                continue
            where = Where(one.ref, "metadata.labels[kubernetes.io/cluster-service]", value)
        yield from pin([one.id], "it is part of the platform", where)
        yield of_client(one.id, "it is part of the platform", where)
    for service in look.services.values():
        if service.namespace in SYSTEM or (service.namespace, service.name) == ("default", "kubernetes"):
            where = Where(ref_of("Service", service.raw), "metadata.namespace", service.namespace)
            yield from to_hosts([service.host], "proxies and clients talk to the platform unseen", where)


def priority_class(look: Look) -> Iterator[Keep]:
    """Its pods have a critical priority class."""
    for one in look.workloads.values():
        name = at(one.raw, "spec", "template", "spec", "priorityClassName")
        if name in _CRITICAL:
            where = Where(one.ref, "spec.template.spec.priorityClassName", str(name))
            yield from pin([one.id], "the cluster evicts others before it", where)
