"""Endpoints that serve only when others are gone: tiers by region, zone and node."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import annotations_of, at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, floor, pin, to_hosts
from microglia.protect.look import Look
from microglia.topology.nodes import Workload
from microglia.topology.roles import traffic_policies

_SETTING = "loadBalancer.localityLbSetting"
_ZONE_AWARE = 6
"""Endpoints below which Envoy does not balance by zone, unless told otherwise."""
_NODE_LOCAL = "PreferSameNode"
_MODES = ("service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints")


def locality_failover(look: Look) -> Iterator[Keep]:
    """A DestinationRule names it as a tier of a failover between localities."""
    for aim in _policies(look):
        for field in ("failover", "failoverPriority"):
            yield from _tier(look, aim, field, "its host fails over between localities")


def zone_aware(look: Look) -> Iterator[Keep]:
    """A DestinationRule balances it by zone: other regions are tiers, and with too few endpoints routing changes."""
    for aim in _policies(look):
        setting = at(aim.policy, "loadBalancer", "zoneAwareLbSetting")
        if setting is not None and setting.get("enabled") is not False:
            field = f"{aim.field}.loadBalancer.zoneAwareLbSetting"
            where = Where(aim.source, field, _short(setting))
            yield from _pinned(look, aim, "its host fails over between zones and regions", where)
            told = at(setting, "minClusterSize")
            least = _ZONE_AWARE if told is None else int(told)
            there = Where(aim.source, f"{field}.minClusterSize", "not set" if told is None else str(told))
            reason = f"with less than {least} endpoints Envoy no longer balances by zone"
            yield from floor(_serving(look, aim), least, reason, there)


def locality_distribute(look: Look) -> Iterator[Keep]:
    """A DestinationRule distributes by locality: one that is left out receives nothing, on purpose."""
    for aim in _policies(look):
        yield from _tier(look, aim, "distribute", "its host is distributed by locality")


def outlier_detection(look: Look) -> Iterator[Keep]:
    """Outlier detection alone turns locality failover on: one copy stays in every zone that has one."""
    for aim in _policies(look):
        enabled = at(aim.policy, "loadBalancer", "localityLbSetting", "enabled", default=True)
        if at(aim.policy, "outlierDetection") is not None and enabled is not False:
            where = Where(aim.source, f"{aim.field}.outlierDetection", _short(aim.policy["outlierDetection"]))
            reason = "ejected endpoints fail over to other zones: one copy stays in every zone that has one"
            yield from one_per_zone(look, _serving(look, aim), reason, where)


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
            for one in service.workloads:
                nodes = len({pod.node for pod in look.workloads[one].pods})
                yield from floor([one], nodes, "its callers prefer the copy on their own node", where)
        elif wish:
            yield from one_per_zone(look, service.workloads, "its callers prefer the copies of their own zone", where)


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


def one_per_zone(look: Look, targets: tuple[WorkloadId, ...], reason: str, where: Where) -> Iterator[Keep]:
    """As many copies of each as there are zones that have one, where those are several."""
    for target in targets:
        zones = zones_in_use(look.workloads[target])
        if zones > 1:
            yield from floor([target], zones, reason, where)


class _Aim(NamedTuple):
    """A traffic policy of a DestinationRule: at ``field``, for ``hosts``, and there for pods with ``labels``."""

    source: ObjectRef
    field: str
    hosts: tuple[str, ...]
    labels: Mapping[str, str]
    policy: Mapping[str, Any]


def _policies(look: Look) -> Iterator[_Aim]:
    for kind, raw in look.of("DestinationRule"):
        hosts = tuple(look.hosts(str(at(raw, "spec", "host", default="")), namespace_of(raw)))
        for field, policy in traffic_policies(raw):
            subset = field.removeprefix("spec.subsets[").partition("]")[0]
            labels = at(raw, "spec", "subsets", int(subset), "labels", default={}) if subset.isdecimal() else {}
            yield _Aim(ref_of(kind, raw), field, hosts, labels, policy)


def _serving(look: Look, aim: _Aim) -> tuple[WorkloadId, ...]:
    return look.subset(aim.hosts, aim.labels)


def _tier(look: Look, aim: _Aim, field: str, reason: str) -> Iterator[Keep]:
    """``field`` of a locality setting, unless that is switched off."""
    setting = at(aim.policy, "loadBalancer", "localityLbSetting", default={})
    if setting.get(field) and setting.get("enabled") is not False:
        where = Where(aim.source, f"{aim.field}.{_SETTING}.{field}", _short(setting[field]))
        yield from _pinned(look, aim, reason, where)


def _pinned(look: Look, aim: _Aim, reason: str, where: Where) -> Iterator[Keep]:
    yield from pin(_serving(look, aim), reason, where)
    yield from to_hosts(aim.hosts, reason, where)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
