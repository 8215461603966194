"""Is a controller in the middle of a change?"""

from collections.abc import Callable
from typing import Any

from microglia.model.objects import Raw, at


def in_flight(kind: str, raw: Raw) -> str | None:
    """Why the object is not at rest, with the field that says so; None when it is."""
    if at(raw, "metadata", "deletionTimestamp"):
        return f"it is being deleted since {raw['metadata']['deletionTimestamp']}"
    read = _KINDS.get(kind)
    if read is None:
        return None
    generation, observed = (
        at(raw, "metadata", "generation", default=0),
        at(raw, "status", "observedGeneration", default=0),
    )
    # Argo Rollouts writes the number as text, and wrote a hash there once.
    if not str(observed).isdecimal() or int(observed) >= generation:
        return read(raw)
    return f"its controller has not acted on the last change (status.observedGeneration {observed} < {generation})"


def _deployment(raw: Raw) -> str | None:
    if at(raw, "spec", "paused"):
        return "it is paused (spec.paused: true)"
    for condition in at(raw, "status", "conditions", default=()):
        progressing = condition.get("type") == "Progressing"
        if progressing and (condition.get("status") != "True" or condition.get("reason") != "NewReplicaSetAvailable"):
            return f"a rollout is under way (condition Progressing: {condition.get('reason')})"
    status = at(raw, "status", default={})
    return _counts(
        _wanted(raw),
        replicas=status.get("replicas", 0),
        updatedReplicas=status.get("updatedReplicas", 0),
        availableReplicas=status.get("availableReplicas", 0),
    )


def _stateful(raw: Raw) -> str | None:
    current, update = at(raw, "status", "currentRevision"), at(raw, "status", "updateRevision")
    if current != update:
        return f"a rollout is under way (status.updateRevision {update}, currentRevision {current})"
    status = at(raw, "status", default={})
    return _counts(
        _wanted(raw), replicas=status.get("replicas", 0), availableReplicas=status.get("availableReplicas", 0)
    )


def _daemons(raw: Raw) -> str | None:
    status = at(raw, "status", default={})
    return _counts(
        int(status.get("desiredNumberScheduled", 0)),
        updatedNumberScheduled=status.get("updatedNumberScheduled", 0),
        numberAvailable=status.get("numberAvailable", 0),
    )


def _rollout(raw: Raw) -> str | None:
    status = at(raw, "status", default={})
    current, stable = status.get("currentPodHash"), status.get("stableRS")
    if current != stable:
        return f"a rollout is under way (status.currentPodHash {current}, stableRS {stable})"
    if at(raw, "spec", "paused"):
        return "it is paused (spec.paused: true)"
    if status.get("abort"):
        return "its last rollout was aborted (status.abort: true)"
    phase = status.get("phase")
    return None if phase == "Healthy" else f"its phase is not Healthy (status.phase: {phase or 'not told'})"


def _wanted(raw: Raw) -> int:
    return int(at(raw, "spec", "replicas", default=1))


def _counts(wanted: int, **found: Any) -> str | None:
    for name, count in found.items():
        if count != wanted:
            return f"status.{name} is {count}, not {wanted}"
    return None


_KINDS: dict[str, Callable[[Raw], str | None]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful,
    "DaemonSet": _daemons,
    "Rollout": _rollout,
}
