"""The mesh as a plan would leave it: counts, placements with the named victims gone, hosts newly hidden."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from microglia.model.ids import WorkloadId
from microglia.plan.change import CountChange, ScaleChange, SidecarChange
from microglia.plan.document import Plan
from microglia.topology.graph import Topology
from microglia.topology.nodes import Pod


@dataclass(frozen=True, slots=True, eq=False)
class After:
    """What a plan changes, sorted by id; everything else stays as it is.

    ``counts`` and ``pods`` (those that are not victims) of the workloads whose count it lowers; ``hidden`` the hosts
    that it hides anew, by client.
    """

    counts: Mapping[WorkloadId, int]
    pods: Mapping[WorkloadId, tuple[Pod, ...]]
    hidden: Mapping[WorkloadId, frozenset[str]]

    def count(self, topology: Topology, target: WorkloadId) -> int:
        """Replicas of a workload that exists, after the plan."""
        return self.counts.get(target, topology.workloads[target].replicas)


def what_if(plan: Plan, topology: Topology) -> After:
    """Carry out ``plan`` on paper. Changes of workloads that are gone do nothing: a gate refuses them."""
    counts: dict[WorkloadId, int] = {}
    pods: dict[WorkloadId, tuple[Pod, ...]] = {}
    hidden: dict[WorkloadId, frozenset[str]] = {}
    for change in sorted(plan.changes, key=lambda change: change.id):
        workload = topology.workloads.get(change.id)
        if workload is None:
            continue
        if isinstance(change, SidecarChange) and change.cut:
            hidden[change.id] = hidden.get(change.id, frozenset()) | frozenset(change.cut)
        elif isinstance(change, CountChange) and change.after < workload.replicas:
            gone = workload.replicas - change.after
            victims = change.victims if isinstance(change, ScaleChange) else unlucky(workload.pods, gone)
            counts[change.id] = change.after
            pods[change.id] = tuple(pod for pod in workload.pods if pod.name not in victims)
    return After(counts, pods, hidden)


def unlucky(pods: Iterable[Pod], count: int) -> frozenset[str]:
    """The ``count`` pods whose going leaves the most in one zone, and there on one node: when an autoscaler takes pods,
    nobody names which."""
    left = {pod.name: pod for pod in pods}
    gone: set[str] = set()
    while left and len(gone) < count:
        zones, nodes = by_zone(tuple(left.values())), by_node(tuple(left.values()))
        first = min(left.values(), key=lambda pod: (zones[pod.zone or ""], nodes[pod.node], pod.name))
        gone.add(first.name)
        del left[first.name]
    return frozenset(gone)


def by_zone(pods: tuple[Pod, ...]) -> Counter[str]:
    """Pods per zone; those in an unknown zone count as one zone called ''."""
    return Counter(pod.zone or "" for pod in pods)


def by_node(pods: tuple[Pod, ...]) -> Counter[str]:
    """Pods per node; those not placed yet count as one node called ''."""
    return Counter(pod.node for pod in pods)
