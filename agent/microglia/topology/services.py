"""Names that can be called, and who stands behind them."""

from collections.abc import Mapping

from microglia.model.ids import WorkloadId, service_host
from microglia.model.objects import Objects, Raw, at, labels_of, name_of, namespace_of
from microglia.topology.hosts import full_name
from microglia.topology.nodes import Service
from microglia.topology.selectors import LabelIndex

Controllers = Mapping[tuple[str, str], WorkloadId]
"""(namespace, pod name) -> the workload it belongs to."""


def read_services(objects: Objects, index: LabelIndex, controllers: Controllers) -> dict[str, Service]:
    """Every Service by FQDN, sorted."""
    endpoints = _endpoints(objects, controllers)
    found = {}
    for raw in objects.of("Service"):
        key = (namespace_of(raw), name_of(raw))
        selector = at(raw, "spec", "selector")
        selected = index.matching(key[0], selector) if selector else frozenset()
        found[service_host(*key)] = (raw, tuple(sorted(selected | endpoints.get(key, frozenset()))))
    subsets = _subsets(objects, found)
    return {host: _service(host, *found[host], len(subsets.get(host, ()))) for host in sorted(found)}


def _service(host: str, raw: Raw, workloads: tuple[WorkloadId, ...], subsets: int) -> Service:
    external = at(raw, "spec", "type") == "ExternalName"
    return Service(
        host=host,
        namespace=namespace_of(raw),
        name=name_of(raw),
        headless=at(raw, "spec", "clusterIP") == "None",
        external_name=str(at(raw, "spec", "externalName", default="")) if external else None,
        ports=sum(one.get("protocol") != "UDP" for one in at(raw, "spec", "ports", default=())),
        subsets=subsets,
        workloads=workloads,
        raw=raw,
    )


def _endpoints(objects: Objects, controllers: Controllers) -> dict[tuple[str, str], frozenset[WorkloadId]]:
    """(namespace, Service) -> workloads whose pods its EndpointSlices hold."""
    found: dict[tuple[str, str], set[WorkloadId]] = {}
    for raw in objects.of("EndpointSlice"):
        namespace = namespace_of(raw)
        behind = found.setdefault((namespace, labels_of(raw).get("kubernetes.io/service-name", "")), set())
        for endpoint in raw.get("endpoints") or ():
            reference = endpoint.get("targetRef") or {}
            pod = (reference.get("namespace") or namespace, reference.get("name") or "")
            target = controllers.get(pod)
            if target is not None:
                behind.add(target)
    return {key: frozenset(value) for key, value in found.items()}


def _subsets(objects: Objects, hosts: Mapping[str, object]) -> dict[str, set[str]]:
    """Host -> names of the subsets that DestinationRules split it into: each is one more cluster per port."""
    found: dict[str, set[str]] = {}
    for raw in objects.of("DestinationRule"):
        host = full_name(str(at(raw, "spec", "host", default="")), namespace_of(raw), hosts)
        names = {str(one.get("name", "")) for one in at(raw, "spec", "subsets", default=())}
        found.setdefault(host, set()).update(names)
    return found
