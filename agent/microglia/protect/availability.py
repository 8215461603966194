"""How many copies people asked to be there at any time: budgets, spread, autoscalers."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from microglia.model.ids import WorkloadId
from microglia.model.objects import Raw, at, namespace_of, ref_of, selects
from microglia.protect.keep import Keep, Where, floor, pin
from microglia.protect.locality import zones_in_use
from microglia.protect.look import Look
from microglia.topology.nodes import Lever, Workload
from microglia.topology.pods import ZONE

_ADVISORY = frozenset({"Off", "Initial"})
"""Modes in which a vertical autoscaler evicts nobody."""


def disruption_budget(look: Look) -> Iterator[Keep]:
    """A PodDisruptionBudget selects it: enough stay, over all that it selects together, for one to be evicted."""
    for kind, raw in look.of("PodDisruptionBudget"):
        targets = look.index.selected(namespace_of(raw), at(raw, "spec", "selector"))
        field = "minAvailable" if at(raw, "spec", "minAvailable") is not None else "maxUnavailable"
        value = at(raw, "spec", field)
        where = Where(ref_of(kind, raw), f"spec.{field}", "not set" if value is None else str(value))
        least = least_together(field, value)
        if least is None:
            yield from pin(targets, "its disruption budget lets nothing be missing", where)
            continue
        counts = [look.workloads[one].replicas for one in targets]
        for target, count in zip(targets, shared_floor(least, counts), strict=True):
            reason = f"its disruption budget needs {least} copies together, or no node can be drained"
            yield from floor([target], count, reason, where)


def least_together(field: str, value: Any) -> int | None:
    """The smallest number of pods r under which one may still be evicted; None where that can never be.

    ``minAvailable`` N: N + 1; p %: smallest r with r - ceil(p r) >= 1. ``maxUnavailable``: 2, unless none may be away.
    """
    text = str(value).strip()
    share = text.endswith("%")
    number = text.removesuffix("%")
    if not number.isdecimal():
        return None
    if field == "maxUnavailable":
        return 2 if int(number) > 0 else None
    if not share:
        return int(number) + 1
    return math.ceil(100 / (100 - int(number))) if int(number) < 100 else None


def shared_floor(least: int, counts: Sequence[int]) -> list[int]:
    """``least`` shared out in proportion to ``counts``, rounded up, so that the floors together never fall below it."""
    total = sum(counts)
    return [min(count, math.ceil(least * count / total)) if total else 0 for count in counts]


def topology_spread(look: Look) -> Iterator[Keep]:
    """Its pods must spread over zones or nodes: one stays in each zone in use, or as many as minDomains says."""
    for one in look.workloads.values():
        for i, constraint in enumerate(
            at(one.raw, "spec", "template", "spec", "topologySpreadConstraints", default=())
        ):
            if constraint.get("whenUnsatisfiable", "DoNotSchedule") == "DoNotSchedule":
                field = f"spec.template.spec.topologySpreadConstraints[{i}]"
                key = str(constraint.get("topologyKey", ""))
                count = max(int(constraint.get("minDomains") or 0), _domains(one, key))
                yield from floor([one.id], count, f"its pods must spread over {key}", Where(one.ref, field, key))


def anti_affinity(look: Look) -> Iterator[Keep]:
    """Its pods must not share a zone or a node: one stays in each zone in use."""
    path = ("spec", "template", "spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for one in look.workloads.values():
        for i, term in enumerate(at(one.raw, *path, default=())):
            if not _of_itself(term, one):
                continue
            key = str(term.get("topologyKey", ""))
            where = Where(one.ref, f"{'.'.join(path)}[{i}]", key)
            yield from floor([one.id], _domains(one, key), f"its pods must not share a {key}", where)


def _of_itself(term: Raw, one: Workload) -> bool:
    """Whether its own pods are those that its pods must not be near to; without a selector nobody is."""
    namespaces = at(term, "namespaces", default=())
    elsewhere = namespaces and one.id.namespace not in namespaces and at(term, "namespaceSelector") is None
    return not elsewhere and selects(at(term, "labelSelector"), one.pod_labels)


def _domains(workload: Workload, key: str) -> int:
    """Zones in use; for nodes, of which there are as many as copies, two."""
    return zones_in_use(workload) if key == ZONE else 2


def autoscaler_minimum(look: Look) -> Iterator[Keep]:
    """An autoscaler may not go below its own minimum, and neither may we. Where that minimum is for us to lower, what
    it holds above it is its own."""
    for kind, raw in look.of("HorizontalPodAutoscaler"):
        least = int(at(raw, "spec", "minReplicas", default=1))
        where = Where(ref_of(kind, raw), "spec.minReplicas", str(least))
        yield from _floored(look, _scaled(look, raw), least, where)
    for kind, raw in look.of("ScaledObject"):
        for path in (("minReplicaCount",), ("fallback", "replicas")):
            value = at(raw, "spec", *path)
            if value is not None:
                where = Where(ref_of(kind, raw), f"spec.{'.'.join(path)}", str(value))
                yield from _floored(look, _scaled(look, raw), int(value), where)


def _floored(look: Look, targets: Iterable[WorkloadId], least: int, where: Where) -> Iterator[Keep]:
    for target in targets:
        workload = look.workloads[target]
        lever = workload.owner.lever
        if lever is None or "fallback" in where.field or not _open(lever, look):
            yield from floor([target], least, f"the minimum of its autoscaler{_why_not(lever, look)}", where)
        elif where.source == lever.ref and workload.replicas != lever.least:
            yield from pin([target], f"its autoscaler holds {workload.replicas}, and not its minimum", where)


def _why_not(lever: Lever | None, look: Look) -> str:
    """What keeps a minimum that the policy would let us lower."""
    asked = lever is not None and lever.ref.kind in look.policy.actuation.replicas
    return f", not lowered now: {lever.stuck}" if lever and asked and lever.stuck else ""


def _open(lever: Lever, look: Look) -> bool:
    """Whether the minimum may be lowered: here, or in the files that it comes from."""
    ours = lever.owner.act or lever.owner.declared
    return ours and not lever.stuck and lever.least > 1 and lever.ref.kind in look.policy.actuation.replicas


def vertical_autoscaler(look: Look) -> Iterator[Keep]:
    """A vertical autoscaler evicts its pods one by one, and stops below its own minimum."""
    for kind, raw in look.of("VerticalPodAutoscaler"):
        if at(raw, "spec", "updatePolicy", "updateMode") in _ADVISORY:
            continue
        least = int(at(raw, "spec", "updatePolicy", "minReplicas", default=2))
        where = Where(ref_of(kind, raw), "spec.updatePolicy.minReplicas", str(least))
        targets = _scaled(look, raw, "targetRef")
        yield from floor(targets, least, "below it the vertical autoscaler stops updating", where)


def _scaled(look: Look, raw: Mapping[str, Any], field: str = "scaleTargetRef") -> tuple[WorkloadId, ...]:
    reference = at(raw, "spec", field, default={})
    return look.target(namespace_of(raw), str(reference.get("kind") or "Deployment"), str(reference.get("name", "")))
