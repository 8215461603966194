"""Alerts: silent until something burns, and then nothing else matters."""

from collections.abc import Iterator
from typing import NamedTuple

from microglia.model.ids import WorkloadId
from microglia.model.objects import at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin, to_hosts
from microglia.protect.look import Look
from microglia.protect.signs import Sign, labelled
from microglia.topology.nodes import Workload

_NAMES = frozenset({"alertmanager", "prometheus"})
_SHARD = "operator.prometheus.io/"
_DEADLINE = f"{_SHARD}deletion-deadline"


class Called(NamedTuple):
    """A host that alerts are sent to, who answers there, and where it is written."""

    host: str
    targets: tuple[WorkloadId, ...]
    where: Where


def monitoring(look: Look) -> Iterator[Keep]:
    """It is monitoring or alerting: it speaks when everything else is silent."""
    for one in look.workloads.values():
        sign = labelled(one, _monitors)
        if sign is not None:
            yield from pin([one.id], "alerts have no traffic until something burns", sign.where)


def _monitors(key: str, value: str) -> bool:
    if key == "app.kubernetes.io/managed-by":
        return value == "prometheus-operator"
    return key == "app.kubernetes.io/name" and value in _NAMES


def prometheus_shard(look: Look) -> Iterator[Keep]:
    """It is a shard of a Prometheus: it alone holds the history of its targets, also after it was taken out."""
    for one in look.workloads.values():
        deadline = one.annotations.get(_DEADLINE)
        sign = labelled(one, lambda key, _: key.startswith(_SHARD))
        if deadline is not None:
            sign = Sign(_DEADLINE, Where(one.ref, f"metadata.annotations[{_DEADLINE}]", deadline))
        if sign is not None:
            yield from pin([one.id], _shard(one, deadline), sign.where)


def _shard(one: Workload, deadline: str | None) -> str:
    if deadline is not None:
        return f"it was taken out of its Prometheus, and answers for its history until {deadline}"
    shard = one.pod_labels.get(f"{_SHARD}shard") or one.labels.get(f"{_SHARD}shard", "0")
    return f"it is shard {shard} of a Prometheus, and nobody else holds the history of its targets"


def alert_receiver(look: Look) -> Iterator[Keep]:
    """An AlertmanagerConfig sends alerts to it: it is called when something burns."""
    for called in receivers(look):
        yield from _kept(look, called, "alerts are sent to it, and maybe none was in the window")


def receivers(look: Look) -> Iterator[Called]:
    """The hosts in this cluster that receivers of AlertmanagerConfigs are called at; those outside are left out."""
    for kind, raw in look.of("AlertmanagerConfig"):
        for address in at(raw, "found", "addresses", default=()):
            written = str(address["host"])
            whole = f"{written}.cluster.local" if written.endswith(".svc") else written
            for host in look.hosts(whole, namespace_of(raw)):
                if host.endswith(".svc.cluster.local"):
                    where = Where(ref_of(kind, raw), str(address["field"]), written)
                    yield Called(host, look.reachable(host), where)


def alert_target(look: Look) -> Iterator[Keep]:
    """A Prometheus sends its alerts to it."""
    for called in alertmanagers(look):
        yield from _kept(look, called, "a Prometheus sends its alerts to it, and maybe none was in the window")


def alertmanagers(look: Look) -> Iterator[Called]:
    """The Services that ``spec.alerting`` of a Prometheus names; of its own namespace unless it says otherwise."""
    for kind, raw in look.of("Prometheus"):
        for i, one in enumerate(at(raw, "spec", "alerting", "alertmanagers", default=())):
            name = f"{one.get('name', '')}.{one.get('namespace') or namespace_of(raw)}.svc.cluster.local"
            where = Where(ref_of(kind, raw), f"spec.alerting.alertmanagers[{i}]", name)
            yield Called(name, look.reachable(name), where)


def _kept(look: Look, called: Called, reason: str) -> Iterator[Keep]:
    yield from pin(called.targets, reason, called.where)
    yield from to_hosts([called.host] if called.host in look.services else [], reason, called.where)
