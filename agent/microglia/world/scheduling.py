"""Where new pods go and which ones die, as kube-scheduler and the ReplicaSet controller decide it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log2

from microglia.world.layout import Layout
from microglia.world.manifests import node_names
from microglia.world.record import Pod, Record

COST = "controller.kubernetes.io/pod-deletion-cost"


def place(layout: Layout, record: Record, workload: str, now: float) -> tuple[str, str]:
    """(node, zone) of the next pod: the zone with the fewest of its kind, then the emptiest node; names break ties.

    Zones that are away take none, unless all are.
    """
    world = layout.world
    wanted = world.workloads[workload].region
    zones = [zone.name for zone in world.zones if wanted in {None, zone.region}]
    dark = {each.target for each in record.troubles if each.kind == "zone" and each.start <= now < each.end}
    zones = [zone for zone in zones if zone not in dark] or zones
    living = [pod for pod in record.pods if pod.start <= now < pod.end]
    kin = [pod for pod in living if pod.workload == workload]
    by_zone, total = Counter(pod.zone for pod in kin), Counter(pod.zone for pod in living)
    zone = min(zones, key=lambda name: (by_zone[name], total[name], name))
    by_node, full = Counter(pod.node for pod in kin), Counter(pod.node for pod in living)
    node = min(node_names(world)[zone], key=lambda name: (by_node[name], full[name], name))
    return node, zone


def victims(
    pods: Sequence[Pod], ready: Mapping[str, bool], annotations: Mapping[str, Mapping[str, str]], now: float, count: int
) -> list[Pod]:
    """The ``count`` pods that a ReplicaSet deletes first.

    In order: not ready, lower ``pod-deletion-cost``, more siblings on the node, ready for a shorter time (in powers of
    two), by uid. Source: kubernetes pkg/controller/controller_utils.go, ActivePodsWithRanks. Zones do not matter.
    """
    siblings = Counter(pod.node for pod in pods)

    def rank(pod: Pod) -> tuple[bool, int, int, int, str, str]:
        cost = int(annotations.get(pod.name, {}).get(COST, "0"))
        age = int(log2(max(1.0, (now - pod.start) * 1e9)))
        return ready.get(pod.name, True), cost, -siblings[pod.node], age, pod.uid, pod.name

    return sorted(pods, key=rank)[:count]
