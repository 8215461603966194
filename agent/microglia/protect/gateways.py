"""Ways in and out, and where policy is enforced: gateways and waypoints."""

from collections.abc import Iterator, Mapping

from microglia.model.ids import ObjectRef, service_host
from microglia.model.objects import labels_of, ref_of
from microglia.protect.keep import Keep, Where, of_client, pin, to_hosts
from microglia.protect.look import Look
from microglia.protect.named import Named, kept
from microglia.topology.nodes import Workload

_GATEWAY_LABELS = ("gateway.istio.io/managed", "gateway.networking.k8s.io/gateway-name", "topology.istio.io/network")
_USES = ("istio.io/use-waypoint", "istio.io/use-waypoint-canary")
_USED_IN = "istio.io/use-waypoint-namespace"
_GATEWAY_ROLES = frozenset({"ingressgateway", "egressgateway", "eastwestgateway"})


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


def waypoint(look: Look) -> Iterator[Keep]:
    """It is the waypoint of a namespace, a Service or pods: without it, its policies are not enforced."""
    yield from kept(look, waypoint_names(look))
    uses = list(_uses(look))
    made = {(one.id.namespace, name): one.id for one in look.workloads.values() if uses for name in _made_for(one)}
    for namespace, name, where in uses:
        if (namespace, name) in made:
            yield from pin([made[namespace, name]], _WAYPOINT, where)


_WAYPOINT = "it is a waypoint: policies of layer 7 are enforced there, and nowhere without it"


def waypoint_names(look: Look) -> Iterator[Named]:
    """The Services of the waypoints that labels name."""
    for namespace, name, where in _uses(look):
        yield Named((service_host(namespace, name),), _WAYPOINT, where)


def _made_for(one: Workload) -> tuple[str, ...]:
    """The names of the gateway that a workload may be."""
    key = _GATEWAY_LABELS[1]
    return one.id.name, *(labels[key] for labels in (one.pod_labels, one.labels) if key in labels)


def _uses(look: Look) -> Iterator[tuple[str, str, Where]]:
    """(namespace, name, where) of every waypoint that a namespace, a Service, a workload or its pods name."""
    for source, part, labels in _labelled(look):
        for key in _USES:
            if labels.get(key, "none") != "none":
                namespace = labels.get(_USED_IN) or source.namespace or source.name
                yield namespace, labels[key], Where(source, f"{part}.labels[{key}]", labels[key])


def _labelled(look: Look) -> Iterator[tuple[ObjectRef, str, Mapping[str, str]]]:
    """(object, part, labels) of all that waypoints are named on, where there are any."""
    for one in look.workloads.values():
        for part, labels in (("metadata", one.labels), ("spec.template.metadata", one.pod_labels)):
            if not labels.keys().isdisjoint(_USES):
                yield one.ref, part, labels
    for kind, raw in look.of("Service", "Namespace"):
        marks = labels_of(raw)
        if not marks.keys().isdisjoint(_USES):
            yield ref_of(kind, raw), "metadata", marks
