"""Everything that competes, as elements and as arrays; everything that is forced in, as sums."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from microglia.compete.arena import Field, field
from microglia.compete.fates import Fate, sorter
from microglia.compete.selection import Element
from microglia.compete.sorting import Shielded, sort_routes
from microglia.compete.stands import Stand, stand
from microglia.model.activity import F64
from microglia.model.ids import WorkloadId
from microglia.policy.schema import RESOURCES, PolicySpec
from microglia.protect.ledger import Protections
from microglia.score.panel import Ints
from microglia.score.risk import steps
from microglia.score.scores import Routes, RouteScore, Scores, columns

PROXY = RESOURCES.index("proxyConfig")


@dataclass(frozen=True, slots=True)
class Step:
    """Copies ``low`` to ``high`` of one workload compete together."""

    stand: Stand
    low: int
    high: int
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Forced:
    """What is kept without competing: arrays of shape (w, 5), one row per workload of ``ids`` (a route belongs to its
    client), one column per resource. ``bearing`` is load-bearing, ``ruled`` pinned by a rule, ``blind`` kept for want
    of sight."""

    ids: tuple[WorkloadId, ...]
    bearing: F64
    ruled: F64
    blind: F64


@dataclass(frozen=True, slots=True, eq=False)
class Entrants:
    """``steps`` and then ``routes`` compete, in the order of their ids; ``field`` has one row for each.

    ``stands`` are the workloads whose replicas are in scope, ``forced`` is what is kept anyway; ``shielded`` are, by
    client and namespace, the hosts that are kept by a protection alone.
    """

    stands: Mapping[WorkloadId, Stand]
    steps: tuple[Step, ...]
    routes: Routes
    forced: Forced
    shielded: Shielded
    field: Field

    def name(self, row: int) -> str:
        """The id of row ``row`` of the field."""
        if row < len(self.steps):
            return step_id(self.steps[row])
        return route_id(self.routes[row - len(self.steps)])

    def losers(self, rows: Ints, kept: Ints) -> Iterator[Element]:
        """What yields of ``rows`` (m,) of the field, which rise, when ``kept`` (m,) copies of each are kept."""
        first = int(np.searchsorted(rows, len(self.steps)))
        for row in rows[:first].tolist():
            step, cost = self.steps[row], tuple(self.field.costs[row].tolist())
            yield Element(
                step_id(step), "replica", step.stand.score.workload, step.low, step.high, (), step.value, cost
            )
        for whole, count in zip(self.routes.take(rows[first:] - len(self.steps)), kept[first:].tolist(), strict=True):
            route = cut_of(whole, count)
            left = len(route.hosts)
            costs = [0.0] * len(RESOURCES)
            costs[PROXY] = route.cost * left
            value = route.value * left
            yield Element(route_id(route), "route", route.client, 0, left, route.hosts, value, tuple(costs))


def step_id(step: Step) -> str:
    """``replica:<workload>:<low>-<high>``."""
    return f"replica:{step.stand.score.workload}:{step.low}-{step.high}"


def route_id(route: RouteScore) -> str:
    """``route:<client>:<host namespace>:<first host>``."""
    return f"route:{route.client}:{route.namespace}:{route.hosts[0]}"


def cut_of(route: RouteScore, kept: int) -> RouteScore:
    """What yields of a class of which the first ``kept`` hosts are kept."""
    return replace(route, hosts=route.hosts[kept:]) if kept else route


def enter(scores: Scores, protections: Protections, policy: PolicySpec, scope: frozenset[WorkloadId]) -> Entrants:
    """Sort everything in ``scope`` into what is forced in and what competes."""
    ids = tuple(sorted(scope))
    places = {one: row for row, one in enumerate(ids)}
    stands: dict[WorkloadId, Stand] = {}
    if "Replica" in policy.scope.elements:
        scored = [one for one in ids if one in scores.replicas]
        stands = {one: stand(scores.replicas[one], protections.of(one), policy) for one in scored}
    units = np.array([found.unit for found in stands.values()], dtype=np.float64).reshape(-1, len(RESOURCES))
    routes = columns(scores.routes if "Route" in policy.scope.elements else ())
    sorted_routes = sort_routes(routes, sorter(protections, policy), places)
    forced = _forced(ids, np.array([places[one] for one in stands], dtype=np.int64), tuple(stands.values()), units)
    for fate, part in ((Fate.BEARING, forced.bearing), (Fate.RULED, forced.ruled), (Fate.BLIND, forced.blind)):
        part[:, PROXY] += sorted_routes.costs[fate]
    found = [_steps(one) for one in stands.values()]
    walked = tuple(step for some in found for step in some)
    costs = units[np.repeat(np.arange(len(found)), [len(some) for some in found])]
    entered = _field(walked, costs, sorted_routes.competing)
    return Entrants(stands, walked, sorted_routes.competing, forced, sorted_routes.shielded, entered)


def _forced(ids: tuple[WorkloadId, ...], rows: Ints, stands: tuple[Stand, ...], units: F64) -> Forced:
    """What is kept of the workloads ``rows`` (m,) without competing; ``units`` (m, 5) is the cost of a copy."""
    forced = Forced(ids, *(np.zeros((len(ids), len(RESOURCES))) for _ in range(3)))
    ruled = np.array([one.ruled for one in stands], dtype=np.bool_)
    counts = np.array([(one.score.current, one.bearing, one.base) for one in stands], dtype=np.int64).reshape(-1, 3)
    forced.ruled[rows] = np.where(ruled, counts[:, 0], 0)[:, None] * units
    forced.bearing[rows] = np.where(ruled, 0, counts[:, 1])[:, None] * units
    forced.blind[rows] = np.where(ruled, 0, counts[:, 2] - counts[:, 1])[:, None] * units
    return forced


def _steps(found: Stand) -> list[Step]:
    return [] if found.ruled else [Step(found, low, high, value) for low, high, value in steps(found.score, found.base)]


def _field(entered: tuple[Step, ...], units: F64, routes: Routes) -> Field:
    """One row per step and route; ``units`` (s, 5) is the cost of a copy in each step."""
    first, count = len(entered), len(entered) + len(routes)
    values, costs = np.zeros(count), np.zeros((count, len(RESOURCES)))
    before, copies = np.full(count, -1, dtype=np.int64), np.ones(count, dtype=np.int64)
    values[:first] = [step.value for step in entered]
    costs[:first] = units * np.array([step.high - step.low for step in entered])[:, None]
    follows = np.flatnonzero([step.low > step.stand.base for step in entered])
    before[follows] = follows - 1
    values[first:], costs[first:, PROXY], copies[first:] = routes.value, routes.cost, routes.copies
    return field(values, costs, copies, before)
