"""Other programs that set a replica count: autoscalers, progressive delivery, sleep schedules."""

from collections.abc import Mapping
from dataclasses import dataclass

from microglia.model.ids import WorkloadId
from microglia.model.objects import Objects, Raw, annotations_of, at, labels_of, name_of, namespace_of, ref_of
from microglia.topology.claims.delivery import Deliverers, delivered_by, read_deliverers
from microglia.topology.nodes import Owner
from microglia.topology.pods import controller

HPA = "HorizontalPodAutoscaler"
_KEDA = "scaledobject.keda.sh/name"
_PAUSED = "autoscaling.keda.sh/paused-replicas"
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
        """The scaler of ``target``, None when there is none."""
        return self.owners.get(target) or nap("the object", raw) or self.sleepers.get(target.namespace)


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
    for raw in objects.of("ScaledObject"):
        _add(owners, _target(raw, "scaleTargetRef"), _keda(raw, seen))
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


def _keda(raw: Raw, seen: Deliverers) -> Owner:
    owner = _named("keda", raw, "ScaledObject", "spec.scaleTargetRef", "")
    least = int(at(raw, "spec", "minReplicaCount", default=0))
    way_out = _lever("spec.minReplicaCount", least, "ScaledObject", raw, seen)
    paused = annotations_of(raw).get(_PAUSED)
    evidence = owner.evidence if paused is None else f"{owner.evidence}, paused at {paused} by {_PAUSED}"
    return Owner(owner.code, owner.name, evidence, act=False, way_out=way_out)


def _autoscaler(raw: Raw, seen: Deliverers) -> Owner:
    made = controller(raw)
    keda, why = labels_of(raw).get(_KEDA), f"label {_KEDA}: {labels_of(raw).get(_KEDA)} on its HPA"
    if not keda and made is not None and made.get("kind") == "ScaledObject":
        keda, why = str(made.get("name")), f"metadata.ownerReferences of {HPA} {namespace_of(raw)}/{name_of(raw)}"
    if keda:
        name = f"ScaledObject {namespace_of(raw)}/{keda}"
        return Owner("keda", name, why, act=False, way_out=f"lower spec.minReplicaCount of {name}")
    least = int(at(raw, "spec", "minReplicas", default=1))
    return _named("hpa", raw, HPA, "spec.scaleTargetRef", _lever("spec.minReplicas", least, HPA, raw, seen))


def _lever(field: str, least: int, kind: str, raw: Raw, seen: Deliverers) -> str:
    """What can be lowered, and where it is written."""
    if least <= 1:
        return f"{field} is {least}: it goes as low as it may by itself"
    brought = delivered_by(ref_of(kind, raw), raw, seen)
    made = controller(raw)
    by = brought.name if brought else f"{made.get('kind')} {made.get('name')}" if made else ""
    there = f", where {by} sets it" if by else ""
    return f"lower {field} of {kind} {namespace_of(raw)}/{name_of(raw)}, now {least}{there}"


def _named(code: str, raw: Raw, kind: str, field: str, way_out: str) -> Owner:
    name = f"{kind} {namespace_of(raw)}/{name_of(raw)}"
    return Owner(code, name, f"{field} of {name} names it", act=False, way_out=way_out)


def _target(raw: Raw, field: str) -> WorkloadId:
    reference = at(raw, "spec", field, default={})
    return WorkloadId(namespace_of(raw), str(reference.get("name", "")), str(reference.get("kind") or "Deployment"))


def _add(owners: dict[WorkloadId, Owner], target: WorkloadId, owner: Owner) -> None:
    owners.setdefault(target, owner)
