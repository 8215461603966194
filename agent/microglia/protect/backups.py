"""Backups and restores: walked on the worst day of the year, and rehearsed too seldom."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from microglia.model.ids import WorkloadId
from microglia.model.objects import at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look
from microglia.topology.nodes import Workload

_MARKS = (
    "velero.io/backup-name", "velero.io/schedule-name", "velero.io/restore-name", "pre.hook.backup.velero.io/",
    "post.hook.backup.velero.io/", "init.hook.restore.velero.io/", "post.hook.restore.velero.io/",
    "backup.velero.io/backup-volumes", "k8up.io/",
)  # fmt: skip
"""Beginnings of labels and annotations; one that only keeps an object out of a backup is none of them."""


class Backed(NamedTuple):
    """The database that a schedule backs up, as workloads, and where it is written."""

    targets: tuple[WorkloadId, ...]
    where: Where


def backup_restore(look: Look) -> Iterator[Keep]:
    """It takes part in backups or restores."""
    for one in look.workloads.values():
        found = ((f"{part}[{key}]", marks[key]) for part, marks in _marks(one) for key in sorted(marks) if _counts(key))
        field, value = next(found, ("", ""))
        if field:
            reason = "backups and restores are rare and must work"
            yield from pin([one.id], reason, Where(one.ref, field, value))


def _marks(one: Workload) -> tuple[tuple[str, Mapping[str, str]], ...]:
    return (
        ("spec.template.metadata.annotations", at(one.raw, "spec", "template", "metadata", "annotations", default={})),
        ("spec.template.metadata.labels", one.pod_labels),
        ("metadata.annotations", one.annotations),
        ("metadata.labels", one.labels),
    )


def _counts(key: str) -> bool:
    group, _, name = key.partition("/")
    return key.startswith(_MARKS) or (group == "cnpg.io" and "backup" in name.lower())


def scheduled_backup(look: Look) -> Iterator[Keep]:
    """A ScheduledBackup backs it up: a copy of it is read when the schedule says."""
    for one in scheduled(look):
        yield from pin(one.targets, "a backup reads it when its schedule says, and a restore needs that", one.where)


def scheduled(look: Look) -> Iterator[Backed]:
    """What each ScheduledBackup of CloudNativePG is about."""
    for kind, raw in look.of("ScheduledBackup"):
        name = str(at(raw, "spec", "cluster", "name", default=""))
        where = Where(ref_of(kind, raw), "spec.cluster.name", name)
        targets = look.index.matching(namespace_of(raw), {"cnpg.io/cluster": name})
        yield Backed(tuple(sorted(targets)), where)
