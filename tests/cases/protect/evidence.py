"""Where a case says that a reason is written: ``object``, ``field``, ``value`` and ``reason`` beside what is kept."""

from collections.abc import Iterator, Mapping
from itertools import chain

from microglia.protect.ledger import Protection, Protections
from tests.cases.protect.case import Case

Said = tuple[str, str, str, str]
"""Object, field, value, reason."""
_KEYS = ("object", "field", "value", "reason")


def told(case: Case) -> list[Said]:
    """Every place that the case asks for."""
    return [_said(one) for one in case.document["expect"] if "reason" in one]


def written(rule: str, protections: Protections) -> set[Said]:
    """Every place where ``rule`` found one of its reasons."""
    return {(str(one.source), one.field, one.value, one.reason) for one in _all(protections) if one.rule == rule}


def holding(protections: Protections) -> set[str]:
    """The kinds of objects for which a route is held, what could not be read aside."""
    routes = (protections.clients, protections.hosts, protections.routes)
    return {one.source.kind for held in routes for found in held.values() for one in found if not one.blind}


def _said(one: Mapping[str, object]) -> Said:
    where, field, value, reason = (str(one[key]) for key in _KEYS)
    return where, field, value, reason


def _all(protections: Protections) -> Iterator[Protection]:
    for held in (protections.workloads, protections.clients, protections.hosts, protections.routes):
        yield from chain.from_iterable(held.values())
