"""What the competition decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from microglia.model.ids import WorkloadId
from microglia.policy.schema import Resource
from microglia.protect.ledger import Protection
from microglia.score.scores import RouteScore


@dataclass(frozen=True, slots=True)
class Element:
    """What competes or is forced in: a replica step ``low -> high`` of ``workload``, or a route class of ``workload``.

    ``id`` is ``replica:<workload>:<low>-<high>`` or ``route:<workload>:<host namespace>:<first host>``. ``value`` is
    requests per hour at risk if it goes, ``cost`` per resource (in the order of ``RESOURCES``).
    """

    id: str
    kind: Literal["replica", "route"]
    workload: WorkloadId
    low: int
    high: int
    hosts: tuple[str, ...]
    value: float
    cost: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Yielded:
    """An element that lost: its value over priced cost, and the last winner above it (None: nobody needed the room)."""

    element: Element
    density: float
    lost_to: str | None


@dataclass(frozen=True, slots=True)
class Spared:
    """Would have lost, is protected. ``would`` says what would have gone."""

    subject: str
    would: str
    protections: tuple[Protection, ...]


@dataclass(frozen=True, slots=True)
class Undecided:
    """UNKNOWN: kept, and what would decide it."""

    subject: str
    missing: str


@dataclass(frozen=True, slots=True)
class Account:
    """One budgeted resource: what is load-bearing, what the budget is, what the selection keeps, what is there now.

    ``excess`` is what may be pruned; ``price`` requests per hour per unit; ``short`` by how much the load-bearing
    alone passes an absolute limit (0 when it fits), ``held_up_by`` the largest load-bearing ones then.
    """

    resource: Resource
    load_bearing: float
    outside: float
    budget: float
    kept: float
    present: float
    excess: float
    price: float
    short: float = 0.0
    held_up_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """Who keeps and who yields.

    ``targets`` is the final count of every workload in scope; ``cut`` the routes that yield; ``value`` of what is kept,
    the certified upper ``bound`` and their relative ``gap``. All sequences are sorted by id; ``lean`` means that
    nothing exceeds the spare. ``entered`` replica steps and hosts competed, of which the most valuable that yields is
    worth ``largest``.
    """

    targets: Mapping[WorkloadId, int]
    cut: Sequence[RouteScore]
    yielded: Sequence[Yielded]
    spared: tuple[Spared, ...]
    undecided: tuple[Undecided, ...]
    accounts: tuple[Account, ...]
    value: float
    bound: float
    gap: float
    lean: bool
    entered: int = 0
    largest: float = 0.0
