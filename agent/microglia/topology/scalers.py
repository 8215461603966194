"""Other programs that set a replica count: autoscalers, progressive delivery, sleep schedules."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from microglia.model.ids import WorkloadId
from microglia.model.objects import Objects, Raw, annotations_of, at, labels_of, name_of, namespace_of
from microglia.topology.claims.delivery import Deliverers, read_deliverers
from microglia.topology.levers import HPA, KEDA, PAUSES, lever_of
from microglia.topology.nodes import Lever, Owner
from microglia.topology.pods import controller

_KEDA = "scaledobject.keda.sh/name"
_SLEPT = "downscaler/original-replicas"
_NAPS = (
    "downscaler/uptime", "downscaler/downtime", "downscaler/force-uptime", "downscaler/force-downtime",
    "downscaler/downtime-replicas", _SLEPT,
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Scalers:
    """Who scales whom, by target; ``sleepers`` by namespace; ``blind`` are the kinds that could not be read."""

    owners: Mapping[WorkloadId, Owner]
    sleepers: Mapping[str, Owner]
    blind: tuple[str, ...]

    def of(self, target: WorkloadId, raw: Raw) -> Owner | None:
        """The scaler of ``target``, None when there is none. Beside a sleep schedule nobody's minimum is lowered."""
        owner = self.owners.get(target)
        asleep = nap("the object", raw) or self.sleepers.get(target.namespace)
        if owner is None or owner.lever is None:
            return owner or asleep
        stuck = f"{asleep.name} sets counts too ({asleep.evidence})" if asleep else ""
        if target.kind != "Deployment":
            stuck = f"its target is a {target.kind}, and only those of Deployments are lowered"
        return replace(owner, lever=replace(owner.lever, stuck=stuck)) if stuck else owner


def read_scalers(objects: Objects) -> Scalers:
    """Autoscalers, Rollouts and Canaries that name a target, and schedules of namespaces."""
    owners: dict[WorkloadId, Owner] = {}
    seen = read_deliverers(objects)
    # Flagger makes the serving copy and its autoscaler from its own references: the Canary is where to ask.
    for raw in objects.of("Canary"):
        way_out = "set spec.autoscalerRef.primaryScalerReplicas of the Canary"
        owner = _named("flagger", raw, "Canary", "spec.targetRef", way_out)
        target = _target(raw, "targetRef")
        _add(owners, target, owner)
        _add(owners, WorkloadId(target.namespace, f"{target.name}-primary", target.kind), owner)
    made = {(namespace_of(raw), keda_of(raw)[0]): raw for raw in objects.of(HPA)}
    for raw in objects.of(KEDA):
        _add(owners, _target(raw, "scaleTargetRef"), _keda(raw, seen, made.get((namespace_of(raw), name_of(raw)))))
    for raw in objects.of(HPA):
        _add(owners, _target(raw, "scaleTargetRef"), _autoscaler(raw, seen))
    for raw in objects.of("Rollout"):
        if at(raw, "spec", "workloadRef"):
            owner = _named("argo-rollouts", raw, "Rollout", "spec.workloadRef", "scale the Rollout")
            _add(owners, _target(raw, "workloadRef"), owner)
    sleepers = {}
    for raw in objects.of("SleepInfo"):
        way_out = "exclude it in spec.excludeRef, or change the schedule"
        sleepers[namespace_of(raw)] = _named("kube-green", raw, "SleepInfo", "spec", way_out)
    for raw in objects.of("Namespace"):
        found = nap("its namespace", raw)
        if found:
            sleepers[name_of(raw)] = found
    kinds = (HPA, "ScaledObject", "Rollout", "Canary", "SleepInfo")
    return Scalers(owners, sleepers, tuple(kind for kind in kinds if objects.blind(kind)))


def nap(where: str, raw: Raw) -> Owner | None:
    """The downscaler that an annotation of the object invites."""
    annotations = annotations_of(raw)
    key = next((key for key in _NAPS if key in annotations), None)
    if key is None:
        return None
    evidence, slept = f"annotation {key}: {annotations[key]} on {where}", annotations.get(_SLEPT)
    if slept is not None:
        # Some downscalers write -1 for "nothing remembered" (GoKubeDownscaler).
        evidence += "; it is awake" if slept == "-1" else f"; it is asleep now, and has {slept} replicas when awake"
    return Owner("downscaler", "kube-downscaler", evidence, act=False, way_out="change its schedule there")


def _keda(raw: Raw, seen: Deliverers, hpa: Raw | None) -> Owner:
    owner = _named("keda", raw, KEDA, "spec.scaleTargetRef", "")
    lever = lever_of(KEDA, raw, seen, hpa)
    marks = annotations_of(raw)
    key = next((key for key in sorted(marks) if key.startswith(PAUSES)), None)
    evidence = owner.evidence if key is None else f"{owner.evidence}, paused at {marks[key]} by {key}"
    return replace(owner, evidence=evidence, way_out=_way_out(lever), lever=lever)


def keda_of(raw: Raw) -> tuple[str, str]:
    """The ScaledObject that a HorizontalPodAutoscaler was made of, and what says so; empty when there is none."""
    made, keda = controller(raw), labels_of(raw).get(_KEDA)
    if keda:
        return keda, f"label {_KEDA}: {keda} on its HPA"
    if made is not None and made.get("kind") == KEDA:
        return str(made.get("name")), f"metadata.ownerReferences of {HPA} {namespace_of(raw)}/{name_of(raw)}"
    return "", ""


def _autoscaler(raw: Raw, seen: Deliverers) -> Owner:
    keda, why = keda_of(raw)
    if keda:
        name = f"{KEDA} {namespace_of(raw)}/{keda}"
        return Owner("keda", name, why, act=False, way_out=f"lower spec.minReplicaCount of {name}")
    lever = lever_of(HPA, raw, seen)
    return replace(_named("hpa", raw, HPA, "spec.scaleTargetRef", _way_out(lever)), lever=lever)


def _way_out(lever: Lever) -> str:
    """What can be lowered, and where it is written."""
    if lever.least <= 1:
        return f"{lever.field} is {lever.least}: it goes as low as it may by itself"
    there = "" if lever.owner.act else f", where {lever.owner.name} sets it"
    return f"lower {lever.field} of {lever.ref}, now {lever.least}{there}"


def _named(code: str, raw: Raw, kind: str, field: str, way_out: str) -> Owner:
    name = f"{kind} {namespace_of(raw)}/{name_of(raw)}"
    return Owner(code, name, f"{field} of {name} names it", act=False, way_out=way_out)


def _target(raw: Raw, field: str) -> WorkloadId:
    reference = at(raw, "spec", field, default={})
    return WorkloadId(namespace_of(raw), str(reference.get("name", "")), str(reference.get("kind") or "Deployment"))


def _add(owners: dict[WorkloadId, Owner], target: WorkloadId, owner: Owner) -> None:
    first = owners.setdefault(target, owner)
    # Beside a second autoscaler the minimum of the first says nothing. What KEDA made of the first is none.
    if first.lever and first.name != owner.name:
        owners[target] = replace(first, lever=replace(first.lever, stuck=f"{owner.name} scales it as well"))
