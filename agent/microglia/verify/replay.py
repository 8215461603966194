"""The recorded window played once more on the pruned mesh, nothing failing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F32, F64
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.score.risk import LASTING
from microglia.score.scores import ReplicaScore, Scores
from microglia.score.unseen import Mass, unseen_mass
from microglia.score.weak import load_bearing
from microglia.topology.graph import Topology
from microglia.verify.demand import read_demand
from microglia.verify.failures import EPSILON
from microglia.verify.whatif import After


@dataclass(frozen=True, slots=True, order=True)
class Unrouted:
    """Recorded requests of ``client`` to ``host`` that would find it hidden; a sign without a volume counts as one."""

    client: WorkloadId
    host: str
    requests: float


@dataclass(frozen=True, slots=True, order=True)
class Overload:
    """A workload that the plan leaves with ``lost`` unanswered requests in its peaks; ``before`` were accepted."""

    workload: WorkloadId
    count: int
    lost: float
    before: float


@dataclass(frozen=True, slots=True)
class Replay:
    """How the window would have gone.

    ``requests`` of the window; those ``unrouted``; who is ``overloaded`` by more than its spare steps were known to
    cost; requests above capacity anywhere, with the plan and, ``over_before``, with the counts of today; and
    ``unseen``, the leave-one-out mass of the clients that lose hosts (of all, where none does).
    """

    requests: float
    unrouted: tuple[Unrouted, ...]
    overloaded: tuple[Overload, ...]
    over_capacity: float
    unseen: Mass
    over_before: float = 0.0


def replay(
    topology: Topology, spec: PolicySpec, scores: Scores, after: After, exposed: Mapping[WorkloadId, int]
) -> Replay:
    """Play the window. Hosts that lead further are cut off with all that was served for them."""
    edges = topology.activity.edges
    over, before = _over_capacity(topology, scores, after)
    return Replay(
        requests=float(np.nansum(edges.requests)),
        unrouted=_unrouted(topology, after),
        overloaded=_overloaded(topology, spec, scores, after, exposed),
        over_capacity=over,
        unseen=unseen_mass(topology, frozenset(client.key for client in after.hidden)),
        over_before=before,
    )


def _unrouted(topology: Topology, after: After) -> tuple[Unrouted, ...]:
    edges, found = topology.activity.edges, []
    leading: dict[tuple[str, str], tuple[WorkloadId, str]] = {}
    for client, hosts in after.hidden.items():
        for host in sorted(hosts):
            reach = topology.reach.get(host)
            for served in (host, *(reach.hosts if reach else ())):
                leading.setdefault((client.key, served), (client, host))
    for edge, used, count in zip(edges.keys, edges.used.tolist(), edges.requests.tolist(), strict=True):
        hit = leading.get((edge.client, edge.host))
        if hit and used:
            found.append(Unrouted(*hit, max(float(np.nan_to_num(count)), 1.0)))
    return tuple(sorted(found))


def _overloaded(
    topology: Topology, spec: PolicySpec, scores: Scores, after: After, exposed: Mapping[WorkloadId, int]
) -> tuple[Overload, ...]:
    demand = read_demand(topology, spec, scores, after.counts)
    targets = sorted(after.counts)
    rows = np.array([demand.row[one] for one in targets], dtype=np.int64)
    counts = np.array([after.counts[one] for one in targets], dtype=np.int64)
    before = np.array([exposed[one] for one in targets], dtype=np.int64)
    accepted = [_accepted(spec, scores.replicas.get(one), after.counts[one], exposed[one]) for one in targets]
    lost = demand.unanswered(rows, counts)
    known = np.maximum(demand.unanswered(rows, before), demand.unanswered(rows, np.array(accepted, dtype=np.int64)))
    return tuple(
        Overload(one, after.counts[one], float(lost[index]), float(known[index]))
        for index, one in enumerate(targets)
        if lost[index] > known[index] + EPSILON
    )


def _accepted(spec: PolicySpec, score: ReplicaScore | None, count: int, exposed: int) -> int:
    """Copies whose loss was accepted when spare steps were given up: what is left after the worst named failure of the
    larger of ``count`` and the load-bearing count."""
    bearing = load_bearing(score, spec.retention) if score else None
    if score is None or bearing is None:
        return exposed
    return min(exposed, score.survivors[min(max(count, bearing), score.current)])


def _over_capacity(topology: Topology, scores: Scores, after: After) -> tuple[float, float]:
    """Recorded requests above what the counts with the plan, and those of today, serve."""
    activity = topology.activity.workloads
    served = np.full((2, len(activity.keys)), np.inf)
    for target, row in topology.rows.items():
        score = scores.replicas.get(target)
        if score is not None and score.capacity.rps is not None:
            counts = after.count(topology, target), topology.workloads[target].replicas
            served[:, row] = np.array(counts) * score.capacity.rps
    peaks = np.nan_to_num(activity.peak)
    now = _above(peaks, served[1])
    # A plan changes few rows, and their sums are the same to the last digit where it changes none.
    moved = np.flatnonzero(served[0] != served[1])
    then = now.copy()
    then[moved] = _above(peaks[moved], served[0][moved])
    return LASTING * float(then.sum()), LASTING * float(now.sum())


def _above(peaks: F32, served: F64) -> F64:
    over = peaks - served[:, None]
    found: F64 = np.maximum(over, 0.0, out=over).sum(axis=1)
    return found
