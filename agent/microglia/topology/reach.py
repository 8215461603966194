"""What a call to a host may reach: the host that serves need not be the one that was asked for."""

from collections.abc import Iterable, Mapping

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Objects, at, namespace_of, ref_of
from microglia.topology.hosts import Hosts
from microglia.topology.nodes import Reach, Service
from microglia.topology.routing import ROUTE_KINDS, Lead, gateway_route_leads, virtual_service_leads
from microglia.topology.selectors import LabelIndex

_LEADING = ("VirtualService", *ROUTE_KINDS)


def read_reach(objects: Objects, services: Mapping[str, Service], index: LabelIndex) -> dict[str, Reach]:
    """Reach of every Service, every host of a ServiceEntry and every host that a VirtualService invents, sorted."""
    entries = _entries(objects, index)
    known = Hosts(frozenset({*services, *entries}), tuple(sorted(host for host in entries if host.startswith("*"))))
    leads: dict[str, list[Lead]] = {}
    for host, lead in (*virtual_service_leads(objects, known), *gateway_route_leads(objects, known)):
        leads.setdefault(host, []).append(lead)
    for host, service in services.items():
        if service.external_name is not None:
            leads.setdefault(host, []).append(_alias(service, known))
    sighted = not any(objects.blind(kind) for kind in _LEADING)
    behind = {host: service.workloads for host, service in services.items()}
    for host, workloads in entries.items():
        behind[host] = tuple(sorted({*behind.get(host, ()), *workloads}))
    found = {}
    for host in sorted({*known.names, *leads}):
        hosts, via, resolved = _closure(host, leads)
        workloads = behind.get(host, ()) if len(hosts) == 1 else _union(behind.get(one, ()) for one in hosts)
        found[host] = Reach(hosts, workloads, sighted and resolved, via)
    return found


def _entries(objects: Objects, index: LabelIndex) -> dict[str, tuple[WorkloadId, ...]]:
    """Hosts of ServiceEntries, with the workloads that their selectors pick."""
    found: dict[str, set[WorkloadId]] = {}
    for raw in objects.of("ServiceEntry"):
        labels = at(raw, "spec", "workloadSelector", "labels")
        picked = index.matching(namespace_of(raw), labels) if labels else frozenset()
        for host in at(raw, "spec", "hosts", default=()):
            found.setdefault(str(host), set()).update(picked)
    return {host: tuple(sorted(picked)) for host, picked in found.items()}


def _alias(service: Service, known: Hosts) -> Lead:
    """An ExternalName leads to another name: in the mesh if it is known there, else out of it, which is no riddle."""
    target = (service.external_name or "").rstrip(".")
    inside = target.endswith(".svc.cluster.local")
    return Lead(ref_of("Service", service.raw), (target,), target in known or not inside)


def _closure(start: str, leads: Mapping[str, list[Lead]]) -> tuple[tuple[str, ...], tuple[ObjectRef, ...], bool]:
    if start not in leads:
        return (start,), (), True
    seen, queue, via, known = {start}, [start], set(), True
    while queue:
        for lead in leads.get(queue.pop(), ()):
            via.add(lead.source)
            known = known and lead.known
            fresh = [host for host in lead.hosts if host not in seen]
            seen.update(fresh)
            queue.extend(fresh)
    return (start, *sorted(seen - {start})), tuple(sorted(via)), known


def _union(parts: Iterable[tuple[WorkloadId, ...]]) -> tuple[WorkloadId, ...]:
    return tuple(sorted({one for part in parts for one in part}))
