"""Questions about paths, answered by networkx: who reaches whom, and what stands alone between them."""

from collections.abc import Iterable, Mapping
from itertools import chain, pairwise

import networkx as nx

from microglia.model.ids import WorkloadId

Calls = Mapping[WorkloadId, tuple[WorkloadId, ...]]
Pair = tuple[WorkloadId, WorkloadId]


def cut_points(callees: Calls) -> frozenset[WorkloadId]:
    """Workloads whose loss separates others that are connected by calls now (articulation points)."""
    ids = list({*callees, *chain.from_iterable(callees.values())})
    rank = {one: i for i, one in enumerate(ids)}
    graph = nx.Graph()
    # Links carry nothing here, so that they may share one empty dictionary.
    nothing: dict[str, object] = {}
    graph.edge_attr_dict_factory = lambda: nothing
    graph.add_edges_from(
        [(rank[caller], rank[callee]) for caller, found in callees.items() for callee in found if callee != caller]
    )
    return frozenset(ids[i] for i in nx.articulation_points(graph))


def reachable(callees: Calls, start: WorkloadId) -> frozenset[WorkloadId]:
    """Every workload that a call which begins at ``start`` may touch, ``start`` left out."""
    graph = nx.DiGraph(_links(callees))
    return frozenset(nx.descendants(graph, start)) if start in graph else frozenset()


def bridges(callees: Calls, pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """The calls (caller, callee) without which one of ``pairs`` can no longer reach its other, sorted.

    A pair that is not connected has none.
    """
    graph = nx.DiGraph(_links(callees))
    found: set[Pair] = set()
    for start, end in pairs:
        if start not in graph or end not in graph or not nx.has_path(graph, start, end):
            continue
        # Only the links of one path can be the last ones.
        path = nx.shortest_path(graph, start, end)
        for link in pairwise(path):
            graph.remove_edge(*link)
            if not nx.has_path(graph, start, end):
                found.add(link)
            graph.add_edge(*link)
    return tuple(sorted(found))


def dominators(callees: Calls, pairs: Iterable[Pair]) -> tuple[WorkloadId, ...]:
    """The workloads between a pair without which it can no longer reach its other, sorted; the ends left out."""
    graph = nx.DiGraph(_links(callees))
    found: set[WorkloadId] = set()
    for start, end in pairs:
        if start not in graph or end not in graph or not nx.has_path(graph, start, end):
            continue
        for between in nx.shortest_path(graph, start, end)[1:-1]:
            if not nx.has_path(nx.restricted_view(graph, [between], []), start, end):
                found.add(between)
    return tuple(sorted(found))


def _links(callees: Calls) -> Iterable[Pair]:
    return ((caller, callee) for caller, found in callees.items() for callee in found if caller != callee)
