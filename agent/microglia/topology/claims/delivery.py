"""Who brings an object into the cluster from files, by its labels and annotations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from microglia.model.ids import ObjectRef
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Objects, Raw, annotations_of, labels_of
from microglia.topology.argocd import Applications, read_applications
from microglia.topology.claims.flux import Releases, by_flux, read_releases
from microglia.topology.nodes import Owner

MANAGED_BY = "app.kubernetes.io/managed-by"
_TRACKING, _INSTALLATION = "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id"
_INSTANCE = "app.kubernetes.io/instance"
_FLEET = "objectset.rio.cattle.io/owner"


@dataclass(frozen=True, slots=True, eq=False)
class Deliverers:
    """The objects of GitOps tools that say how they treat what they bring; none where they were not looked at."""

    applications: Applications = field(default_factory=Applications)
    releases: Releases = field(default_factory=Releases)


NONE_SEEN = Deliverers()


def read_deliverers(objects: Objects) -> Deliverers:
    """Those of this cluster."""
    return Deliverers(read_applications(objects), read_releases(objects))


def delivered_by(ref: ObjectRef, raw: Raw, seen: Deliverers = NONE_SEEN) -> Owner | None:
    """Who brings the object in, None when nobody says so. One that was told to leave counts alone may ``act``."""
    labels, annotations = labels_of(raw), annotations_of(raw)
    return (
        _argo(ref, labels, annotations, seen.applications)
        or by_flux(ref, labels, annotations, seen.releases)
        or _helm(labels, annotations)
        or _config_sync(labels, annotations)
        or _reapplied(labels, annotations)
        or _argo_by_instance(ref, labels, seen.applications)
    )


def _argo(
    ref: ObjectRef, labels: Mapping[str, str], annotations: Mapping[str, str], applications: Applications
) -> Owner | None:
    tracking = annotations.get(_TRACKING, "")
    application, _, rest = tracking.partition(":")
    # A copied annotation still names the object it was copied from: then Argo CD ignores it, and so do we.
    if application and _refers_to(rest, ref):
        owner = Owner("argocd", f"Argo CD application {application}", f"annotation {_TRACKING}: {tracking}", act=False)
        installation = annotations.get(_INSTALLATION)
        if installation:
            alone = f"{owner.remedy}; {_INSTALLATION}: {installation} may be that of another cluster's Argo CD"
            return Owner(owner.code, owner.name, owner.evidence, act=False, way_out=alone)
        return applications.judge(owner, application, ref)
    instance = labels.get("argocd.argoproj.io/instance")
    if instance:
        evidence = f"label argocd.argoproj.io/instance: {instance}"
        owner = Owner("argocd", f"Argo CD application {instance}", evidence, act=False)
        return applications.judge(owner, instance, ref)
    return None


def _refers_to(rest: str, ref: ObjectRef) -> bool:
    """Whether ``<group>/<kind>:<namespace>/<name>`` is the object itself."""
    group = BY_NAME[ref.kind].group if ref.kind in BY_NAME else rest.partition("/")[0]
    return rest == f"{group}/{ref.kind}:{ref.namespace}/{ref.name}"


def _argo_by_instance(ref: ObjectRef, labels: Mapping[str, str], applications: Applications) -> Owner | None:
    """Argo CD's label method: the label is everybody's, so it counts where an Application of that name is here."""
    instance = labels.get(_INSTANCE)
    if not instance:
        return None
    evidence = f"label {_INSTANCE}: {instance}"
    if applications.hidden:
        unknown = f"{evidence}, and Applications could not be read: one of that name may own it"
        return Owner("unknown", "unknown", unknown, act=False, way_out="allow list on applications.argoproj.io")
    if instance in applications.named:
        owner = Owner("argocd", f"Argo CD application {instance}", evidence, act=False)
        return applications.judge(owner, instance, ref)
    return None


def _helm(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    release = annotations.get("meta.helm.sh/release-name")
    if release and labels.get(MANAGED_BY) == "Helm":
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
    if labels.get(MANAGED_BY) == "configmanagement.gke.io":
        return Owner("config-sync", "Config Sync", f"label {MANAGED_BY}: configmanagement.gke.io", act=False)
    return None


def _reapplied(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    gvk = annotations.get(f"{_FLEET}-gvk")
    if gvk is not None:
        # An add-on of k3s is a file on a server's disk; whatever else carries the mark is a bundle from Git.
        code = "addon-manager" if gvk.startswith("k3s.cattle.io/") else "fleet"
        name = f"{gvk} {annotations.get(f'{_FLEET}-name', '')}"
        return Owner(code, name, f"annotation {_FLEET}-gvk: {gvk}", act=False)
    mode = labels.get("addonmanager.kubernetes.io/mode")
    if mode == "Reconcile":
        return Owner("addon-manager", "the addon manager", f"label addonmanager.kubernetes.io/mode: {mode}", act=False)
    return None
