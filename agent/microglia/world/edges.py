"""Edges as reporters name them, summed over days."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import UNKNOWN_PEER, Edge, EdgeActivity
from microglia.world.facts import DayFacts, Signs
from microglia.world.layout import BLACKHOLE, PASSTHROUGH, Layout


@dataclass(slots=True)
class _Total:
    requests: float = 0.0
    failures: float = 0.0
    last: float = float("nan")
    used: bool = False
    flowing: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Hours ``[first, last)`` of a day, ending at ``end`` (epoch seconds), ``within`` the window or before it."""

    first: int
    last: int
    end: float
    within: bool


class EdgeLedger:
    """Adds days to totals per edge; hours outside the window leave only their sign."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._totals: dict[Edge, _Total] = {}
        self._lanes = [_lane_edge(layout, row) for row in range(len(layout.lanes))]
        self._strays = [Edge(UNKNOWN_PEER, edge.host, edge.server, edge.protocol) for edge in self._lanes]
        served = {lane.call: lane.host for lane in reversed(layout.lanes)}
        self._lost = [
            Edge(layout.client(call), served.get(call, layout.hosts[call]), "", it.protocol)
            for call, it in enumerate(layout.calls)
        ]
        self._past = [Edge(edge.client, PASSTHROUGH, "", edge.protocol) for edge in self._lost]
        self._refused = [Edge(edge.client, BLACKHOLE, "", edge.protocol) for edge in self._lost]

    def add(self, day: DayFacts, part: Part) -> None:
        """Add ``part`` of ``day``."""
        of_lane = [lane.call for lane in self._layout.lanes]
        every = list(range(len(self._layout.calls)))
        for edges, signs, calls in (
            (self._lanes, day.lanes, of_lane),
            (self._strays, day.strays, of_lane),
            (self._lost, day.unserved, every),
            (self._past, day.cut, every),
            (self._refused, day.refused, every),
        ):
            self._sum(edges, signs, calls, part)

    def _sum(self, edges: list[Edge], signs: Signs, calls: list[int], part: Part) -> None:
        totals = signs.requests[:, part.first : part.last].sum(axis=1)
        failures = signs.failures[:, part.first : part.last].sum(axis=1)
        for row in np.flatnonzero(totals):
            total = self._totals.setdefault(edges[row], _Total())
            total.used = True
            total.last = float(np.fmax(total.last, min(signs.last[row], part.end)))
            stream = self._layout.calls[calls[row]].stream
            total.flowing |= part.within and stream
            if part.within and not stream:
                total.requests += float(totals[row])
                total.failures += float(failures[row])

    def activity(self) -> EdgeActivity:
        """Everything added, by edge in order."""
        keys = tuple(sorted(self._totals))
        found = [self._totals[key] for key in keys]
        return EdgeActivity(
            keys=keys,
            used=np.array([total.used for total in found], dtype=np.bool_),
            requests=np.array([total.requests for total in found], dtype=np.float64),
            failures=np.array([total.failures for total in found], dtype=np.float64),
            last=np.array([total.last for total in found], dtype=np.float64),
            flowing=np.array([total.flowing for total in found], dtype=np.bool_),
        )


def _lane_edge(layout: Layout, row: int) -> Edge:
    lane = layout.lanes[row]
    server = layout.keys[lane.server] if lane.server >= 0 else ""
    return Edge(layout.client(lane.call), lane.host, server, layout.calls[lane.call].protocol)
