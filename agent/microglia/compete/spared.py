"""Would have lost, but is protected; and what cannot be decided at all."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

import numpy as np

from microglia.compete.contest import Contest
from microglia.compete.selection import Spared, Undecided
from microglia.model.ids import WorkloadId
from microglia.model.units import some
from microglia.protect.ledger import Level, Protections
from microglia.score.holds import UNSEEN
from microglia.score.scores import Evidence, Scores, columns

SHOWN = 3
"""Hosts that are named before the rest is counted."""


def spared(held: Contest, lifted: Contest, protections: Protections) -> tuple[Spared, ...]:
    """What the same competition takes once every protection is lifted, and the protections that hold it now."""
    return tuple(sorted((*_replicas(held, lifted, protections), *_routes(held, lifted, protections)), key=_subject))


def undecided(held: Contest, scores: Scores) -> tuple[Undecided, ...]:
    """Workloads and routes in scope that are kept because something is not known, and what would decide it."""
    found = [
        Undecided(str(one), hold.why)
        for one, stand in held.entrants.stands.items()
        for hold in stand.score.holds
        if hold.code in UNSEEN and not stand.ruled
    ]
    routes: dict[tuple[WorkloadId, str], list[str]] = {}
    scored = columns(scores.routes).within(held.scope)
    for route in scored.take(np.flatnonzero(scored.having(Evidence.UNKNOWN))):
        routes.setdefault((route.client, route.judged.why), []).extend(route.hosts)
    found.extend(Undecided(_named(client, hosts), why) for (client, why), hosts in routes.items())
    return tuple(sorted(found, key=lambda one: (one.subject, one.missing)))


def _replicas(held: Contest, lifted: Contest, protections: Protections) -> Iterator[Spared]:
    kept, lost = held.targets(), lifted.targets()
    for one, target in kept.items():
        if lost[one] < target:
            holding = tuple(each for each in protections.of(one) if each.level is Level.PIN or each.floor > lost[one])
            if holding:
                current = held.entrants.stands[one].score.current
                yield Spared(str(one), f"{current} -> {some(lost[one], 'replica')}", holding)


def _routes(held: Contest, lifted: Contest, protections: Protections) -> Iterator[Spared]:
    hosts: dict[WorkloadId, list[str]] = {}
    clients = {client for client, _ in held.entrants.shielded}
    for route in lifted.cut().within(clients) if clients else ():
        shielded = held.entrants.shielded.get((route.client, route.namespace), ())
        kept = [host for host in shielded if _among(host, route.hosts)]
        if kept:
            hosts.setdefault(route.client, []).extend(kept)
    for client, names in hosts.items():
        would = f"{some(len(names), 'route')} cut"
        holding = {one for host in names for one in protections.of_route(client, host)}
        yield Spared(_named(client, names), would, tuple(sorted(holding)))


def _among(host: str, hosts: tuple[str, ...]) -> bool:
    """Whether sorted ``hosts`` hold ``host``."""
    place = bisect_left(hosts, host)
    return place < len(hosts) and hosts[place] == host


def _named(client: WorkloadId, hosts: Iterable[str]) -> str:
    names = sorted(hosts)
    if len(names) <= SHOWN + 1:
        return f"{client} -> {', '.join(names)}"
    return f"{client} -> {', '.join(names[:SHOWN])} and {len(names) - SHOWN} more"


def _subject(one: Spared) -> str:
    return one.subject
