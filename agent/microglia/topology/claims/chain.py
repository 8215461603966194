"""The chain of controllers above a workload: whatever stands at its top sets the count."""

from collections.abc import Mapping

from microglia.model.ids import WorkloadId
from microglia.model.objects import Raw, labels_of, namespace_of
from microglia.topology.nodes import Owner
from microglia.topology.pods import controller

_SCALABLE = frozenset({"Deployment", "ReplicaSet", "StatefulSet"})
_UNSCALABLE: Mapping[str, str] = {
    "DaemonSet": "it runs one pod on each node that its selector names",
    "Job": "its pods run to their end",
    "CronJob": "its pods run to their end",
    "Node": "the kubelet runs it from a file",
    "Pod": "a single pod has no count",
}
_NOTHING = "there is nothing to prune"
_CORE = frozenset({"", "apps", "batch"})
_GROUPS: Mapping[str, tuple[str, str]] = {
    "serving.knative.dev": ("knative", "Knative scales to zero by itself; set autoscaling.knative.dev/min-scale there"),
    "apps.kruise.io": ("kruise", "ask its own /scale for fewer, apps.kruise.io/specified-delete names the pods"),
    "flagger.app": ("flagger", "set spec.autoscalerRef.primaryScalerReplicas of the Canary"),
    "argoproj.io": ("argo-rollouts", "scale the Rollout"),
}
_KRUISE_KINDS = frozenset({"CloneSet", "UnitedDeployment", "SidecarSet", "BroadcastJob", "AdvancedCronJob"})
_SERVICE, _REVISION = "serving.knative.dev/service", "serving.knative.dev/revision"


def owned(target: WorkloadId, raw: Raw) -> Owner | None:
    """The controller above ``target``, or what its kind says; None where nothing stands above it."""
    reference = controller(raw)
    if reference is not None:
        kind, version = str(reference.get("kind", "")), str(reference.get("apiVersion", ""))
        name = f"{kind} {target.namespace}/{reference.get('name')}"
        return _above(raw, kind, version, name, f"metadata.ownerReferences names {name} as its controller")
    revision = labels_of(raw).get(_REVISION)
    if revision:
        name = f"Revision {target.namespace}/{revision}"
        return _above(raw, "Revision", "serving.knative.dev/v1", name, f"label {_REVISION}: {revision}")
    version, name = str(raw.get("apiVersion", "")), f"{target.kind} {target.key}"
    group = _group(version)
    if target.kind == "Rollout" or (target.kind in _SCALABLE and group in _CORE):
        return None
    return _above(raw, target.kind, version, name, f"its pods' ownerReferences name {name} as their controller")


def _above(raw: Raw, kind: str, version: str, name: str, evidence: str) -> Owner:
    group = "apps.kruise.io" if kind in _KRUISE_KINDS else _group(version)
    if group in _GROUPS and (group != "argoproj.io" or kind == "Rollout"):
        code, way_out = _GROUPS[group]
        service = labels_of(raw).get(_SERVICE)
        if code == "knative" and service:
            name = f"Knative Service {namespace_of(raw)}/{service}"
        return Owner(code, name, evidence, act=False, way_out=way_out)
    if kind in _UNSCALABLE and group in _CORE:
        return Owner("not-scalable", name, _UNSCALABLE[kind], act=False, way_out=_NOTHING)
    if version and group in _CORE:
        unknown = f"{evidence}; what a {kind} does with counts is not known"
        return Owner("unknown", name, unknown, act=False, way_out="change it there")
    return Owner("operator", name, evidence, act=False)


def _group(version: str) -> str:
    return version.partition("/")[0] if "/" in version else ""
