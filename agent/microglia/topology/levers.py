"""The minimum of an autoscaler: who decides it, whether it may be lowered now, and what it aims at for one copy.

Reads of a HorizontalPodAutoscaler: its whole spec and ``status.conditions``; of a ScaledObject: ``spec`` without its
triggers; of both: labels, annotations, owner references, ``metadata.managedFields`` (entries that own the minimum), and
``found.appliedReplicas`` (whether the content that kubectl last applied sets it).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from microglia.model.ids import ObjectRef
from microglia.model.objects import Raw, annotations_of, at, labels_of, name_of, namespace_of, ref_of
from microglia.model.units import quantity
from microglia.topology.claims.applied import by_kubectl
from microglia.topology.claims.delivery import NONE_SEEN, Deliverers, delivered_by
from microglia.topology.claims.fields import by_fields
from microglia.topology.claims.operators import by_label
from microglia.topology.nodes import Lever, Owner
from microglia.topology.pods import controller

HPA: Final = "HorizontalPodAutoscaler"
KEDA: Final = "ScaledObject"
MINIMA: Final[Mapping[str, str]] = {HPA: "minReplicas", KEDA: "minReplicaCount"}
"""The field of the spec that holds the minimum, by kind."""
_ASSUMED: Final[Mapping[str, int]] = {HPA: 1, KEDA: 0}
PAUSES: Final = "autoscaling.keda.sh/paused"
"""How each annotation begins by which KEDA stops: wholly, at a count, scaling in or scaling out."""
_NEEDED: Final = ("AbleToScale", "ScalingActive")
_PER_SECOND: Final = ("requests_per_second", "requests-per-second", "_rps", "-rps")
"""How names of metrics end that count requests per second, by the custom of their adapters."""
FREE: Final = Owner(
    "self", "nobody else", "no owner reference, GitOps mark or field manager claims the minimum", act=True
)


def least_of(raw: Raw, kind: str) -> int:
    """The minimum, as the autoscaler reads it where none is written."""
    return int(at(raw, "spec", MINIMA[kind], default=_ASSUMED[kind]))


def lever_of(kind: str, raw: Raw, seen: Deliverers = NONE_SEEN, hpa: Raw | None = None) -> Lever:
    """The minimum in ``raw``; of a ScaledObject, ``hpa`` is what KEDA made of it, None where that is not there."""
    ref, field = ref_of(kind, raw), MINIMA[kind]
    stuck = _paused(raw) if kind == KEDA else ""
    scaler = hpa if kind == KEDA else raw
    return Lever(
        ref=ref,
        field=f"spec.{field}",
        least=least_of(raw, kind),
        owner=claimed(ref, raw, seen),
        stuck=stuck or (_conditions(scaler) if scaler is not None else f"no {HPA} of {ref} was seen; is KEDA running?"),
        rps=aims_at(scaler) if scaler is not None else None,
        raw=raw,
    )


def claimed(ref: ObjectRef, raw: Raw, seen: Deliverers = NONE_SEEN) -> Owner:
    """Who decides the minimum written in ``raw``: the same claims as on a count, on the autoscaler itself.

    What GitOps tools were told to leave alone are counts: a minimum is still theirs.
    """
    field = MINIMA[ref.kind]
    above = controller(raw)
    if above is not None:
        name = f"{above.get('kind')} {above.get('name')}"
        evidence = f"metadata.ownerReferences of {ref} names {name} as its controller"
        return Owner("operator", name, evidence, act=False, way_out="change it there")
    brought = delivered_by(ref, raw, seen)
    if brought is not None:
        return replace(brought, act=False, way_out=f"lower spec.{field} where it is written")
    return by_kubectl(raw, field) or by_label(labels_of(raw)) or by_fields(raw, field=field) or FREE


def aims_at(raw: Raw) -> float | None:
    """Requests per second that an autoscaler lets one copy carry: its lowest average of a metric that counts them."""
    found = []
    for metric in at(raw, "spec", "metrics", default=()):
        source = next((metric[key] for key in ("pods", "object", "external") if metric.get(key)), None)
        target = at(source or {}, "target", default={})
        name = str(at(source or {}, "metric", "name", default=""))
        if name.endswith(_PER_SECOND) and target.get("averageValue") is not None:
            found.append(quantity(str(target["averageValue"])))
    return min((one for one in found if one > 0), default=None)


def _paused(raw: Raw) -> str:
    annotations = annotations_of(raw)
    key = next((key for key in sorted(annotations) if key.startswith(PAUSES)), None)
    if key is None or (key != f"{PAUSES}-replicas" and annotations[key].lower() == "false"):
        return ""
    where = f"{KEDA} {namespace_of(raw)}/{name_of(raw)}"
    return f"{where} is paused (annotation {key}: {annotations[key]}); take the annotation off"


def _conditions(raw: Raw) -> str:
    told = {one.get("type"): one for one in at(raw, "status", "conditions", default=())}
    where = f"{HPA} {namespace_of(raw)}/{name_of(raw)}"
    for name in _NEEDED:
        one = told.get(name)
        if one is None:
            return f"{where} does not say {name} (status.conditions); look whether its controller runs"
        if one.get("status") != "True":
            because = f", {one.get('reason')}" if one.get("reason") else ""
            return (
                f"{where} says {name} {one.get('status')}{because} (status.conditions), so it would not add copies when"
                f" they are needed; kubectl describe hpa -n {namespace_of(raw)} {name_of(raw)} says more"
            )
    return ""
