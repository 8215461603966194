"""The recorded window played once more on the pruned mesh, nothing failing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import EXTERNAL
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.score.risk import LASTING
from microglia.score.scores import ReplicaScore, Scores
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
    cost; requests above capacity anywhere; and ``unseen``, the leave-one-out mass of the clients that lose hosts (of
    all, where none does): the share of requests that are the only one on their edge (Good 1953).
    """

    requests: float
    unrouted: tuple[Unrouted, ...]
    overloaded: tuple[Overload, ...]
    over_capacity: float
    unseen: float


def replay(
    topology: Topology, spec: PolicySpec, scores: Scores, after: After, exposed: Mapping[WorkloadId, int]
) -> Replay:
    """Play the window. Hosts that lead further are cut off with all that was served for them."""
    edges = topology.activity.edges
    return Replay(
        requests=float(np.nansum(edges.requests)),
        unrouted=_unrouted(topology, after),
        overloaded=_overloaded(topology, spec, scores, after, exposed),
        over_capacity=_over_capacity(topology, scores, after),
        unseen=unseen_mass(topology, frozenset(client.key for client in after.hidden)),
    )


def unseen_mass(topology: Topology, clients: frozenset[str]) -> float:
    """The leave-one-out mass N1 / n of ``clients`` (``namespace/name``; empty: all). 1 when they requested nothing."""
    edges, start = topology.activity.edges, topology.activity.window.start.timestamp()
    chosen = [edge.host not in EXTERNAL and (not clients or edge.client in clients) for edge in edges.keys]
    # A use that is only remembered from before the window says nothing about the window.
    inside = np.array(chosen, dtype=np.bool_) & edges.used & ~(edges.last < start)
    requests = np.maximum(np.nan_to_num(edges.requests[inside]), 1.0)
    total = float(requests.sum())
    # Volumes are extrapolated between scrapes: a single call may be recorded as a little more than one.
    return float(np.count_nonzero(requests < 1.5)) / total if total else 1.0


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
    accepted = [_accepted(scores.replicas.get(one), after.counts[one], exposed[one]) for one in targets]
    lost = demand.unanswered(rows, counts)
    known = np.maximum(demand.unanswered(rows, before), demand.unanswered(rows, np.array(accepted, dtype=np.int64)))
    return tuple(
        Overload(one, after.counts[one], float(lost[index]), float(known[index]))
        for index, one in enumerate(targets)
        if lost[index] > known[index] + EPSILON
    )


def _accepted(score: ReplicaScore | None, count: int, exposed: int) -> int:
    """Copies whose loss was accepted when spare steps were given up: what is left of the larger of ``count`` and need
    after the worst named failure."""
    if score is None or score.need is None:
        return exposed
    return min(exposed, score.survivors[min(max(count, score.need), score.current)])


def _over_capacity(topology: Topology, scores: Scores, after: After) -> float:
    activity = topology.activity.workloads
    served = np.full(len(activity.keys), np.inf)
    for target, row in topology.rows.items():
        score = scores.replicas.get(target)
        if score is not None and score.capacity.rps is not None:
            served[row] = after.count(topology, target) * score.capacity.rps
    over = np.nan_to_num(activity.peak) - served[:, None]
    return LASTING * float(np.maximum(over, 0.0, out=over).sum())
