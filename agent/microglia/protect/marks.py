"""Marks that other tools taught people to set: all of them mean "leave it alone", so they are honoured here too."""

from collections.abc import Iterator, Mapping

from microglia.model.ids import WorkloadId
from microglia.model.objects import Raw, annotations_of, at, name_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look
from microglia.protect.moments import over
from microglia.topology.nodes import Workload

MARKS: Mapping[str, frozenset[str]] = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": frozenset({"false"}),
    "karpenter.sh/do-not-disrupt": frozenset({"true"}),
    "karpenter.sh/do-not-evict": frozenset({"true"}),
    "descheduler.alpha.kubernetes.io/prefer-no-eviction": frozenset(),
    "kor/used": frozenset({"true"}),
    "policy.kruise.io/delete-protection": frozenset({"Always", "Cascading"}),
    "helm.sh/resource-policy": frozenset({"keep"}),
    "kustomize.toolkit.fluxcd.io/prune": frozenset({"disabled"}),
    "argocd.argoproj.io/sync-options": frozenset({"Prune=false"}),
}
"""Label or annotation -> the values that count; none named, any value counts."""
EXCLUDE, EXCLUDE_UNTIL = "downscaler/exclude", "downscaler/exclude-until"
_PAUSED = "autoscaling.keda.sh/paused-scale-in"


def leave_alone(look: Look) -> Iterator[Keep]:
    """It carries another tool's mark against eviction, scaling or deletion."""
    for one in look.workloads.values():
        for part, marks in _marks(one):
            for key in sorted(MARKS.keys() & marks.keys()):
                if counts(key, marks[key]):
                    where = Where(one.ref, f"{part}[{key}]", marks[key])
                    yield from pin([one.id], "another tool was told to leave it alone", where)


def _marks(one: Workload) -> tuple[tuple[str, Mapping[str, str]], ...]:
    template = at(one.raw, "spec", "template", "metadata", "annotations", default={})
    return (
        ("metadata.annotations", one.annotations),
        ("spec.template.metadata.annotations", template),
        ("metadata.labels", one.labels),
        ("spec.template.metadata.labels", one.pod_labels),
    )


def counts(key: str, value: str) -> bool:
    """Whether this value of a mark of ``MARKS`` is one that counts."""
    return not MARKS[key] or any(part.strip() in MARKS[key] for part in value.split(","))


def downscaler_excluded(look: Look) -> Iterator[Keep]:
    """kube-downscaler was told to leave it or its namespace alone, for good or until a day."""
    for one in look.workloads.values():
        for where in _excluded(look, one.id.kind, one.raw):
            yield from pin([one.id], "kube-downscaler was told to leave it alone", where)
    for kind, raw in look.of("Namespace"):
        for where in _excluded(look, kind, raw):
            reason = "kube-downscaler was told to leave its namespace alone"
            yield from pin(look.inside(name_of(raw)), reason, where)


def _excluded(look: Look, kind: str, raw: Raw) -> Iterator[Where]:
    marks = annotations_of(raw)
    until = marks.get(EXCLUDE_UNTIL)
    if marks.get(EXCLUDE, "").strip().lower() == "true":
        yield Where(ref_of(kind, raw), f"metadata.annotations[{EXCLUDE}]", marks[EXCLUDE])
    if until is not None and not over(until, look.now):
        yield Where(ref_of(kind, raw), f"metadata.annotations[{EXCLUDE_UNTIL}]", until)


def scale_in_paused(look: Look) -> Iterator[Keep]:
    """KEDA was told not to scale it in."""
    for kind, raw in look.of("ScaledObject"):
        value = annotations_of(raw).get(_PAUSED, "")
        if value.lower() == "true":
            where = Where(ref_of(kind, raw), f"metadata.annotations[{_PAUSED}]", value)
            yield from pin(_target(look, raw), "its autoscaler was told not to scale in", where)


def scale_down_disabled(look: Look) -> Iterator[Keep]:
    """Its HorizontalPodAutoscaler was told never to scale down."""
    for kind, raw in look.of("HorizontalPodAutoscaler"):
        if at(raw, "spec", "behavior", "scaleDown", "selectPolicy") == "Disabled":
            where = Where(ref_of(kind, raw), "spec.behavior.scaleDown.selectPolicy", "Disabled")
            yield from pin(_target(look, raw), "its autoscaler was told not to scale down", where)


def _target(look: Look, raw: Raw) -> tuple[WorkloadId, ...]:
    reference = at(raw, "spec", "scaleTargetRef", default={})
    return look.target(namespace_of(raw), str(reference.get("kind") or "Deployment"), str(reference.get("name", "")))
