"""Floors and pins as ``Protection`` objects, so that the API server can refuse what would undercut them."""

from collections.abc import Collection, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from microglia.cycle import Rehearsal
from microglia.model.ids import WorkloadId
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, at, labels_of, name_of, namespace_of
from microglia.model.ports import Cluster, ConflictError, ForbiddenError, GoneError, WritableCluster
from microglia.observe.look import MIRRORED, mirrored
from microglia.policy.schema import API_VERSION
from microglia.protect.ledger import Level

KIND: Final = BY_NAME["Protection"]
STRUCTURE: Final = "microglia.dev/structure"
SCALED: Final = ("Deployment", "Rollout")
"""The kinds whose counts microglia writes."""


def wanted(rehearsal: Rehearsal) -> dict[tuple[str, str], Raw]:
    """The objects that say what one policy's workloads are held at, by namespace and name.

    A pin is level never; else the floor is the highest of every protection's and of what the workload needs.
    """
    grounds, name = rehearsal.grounds, rehearsal.policy.metadata.name
    below_need = rehearsal.policy.spec.retention.weak.replicas is not None
    found: dict[tuple[str, str], Raw] = {}
    for one in sorted(grounds.selection.targets):
        workload = grounds.topology.workloads.get(one)
        if workload is None or one.kind not in SCALED:
            continue
        held = grounds.protections.of(one)
        pins = [each for each in held if each.level is Level.PIN]
        scored = grounds.scores.replicas.get(one)
        need = scored.need if scored is not None and scored.need is not None and not below_need else 0
        least = max(min(need, workload.replicas), grounds.protections.floor(one, workload.replicas))
        if pins:
            body = _body(one, name, {"level": "never", "reason": f"{pins[0].rule}: {pins[0].reason}"})
        elif least > 0:
            body = _body(one, name, {"level": "floor", "minReplicas": least, "reason": "computed floor"})
        else:
            continue
        found[namespace_of(body), name_of(body)] = body
    return found


def mirror(cluster: Cluster, writer: WritableCluster, structure: str, bodies: Mapping[tuple[str, str], Raw]) -> int:
    """Make the mirrored Protections of ``structure`` exactly ``bodies``; returns how many were written.

    What another changed meanwhile is left for the next lap. Raises AbsentError, UnreadableError, and ForbiddenError,
    the last once all else is written, because one namespace that goes away must not cost the others their floors.
    """
    label = _label(structure)
    there = {(namespace_of(raw), name_of(raw)): raw for raw in _ours(cluster) if _structure(raw) == label}
    written, refused = 0, []
    for place in sorted({*there, *bodies}):
        old, new = there.get(place), bodies.get(place)
        if old is not None and new is not None and at(old, "spec") == at(new, "spec"):
            continue
        written += 1
        try:
            if new is None:
                writer.delete(KIND, {"kind": KIND.name, **(old or {})})
            elif old is None:
                writer.create(KIND, new)
            else:
                writer.replace(KIND, {"kind": KIND.name, "apiVersion": API_VERSION, **old, "spec": at(new, "spec")})
        except (ConflictError, GoneError):
            written -= 1
        except ForbiddenError as error:
            refused.append(error)
    if refused:
        raise refused[0]
    return written


def sweep(cluster: Cluster, writer: WritableCluster, structures: Collection[str]) -> int:
    """Take away the mirrored Protections of policies that are gone."""
    gone = sorted({_structure(raw) for raw in _ours(cluster)} - {_label(one) for one in structures})
    return sum(mirror(cluster, writer, structure, {}) for structure in gone)


def _ours(cluster: Cluster) -> Iterable[Raw]:
    return [raw for raw in cluster.objects(KIND) if mirrored(raw)]


def _structure(raw: Raw) -> str:
    return labels_of(raw).get(STRUCTURE, "")


def _label(structure: str) -> str:
    # A label holds 63 characters, a name 253. What fits is its own label.
    return structure if len(structure) <= 63 else f"{structure[:46]}-{sha256(structure.encode()).hexdigest()[:16]}"


def _body(one: WorkloadId, structure: str, spec: dict[str, Any]) -> dict[str, Any]:
    # A Rollout often bears the name of the Deployment that it took over; a long name makes room for the prefix.
    whole = one.name if one.kind == "Deployment" else f"{one.name}.{one.kind.lower()}"
    name = whole if len(whole) <= 200 else f"{whole[:183]}-{sha256(whole.encode()).hexdigest()[:16]}"
    return {
        "apiVersion": API_VERSION,
        "kind": KIND.name,
        "metadata": {
            "namespace": one.namespace,
            "name": f"microglia-{name}",
            "labels": {**MIRRORED, STRUCTURE: _label(structure)},
        },
        "spec": {"targets": [{"kind": one.kind, "name": one.name}], **spec},
    }
