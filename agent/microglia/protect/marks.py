"""Marks that other tools taught people to set: all of them mean "leave it alone", so they are honoured here too."""

from collections.abc import Iterator, Mapping

from microglia.model.ids import WorkloadId
from microglia.model.objects import annotations_of, at, labels_of, name_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look
from microglia.topology.nodes import Workload

MARKS: Mapping[str, frozenset[str]] = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": frozenset({"false"}),
    "karpenter.sh/do-not-disrupt": frozenset({"true"}),
    "karpenter.sh/do-not-evict": frozenset({"true"}),
    "descheduler.alpha.kubernetes.io/prefer-no-eviction": frozenset(),
    "downscaler/exclude": frozenset({"true"}),
    "downscaler/exclude-until": frozenset(),
    "kor/used": frozenset({"true"}),
    "policy.kruise.io/delete-protection": frozenset({"Always", "Cascading"}),
    "helm.sh/resource-policy": frozenset({"keep"}),
    "kustomize.toolkit.fluxcd.io/prune": frozenset({"disabled"}),
    "argocd.argoproj.io/sync-options": frozenset({"Prune=false"}),
}
"""Label or annotation -> the values that count; none named, any value counts."""
_PAUSED = "autoscaling.keda.sh/paused-scale-in"


def leave_alone(look: Look) -> Iterator[Keep]:
    """It carries another tool's mark against eviction, scaling or deletion."""
    for one in look.workloads.values():
        yield from _marked(one)
    for kind, raw in look.of("Namespace"):
        for key in ("downscaler/exclude", "downscaler/exclude-until"):
            value = annotations_of(raw).get(key)
            if value is not None and counts(key, value):
                where = Where(ref_of(kind, raw), f"metadata.annotations[{key}]", value)
                yield from pin(look.inside(name_of(raw)), "its namespace is marked to be left alone", where)
    yield from _by_objects(look)


def _marked(one: Workload) -> Iterator[Keep]:
    template = at(one.raw, "spec", "template", "metadata", "annotations", default={})
    for marks in (one.annotations, template, one.labels, one.pod_labels):
        for key in MARKS.keys() & marks.keys():
            if counts(key, marks[key]):
                reason = "another tool was told to leave it alone"
                yield from pin([one.id], reason, Where(one.ref, f"metadata[{key}]", marks[key]))


def counts(key: str, value: str) -> bool:
    """Whether this value of a mark of ``MARKS`` is one that counts."""
    return not MARKS[key] or any(part.strip() in MARKS[key] for part in value.split(","))


def _by_objects(look: Look) -> Iterator[Keep]:
    for kind, raw in look.of("ScaledObject"):
        if annotations_of(raw).get(_PAUSED) == "true":
            where = Where(ref_of(kind, raw), f"metadata.annotations[{_PAUSED}]", "true")
            yield from pin(_target(look, raw), "its autoscaler was told not to scale in", where)
    for kind, raw in look.of("HorizontalPodAutoscaler"):
        if at(raw, "spec", "behavior", "scaleDown", "selectPolicy") == "Disabled":
            where = Where(ref_of(kind, raw), "spec.behavior.scaleDown.selectPolicy", "Disabled")
            yield from pin(_target(look, raw), "its autoscaler was told not to scale in", where)
    for kind, raw in look.of("SleepInfo"):
        for i, entry in enumerate(at(raw, "spec", "excludeRef", default=())):
            labels = sorted((entry.get("matchLabels") or {}).items())
            said = entry.get("name") or ", ".join(f"{key}={value}" for key, value in labels)
            where = Where(ref_of(kind, raw), f"spec.excludeRef[{i}]", str(said))
            yield from pin(_excluded(look, namespace_of(raw), entry), "it was told to stay awake", where)


def _target(look: Look, raw: Mapping[str, object]) -> tuple[WorkloadId, ...]:
    reference = at(raw, "spec", "scaleTargetRef", default={})
    return look.target(namespace_of(raw), str(reference.get("kind") or "Deployment"), str(reference.get("name", "")))


def _excluded(look: Look, namespace: str, entry: Mapping[str, object]) -> list[WorkloadId]:
    name, kind = entry.get("name"), str(entry.get("kind", ""))
    wanted = at(entry, "matchLabels", default={})
    found = [look.workloads[one] for one in look.inside(namespace)]
    named = [one for one in found if one.id.kind == kind or not kind]
    if name:
        return [one.id for one in named if one.id.name == name]
    return [one.id for one in named if wanted and wanted.items() <= labels_of(one.raw).items()]
