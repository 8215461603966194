"""Where a Deployment's pods are now, and which of them are marked to go first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, annotations_of, at, labels_of, name_of, namespace_of
from microglia.model.ports import ConflictError, GoneError, WritableCluster

COST = "controller.kubernetes.io/pod-deletion-cost"
"""A ReplicaSet deletes pods of lower cost first: https://kubernetes.io/docs/reference/labels-annotations-taints/"""
VICTIM = "microglia.dev/victim"
"""Set together with COST; holds the cost that was there before, empty for none."""
LOWEST = -2_000_000_000
_ZONES = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


@dataclass(frozen=True, slots=True)
class Placement:
    """The pods of one Deployment that run or will run, and their count per zone (empty name: no zone known)."""

    pods: tuple[Raw, ...]
    zones: Mapping[str, int]

    def short_of(self, expected: Mapping[str, int]) -> str:
        """In words, which zones have fewer pods than ``expected``; empty when none has."""
        return ", ".join(
            f"zone {zone} has {self.zones.get(zone, 0)} pods instead of {count}"
            for zone, count in sorted(expected.items())
            if zone and self.zones.get(zone, 0) < count
        )


def pods_of(cluster: WritableCluster, deployment: Raw) -> tuple[Raw, ...]:
    """The Deployment's own pods that are neither finished nor being deleted, by name.

    Labels find them, owners prove them: another controller's pods may carry the same labels.
    """
    uid, namespace = at(deployment, "metadata", "uid"), namespace_of(deployment)
    belongs: dict[str, bool] = {}
    found = []
    for pod in cluster.pods(namespace, at(deployment, "spec", "selector", default={})):
        if at(pod, "metadata", "deletionTimestamp") or at(pod, "status", "phase") in ("Succeeded", "Failed"):
            continue
        kind, name, _ = _controller(pod)
        if kind != "ReplicaSet":
            continue
        if name not in belongs:
            belongs[name] = _controller(cluster.read(BY_NAME["ReplicaSet"], namespace, name))[2] == uid
        if belongs[name]:
            found.append(pod)
    return tuple(sorted(found, key=name_of))


def placement(cluster: WritableCluster, pods: Sequence[Raw]) -> Placement:
    """Count ``pods`` per zone of their nodes."""
    zones: dict[str, str] = {"": ""}
    counts: dict[str, int] = {}
    for pod in pods:
        node = str(at(pod, "spec", "nodeName", default=""))
        if node not in zones:
            labels = labels_of(cluster.read(BY_NAME["Node"], "", node) or {})
            zones[node] = next((labels[key] for key in _ZONES if key in labels), "")
        counts[zones[node]] = counts.get(zones[node], 0) + 1
    return Placement(tuple(pods), dict(sorted(counts.items())))


def mark(cluster: WritableCluster, pods: Iterable[Raw], victims: Sequence[str]) -> None:
    """Give ``victims`` (most wanted first) the lowest deletion costs, those of ``pods`` that are there.

    Raises ForbiddenError and UnreadableError.
    """
    there = {name_of(pod): pod for pod in pods}
    for rank, pod in enumerate(there[name] for name in victims if name in there):
        annotations = annotations_of(pod)
        before = annotations.get(VICTIM, annotations.get(COST, ""))
        _annotate(cluster, pod, {COST: str(LOWEST + rank), VICTIM: before})


def unmark(cluster: WritableCluster, namespace: str, names: Iterable[str]) -> None:
    """Give the marked pods among ``names`` back the cost they had. Raises ForbiddenError and UnreadableError."""
    for name in names:
        pod = cluster.read(BY_NAME["Pod"], namespace, name)
        if pod is not None and VICTIM in annotations_of(pod):
            _annotate(cluster, pod, {COST: annotations_of(pod)[VICTIM] or None, VICTIM: None})


def _annotate(cluster: WritableCluster, pod: Raw, annotations: Mapping[str, str | None]) -> None:
    # A pod that went away or was replaced meanwhile needs no mark.
    try:
        cluster.annotate_pod(pod, annotations)
    except (ConflictError, GoneError):
        return


def _controller(raw: Raw | None) -> tuple[str, str, str]:
    for reference in at(raw, "metadata", "ownerReferences", default=[]):
        if reference.get("controller"):
            return str(reference.get("kind")), str(reference.get("name")), str(reference.get("uid"))
    return "", "", ""
