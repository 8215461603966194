"""What says that a workload is of some make: labels of its pods, its own labels, its owner, the images it runs."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from microglia.model.ids import WorkloadId
from microglia.model.objects import at, labels_of, name_of, namespace_of
from microglia.protect.keep import Where
from microglia.protect.look import Look
from microglia.topology.nodes import Workload

Says = Callable[[str, str], bool]
"""Whether a label of this name and value says it."""


class Sign(NamedTuple):
    """One reason to take a workload for what it is: the label's name (or the owner's kind) and where it is written."""

    key: str
    where: Where


def labelled(one: Workload, says: Says) -> Sign | None:
    """The first label that says so, by name, of its pods or failing that its own."""
    for part, labels in (("spec.template.metadata.labels", one.pod_labels), ("metadata.labels", one.labels)):
        found = [key for key, value in labels.items() if says(key, value)]
        if found:
            key = min(found)
            return Sign(key, Where(one.ref, f"{part}[{key}]", labels[key]))
    return None


def owned(one: Workload, kinds: frozenset[str], group: str = "") -> Sign | None:
    """Its controller, or itself, is one of ``kinds``; where ``group`` is given and the API group is written, of it."""
    if one.id.kind in kinds and not group:
        return Sign(one.id.kind, Where(one.ref, "kind", one.id.kind))
    for i, reference in enumerate(at(one.raw, "metadata", "ownerReferences", default=())):
        kind, api = str(reference.get("kind", "")), str(reference.get("apiVersion", ""))
        if kind in kinds and reference.get("controller") and api.startswith(group):
            value = f"{kind} {reference.get('name', '')}"
            return Sign(kind, Where(one.ref, f"metadata.ownerReferences[{i}]", value))
    return None


def running(one: Workload, *parts: str) -> Sign | None:
    """The first container whose image or name holds one of ``parts``."""
    for i, container in enumerate(at(one.raw, "spec", "template", "spec", "containers", default=())):
        for key in ("image", "name"):
            value = str(container.get(key, ""))
            if any(part in value for part in parts):
                return Sign(key, Where(one.ref, f"spec.template.spec.containers[{i}].{key}", value))
    return None


def roles(look: Look, key: str) -> Iterator[tuple[Workload, Sign]]:
    """Workloads of which a pod carries the label ``key`` although their template does not: a role that its own leader
    election gave it. Once for each."""
    given: dict[tuple[str, str], str] = {}
    for raw in look.topology.objects.of("Pod"):
        value = labels_of(raw).get(key)
        if value is not None:
            given[namespace_of(raw), name_of(raw)] = value
    if not given:
        return
    for one in look.workloads.values():
        pod = next((pod.name for pod in one.pods if (one.id.namespace, pod.name) in given), None)
        if pod is not None and key not in one.pod_labels:
            said = f"{given[one.id.namespace, pod]} on pod {pod}"
            yield one, Sign(key, Where(one.ref, f"pods' metadata.labels[{key}]", said))


def by_id(found: Iterator[tuple[Workload, Sign]]) -> dict[WorkloadId, Sign]:
    """The first sign of each workload."""
    signs: dict[WorkloadId, Sign] = {}
    for one, sign in found:
        signs.setdefault(one.id, sign)
    return signs
