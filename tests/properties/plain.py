"""N-1 in plain Python: what is left of every workload when a zone, a node, a service or a primary is gone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor, isfinite

from microglia.model.activity import Activity
from microglia.model.kinds import BY_NAME
from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from tests.properties.worlds import MARK

HEADROOM = 1.1
SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Structure:
    """Where pods lie: by workload, the zone and the node of each."""

    zones: Mapping[str, tuple[str, ...]]
    nodes: Mapping[str, tuple[str, ...]]

    def count(self, name: str) -> int:
        """Pods of a workload."""
        return len(self.zones.get(name, ()))


def structure(cluster: MemoryCluster) -> Structure:
    """As the API server tells it now."""
    labels = {raw["metadata"]["name"]: raw["metadata"]["labels"] for raw in cluster.objects(BY_NAME["Node"])}
    zones: dict[str, list[str]] = {}
    nodes: dict[str, list[str]] = {}
    for raw in cluster.objects(BY_NAME["Pod"]):
        name = f"{raw['metadata']['namespace']}/{raw['metadata']['labels']['app']}"
        node = raw["spec"]["nodeName"]
        nodes.setdefault(name, []).append(node)
        zones.setdefault(name, []).append(labels[node]["topology.kubernetes.io/zone"])
    return Structure({key: tuple(one) for key, one in zones.items()}, {key: tuple(one) for key, one in nodes.items()})


def recorded(activity: Activity) -> dict[str, list[float]]:
    """The recorded peaks of every workload, hour by hour."""
    rows = zip(activity.workloads.keys, activity.workloads.peak.tolist(), strict=True)
    return {key: [peak for peak in peaks if isfinite(peak)] for key, peaks in rows}


def capacities(cluster: MemoryCluster) -> dict[str, float]:
    """What one replica can really serve, whatever anybody estimates."""
    return dict(zip(cluster.layout.keys, cluster.layout.capacity.tolist(), strict=True))


def carried(peaks: Iterable[float], left: int, capacity: float) -> float:
    """How much of the recorded peaks ``left`` copies carry."""
    return sum(min(peak, left * capacity) for peak in peaks)


def need(peaks: Iterable[float], capacity: float, zones: int) -> int:
    """The least count that carries every peak with headroom after a replica, a zone or a rollout is gone."""
    highest = max(peaks, default=0.0)
    count = 1
    while True:
        left = min(count - 1, count - floor(count / 4), count - (ceil(count / zones) if zones > 1 else 0))
        if highest <= 0 or left * capacity >= HEADROOM * highest:
            return count
        count += 1


def worse(world: World, cluster: MemoryCluster, before: Structure, activity: Activity) -> list[str]:
    """Every failure that the present structure stands worse than ``before``, and than need promises."""
    now, peaks, each = structure(cluster), recorded(activity), capacities(cluster)
    found = []
    for name in sorted(world.workloads):
        if now.count(name) >= before.count(name):
            continue
        places = (("zone", now.zones, before.zones, len(world.zones)),
                  ("node", now.nodes, before.nodes, sum(zone.nodes for zone in world.zones)))  # fmt: skip
        for kind, after, first, number in places:
            enough = max(now.count(name), need(peaks[name], each[name], len(world.zones)))
            spare = max(0, enough - ceil(enough / number))
            for place in {*after[name], *first[name]}:
                left, left_before = _left(after[name], place), _left(first[name], place)
                allowed = min(left_before, spare)
                if carried(peaks[name], left, each[name]) < carried(peaks[name], allowed, each[name]) - SLACK:
                    found.append(f"{kind} {place}: {name} has {left} left, {left_before} before, {spare} promised")
    return [*found, *_takers(world, now, before, peaks, each)]


def _left(places: tuple[str, ...], gone: str) -> int:
    return len(places) - Counter(places)[gone]


def _takers(
    world: World, now: Structure, before: Structure, peaks: Mapping[str, list[float]], each: Mapping[str, float]
) -> list[str]:
    """Backups that carry less of their own peaks and their primary's than they did; the loss of a primary and of its
    Service are the same here."""
    found = []
    for name, one in sorted(world.workloads.items()):
        primary = one.annotations.get(f"{MARK}backup-for", "")
        if primary not in world.workloads or now.count(name) >= before.count(name):
            continue
        both = [mine + theirs for mine, theirs in zip(peaks[name], peaks[primary], strict=True)]
        after = carried(both, now.count(name), each[name])
        if after < carried(both, before.count(name), each[name]) - SLACK:
            found.append(f"primary {primary}: {name} has {now.count(name)} copies, {before.count(name)} before")
    return found
