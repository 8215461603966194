"""What remains of k replicas after the worst of the named failures."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import Bools
from microglia.model.objects import at
from microglia.policy.schema import Failure
from microglia.score.panel import Ints, Panel
from microglia.score.scores import Placement
from microglia.topology.nodes import Workload

_WHOLE = 100


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How each workload's copies lie and how they are rolled, arrays of shape (n,).

    ``zones`` that its copies may lie in, and ``nodes`` there are now (one number for all); ``zone_skew`` and
    ``node_skew`` the worst excess of the fullest one over an even spread. ``unavailable`` and ``surge`` are counts, or
    shares in percent where ``*_percent`` is not negative. ``survive`` the failures that count here.
    """

    zones: Ints
    nodes: int
    zone_skew: Ints
    node_skew: Ints
    unavailable: Ints
    unavailable_percent: Ints
    surge: Ints
    surge_percent: Ints
    survive: tuple[Failure, ...]

    def placement(self, row: int) -> Placement:
        """How the copies of one workload lie."""
        return Placement(int(self.zones[row]), self.nodes, int(self.zone_skew[row]), int(self.node_skew[row]))

    def words(self, row: int) -> str:
        """survivors(k) of one workload as people write it, one term per failure; the least counts."""
        skews = {"zone": self.zone_skew[row], "node": self.node_skew[row]}
        places = {"zone": self.zones[row], "node": self.nodes}
        percent, count = int(self.unavailable_percent[row]), int(self.unavailable[row])
        terms = []
        for failure in self.survive:
            match failure:
                case "replica":
                    terms.append("replica k - 1")
                case "zone" | "node":
                    skew = f" - {skews[failure]}" if skews[failure] else ""
                    terms.append(f"{failure} k - ceil(k/{places[failure]}){skew}")
                case _:
                    terms.append(f"rollout k - {f'{percent}% of k, rounded down' if percent >= 0 else count}")
        return ", ".join(terms)

    def rolling(self, rows: Ints, counts: Ints) -> Ints:
        """How many of ``counts`` replicas a roll-out takes: maxUnavailable rounded down; one if that and maxSurge
        (rounded up) come to 0."""
        down, up = self.unavailable_percent[rows], self.surge_percent[rows]
        gone = np.where(down >= 0, counts * down // _WHOLE, self.unavailable[rows])
        more = np.where(up >= 0, -(-counts * up // _WHOLE), self.surge[rows])
        return np.minimum(np.where((gone == 0) & (more == 0), 1, gone), counts)

    def survivors(self, rows: Ints, counts: Ints) -> Ints:
        """Replicas left of ``counts`` (m,) of the workloads ``rows`` (m,) after the worst named failure."""
        left: Ints = counts.copy()
        for failure in self.survive:
            match failure:
                case "replica":
                    lost = np.ones_like(counts)
                case "zone":
                    lost = -(-counts // self.zones[rows]) + self.zone_skew[rows]
                case "node":
                    lost = -(-counts // self.nodes) + self.node_skew[rows]
                case _:
                    lost = self.rolling(rows, counts)
            left = np.minimum(left, counts - lost)
        return np.asarray(np.maximum(left, 0), dtype=np.int64)

    def local(self, rows: Ints, counts: Ints) -> Ints:
        """Replicas left in the emptiest zone when that zone alone loses one, or is rolled as a workload of its own."""
        here = np.maximum(counts // np.maximum(self.zones[rows], 1) - self.zone_skew[rows], 0)
        lost = np.zeros_like(counts)
        if {"replica", "node"} & set(self.survive):
            lost = np.ones_like(counts)
        if "rollout" in self.survive:
            lost = np.maximum(lost, self.rolling(rows, here))
        return np.asarray(np.maximum(here - lost, 0), dtype=np.int64)


def read_shape(panel: Panel) -> Shape:
    """Read placement from the window (where it is missing: from the pods that exist) and roll-outs from the objects."""
    topology = panel.topology
    known, nodes = len(topology.zones), len(topology.nodes)
    zones = np.array([_zones(workload, known) for workload in panel.workloads], dtype=np.int64)
    usable = ~panel.flags("rolling") & ~topology.activity.away
    strategy = np.array([_strategy(workload) for workload in panel.workloads], dtype=np.int64).reshape(-1, 4)
    survive = tuple(
        failure
        for failure in panel.policy.retention.survive
        if not (failure == "zone" and known < 2) and not (failure == "node" and nodes < 2)
    )
    return Shape(
        zones=zones,
        nodes=nodes,
        zone_skew=_skew(panel, usable, zones, by_zone=True),
        node_skew=_skew(panel, usable, np.full(len(panel.ids), nodes), by_zone=False),
        unavailable=strategy[:, 0],
        unavailable_percent=strategy[:, 1],
        surge=strategy[:, 2],
        surge_percent=strategy[:, 3],
        survive=survive,
    )


def zones_unknown(panel: Panel) -> str:
    """Why nobody can tell which zones exist; empty when it is known or does not matter."""
    if "zone" not in panel.policy.retention.survive or panel.topology.zones:
        return ""
    if panel.topology.objects.blind("Node"):
        return "nodes could not be read, so nobody knows which zones exist; grant the list of nodes"
    return ""


def _zones(workload: Workload, known: int) -> int:
    """Zones that the copies may lie in: those they do lie in where there are more copies than that, because a selector
    or an affinity may keep them out of the others; else all ``known`` ones."""
    here = {pod.zone for pod in workload.pods}
    if None in here or not 2 <= len(here) < min(known, len(workload.pods)):
        return known
    return len(here)


def _skew(panel: Panel, usable: Bools, places: Ints, *, by_zone: bool) -> Ints:
    """Worst excess of the fullest of ``places`` (n,) zones or nodes over an even spread in the ``usable`` buckets
    (n, H); where none was seen, that of the pods that exist. Shape (n,)."""
    found = np.zeros(len(panel.ids), dtype=np.int64)
    for rows, part in panel.parts() if places.max(initial=0) > 1 else ():
        placed, fullest = part.series("placed"), part.series("fullest_zone" if by_zone else "fullest_node")
        seen = usable[rows] & np.isfinite(placed) & np.isfinite(fullest) & (placed > 0)
        even = np.ceil(placed / places[rows][:, None])
        excess = np.where(seen, fullest - even, -np.inf).max(axis=1, initial=-np.inf)
        for row in np.flatnonzero(~seen.any(axis=1)).tolist():
            excess[row] = _present(part.workloads[row], int(places[rows][row]), by_zone=by_zone)
        found[rows] = np.maximum(excess, 0).astype(np.int64)
    return found


def _present(workload: Workload, places: int, *, by_zone: bool) -> int:
    """The excess now; pods in unknown places are taken to share one."""
    counts = Counter(pod.zone if by_zone else pod.node for pod in workload.pods)
    return max(counts.values(), default=0) - -(-len(workload.pods) // places)


def _strategy(workload: Workload) -> tuple[int, int, int, int]:
    """(maxUnavailable, its percentage or -1, maxSurge, its percentage or -1)."""
    raw = workload.raw
    if at(raw, "spec", "strategy", "type") == "Recreate":
        return (0, _WHOLE, 0, 0)
    if workload.id.kind == "StatefulSet":
        most = at(raw, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable", default=1)
        return (*_either(most), 0, -1)
    update = at(raw, "spec", "strategy", "rollingUpdate", default={})
    return (*_either(at(update, "maxUnavailable", default="25%")), *_either(at(update, "maxSurge", default="25%")))


def _either(value: int | str) -> tuple[int, int]:
    """A count, or a percentage, as Kubernetes writes them: (count, -1) or (0, percent). What is neither may take
    all."""
    text = str(value)
    try:
        return (0, int(text[:-1])) if text.endswith("%") else (int(text), -1)
    except ValueError:
        return 0, _WHOLE
