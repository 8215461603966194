"""Where calls stay in their zone, every zone must carry its own peak."""

from collections.abc import Iterator

from microglia.model.ids import WorkloadId
from microglia.model.objects import annotations_of, at, namespace_of
from microglia.topology.graph import Topology
from microglia.topology.hosts import covered, full_name

_TOPOLOGY_MODES = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")


def locality_aware(topology: Topology) -> frozenset[WorkloadId]:
    """Workloads behind a host whose callers prefer endpoints of their own zone.

    A DestinationRule with outlier detection turns Istio's locality load balancing on, unless it is disabled there; so
    does one that enables it by name. A Service asks for it by ``trafficDistribution`` or by topology mode.
    """
    hosts = {*_by_rule(topology), *_by_service(topology)}
    return frozenset(workload for host in hosts for workload in topology.services[host].workloads)


def _by_rule(topology: Topology) -> Iterator[str]:
    for raw in topology.objects.of("DestinationRule"):
        policies = [at(raw, "spec", "trafficPolicy", default={})]
        policies.extend(at(subset, "trafficPolicy", default={}) for subset in at(raw, "spec", "subsets", default=[]))
        if any(_prefers(policy) for policy in policies):
            host = full_name(str(at(raw, "spec", "host", default="")), namespace_of(raw), topology.services)
            yield from covered(host, topology.services)


def _prefers(policy: object) -> bool:
    enabled = at(policy, "loadBalancer", "localityLbSetting", "enabled")
    if enabled is False:
        return False
    setting = at(policy, "loadBalancer", "localityLbSetting") is not None
    return setting or at(policy, "outlierDetection") is not None


def _by_service(topology: Topology) -> Iterator[str]:
    for host, service in topology.services.items():
        marks = annotations_of(service.raw)
        mode = next((marks[mark] for mark in _TOPOLOGY_MODES if mark in marks), "Disabled")
        if at(service.raw, "spec", "trafficDistribution") or mode.lower() == "auto":
            yield host
