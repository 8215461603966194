"""What a rule says: keep this, because of that. ``Rule`` adds its own code, so that no rule spells it twice."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.protect.ledger import Guarded, Level, Protection
from microglia.protect.look import Look


class Where(NamedTuple):
    """Where a reason is written: object, field and value."""

    source: ObjectRef
    field: str
    value: str


class Keep(NamedTuple):
    """What is kept: a workload, or routes of ``client``, to ``host``, or between them."""

    workload: WorkloadId | None
    client: WorkloadId | None
    host: str
    level: Level
    floor: int
    reason: str
    where: Where
    blind: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: ``code`` is its function's name, ``meaning`` the first line of its docstring."""

    find: Callable[[Look], Iterable[Keep]]

    @property
    def code(self) -> str:
        """Stable, kebab-case; equals ``Protection.rule``."""
        return self.find.__name__.replace("_", "-")

    @property
    def meaning(self) -> str:
        """One sentence for people."""
        return (self.find.__doc__ or "").strip().splitlines()[0]

    def apply(self, look: Look) -> Iterator[Guarded]:
        """Everything that the rule protects in this world."""
        code = self.code
        for keep in self.find(look):
            where = keep.where
            protection = Protection(
                code, keep.level, keep.floor, keep.reason, where.source, where.field, where.value, keep.blind
            )
            yield Guarded(keep.workload, keep.client, keep.host, protection)


def pin(targets: Iterable[WorkloadId], reason: str, where: Where, *, blind: bool = False) -> Iterator[Keep]:
    """Keep every copy of each of ``targets``."""
    for target in targets:
        yield Keep(target, None, "", Level.PIN, 0, reason, where, blind)


def floor(targets: Iterable[WorkloadId], count: int, reason: str, where: Where) -> Iterator[Keep]:
    """Keep at least ``count`` copies of each of ``targets``."""
    for target in targets:
        yield Keep(target, None, "", Level.FLOOR, count, reason, where, blind=False)


def to_hosts(hosts: Iterable[str], reason: str, where: Where) -> Iterator[Keep]:
    """Keep everybody's route to each of ``hosts``."""
    for host in hosts:
        yield Keep(None, None, host, Level.PIN, 0, reason, where, blind=False)


def of_client(client: WorkloadId, reason: str, where: Where, *, blind: bool = False) -> Keep:
    """Keep every route of ``client``."""
    return Keep(None, client, "", Level.PIN, 0, reason, where, blind)


def between(client: WorkloadId, host: str, reason: str, where: Where) -> Keep:
    """Keep the route from ``client`` to ``host``."""
    return Keep(None, client, host, Level.PIN, 0, reason, where, blind=False)
