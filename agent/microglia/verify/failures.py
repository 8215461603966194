"""N-1: lose every node, zone, service and primary once, and compare with the structure as it was first exposed.

For a workload that the plan shrinks, and a failure F, the loss is what the survivors leave unanswered of the recorded
peaks (``demand``). The plan makes F worse when the loss after it is more than each of

* the loss of the structure as first exposed under F, and
* for nodes and zones, what the steps that it gave up as spare were known to cost: the loss of the larger of the count
  after it and the load-bearing count, spread as need assumes: ceil(k / places) in the fullest place, and the worst skew
  seen. Load-bearing is ``need``, or less where the policy says in words that replicas below need compete
  (``score.weak``).

So neither a count below that nor a placement worse than the one that need was computed for may lose more. Where
services and primaries fall out, their backups must answer for them too, beside their own peaks, and the way to them
must stay open; there nothing is spare. Workloads that the plan does not touch lost only what earlier cleared plans took
as spare.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.score.panel import Ints
from microglia.score.scores import ReplicaScore, Scores
from microglia.score.weak import load_bearing
from microglia.topology.graph import Topology
from microglia.verify.demand import Demand, read_demand
from microglia.verify.whatif import After, by_node, by_zone

EPSILON = 1e-6
"""Requests: rounding of float sums, not a loss."""


@dataclass(frozen=True, slots=True, order=True)
class Worse:
    """A failure that a plan makes worse: ``kind`` is node, zone, service or primary. ``lost`` requests of the window
    instead of ``before``, with ``left`` copies instead of ``left_before``; ``hidden`` is the host that is cut off."""

    workload: WorkloadId
    kind: str
    name: str
    lost: float = 0.0
    before: float = 0.0
    left: int = 0
    left_before: int = 0
    hidden: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Trials:
    """Survivors to compare, arrays of shape (m,): of workload ``rows`` after the plan, before it, and as allowed."""

    names: list[tuple[WorkloadId, str, str]]
    rows: Ints
    after: Ints
    before: Ints
    allowed: Ints


def lose_each(
    topology: Topology, spec: PolicySpec, scores: Scores, after: After, exposed: Mapping[WorkloadId, int]
) -> tuple[dict[str, int], tuple[Worse, ...]]:
    """How many failures of each kind were tried, and those that are worse than allowed, sorted by workload."""
    covered = {standby.primary for standby in topology.standbys}
    tried = {
        "node": len(topology.nodes),
        "zone": len(topology.zones),
        "service": sum(bool(service.workloads) for service in topology.services.values()),
        "primary": len(covered),
    }
    handed = _handed_over(topology, after)
    sources = {one for _, _, _, lost in handed for one in lost}
    demand = read_demand(topology, spec, scores, {*after.counts, *sources})
    places = _places(topology, spec, scores, after, exposed, demand)
    worse = [*_compare(places, demand), *_takers(handed, after, exposed, demand), *_cut_off(topology, after)]
    return tried, tuple(sorted(worse))


def _places(
    topology: Topology,
    spec: PolicySpec,
    scores: Scores,
    after: After,
    exposed: Mapping[WorkloadId, int],
    demand: Demand,
) -> _Trials:
    names, found = [], []
    for target, count in after.counts.items():
        score, pods = scores.replicas.get(target), topology.workloads[target].pods
        bearing = load_bearing(score, spec.retention) if score else count
        enough = max(count, topology.workloads[target].replicas if bearing is None else bearing)
        for kind, number, spread in (("zone", len(topology.zones), by_zone), ("node", len(topology.nodes), by_node)):
            before = _as_exposed(spread(pods), exposed[target])
            now = spread(after.pods[target])
            spare = _spare(kind, number, score, enough) if score else count
            for place in sorted({*before, *now}):
                names.append((target, kind, place or "(not known)"))
                kept = max(0, exposed[target] - before[place])
                found.append((demand.row[target], count - now[place], kept, spare))
    table = np.array(found, dtype=np.int64).reshape(-1, 4)
    return _Trials(names, table[:, 0], np.maximum(table[:, 1], 0), table[:, 2], table[:, 3])


def _as_exposed(present: Counter[str], count: int) -> Counter[str]:
    """The present placement brought to ``count`` copies: what was pruned since lay where there was least, which is the
    best that the structure can have been."""
    placed = Counter(present)
    while placed and placed.total() < count:
        placed[min(placed, key=lambda place: (placed[place], place))] += 1
    while placed.total() > count:
        placed[max(placed, key=lambda place: (placed[place], place))] -= 1
    return placed


def _spare(kind: str, places: int, score: ReplicaScore, enough: int) -> int:
    """What is left of ``enough`` copies, spread as need assumes, when the fullest place is lost."""
    lie = score.placement
    places, skew = (lie.zones, lie.zone_skew) if kind == "zone" else (places, lie.node_skew)
    return max(0, enough - (-(-enough // max(places, 1)) + skew))


def _compare(trials: _Trials, demand: Demand) -> Iterator[Worse]:
    # A loss never falls with fewer copies, so only fewer survivors than before and than allowed can be worse.
    doubtful = np.flatnonzero(trials.after < np.minimum(trials.before, trials.allowed))
    rows, left = trials.rows[doubtful], trials.after[doubtful]
    kept = np.minimum(trials.before[doubtful], trials.allowed[doubtful])
    lost, before = demand.unanswered(rows, left), demand.unanswered(rows, kept)
    for index in np.flatnonzero(lost > before + EPSILON):
        target, kind, name = trials.names[int(doubtful[index])]
        figures = float(lost[index]), float(before[index]), int(left[index]), int(kept[index])
        yield Worse(target, kind, name, *figures)


_Handed = list[tuple[str, str, WorkloadId, tuple[WorkloadId, ...]]]


def _handed_over(topology: Topology, after: After) -> _Handed:
    """(kind, name, who takes over, whom it takes over from), for every backup that the plan shrinks. With a service,
    all the workloads behind it fall out at once."""
    primaries: dict[WorkloadId, set[WorkloadId]] = {}
    for standby in topology.standbys:
        if standby.backup in after.counts and standby.backup != standby.primary:
            primaries.setdefault(standby.backup, set()).add(standby.primary)
    found: _Handed = [("primary", str(one), taker, (one,)) for taker, lost in primaries.items() for one in lost]
    for host, service in topology.services.items():
        for taker, covered in primaries.items():
            lost = tuple(sorted(covered & set(service.workloads)))
            if lost and taker not in service.workloads:
                found.append(("service", host, taker, lost))
    return sorted(found)


def _takers(handed: _Handed, after: After, exposed: Mapping[WorkloadId, int], demand: Demand) -> Iterator[Worse]:
    for kind, name, taker, lost in handed:
        row, count = demand.row[taker], after.counts[taker]
        gone = [demand.row[one] for one in lost if one in demand.row]
        extra = demand.peaks[gone].sum(axis=0)[None, :]
        rows = np.array([row], dtype=np.int64)
        short = demand.unanswered(rows, np.array([count]), extra)[0]
        before = demand.unanswered(rows, np.array([exposed[taker]]), extra)[0]
        if short > before + EPSILON:
            yield Worse(taker, kind, name, float(short), float(before), count, exposed[taker])


def _cut_off(topology: Topology, after: After) -> Iterator[Worse]:
    """Hosts that a client would need when what it calls now falls out, and that the plan hides from it."""
    called = _called(topology, after)
    backups: dict[WorkloadId, set[WorkloadId]] = {}
    for standby in topology.standbys:
        backups.setdefault(standby.primary, set()).add(standby.backup)
    for client, hosts in sorted(after.hidden.items()):
        for used in sorted(called.get(client, ())):
            service, reach = topology.services.get(used), topology.reach.get(used)
            further = set(reach.hosts) - {used} if reach else set()
            for host in sorted(hosts & further):
                yield Worse(client, "service", used, hidden=host)
            behind = service.workloads if service else ()
            takers = {backup for primary in behind for backup in backups.get(primary, ())}
            for host in sorted(hosts - further):
                held = topology.services.get(host)
                if held and takers & set(held.workloads):
                    yield Worse(client, "primary", used, hidden=host)


def _called(topology: Topology, after: After) -> dict[WorkloadId, set[str]]:
    keys = {client.key: client for client in after.hidden}
    edges = topology.activity.edges
    called: dict[WorkloadId, set[str]] = {}
    for edge, used in zip(edges.keys, edges.used.tolist(), strict=True):
        if used and edge.client in keys:
            called.setdefault(keys[edge.client], set()).add(edge.host)
    return called
