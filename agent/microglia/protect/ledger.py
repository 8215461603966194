"""All protections, kept with their reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from microglia.model.ids import ObjectRef, WorkloadId


class Level(StrEnum):
    """PIN: not below the present count, no route cut. FLOOR: not below ``floor``."""

    PIN = "pin"
    FLOOR = "floor"


@dataclass(frozen=True, slots=True, order=True)
class Protection:
    """One reason to keep. ``source``, ``field`` and ``value`` are where it is written; ``reason`` a sentence.

    ``blind`` marks a protection that stands only because something could not be seen.
    """

    rule: str
    level: Level
    floor: int
    reason: str
    source: ObjectRef
    field: str
    value: str
    blind: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Guarded:
    """What a rule protects: a workload (``client`` and ``host`` empty) or routes: every route of ``client``, every
    route
    to ``host``, or that one route."""

    workload: WorkloadId | None
    client: WorkloadId | None
    host: str
    protection: Protection


def workload(target: WorkloadId, protection: Protection) -> Guarded:
    """Protect replicas."""
    return Guarded(target, None, "", protection)


def route(protection: Protection, *, client: WorkloadId | None = None, host: str = "") -> Guarded:
    """Protect routes of ``client``, to ``host``, or the one between them."""
    return Guarded(None, client, host, protection)


@dataclass(frozen=True, slots=True)
class Protections:
    """The ledger, each tuple sorted. ``dangling`` are protections that point at nothing (a typo in a host)."""

    workloads: Mapping[WorkloadId, tuple[Protection, ...]]
    clients: Mapping[WorkloadId, tuple[Protection, ...]]
    hosts: Mapping[str, tuple[Protection, ...]]
    routes: Mapping[tuple[WorkloadId, str], tuple[Protection, ...]]
    dangling: tuple[Protection, ...] = field(default=())

    def of(self, target: WorkloadId) -> tuple[Protection, ...]:
        """Everything that holds the replicas of ``target``."""
        return self.workloads.get(target, ())

    def of_route(self, client: WorkloadId, host: str) -> tuple[Protection, ...]:
        """Everything that holds the route from ``client`` to ``host``."""
        return (*self.clients.get(client, ()), *self.hosts.get(host, ()), *self.routes.get((client, host), ()))

    def floor(self, target: WorkloadId, current: int) -> int:
        """The least count that every protection allows; never above ``current``."""
        found = self.of(target)
        if any(protection.level is Level.PIN for protection in found):
            return current
        return min(current, max((protection.floor for protection in found), default=0))


def ledger(found: Iterable[Guarded], dangling: Iterable[Protection] = ()) -> Protections:
    """Sort what the rules found by what it holds."""
    workloads: dict[WorkloadId, set[Protection]] = {}
    clients: dict[WorkloadId, set[Protection]] = {}
    hosts: dict[str, set[Protection]] = {}
    routes: dict[tuple[WorkloadId, str], set[Protection]] = {}
    for item in found:
        if item.workload is not None:
            workloads.setdefault(item.workload, set()).add(item.protection)
        elif item.client is not None and item.host:
            routes.setdefault((item.client, item.host), set()).add(item.protection)
        elif item.client is not None:
            clients.setdefault(item.client, set()).add(item.protection)
        else:
            hosts.setdefault(item.host, set()).add(item.protection)
    return Protections(
        {key: tuple(sorted(workloads[key])) for key in sorted(workloads)},
        {key: tuple(sorted(clients[key])) for key in sorted(clients)},
        {key: tuple(sorted(hosts[key])) for key in sorted(hosts)},
        {key: tuple(sorted(routes[key])) for key in sorted(routes)},
        tuple(sorted(dangling)),
    )
