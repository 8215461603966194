"""Paths that are walked once a night, once a month, or on the worst day of the year."""

from collections.abc import Iterator

from microglia.model.ids import WorkloadId
from microglia.model.objects import at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, between, floor, pin
from microglia.protect.look import Look
from microglia.topology.routing import ROUTE_KINDS, backend_host, backends

_MONITORING = frozenset({"alertmanager", "prometheus"})
_BACKUP = ("velero.io/", "pre.hook.backup.velero.io/", "post.hook.backup.velero.io/", "backup.velero.io/", "k8up.io/")


def cron_target(look: Look) -> Iterator[Keep]:
    """A Job or CronJob mentions its host: called when the schedule says, and maybe never in the window."""
    for one in look.workloads.values():
        if one.id.kind in {"Job", "CronJob"}:
            for host in one.hosts:
                reason = f"{one.id.kind} {one.id.key} mentions it"
                where = Where(one.ref, "found.hosts", host)
                yield from pin(look.reachable(host), f"{reason}, and calls it when its schedule says", where)
                yield between(one.id, host, reason, where)


def monitoring(look: Look) -> Iterator[Keep]:
    """It is monitoring or alerting: it speaks when everything else is silent."""
    for one in look.workloads.values():
        for labels in (one.pod_labels, one.labels):
            name = labels.get("app.kubernetes.io/name", "")
            mark = next((key for key in sorted(labels) if key.startswith("operator.prometheus.io/")), "")
            if name in _MONITORING or mark:
                key = mark or "app.kubernetes.io/name"
                where = Where(one.ref, f"metadata.labels[{key}]", labels[key])
                yield from pin([one.id], "alerts have no traffic until something burns", where)
                break


def backup_restore(look: Look) -> Iterator[Keep]:
    """It takes part in backups or restores."""
    for one in look.workloads.values():
        template = at(one.raw, "spec", "template", "metadata", "annotations", default={})
        marks = {**one.annotations, **one.labels, **template, **one.pod_labels}
        mark = next((key for key in sorted(marks) if key.startswith(_BACKUP)), None)
        if mark is not None:
            where = Where(one.ref, f"metadata[{mark}]", marks[mark])
            yield from pin([one.id], "backups and restores are rare and must work", where)


def outside_callers(look: Look) -> Iterator[Keep]:
    """An Ingress or a route of a gateway leads to it: callers outside (certificates, logins, webhooks) may be rare."""
    for where, targets in _exposed(look):
        yield from floor(
            targets, 2, "callers outside the cluster may be rare, and nobody here would see them fail", where
        )


def _exposed(look: Look) -> Iterator[tuple[Where, tuple[WorkloadId, ...]]]:
    for kind, raw in look.of("Ingress"):
        for i, rule in enumerate(at(raw, "spec", "rules", default=())):
            for j, path in enumerate(at(rule, "http", "paths", default=())):
                name = str(at(path, "backend", "service", "name", default=""))
                where = Where(ref_of(kind, raw), f"spec.rules[{i}].http.paths[{j}].backend", name)
                yield where, look.behind(namespace_of(raw), name)
    for kind, raw in look.of(*ROUTE_KINDS):
        if any(parent.get("kind", "Gateway") == "Gateway" for parent in at(raw, "spec", "parentRefs", default=())):
            for field, reference in backends(raw):
                host = backend_host(reference, namespace_of(raw))
                yield Where(ref_of(kind, raw), field, host), look.serving([host])
