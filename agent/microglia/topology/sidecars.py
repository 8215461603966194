"""Which Istio Sidecar objects apply to a workload's pods."""

from collections.abc import Mapping

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Objects, at, labels_of, namespace_of, ref_of
from microglia.topology.selectors import LabelIndex

ROOT_NAMESPACE = "istio-system"
"""The mesh root namespace, unless the mesh was configured otherwise."""
MANAGED_BY = "app.kubernetes.io/managed-by"
OURS = "microglia"


def ours(raw: Mapping[str, object]) -> bool:
    """Whether microglia wrote the object."""
    return labels_of(raw).get(MANAGED_BY) == OURS


def read_sidecars(objects: Objects, index: LabelIndex) -> dict[WorkloadId, tuple[ObjectRef, ...]]:
    """Workload -> Sidecars that apply to its pods, most specific first: selected by label (Istio takes one of them, so
    two are already too many), then of the namespace, then of the mesh. Sorted; workloads without any are left out.

    Precedence: https://istio.io/latest/docs/reference/config/networking/sidecar/.
    """
    selected: dict[WorkloadId, list[ObjectRef]] = {}
    whole: dict[str, list[ObjectRef]] = {}
    for raw in objects.of("Sidecar"):
        labels = at(raw, "spec", "workloadSelector", "labels")
        if not labels:
            whole.setdefault(namespace_of(raw), []).append(ref_of("Sidecar", raw))
            continue
        for one in index.matching(namespace_of(raw), labels):
            selected.setdefault(one, []).append(ref_of("Sidecar", raw))
    mesh = whole.get(ROOT_NAMESPACE, [])
    found = {}
    for one in sorted(index.labels):
        local = whole.get(one.namespace, []) if one.namespace != ROOT_NAMESPACE else []
        refs = (*selected.get(one, ()), *local, *mesh)
        if refs:
            found[one] = refs
    return found
