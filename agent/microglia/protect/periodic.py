"""Paths that are walked once a night, once a month, or on the worst day of the year."""

from collections.abc import Iterator, Sequence

from microglia.model.ids import WorkloadId
from microglia.model.objects import at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, between, floor, of_client, pin
from microglia.protect.look import Look
from microglia.topology.routing import ROUTE_KINDS, backend_host, backends

_INSIDE = (".svc", ".cluster.local")


def cron_target(look: Look) -> Iterator[Keep]:
    """A Job or CronJob mentions its host: called when the schedule says, and maybe never in the window."""
    for one in look.workloads.values():
        if one.id.kind in {"Job", "CronJob"}:
            for host in one.hosts:
                reason = f"{one.id.kind} {one.id.key} mentions it"
                where = Where(one.ref, "found.hosts", host)
                yield from pin(look.reachable(host), f"{reason}, and calls it when its schedule says", where)
                yield between(one.id, host, reason, where)


def cron_files(look: Look) -> Iterator[Keep]:
    """A Job or CronJob reads a ConfigMap or Secret: what it calls may be written there, where nobody looks."""
    for one in look.workloads.values():
        for file in at(one.raw, "found", "files", default=()) if one.id.kind in {"Job", "CronJob"} else ():
            where = Where(one.ref, "found.files", file)
            reason = f"{one.id.kind} {one.id.key} reads {file}, which is not opened here"
            yield of_client(one.id, f"{reason} and may name any host", where)
            for host in _named_like(look, one.id.namespace, file.partition(" ")[2]):
                yield from pin(look.reachable(host), f"{reason}, and is named like it", where)


def _named_like(look: Look, namespace: str, file: str) -> list[str]:
    """Services of the namespace whose name the file bears, alone or before a dash."""
    parts = file.split("-")
    names = ("-".join(parts[: i + 1]) for i in range(len(parts)))
    return [service.host for name in names if (service := look.service(namespace, name)) is not None]


def outside_callers(look: Look) -> Iterator[Keep]:
    """An Ingress or a route of a gateway leads to it: callers outside (certificates, logins, webhooks) may be rare."""
    for where, targets in _exposed(look):
        yield from floor(
            targets, 2, "callers outside the cluster may be rare, and nobody here would see them fail", where
        )


def _exposed(look: Look) -> Iterator[tuple[Where, tuple[WorkloadId, ...]]]:
    for kind, raw in look.of("Ingress"):
        for i, rule in enumerate(at(raw, "spec", "rules", default=())):
            if _inside([rule.get("host")]):
                continue
            for j, path in enumerate(at(rule, "http", "paths", default=())):
                name = str(at(path, "backend", "service", "name", default=""))
                where = Where(ref_of(kind, raw), f"spec.rules[{i}].http.paths[{j}].backend", name)
                yield where, look.behind(namespace_of(raw), name)
    for kind, raw in look.of(*ROUTE_KINDS):
        parents = at(raw, "spec", "parentRefs", default=())
        fronted = any(parent.get("kind", "Gateway") == "Gateway" for parent in parents)
        if fronted and not _inside(at(raw, "spec", "hostnames", default=())):
            for field, reference in backends(raw):
                host = backend_host(reference, namespace_of(raw))
                yield Where(ref_of(kind, raw), field, host), look.serving([host])


def _inside(hosts: Sequence[object]) -> bool:
    """Whether every host is a name of this cluster alone; no name is any name."""
    return bool(hosts) and all(str(host).endswith(_INSIDE) for host in hosts)
