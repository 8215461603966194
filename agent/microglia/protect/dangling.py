"""Protections that protect nothing: a typo in a name is found here, not in the next outage."""

from collections.abc import Iterator
from datetime import datetime

from microglia.model.ids import WorkloadId
from microglia.model.objects import annotations_of, at, name_of, namespace_of, ref_of
from microglia.policy.schema import PolicySpec
from microglia.protect.adrift import adrift
from microglia.protect.callbacks import api_names, conversion_names, webhook_names
from microglia.protect.consul import exported_names, resolver_names, splitter_names
from microglia.protect.dns import gslb_names
from microglia.protect.envoy_gateway import fallback_names
from microglia.protect.external import shared_names
from microglia.protect.gateways import waypoint_names
from microglia.protect.ingress import ingress_names
from microglia.protect.keep import Where
from microglia.protect.kuma import strategy_names
from microglia.protect.ledger import Level, Protection
from microglia.protect.linkerd import federated_names, split_names
from microglia.protect.look import Look, look_at
from microglia.protect.multicluster import export_names
from microglia.protect.named import Naming
from microglia.protect.people import expired
from microglia.protect.routing import mirror_names, parked_names
from microglia.protect.traefik import traefik_names
from microglia.score.scores import Scores
from microglia.topology.consul import resolver_targets
from microglia.topology.graph import Topology
from microglia.topology.roles import BACKUP_FOR, traffic_policies

NAMED: tuple[tuple[str, Naming], ...] = (
    ("webhook", webhook_names),
    ("api-service", api_names),
    ("crd-conversion", conversion_names),
    ("external-endpoints", shared_names),
    ("zero-weight", parked_names),
    ("mirror", mirror_names),
    ("waypoint", waypoint_names),
    ("ingress-fallback", ingress_names),
    ("linkerd-failover", split_names),
    ("linkerd-multicluster", federated_names),
    ("consul-failover", resolver_names),
    ("consul-split", splitter_names),
    ("consul-exports", exported_names),
    ("kuma-failover", strategy_names),
    ("multicluster-service", export_names),
    ("envoy-fallback", fallback_names),
    ("traefik-service", traefik_names),
    ("gslb", gslb_names),
)
"""Rules whose objects name Services, by code."""
_TARGETS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Rollout", "Pod", "Service"}
)


def dangling(look: Look) -> Iterator[Protection]:
    """Everything written to protect something that is not there, and every Protection whose time is over."""
    yield from _protections(look)
    yield from _annotations(look)
    yield from _destination_rules(look)
    yield from (_note(one.rule, one.reason, one.where) for one in adrift(look))
    yield from _named(look)
    yield from _groups(look)


def astray(topology: Topology, policy: PolicySpec, now: datetime) -> tuple[Protection, ...]:
    """The same without any scores, sorted: what is written where does not depend on traffic."""
    return tuple(sorted(dangling(look_at(topology, Scores({}, ()), policy, (), now))))


def _protections(look: Look) -> Iterator[Protection]:
    for kind, raw in look.of("Protection"):
        source, namespace = ref_of(kind, raw), namespace_of(raw)
        if expired(raw, look.now.date()):
            until = str(at(raw, "spec", "until"))
            yield _note("protection", "its last day is over: renew or delete it", Where(source, "spec.until", until))
        for i, target in enumerate(at(raw, "spec", "targets", default=())):
            one, name = str(target.get("kind", "")), str(target.get("name", ""))
            where = Where(source, f"spec.targets[{i}]", f"{one} {name}")
            if one not in _TARGETS:
                yield _note("protection", f"{one} is no kind that can be protected by name", where)
            elif not look.target(namespace, one, name):
                yield _note("protection", f"there is no workload in {namespace} that this means", where)
        primary = at(raw, "spec", "backupFor")
        if primary and not _exists(look, str(primary.get("namespace")), str(primary.get("name"))):
            text = f"{primary.get('namespace')}/{primary.get('name')}"
            yield _note("backup", "there is no such primary", Where(source, "spec.backupFor", text))


def _annotations(look: Look) -> Iterator[Protection]:
    for one in look.marks:
        value = annotations_of(one.raw).get(BACKUP_FOR)
        if value is not None and one.kind != "Namespace":
            *_, namespace, name = (namespace_of(one.raw), *value.strip().split("/"))
            if not _exists(look, namespace, name):
                where = Where(ref_of(one.kind, one.raw), f"metadata.annotations[{BACKUP_FOR}]", value)
                yield _note("backup", "there is no such primary", where)


def _destination_rules(look: Look) -> Iterator[Protection]:
    for kind, raw in look.of("DestinationRule"):
        host = str(at(raw, "spec", "host", default=""))
        known = [one for one in look.hosts(host, namespace_of(raw)) if one in look.topology.reach]
        if not known and any(True for _ in traffic_policies(raw)):
            where = Where(ref_of(kind, raw), "spec.host", host)
            yield _note("destination-rule", f"{name_of(raw)} is about a host that does not exist", where)


def _named(look: Look) -> Iterator[Protection]:
    """References of every other kind, as far as Services could be seen."""
    for code, naming in NAMED if not look.topology.objects.blind("Service") else ():
        for one in naming(look):
            if not any(host in look.topology.reach for host in one.hosts):
                yield _note(code, "what it names does not exist", one.where)


def _groups(look: Look) -> Iterator[Protection]:
    """Failover of Consul to a group of clusters that nobody defined."""
    known = {name_of(raw) for _, raw in look.of("SamenessGroup")}
    for kind, raw in look.of("ServiceResolver") if not look.topology.objects.blind("SamenessGroup") else ():
        for field, target in resolver_targets(raw):
            group = target.get("samenessGroup")
            if group and group not in known:
                where = Where(ref_of(kind, raw), f"{field}.samenessGroup", str(group))
                yield _note("consul-failover", "there is no such SamenessGroup", where)


def _exists(look: Look, namespace: str, name: str) -> bool:
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Rollout")
    return bool(look.behind(namespace, name)) or any(
        WorkloadId(namespace, name, kind) in look.workloads for kind in kinds
    )


def _note(rule: str, reason: str, where: Where) -> Protection:
    return Protection(rule, Level.FLOOR, 0, reason, where.source, where.field, where.value)
