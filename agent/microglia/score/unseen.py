"""How much of the next hour's demand may need something that was never seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np

from microglia.model.activity import EXTERNAL, F64, Bools
from microglia.topology.graph import Topology

CONFIDENCE = 0.95
_NORMAL = 1.6448536269514722
"""The normal distribution lies below this with ``CONFIDENCE``."""
OUTSIDE = "outside"
"""The class of hosts that are no Service of the cluster."""


@dataclass(frozen=True, slots=True)
class Mass:
    """The leave-one-out mass of some requests: ``alone`` of them are the only one on their edge, ``twice`` edges were
    used exactly twice."""

    requests: float
    alone: float
    twice: float

    @property
    def share(self) -> float:
        """N1 / n, the share of requests that nothing else would have shown the edge of: it estimates the chance that
        the next request needs an edge that was never seen (Good 1953; Turing). 1 when nothing was seen."""
        return self.alone / self.requests if self.requests else 1.0

    @property
    def low(self) -> float:
        """With 95 % confidence it is at least this."""
        return max(0.0, self.share - self._width) if self.requests else 0.0

    @property
    def high(self) -> float:
        """With 95 % confidence it is at most this: by the normal limit of the estimate, with the standard error
        sqrt(N1 (1 - N1/n) + 2 N2) / n (Esty 1983), and never less than what n requests can say of one unseen edge."""
        return min(1.0, max(self.share + self._width, at_most(self.requests))) if self.requests else 1.0

    @property
    def _width(self) -> float:
        return _NORMAL * sqrt(self.alone * (1 - self.share) + 2 * self.twice) / self.requests


def at_most(requests: float, confidence: float = CONFIDENCE) -> float:
    """How often one edge may be needed that none of ``requests`` needed: 1 - (1 - confidence)^(1/n), about 3 / n at
    95 % and 4.61 / n at 99 %; 1 without requests."""
    return float(1 - (1 - confidence) ** (1 / requests)) if requests else 1.0


def unseen_mass(topology: Topology, clients: frozenset[str] = frozenset()) -> Mass:
    """The mass of all that ``clients`` (``namespace/name``; empty: all) requested."""
    counts, _ = _requests(topology)
    return _mass(counts, [not clients or edge.client in clients for edge in topology.activity.edges.keys])


def unseen_by_client(topology: Topology, clients: frozenset[str]) -> Mapping[str, Mass]:
    """The mass of each of ``clients`` by itself: what many others requested says nothing about one."""
    counts, _ = _requests(topology)
    found = dict.fromkeys(sorted(clients), Mass(0.0, 0.0, 0.0))
    for edge, count in zip(topology.activity.edges.keys, counts.tolist(), strict=True):
        if edge.client in found and count > 0:
            found[edge.client] = _with(found[edge.client], count)
    return found


def unseen_by_class(topology: Topology, client: str) -> Mapping[str, Mass]:
    """The mass of each class of hosts, by their namespace: of all that ``client`` requested, how much was alone on its
    edge to that class. The classes of one client add up to its own mass."""
    counts, total = _requests(topology)[0], unseen_by_client(topology, frozenset({client}))[client].requests
    found: dict[str, Mass] = {}
    for edge, count in zip(topology.activity.edges.keys, counts.tolist(), strict=True):
        if edge.client == client and count > 0:
            service = topology.services.get(edge.host)
            name = service.namespace if service else OUTSIDE
            one = _with(found.get(name, Mass(0.0, 0.0, 0.0)), count)
            found[name] = Mass(total, one.alone, one.twice)
    return dict(sorted(found.items()))


def _requests(topology: Topology) -> tuple[F64, Bools]:
    """What each edge carried in the window, 0 where it carried nothing, and which did; shape (E,)."""
    edges, start = topology.activity.edges, topology.activity.window.start.timestamp()
    inside = np.array([edge.host not in EXTERNAL for edge in edges.keys], dtype=np.bool_)
    # A use that was only remembered from before the window is no evidence about the window.
    inside &= edges.used & ~(edges.last < start)
    return np.where(inside, np.maximum(np.nan_to_num(edges.requests), 1.0), 0.0), inside


def _mass(counts: F64, chosen: list[bool]) -> Mass:
    mine = counts[np.array(chosen, dtype=np.bool_)]
    mine = mine[mine > 0]
    # Volumes are extrapolated between scrapes: a single call may be recorded as a little more than one.
    alone, twice = mine < _ALONE, (mine >= _ALONE) & (mine < _TWICE)
    return Mass(float(mine.sum()), float(alone.sum()), float(twice.sum()))


_ALONE, _TWICE = 1.5, 2.5


def _with(mass: Mass, count: float) -> Mass:
    alone, twice = count < _ALONE, _ALONE <= count < _TWICE
    return Mass(mass.requests + count, mass.alone + alone, mass.twice + twice)
