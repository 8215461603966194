"""Could what is given up come back? The inverse needs quota and nodes that still have room for it."""

from collections.abc import Iterator
from dataclasses import dataclass

from microglia.model.objects import Raw, at, name_of, namespace_of
from microglia.model.units import quantity
from microglia.topology.nodes import Workload
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection

_COUNTED = ("pods", "count/pods", "requests.cpu", "cpu", "requests.memory", "memory", "limits.cpu", "limits.memory")
_KEEPS_OUT = frozenset({"NoSchedule", "NoExecute"})
_ROUNDING = 1e-9


@dataclass(slots=True)
class _Free:
    """What a node has left: cores, bytes, pods. ``tainted`` nodes take only workloads that run there already."""

    cpu: float
    memory: float
    pods: float
    tainted: bool

    def add(self, size: tuple[float, float], count: int) -> None:
        """``count`` replicas of ``size`` (cores, bytes) leave (or come, when negative)."""
        self.cpu += count * size[0]
        self.memory += count * size[1]
        self.pods += count

    def fits(self, size: tuple[float, float]) -> bool:
        """Whether one more replica of ``size`` has room."""
        spare = 1 + _ROUNDING
        return self.pods >= 1 and self.cpu * spare >= size[0] and self.memory * spare >= size[1]


def room(facts: Facts) -> Iterator[Objection]:
    """Quota and nodes still have room for every replica that goes."""
    shrinking = list(facts.shrinking)
    for index, change, workload in shrinking:
        for raw in facts.topology.objects.of("ResourceQuota"):
            for resource, used, hard in _exceeded(raw) if namespace_of(raw) == workload.id.namespace else ():
                yield Objection(
                    index,
                    change.workload,
                    f"ResourceQuota {namespace_of(raw)}/{name_of(raw)} is exceeded ({resource}: {used} of {hard}), so"
                    " what goes could not come back; raise the quota first",
                )
    nodes = _free(facts) if shrinking else {}
    for index, change, workload in shrinking:
        missing = _homeless(workload, workload.replicas - change.after, nodes)
        if missing:
            yield Objection(
                index,
                change.workload,
                f"{missing} of its replicas would find no node to come back to ({workload.cpu:.3g} cpu and"
                f" {workload.memory / 2**20:.0f} Mi each); uncordon or add nodes first",
            )


def _exceeded(raw: Raw) -> Iterator[tuple[str, str, str]]:
    hard, used = at(raw, "status", "hard", default={}), at(raw, "status", "used", default={})
    for resource in _COUNTED:
        if resource in hard and resource in used and quantity(used[resource]) > quantity(hard[resource]):
            yield resource, str(used[resource]), str(hard[resource])


def _free(facts: Facts) -> dict[str, _Free]:
    """Room after the plan on every node that takes pods. One that does not tell what it holds has only what frees
    there."""
    raws = {name_of(raw): raw for raw in facts.topology.objects.of("Node") if _open(raw)}
    told = {name: at(raw, "status", "allocatable", default={}) for name, raw in raws.items()}
    nodes = {
        name: _Free(
            quantity(told[name].get("cpu", 0)),
            quantity(told[name].get("memory", 0)),
            quantity(told[name].get("pods", 0)),
            any(taint.get("effect") in _KEEPS_OUT for taint in at(raw, "spec", "taints", default=())),
        )
        for name, raw in raws.items()
    }
    for target, workload in facts.topology.workloads.items():
        kept = {pod.name for pod in facts.after.pods.get(target, workload.pods)}
        size = workload.cpu, workload.memory
        for pod in workload.pods:
            if pod.node in nodes and told[pod.node] and pod.name in kept:
                nodes[pod.node].add(size, -1)
            elif pod.node in nodes and not told[pod.node] and pod.name not in kept:
                nodes[pod.node].add(size, +1)
    return nodes


def _open(raw: Raw) -> bool:
    ready = [one for one in at(raw, "status", "conditions", default=()) if one.get("type") == "Ready"]
    return not at(raw, "spec", "unschedulable", default=False) and all(one.get("status") == "True" for one in ready)


def _homeless(workload: Workload, count: int, nodes: dict[str, _Free]) -> int:
    """How many of ``count`` more replicas fit nowhere; those that do are placed, on the first node by name."""
    homes, size = {pod.node for pod in workload.pods}, (workload.cpu, workload.memory)
    usable = [nodes[name] for name in sorted(nodes) if name in homes or not nodes[name].tainted]
    for placed in range(count):
        home = next((node for node in usable if node.fits(size)), None)
        if home is None:
            return count - placed
        home.add(size, -1)
    return 0
