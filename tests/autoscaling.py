"""Autoscalers as an API server shows them, and changes of their minimum."""

from typing import Any

from microglia.model.objects import Raw
from microglia.plan.change import MinimumChange, Why, minimum_digest

Json = dict[str, Any]
WORKS = {"AbleToScale": "True", "ScalingActive": "True"}


def conditions(**told: str) -> Json:
    """``status`` with these conditions, by type."""
    return {"conditions": [{"type": name, "status": word, "reason": f"Why{name}"} for name, word in told.items()]}


def hpa(name: str = "cart", least: int | None = 5, target: str = "cart", **parts: Any) -> Json:
    """A HorizontalPodAutoscaler of namespace shop that works; ``parts`` go into its metadata but ``says`` and
    ``metrics``."""
    says, metrics = parts.pop("says", WORKS), parts.pop("metrics", [])
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}, "maxReplicas": 20}
    spec |= {"minReplicas": least} if least is not None else {}
    spec |= {"metrics": metrics} if metrics else {}
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "7", **parts}
    kind = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    return {**kind, "metadata": metadata, "spec": spec, "status": conditions(**says)}


def scaled_object(name: str = "cart", least: int | None = 5, target: str = "cart", **parts: Any) -> Json:
    """A ScaledObject of namespace shop; ``parts`` go into its metadata."""
    spec = {"scaleTargetRef": {"name": target}, "maxReplicaCount": 20}
    spec |= {"minReplicaCount": least} if least is not None else {}
    metadata = {"name": name, "namespace": "shop", "uid": f"uid-{name}-keda", "resourceVersion": "7", **parts}
    return {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": spec}


def made_by_keda(name: str = "cart", least: int = 5, target: str = "cart", **parts: Any) -> Json:
    """The HorizontalPodAutoscaler that KEDA makes of a ScaledObject."""
    reference = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": name, "controller": True}
    return hpa(f"keda-hpa-{name}", least, target, ownerReferences=[{**reference, "uid": f"uid-{name}-keda"}], **parts)


def per_second(name: str, value: str, sort: str = "Pods") -> Json:
    """A metric of that name, of which one copy is to have that average."""
    target = {"type": "AverageValue", "averageValue": value}
    return {"type": sort, sort.lower(): {"metric": {"name": name}, "target": target}}


def lowering(target: Raw, scaler: Raw, after: int, **parts: Any) -> MinimumChange:
    """The change of a minimum as it was drafted; ``parts`` replace its fields."""
    field = "minReplicaCount" if scaler["kind"] == "ScaledObject" else "minReplicas"
    change = MinimumChange(
        workload=f"shop/{target['metadata']['name']}",
        uid=target["metadata"]["uid"],
        before=scaler["spec"][field],
        after=after,
        digest=minimum_digest(target, scaler),
        scaler=scaler["kind"],
        name=scaler["metadata"]["name"],
        scaler_uid=scaler["metadata"]["uid"],
        why=Why(sentence="why", at_risk=0.0),
    )
    return change.model_copy(update=parts)
