"""Who stands by for whom, as configuration says it: no traffic is needed to see it, and none would show it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from microglia.model.ids import ObjectRef, WorkloadId, service_host
from microglia.model.objects import Objects, Raw, annotations_of, at, name_of, namespace_of, ref_of
from microglia.topology.consul import consul_failovers
from microglia.topology.envoy_gateway import envoy_failovers
from microglia.topology.hosts import full_name
from microglia.topology.linkerd import linkerd_failovers
from microglia.topology.nodes import Reach, Service, Standby, Workload
from microglia.topology.pods import REGION
from microglia.topology.traefik import traefik_failovers

BACKUP_FOR = "microglia.dev/backup-for"
_FAILOVER = "loadBalancer.localityLbSetting.failover"


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """What roles are read from; ``keyed`` maps ``namespace/name`` to the workloads of that name, of any kind."""

    objects: Objects
    workloads: Mapping[WorkloadId, Workload]
    services: Mapping[str, Service]
    reach: Mapping[str, Reach]
    keyed: Mapping[str, tuple[WorkloadId, ...]]


@dataclass(frozen=True, slots=True)
class _Said:
    """Where a relation is written."""

    source: ObjectRef
    field: str
    value: str


def read_standbys(cast: Cast) -> tuple[Standby, ...]:
    """All relations, sorted: Istio failover between regions, failover of other meshes between Services, annotations,
    ``Protection`` objects."""
    found = {*_failovers(cast), *_between_services(cast), *_annotated(cast), *_protections(cast)}
    return tuple(sorted(found, key=lambda one: (one.backup, one.primary, one.source, one.field, one.value)))


def traffic_policies(raw: Raw) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(field, traffic policy) of a DestinationRule: its own, its ports' and its subsets'."""
    holders = [("spec", at(raw, "spec", default={}))]
    holders += [(f"spec.subsets[{i}]", one) for i, one in enumerate(at(raw, "spec", "subsets", default=()))]
    for field, holder in holders:
        policy = holder.get("trafficPolicy")
        if policy:
            yield f"{field}.trafficPolicy", policy
            for i, port in enumerate(policy.get("portLevelSettings") or ()):
                yield f"{field}.trafficPolicy.portLevelSettings[{i}]", port


def named(text: str, namespace: str, cast: Cast) -> tuple[WorkloadId, ...]:
    """What ``name``, ``namespace/name`` or ``Kind/namespace/name`` means, seen from ``namespace``: the workloads so
    called, else those behind the Service so called. Empty when there is neither."""
    match text.strip().split("/"):
        case [name]:
            where, kind = namespace, ""
        case [where, name]:
            kind = ""
        case [kind, where, name]:
            pass
        case _:
            return ()
    if kind != "Service":
        found = tuple(one for one in cast.keyed.get(f"{where}/{name}", ()) if kind in {"", one.kind})
        if found or kind:
            return found
    service = cast.services.get(service_host(where, name))
    return service.workloads if service else ()


def _failovers(cast: Cast) -> Iterator[Standby]:
    regions = {
        name_of(node): str(at(node, "metadata", "labels", REGION, default="")) for node in cast.objects.of("Node")
    }
    for raw in cast.objects.of("DestinationRule"):
        host = full_name(str(at(raw, "spec", "host", default="")), namespace_of(raw), cast.reach)
        service = cast.services.get(host)
        for field, policy in traffic_policies(raw):
            for entry in at(policy, "loadBalancer", "localityLbSetting", "failover", default=()):
                origin, target = str(entry.get("from", "")), str(entry.get("to", ""))
                members = [cast.workloads[one] for one in service.workloads] if service else []
                yield from _pairs(
                    (one.id for one in members if target in _regions(one, regions)),
                    [one.id for one in members if origin in _regions(one, regions)],
                    _Said(ref_of("DestinationRule", raw), f"{field}.{_FAILOVER}", f"{origin} -> {target}"),
                )


def _regions(one: Workload, regions: Mapping[str, str]) -> set[str]:
    return {regions.get(pod.node, "") for pod in one.pods}


def _between_services(cast: Cast) -> Iterator[Standby]:
    failovers = (
        *linkerd_failovers(cast.objects), *consul_failovers(cast.objects, cast.services),
        *traefik_failovers(cast.objects), *envoy_failovers(cast.objects, cast.services),
    )  # fmt: skip
    for one in failovers:
        yield from _pairs(
            _behind(one.backups, cast), _behind(one.primaries, cast), _Said(one.source, one.field, one.value)
        )


def _behind(hosts: Iterable[str], cast: Cast) -> tuple[WorkloadId, ...]:
    return tuple(one for host in hosts if host in cast.services for one in cast.services[host].workloads)


def _annotated(cast: Cast) -> Iterator[Standby]:
    field = f"metadata.annotations[{BACKUP_FOR}]"
    for one in cast.workloads.values():
        primary = one.annotations.get(BACKUP_FOR)
        if primary:
            yield from _pairs([one.id], named(primary, one.id.namespace, cast), _Said(one.ref, field, primary))
    for service in cast.services.values():
        primary = annotations_of(service.raw).get(BACKUP_FOR)
        if primary:
            said = _Said(ref_of("Service", service.raw), field, primary)
            yield from _pairs(service.workloads, named(primary, service.namespace, cast), said)


def _protections(cast: Cast) -> Iterator[Standby]:
    for raw in cast.objects.of("Protection"):
        primary = at(raw, "spec", "backupFor")
        if not primary:
            continue
        text = f"{primary.get('namespace')}/{primary.get('name')}"
        said = _Said(ref_of("Protection", raw), "spec.backupFor", text)
        for target in at(raw, "spec", "targets", default=()):
            backups = named(f"{target.get('kind')}/{namespace_of(raw)}/{target.get('name')}", "", cast)
            yield from _pairs(backups, named(text, "", cast), said)


def _pairs(backups: Iterable[WorkloadId], primaries: Iterable[WorkloadId], said: _Said) -> Iterator[Standby]:
    primaries = tuple(primaries)
    for backup in backups:
        for primary in primaries:
            if backup != primary:
                yield Standby(backup, primary, said.source, said.field, said.value)
