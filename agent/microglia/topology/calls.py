"""Who called whom, from the traffic seen."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from microglia.model.activity import EdgeActivity
from microglia.model.ids import WorkloadId
from microglia.topology.nodes import Service

Calls = dict[WorkloadId, tuple[WorkloadId, ...]]
_Ranks = dict[str, tuple[int, ...]]


def read_calls(
    edges: EdgeActivity, workloads: Iterable[WorkloadId], services: Mapping[str, Service]
) -> tuple[Calls, Calls]:
    """(callers, callees) by workload over used edges, sorted. ``workloads`` are sorted.

    A call whose server is not known, or that never reached one, counts for all that stand behind its host. Names that
    two kinds share count for both: a neighbour too many is watched for nothing, one too few is not watched at all.
    """
    ids = tuple(workloads)
    # Ranks stand in for ids: they sort alike, and a hundred thousand edges hash quicker.
    ranks: _Ranks = {}
    rank = {one: i for i, one in enumerate(ids)}
    for i, one in enumerate(ids):
        ranks[one.key] = (*ranks.get(one.key, ()), i)
    callers: defaultdict[int, set[int]] = defaultdict(set)
    callees: defaultdict[int, set[int]] = defaultdict(set)
    for edge, used in zip(edges.keys, edges.used.tolist(), strict=True):
        if not used:
            continue
        for client in ranks.get(edge.client, ()):
            servers = ranks.get(edge.server)
            if servers is None:
                servers = _behind(services.get(edge.host), rank)
            for server in servers:
                callees[client].add(server)
                callers[server].add(client)
    return _named(callers, ids), _named(callees, ids)


def _behind(service: Service | None, rank: Mapping[WorkloadId, int]) -> tuple[int, ...]:
    return tuple(rank[one] for one in service.workloads if one in rank) if service else ()


def _named(found: Mapping[int, set[int]], ids: tuple[WorkloadId, ...]) -> Calls:
    return {ids[one]: tuple([ids[other] for other in sorted(found[one])]) for one in sorted(found)}
