"""Reading back where a real cluster put the world's pods."""

from collections.abc import Iterable

from microglia.model.objects import Raw, at, labels_of, name_of, namespace_of
from microglia.world.layout import Layout
from microglia.world.record import Pod

ZONE = "topology.kubernetes.io/zone"


def placement(layout: Layout, pods: Iterable[Raw], nodes: Iterable[Raw], start: float) -> list[Pod]:
    """The living, scheduled pods of the world's workloads, as if born at ``start``; sorted.

    A pod belongs to the Deployment whose name its ReplicaSet's begins with, or to its StatefulSet or DaemonSet.
    """
    zones = {name_of(node): labels_of(node).get(ZONE, "") for node in nodes}
    found = []
    for raw in pods:
        node, owner = at(raw, "spec", "nodeName", default=""), _owner(raw)
        key = f"{namespace_of(raw)}/{owner[1]}"
        gone = at(raw, "metadata", "deletionTimestamp") or at(raw, "status", "phase") in {"Succeeded", "Failed"}
        if node and not gone and key in layout.index:
            uid = at(raw, "metadata", "uid", default="")
            found.append(Pod(key, name_of(raw), node, zones.get(node, ""), start, owner=owner[0], uid=uid))
    return sorted(found)


def _owner(raw: Raw) -> tuple[str, str]:
    """(owner's name, workload's name)."""
    for reference in at(raw, "metadata", "ownerReferences", default=[]):
        if reference.get("controller"):
            name = str(reference["name"])
            return name, name.rpartition("-")[0] if reference["kind"] == "ReplicaSet" else name
    return "", ""
