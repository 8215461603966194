"""Endpoints that serve only when others are gone: tiers by region, zone and node."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from microglia.model.ids import WorkloadId
from microglia.model.objects import annotations_of, at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, floor, pin, to_hosts
from microglia.protect.look import Look
from microglia.topology.nodes import Workload
from microglia.topology.roles import traffic_policies

_SETTING = "loadBalancer.localityLbSetting"
_NODE_LOCAL = "PreferSameNode"
_MODES = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")


def locality_failover(look: Look) -> Iterator[Keep]:
    """A DestinationRule names it as a tier of a failover between localities."""
    for hosts, policy, where in _policies(look):
        setting = at(policy, "loadBalancer", "localityLbSetting", default={})
        zonal = at(policy, "loadBalancer", "zoneAwareLbSetting")
        for field in ("failover", "failoverPriority"):
            if setting.get(field):
                here = Where(where.source, f"{where.field}.{_SETTING}.{field}", _short(setting[field]))
                yield from _tier(look, hosts, "its host fails over between localities", here)
        if zonal is not None and zonal.get("enabled") is not False:
            here = Where(where.source, f"{where.field}.loadBalancer.zoneAwareLbSetting", _short(zonal))
            yield from _tier(look, hosts, "its host fails over between zones and regions", here)


def locality_distribute(look: Look) -> Iterator[Keep]:
    """A DestinationRule distributes by locality: one that is left out receives nothing, on purpose."""
    for hosts, policy, where in _policies(look):
        entries = at(policy, "loadBalancer", "localityLbSetting", "distribute")
        if entries:
            here = Where(where.source, f"{where.field}.{_SETTING}.distribute", _short(entries))
            yield from _tier(look, hosts, "its host is distributed by locality", here)


def outlier_detection(look: Look) -> Iterator[Keep]:
    """Outlier detection alone turns locality failover on: one copy stays in every zone that has one."""
    for hosts, policy, where in _policies(look):
        enabled = at(policy, "loadBalancer", "localityLbSetting", "enabled", default=True)
        if at(policy, "outlierDetection") is not None and enabled is not False:
            here = Where(where.source, f"{where.field}.outlierDetection", _short(policy["outlierDetection"]))
            reason = "ejected endpoints fail over to other zones: one copy stays in every zone that has one"
            yield from _one_per_zone(look, look.serving(hosts), reason, here)


def traffic_distribution(look: Look) -> Iterator[Keep]:
    """Its Service prefers endpoints of the caller's zone or node: one copy stays in every one that has one."""
    for service in look.services.values():
        wish = str(at(service.raw, "spec", "trafficDistribution", default=""))
        where = Where(ref_of("Service", service.raw), "spec.trafficDistribution", wish)
        if not wish:
            marks = annotations_of(service.raw)
            mode = next((mark for mark in _MODES if marks.get(mark, "Disabled").lower() == "auto"), "")
            wish = marks.get(mode, "")
            where = Where(where.source, f"metadata.annotations[{mode}]", wish)
        if wish == _NODE_LOCAL:
            yield from pin(service.workloads, "its callers prefer the copy on their own node", where)
        elif wish:
            yield from _one_per_zone(look, service.workloads, "its callers prefer the copies of their own zone", where)


def local_traffic_policy(look: Look) -> Iterator[Keep]:
    """Its Service has a Local traffic policy: nodes without a copy drop the traffic."""
    for service in look.services.values():
        for field in ("internalTrafficPolicy", "externalTrafficPolicy"):
            if at(service.raw, "spec", field) == "Local":
                where = Where(ref_of("Service", service.raw), f"spec.{field}", "Local")
                yield from pin(service.workloads, "a node without a copy drops its traffic", where)


def zones_in_use(workload: Workload) -> int:
    """In how many zones copies are now; those on nodes of unknown zone count as one more."""
    return len({pod.zone for pod in workload.pods})


def _policies(look: Look) -> Iterator[tuple[list[str], Mapping[str, Any], Where]]:
    """(hosts, traffic policy, where) of every DestinationRule."""
    for kind, raw in look.of("DestinationRule"):
        hosts = look.hosts(str(at(raw, "spec", "host", default="")), namespace_of(raw))
        for field, policy in traffic_policies(raw):
            yield hosts, policy, Where(ref_of(kind, raw), field, "")


def _tier(look: Look, hosts: list[str], reason: str, where: Where) -> Iterator[Keep]:
    yield from pin(look.serving(hosts), reason, where)
    yield from to_hosts(hosts, reason, where)


def _one_per_zone(look: Look, targets: tuple[WorkloadId, ...], reason: str, where: Where) -> Iterator[Keep]:
    for target in targets:
        zones = zones_in_use(look.workloads[target])
        if zones > 1:
            yield from floor([target], zones, reason, where)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
