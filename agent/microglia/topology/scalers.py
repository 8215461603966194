"""Other programs that set a replica count: autoscalers, progressive delivery, sleep schedules."""

from collections.abc import Mapping
from dataclasses import dataclass

from microglia.model.ids import WorkloadId
from microglia.model.objects import Objects, Raw, annotations_of, at, labels_of, name_of, namespace_of
from microglia.topology.nodes import Owner

HPA = "HorizontalPodAutoscaler"
_KEDA = "scaledobject.keda.sh/name"


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
    for raw in objects.of("Rollout"):
        if at(raw, "spec", "workloadRef"):
            _add(owners, _target(raw, "workloadRef"), _named("argo-rollouts", "Rollout", raw, "spec.workloadRef"))
    for raw in objects.of("Canary"):
        owner = _named("flagger", "Canary", raw, "spec.targetRef")
        target = _target(raw, "targetRef")
        _add(owners, target, owner)
        _add(owners, WorkloadId(target.namespace, f"{target.name}-primary", target.kind), owner)
    for raw in objects.of("ScaledObject"):
        _add(owners, _target(raw, "scaleTargetRef"), _named("keda", "ScaledObject", raw, "spec.scaleTargetRef"))
    for raw in objects.of(HPA):
        _add(owners, _target(raw, "scaleTargetRef"), _autoscaler(raw))
    sleepers = {namespace_of(raw): _named("kube-green", "SleepInfo", raw, "spec") for raw in objects.of("SleepInfo")}
    for raw in objects.of("Namespace"):
        found = nap("its namespace", raw)
        if found:
            sleepers[name_of(raw)] = found
    kinds = (HPA, "ScaledObject", "Rollout", "Canary", "SleepInfo")
    return Scalers(owners, sleepers, tuple(kind for kind in kinds if objects.blind(kind)))


def nap(where: str, raw: Raw) -> Owner | None:
    """The downscaler that an annotation of the object invites."""
    for key in ("downscaler/uptime", "downscaler/downtime", "downscaler/original-replicas"):
        value = annotations_of(raw).get(key)
        if value is not None:
            return Owner("downscaler", "kube-downscaler", f"annotation {key}: {value} on {where}", act=False)
    return None


def _autoscaler(raw: Raw) -> Owner:
    keda = labels_of(raw).get(_KEDA)
    if keda:
        return Owner("keda", f"ScaledObject {namespace_of(raw)}/{keda}", f"label {_KEDA}: {keda} on its HPA", act=False)
    return _named("hpa", HPA, raw, "spec.scaleTargetRef")


def _named(code: str, kind: str, raw: Raw, field: str) -> Owner:
    name = f"{kind} {namespace_of(raw)}/{name_of(raw)}"
    return Owner(code, name, f"{field} of {name} names it", act=False)


def _target(raw: Raw, field: str) -> WorkloadId:
    reference = at(raw, "spec", field, default={})
    return WorkloadId(namespace_of(raw), str(reference.get("name", "")), str(reference.get("kind") or "Deployment"))


def _add(owners: dict[WorkloadId, Owner], target: WorkloadId, owner: Owner) -> None:
    owners.setdefault(target, owner)
