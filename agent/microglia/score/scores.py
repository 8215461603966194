"""What scoring says of each element."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F64, Bools
from microglia.model.ids import WorkloadId
from microglia.policy.schema import Resource

Column: TypeAlias = NDArray[np.object_]


class Evidence(StrEnum):
    """USED: any positive sign. IDLE: proven silence. UNKNOWN: everything else, never pruned."""

    USED = "USED"
    IDLE = "IDLE"
    UNKNOWN = "UNKNOWN"


_ORDER = tuple(Evidence)


@dataclass(frozen=True, slots=True)
class Judged:
    """Evidence, the share of the window that was really seen, and why (a sentence; for UNKNOWN what would decide
    it)."""

    evidence: Evidence
    coverage: float
    why: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """What one replica can serve.


    ``rps`` after division by ``imbalance``; None when unknown, then ``source`` says why. ``demonstrated`` is the
    highest healthy load per ready replica seen, requests per second. ``arithmetic`` is the formula with its numbers.
    """

    rps: float | None
    source: str
    imbalance: float
    demonstrated: float
    arithmetic: str


@dataclass(frozen=True, slots=True)
class Placement:
    """How copies lie: zones with nodes, the worst excess of the fullest zone and node over an even spread."""

    zones: int
    nodes: int
    zone_skew: int
    node_skew: int


@dataclass(frozen=True, slots=True)
class TailFit:
    """The tail of one workload's bucket peaks, as ``Tail`` has it: ``threshold`` u, ``share`` zeta of the buckets above
    u, ``scale`` sigma and ``shape`` xi from ``excesses`` daily maxima above u, ``peak`` the highest in the window."""

    threshold: float
    share: float
    scale: float
    shape: float
    peak: float
    excesses: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a count may not go lower now. ``code`` is stretch, failureStretch, unhealthy, memory, capacity, ...;
    ``why`` carries the evidence and what would release it."""

    code: str
    floor: int
    why: str


@dataclass(frozen=True, slots=True)
class ReplicaScore:
    """One workload's replicas.


    ``need`` is the least safe count, None when no count satisfies it (then ``holds`` says so). ``survivors[k]`` and
    ``risk[k]`` (requests per hour at risk, times criticality) are for k = 0 .. ``current``. ``reach`` is the lowest
    count that ``stretch`` and ``failureStretch`` allow in the next step. ``unit`` is the cost of one replica per
    resource. ``peak`` requests per second, ``peak_at`` its bucket (-1 when none). ``firm`` is the least count for
    zones and for CPU as far as risk says nothing of them; ``tail`` what risk was computed from. By the rule
    ``presence``, ``short[k]`` are the hours of the window for which k did not suffice, and ``present[k]`` what that is
    worth in hours a week; both are empty by the other rules.
    """

    workload: WorkloadId
    judged: Judged
    current: int
    need: int | None
    peak: float
    peak_at: int
    capacity: Capacity
    placement: Placement
    survivors: tuple[int, ...]
    risk: tuple[float, ...]
    reach: int
    holds: tuple[Hold, ...]
    unit: Mapping[Resource, float]
    criticality: float
    arithmetic: str
    firm: int = 0
    tail: TailFit = TailFit(0.0, 0.0, 1.0, 0.1, 0.0, 0)
    short: tuple[int, ...] = ()
    present: tuple[float, ...] = ()

    @property
    def worth(self) -> tuple[float, ...]:
        """What is lost with k copies, for k = 0 .. ``current``, in the unit in which elements compete."""
        return self.present or self.risk


@dataclass(frozen=True, slots=True)
class RouteScore:
    """One host that a client may reach, or a class of never-called hosts of one namespace with equal worth.

    ``hosts`` sorted FQDNs; ``requests`` of each in ``hours`` of the client's own activity; ``value`` of each in
    requests per hour (by the rule ``presence`` in hours a week); ``cost`` of each in bytes of proxyConfig over all pods
    of the client.
    """

    client: WorkloadId
    namespace: str
    hosts: tuple[str, ...]
    judged: Judged
    requests: float
    hours: float
    value: float
    cost: float


