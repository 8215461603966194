"""Who decides the replica count of a workload: the first that claims it.

Reads of the object, besides labels, annotations and owner references: ``metadata.managedFields`` (entries that own
``f:spec.f:replicas``) and ``found.appliedReplicas`` (whether the content that kubectl last applied sets a count).
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Raw, annotations_of, at, labels_of
from microglia.topology.argocd import Applications
from microglia.topology.nodes import Owner
from microglia.topology.pods import controller, moment
from microglia.topology.scalers import Scalers

_CORE = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "Node"})
_TRACKING = "argocd.argoproj.io/tracking-id"
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_MANAGED_BY = "app.kubernetes.io/managed-by"
_RENDERERS = ("helm", "kustomize", "kubectl", "skaffold", "microglia")
"""Values of ``managed-by`` that name how a manifest was made, not who watches over it."""
_OURS = "microglia"
_PEOPLE = ("kubectl", "kube-controller-manager", "kube-apiserver", "horizontal-pod-autoscaler", _OURS)
"""Field managers whose entry is the trace of a finished act."""
_DECLARATIVE = {
    "argocd": ("argocd", "Argo CD"),
    "helm-controller": ("flux", "Flux"),
    "helm": ("helm", "Helm"),
    "kustomize-controller": ("flux", "Flux"),
    "terraform": ("terraform", "Terraform"),
    "hashicorp": ("terraform", "Terraform"),
    "pulumi": ("pulumi", "Pulumi"),
}
_BIRTH = timedelta(minutes=5)
"""A plain writer whose entry is no older than this after creation made the object and left."""

NONE_SEEN = Applications()
SELF = Owner(
    "self", "nobody else", "no owner reference, autoscaler, GitOps mark or field manager claims the count", act=True
)


def resolve(target: WorkloadId, raw: Raw, scalers: Scalers, applications: Applications = NONE_SEEN) -> Owner:
    """The first that claims the count, in the order of the catalogue: owner reference, scalers, GitOps and release
    tools, mark of an operator, field managers. One that was told to leave the count alone is named, and may ``act``."""
    if scalers.blind:
        hidden = ", ".join(scalers.blind)
        unknown = f"{hidden} could not be read, so a scaler may own the count; allow list on it"
        return _owned(target, raw) or scalers.of(target, raw) or Owner("unknown", "unknown", unknown, act=False)
    claimed = _owned(target, raw) or scalers.of(target, raw)
    return claimed or _delivered(target, raw, applications) or _by_fields(raw) or SELF


def _owned(target: WorkloadId, raw: Raw) -> Owner | None:
    reference = controller(raw)
    if reference is not None:
        name = f"{reference.get('kind')} {target.namespace}/{reference.get('name')}"
        return Owner("operator", name, f"metadata.ownerReferences names {name} as its controller", act=False)
    if target.kind not in _CORE and target.kind not in {"Pod", "Rollout"}:
        name = f"{target.kind} {target.key}"
        return Owner("operator", name, f"its pods' ownerReferences name {name} as their controller", act=False)
    return None


def delivered_by(ref: ObjectRef, raw: Raw, applications: Applications = NONE_SEEN) -> Owner | None:
    """Who brings the object into the cluster from files, by its labels and annotations; None when nobody says so."""
    labels, annotations = labels_of(raw), annotations_of(raw)
    return (
        _argo(ref, labels, annotations, applications)
        or _flux(labels)
        or _helm(labels, annotations)
        or _config_sync(labels, annotations)
        or _reapplied(labels, annotations)
    )


def _delivered(target: WorkloadId, raw: Raw, applications: Applications) -> Owner | None:
    ref = ObjectRef(target.kind, target.namespace, target.name)
    return delivered_by(ref, raw, applications) or _kubectl(raw, annotations_of(raw)) or _operator(labels_of(raw))


def _argo(
    ref: ObjectRef, labels: Mapping[str, str], annotations: Mapping[str, str], applications: Applications
) -> Owner | None:
    tracking = annotations.get(_TRACKING, "")
    application, _, rest = tracking.partition(":")
    # A copied annotation still names the object it was copied from: then Argo CD ignores it, and so do we.
    if application and rest.endswith(f"/{ref.kind}:{ref.namespace}/{ref.name}"):
        owner = Owner("argocd", f"Argo CD application {application}", f"annotation {_TRACKING}: {tracking}", act=False)
        return applications.judge(owner, application, ref)
    instance = labels.get("argocd.argoproj.io/instance")
    if instance:
        evidence = f"label argocd.argoproj.io/instance: {instance}"
        owner = Owner("argocd", f"Argo CD application {instance}", evidence, act=False)
        return applications.judge(owner, instance, ref)
    return None


def _flux(labels: Mapping[str, str]) -> Owner | None:
    for group, kind in (("kustomize", "Kustomization"), ("helm", "HelmRelease")):
        key = f"{group}.toolkit.fluxcd.io/name"
        if key in labels:
            namespace = labels.get(f"{group}.toolkit.fluxcd.io/namespace", "")
            return Owner("flux", f"Flux {kind} {namespace}/{labels[key]}", f"label {key}: {labels[key]}", act=False)
    return None


def _helm(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    release = annotations.get("meta.helm.sh/release-name")
    if release and labels.get(_MANAGED_BY) == "Helm":
        namespace = annotations.get("meta.helm.sh/release-namespace", "")
        evidence = f"annotation meta.helm.sh/release-name: {release}"
        return Owner("helm", f"Helm release {namespace}/{release}", evidence, act=False)
    return None


def _config_sync(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    managed = annotations.get("configmanagement.gke.io/managed")
    if managed == "enabled":
        return Owner("config-sync", "Config Sync", f"annotation configmanagement.gke.io/managed: {managed}", act=False)
    inventory = annotations.get("config.k8s.io/owning-inventory")
    if inventory:
        evidence = f"annotation config.k8s.io/owning-inventory: {inventory}"
        return Owner("config-sync", f"inventory {inventory}", evidence, act=False)
    if labels.get(_MANAGED_BY) == "configmanagement.gke.io":
        return Owner("config-sync", "Config Sync", f"label {_MANAGED_BY}: configmanagement.gke.io", act=False)
    return None


def _reapplied(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    gvk = annotations.get("objectset.rio.cattle.io/owner-gvk")
    if gvk is not None:
        name = annotations.get("objectset.rio.cattle.io/owner-name", "")
        return Owner("fleet", f"{gvk} {name}", f"annotation objectset.rio.cattle.io/owner-gvk: {gvk}", act=False)
    mode = labels.get("addonmanager.kubernetes.io/mode")
    if mode == "Reconcile":
        return Owner("addon-manager", "the addon manager", f"label addonmanager.kubernetes.io/mode: {mode}", act=False)
    return None


def _kubectl(raw: Raw, annotations: Mapping[str, str]) -> Owner | None:
    if at(raw, "found", "appliedReplicas") or '"replicas":' in annotations.get(_APPLIED, ""):
        evidence = f"annotation {_APPLIED} sets replicas; drop it with kubectl apply edit-last-applied"
        return Owner("kubectl", "the next kubectl apply", evidence, act=False)
    return None


def _operator(labels: Mapping[str, str]) -> Owner | None:
    manager = labels.get(_MANAGED_BY, "")
    if manager and not manager.lower().startswith(_RENDERERS):
        code = "operator" if "operator" in manager.lower() else "managed-by"
        return Owner(code, manager, f"label {_MANAGED_BY}: {manager}", act=False)
    return None


def _by_fields(raw: Raw) -> Owner | None:
    created = moment(at(raw, "metadata", "creationTimestamp"))
    for entry in _replica_managers(at(raw, "metadata", "managedFields", default=())):
        manager = str(entry.get("manager", ""))
        code, name = next((one for key, one in _DECLARATIVE.items() if manager.lower().startswith(key)), ("", ""))
        applied = entry.get("operation") == "Apply" and not manager.startswith(_OURS)
        written = moment(entry.get("time"))
        late = written is not None and created is not None and written - created > _BIRTH
        foreign = not manager.startswith(_PEOPLE) and (entry.get("subresource") == "scale" or late)
        if code or applied or foreign:
            how = entry.get("subresource") or entry.get("operation")
            evidence = f"metadata.managedFields: {manager} ({how}) owns spec.replicas"
            return Owner(code or "field-manager", name or manager, evidence, act=False)
    return None


def _replica_managers(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [entry for entry in entries if at(entry, "fieldsV1", "f:spec", "f:replicas") is not None]
