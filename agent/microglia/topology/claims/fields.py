"""``metadata.managedFields``: who wrote ``spec.replicas``, by which operation and subresource.

An entry's time moves when its manager changes one of its fields, not when another manager takes one over
(https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management): so an apply that came after the
present owner's write, and does not own the count, does not set it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from microglia.model.objects import Raw, at
from microglia.topology.nodes import Owner
from microglia.topology.pods import moment

_OURS = "microglia"
_FINISHED = (
    "kubectl", "kube-controller-manager", "kube-apiserver", "horizontal-pod-autoscaler", "vpa-recommender", _OURS,
)  # fmt: skip
"""Field managers whose entry is the trace of a finished act: people's, and that of an autoscaler which is listed by
itself (as vpa-recommender on GKE)."""
_KNOWN: tuple[tuple[str, str, str], ...] = (
    ("argocd", "argocd", "Argo CD"),
    ("helm-controller", "flux", "Flux"),
    ("helm", "helm", "Helm"),
    ("kustomize-controller", "flux", "Flux"),
    ("configsync.gke.io", "config-sync", "Config Sync"),
    ("fleet", "fleet", "Fleet"),
    ("deploy@", "addon-manager", "the k3s deploy controller"),
    ("terraform", "terraform", "Terraform"),
    ("hashicorp", "terraform", "Terraform"),
    ("pulumi", "pulumi", "Pulumi"),
    ("keda", "keda", "KEDA"),
    ("flagger", "flagger", "Flagger"),
    ("rollouts-controller", "argo-rollouts", "Argo Rollouts"),
    ("kruise", "kruise", "OpenKruise"),
    ("kube-green", "kube-green", "kube-green"),
    ("gokubedownscaler", "downscaler", "kube-downscaler"),
    ("kube-downscaler", "downscaler", "kube-downscaler"),
    ("py-kube-downscaler", "downscaler", "kube-downscaler"),
)
"""How a manager's name begins, the code, and what people call it."""
_BIRTH = timedelta(minutes=5)
"""A plain writer whose entry is no older than this after creation made the object and left."""
_HAND_OVER = "let a second field manager apply the present count before it is dropped there, else it falls to 1"


def by_scale(raw: Raw) -> Owner | None:
    """The program that writes the count through the scale subresource, as autoscalers do."""
    claims = ((entry, owner) for entry, owner in _claims(raw) if not owner.declared)
    return next((owner for entry, owner in claims if entry.get("subresource") == "scale"), None)


def by_fields(raw: Raw, besides: str = "", field: str = "replicas") -> Owner | None:
    """The first manager that owns the count (or another ``field`` of the spec) and would set it again; those of code
    ``besides`` are passed over."""
    return next((owner for _, owner in _claims(raw, field) if owner.code != besides), None)


def _claims(raw: Raw, field: str = "replicas") -> Iterable[tuple[Mapping[str, Any], Owner]]:
    created = moment(at(raw, "metadata", "creationTimestamp"))
    taking = "kubectl scale" if field == "replicas" else "kubectl edit"
    for entry in _entries(raw):
        if not _counts(entry, field):
            continue
        manager = str(entry.get("manager", ""))
        code, name = next(((code, name) for key, code, name in _KNOWN if manager.lower().startswith(key)), ("", ""))
        applied = entry.get("operation") == "Apply" and not manager.startswith(_OURS)
        written = moment(entry.get("time"))
        late = written is not None and created is not None and written - created > _BIRTH
        foreign = not manager.startswith(_FINISHED) and (entry.get("subresource") == "scale" or late)
        if code or applied or foreign:
            how = entry.get("subresource") or entry.get("operation")
            evidence = f"metadata.managedFields: {manager} ({how}) owns spec.{field}"
            if applied and manager.startswith("kubectl"):
                way_out = f"drop {field} from the file; {_HAND_OVER}"
                yield entry, Owner("kubectl", "the next kubectl apply", evidence, act=False, way_out=way_out)
            else:
                way_out = "" if code else f"change it there; if it is gone, {taking} takes the count over"
                yield entry, Owner(code or "field-manager", name or manager, evidence, act=False, way_out=way_out)


def judge_helm(owner: Owner, raw: Raw) -> Owner:
    """A release's word on the count, as what it applied shows it: that it sets none, sets one, or that this is not to
    be seen."""
    applied = [one for one in _entries(raw) if _is_helm(one)]
    if not applied:
        unseen = "applied by the client, as Helm 3 does: its next upgrade sets what the chart sets"
        return replace(owner, evidence=f"{owner.evidence}; {unseen}")
    mine = next((one for one in applied if _counts(one)), None)
    if mine is not None:
        conflict = f"metadata.managedFields: {mine['manager']} (Apply) owns spec.replicas"
        way_out = f"{owner.remedy}; another count would make the next helm upgrade fail with a conflict; {_HAND_OVER}"
        return replace(owner, evidence=f"{owner.evidence}; {conflict}", way_out=way_out)
    last = [moment(one.get("time")) for one in applied]
    others = [one for one in _entries(raw) if _counts(one)]
    if others and all(_ours(one) or _before(moment(one.get("time")), last) for one in others):
        return replace(owner, evidence=f"{owner.name} applied it without spec.replicas", act=True)
    unseen = "whether its chart sets spec.replicas is not to be seen, as another took the count over since it applied"
    return replace(owner, evidence=f"{owner.evidence}; {unseen}")


def _before(written: Any, last: list[Any]) -> bool:
    return written is not None and any(moment is not None and written < moment for moment in last)


def _entries(raw: Raw) -> tuple[Mapping[str, Any], ...]:
    return tuple(at(raw, "metadata", "managedFields", default=()))


def _counts(entry: Mapping[str, Any], field: str = "replicas") -> bool:
    return at(entry, "fieldsV1", "f:spec", f"f:{field}") is not None


def _is_helm(entry: Mapping[str, Any]) -> bool:
    return entry.get("operation") == "Apply" and entry.get("manager") == "helm" and not entry.get("subresource")


def _ours(entry: Mapping[str, Any]) -> bool:
    """Our own write came after the gate had seen that the release sets none."""
    return str(entry.get("manager", "")).startswith(_OURS) and entry.get("subresource") == "scale"
