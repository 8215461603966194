"""Protections that protect nothing: a typo in a name is found here, not in the next outage."""

from collections.abc import Iterator

from microglia.model.ids import WorkloadId
from microglia.model.objects import annotations_of, at, name_of, namespace_of, ref_of
from microglia.protect.keep import Where
from microglia.protect.ledger import Level, Protection
from microglia.protect.look import Look
from microglia.protect.people import expired
from microglia.topology.roles import BACKUP_FOR, traffic_policies

_TARGETS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "Rollout", "Pod", "Service"}
)


def dangling(look: Look) -> Iterator[Protection]:
    """Everything written to protect something that is not there, and every Protection whose time is over."""
    yield from _protections(look)
    yield from _annotations(look)
    yield from _destination_rules(look)


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


def _exists(look: Look, namespace: str, name: str) -> bool:
    kinds = ("Deployment", "StatefulSet", "DaemonSet", "Rollout")
    return bool(look.behind(namespace, name)) or any(
        WorkloadId(namespace, name, kind) in look.workloads for kind in kinds
    )


def _note(rule: str, reason: str, where: Where) -> Protection:
    return Protection(rule, Level.FLOOR, 0, reason, where.source, where.field, where.value)
