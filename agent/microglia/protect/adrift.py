"""Budgets, schedules, releases and alerts that point at nothing: a typo found before it costs anything."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from microglia.model.ids import WorkloadId, host_service
from microglia.model.objects import at, name_of, namespace_of, ref_of
from microglia.protect.alerting import alertmanagers, receivers
from microglia.protect.backups import scheduled
from microglia.protect.keep import Where
from microglia.protect.look import Look
from microglia.protect.rollouts import rollout_references
from microglia.protect.sleep import exclusions


class Adrift(NamedTuple):
    """The rule that would have protected something, why it does not, and where that is written."""

    rule: str
    reason: str
    where: Where


class _Reference(NamedTuple):
    """How a kind names one workload: the rule that reads it, the path in its spec."""

    kind: str
    rule: str
    field: str


_REFERENCES = (
    _Reference("HorizontalPodAutoscaler", "autoscaler-minimum", "scaleTargetRef"),
    _Reference("ScaledObject", "autoscaler-minimum", "scaleTargetRef"),
    _Reference("VerticalPodAutoscaler", "vertical-autoscaler", "targetRef"),
    _Reference("Rollout", "argo-rollout", "workloadRef"),
    _Reference("Canary", "flagger", "targetRef"),
)
_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Rollout", "CronJob"})
"""Kinds of which every object is seen: what a reference means otherwise is not known."""
_SHOWING = ("Pod", *sorted(_WORKLOADS))


def adrift(look: Look) -> Iterator[Adrift]:
    """Everything of other people's that protects nothing, as far as what it may name could be seen."""
    objects = look.topology.objects
    if not any(map(objects.blind, _SHOWING)):
        yield from _budgets(look)
        yield from _targets(look)
        yield from _schedules(look)
    if not objects.blind("Service"):
        yield from _services(look)


def _budgets(look: Look) -> Iterator[Adrift]:
    for kind, raw in look.of("PodDisruptionBudget"):
        selector = at(raw, "spec", "selector")
        if not look.index.selected(namespace_of(raw), selector):
            reason = "it selects no workload"
            value = _selector(selector)
            yield Adrift("disruption-budget", reason, Where(ref_of(kind, raw), "spec.selector", value))


def _selector(selector: Any) -> str:
    labels = at(selector, "matchLabels", default={})
    terms = [f"{key}={labels[key]}" for key in sorted(labels)]
    terms += [f"{one.get('key')} {one.get('operator')}" for one in at(selector, "matchExpressions", default=())]
    return ", ".join(terms) or ("not set" if selector is None else "{}")


def _targets(look: Look) -> Iterator[Adrift]:
    for reference in _REFERENCES:
        for kind, raw in look.of(reference.kind):
            target: Mapping[str, Any] = at(raw, "spec", reference.field, default={})
            one, name = str(target.get("kind") or "Deployment"), str(target.get("name", ""))
            if name and one in _WORKLOADS and WorkloadId(namespace_of(raw), name, one) not in look.workloads:
                where = Where(ref_of(kind, raw), f"spec.{reference.field}", f"{one} {name}")
                yield Adrift(reference.rule, f"there is no {one} {name} in {namespace_of(raw)}", where)


def _schedules(look: Look) -> Iterator[Adrift]:
    for asleep in exclusions(look):
        if not asleep.targets:
            yield Adrift("sleep-excluded", "no workload of its namespace is meant", asleep.where)
    for backed in scheduled(look):
        if not backed.targets:
            yield Adrift("scheduled-backup", "no pods of such a cluster are here", backed.where)


def _services(look: Look) -> Iterator[Adrift]:
    for rule, found in (("alert-receiver", receivers(look)), ("alert-target", alertmanagers(look))):
        for called in found:
            if called.host not in look.topology.reach:
                yield Adrift(rule, "alerts are sent to a Service that does not exist", called.where)
    for raw, where, _ in rollout_references(look):
        if look.service(namespace_of(raw), where.value) is None:
            yield Adrift("rollout-services", f"Rollout {name_of(raw)} names a Service that does not exist", where)
    yield from _mentions(look)


def _mentions(look: Look) -> Iterator[Adrift]:
    """Hosts of namespaces that have any Service: elsewhere what looks like a host may be none."""
    known = {service.namespace for service in look.services.values()}
    for one in look.workloads.values():
        for host in one.hosts if one.id.kind in {"Job", "CronJob"} else ():
            service = host_service(host)
            if service is not None and host not in look.topology.reach and service[0] in known:
                where = Where(one.ref, "found.hosts", host)
                yield Adrift("cron-target", "it mentions a Service that does not exist", where)