@dataclass(frozen=True, slots=True, eq=False)
class Routes(Sequence[RouteScore]):
    """Routes as columns of shape (n,), in the order of their ids: a large mesh has too many to make an object of each
    before somebody asks for it.

    ``client`` is the place in ``clients``, ``evidence`` that in ``Evidence``; ``namespace``, ``shared``, ``gone`` and
    ``judged`` hold Python objects. The
    hosts of a route are those of ``shared`` less those of ``gone``, both sorted: clients differ in little from one
    another. Equal to any sequence of equal RouteScores.
    """

    clients: tuple[WorkloadId, ...]
    client: NDArray[np.int64]
    namespace: Column
    shared: Column
    gone: Column
    judged: Column
    evidence: NDArray[np.int8]
    requests: F64
    hours: F64
    value: F64
    cost: F64

    def __len__(self) -> int:
        return self.client.size

    @overload
    def __getitem__(self, at: int) -> RouteScore: ...

    @overload
    def __getitem__(self, at: slice) -> "Routes": ...

    def __getitem__(self, at: int | slice) -> "RouteScore | Routes":
        rows = np.arange(len(self))[at]
        return self.take(rows) if isinstance(at, slice) else next(iter(self.take(rows[None])))

    def __iter__(self) -> Iterator[RouteScore]:
        clients = (self.clients[place] for place in self.client.tolist())
        columns = (self.judged, self.requests, self.hours, self.value, self.cost)
        hosts = map(_without, self.shared.tolist(), self.gone.tolist())
        return map(RouteScore, clients, self.namespace.tolist(), hosts, *(column.tolist() for column in columns))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @property
    def copies(self) -> NDArray[np.int64]:
        """How many hosts each has."""
        shared, gone = (np.fromiter(map(len, one.tolist()), np.int64, len(self)) for one in (self.shared, self.gone))
        return np.asarray(shared - gone)

    @property
    def first(self) -> list[str]:
        """The first host of each."""
        pairs = zip(self.shared.tolist(), self.gone.tolist(), strict=True)
        return [next(host for host in hosts if host not in gone) if gone else hosts[0] for hosts, gone in pairs]

    def having(self, evidence: Evidence) -> Bools:
        """Which are judged so."""
        found: Bools = self.evidence == _ORDER.index(evidence)
        return found

    def take(self, rows: NDArray[np.int64]) -> "Routes":
        """Only ``rows``, in that order."""
        return Routes(
            self.clients,
            self.client[rows],
            self.namespace[rows],
            self.shared[rows],
            self.gone[rows],
            self.judged[rows],
            self.evidence[rows],
            self.requests[rows],
            self.hours[rows],
            self.value[rows],
            self.cost[rows],
        )

    def narrowed(self, hosts: Mapping[int, tuple[str, ...]]) -> "Routes":
        """The same with other ``hosts`` in some rows."""
        shared, gone = self.shared.copy(), self.gone.copy()
        for row, names in hosts.items():
            shared[row], gone[row] = names, ()
        return replace(self, shared=shared, gone=gone)

    def within(self, members: Collection[WorkloadId]) -> "Routes":
        """Only those of ``members``."""
        inside = np.array([one in members for one in self.clients], dtype=np.bool_)
        return self if inside.all() else self.take(np.flatnonzero(inside[self.client]))


def columns(routes: Iterable[RouteScore]) -> Routes:
    """``routes`` as columns."""
    if isinstance(routes, Routes):
        return routes
    found = tuple(routes)
    places = {one: place for place, one in enumerate(dict.fromkeys(route.client for route in found))}
    return Routes(
        tuple(places),
        np.array([places[route.client] for route in found], dtype=np.int64),
        column(route.namespace for route in found),
        column(route.hosts for route in found),
        column(() for _ in found),
        column(route.judged for route in found),
        places_of(route.judged for route in found),
        np.array([route.requests for route in found], dtype=np.float64),
        np.array([route.hours for route in found], dtype=np.float64),
        np.array([route.value for route in found], dtype=np.float64),
        np.array([route.cost for route in found], dtype=np.float64),
    )


def places_of(judged: Iterable[Judged]) -> NDArray[np.int8]:
    """The place of each one's evidence in ``Evidence``."""
    used, idle = Evidence.USED, Evidence.IDLE
    return np.fromiter((0 if (one := each.evidence) is used else 1 if one is idle else 2 for each in judged), np.int8)


def column(values: Iterable[object]) -> Column:
    """Objects as they are, one per row: tuples too."""
    return np.fromiter(values, dtype=np.object_)


def _without(hosts: tuple[str, ...], gone: tuple[str, ...]) -> tuple[str, ...]:
    """``hosts`` less ``gone``; both sorted, and each of ``gone`` among ``hosts``."""
    if not gone:
        return hosts
    kept = list(hosts)
    for host in reversed(gone):
        del kept[bisect_left(hosts, host)]
    return tuple(kept)


@dataclass(frozen=True, slots=True)
class Scores:
    """Everything scored, sorted by id."""

    replicas: Mapping[WorkloadId, ReplicaScore]
    routes: Sequence[RouteScore]

    def within(self, members: Collection[WorkloadId]) -> "Scores":
        """Only what belongs to ``members``: one policy's structure."""
        return Scores(
            {key: value for key, value in self.replicas.items() if key in members},
            columns(self.routes).within(members),
        )
