"""What becomes of each route before anything competes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from microglia.model.activity import Bools
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.protect.ledger import Protection, Protections
from microglia.score.routes import rate_bound, rate_bounds
from microglia.score.scores import Evidence, Routes, RouteScore


class Fate(StrEnum):
    """BEARING: used. RULED: a rule protects it. BLIND: kept only for want of sight. COMPETES: the rest."""

    BEARING = "bearing"
    RULED = "ruled"
    BLIND = "blind"
    COMPETES = "competes"


Shielded = Mapping[Fate | None, tuple[str, ...]]
"""Hosts by what protects them: RULED, BLIND, or None for nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Sorter:
    """Sorts routes by what protects them. Clients share most of their classes, so each set of hosts is split once."""

    protections: Protections
    policy: PolicySpec
    own: Mapping[WorkloadId, Mapping[str, tuple[Protection, ...]]]
    split: dict[tuple[str, ...], Shielded | None] = field(default_factory=dict)

    def unprotected(self, routes: Routes) -> Mapping[Fate, Bools]:
        """What becomes of each route that no protection holds: which share each fate, shape (n,)."""
        weak, used = self.policy.retention.weak.routes, routes.having(Evidence.USED)
        seldom = np.zeros(len(routes), dtype=np.bool_)
        if weak is not None:
            seldom = used & (rate_bounds(routes.requests, routes.hours) < weak.below)
        return {
            Fate.BEARING: used & ~seldom,
            Fate.RULED: np.zeros(len(routes), dtype=np.bool_),
            Fate.BLIND: routes.having(Evidence.UNKNOWN),
            Fate.COMPETES: routes.having(Evidence.IDLE) | seldom,
        }

    def touched(self, routes: Routes) -> Bools:
        """Which routes some protection may hold, shape (n,): those of its client, and those that share a class with its
        host."""
        held = np.array([one in self.protections.clients or one in self.own for one in routes.clients], dtype=np.bool_)
        mine: Bools = held[routes.client]
        if not self.protections.hosts:
            return mine
        shared, protected = routes.shared.tolist(), self.protections.hosts.keys()
        # Clients share most of their classes: each is searched once, and told from others by being the same object.
        classes = {id(hosts): hosts for hosts in shared}
        holding = {place for place, hosts in classes.items() if not protected.isdisjoint(hosts)}
        return mine | np.fromiter((id(hosts) in holding for hosts in shared), np.bool_, len(shared))

    def fates(self, route: RouteScore) -> tuple[tuple[Fate, RouteScore], ...]:
        """The parts of ``route`` that fare alike, each with its fate."""
        unprotected = self._unprotected(route)
        client = _strongest(self.protections.clients.get(route.client, ()))
        shielded = self._shielded(route)
        if client is None and shielded is None:
            return ((unprotected, route),)
        parts: dict[Fate, tuple[str, ...]] = {}
        for shield, hosts in (shielded or {None: route.hosts}).items():
            fate = Fate.RULED if Fate.RULED in (client, shield) else client or shield or unprotected
            # What is used needs no eyes to be kept.
            fate = unprotected if fate is Fate.BLIND and unprotected is Fate.BEARING else fate
            parts[fate] = (*parts.get(fate, ()), *hosts)
        whole = len(parts) == 1
        return tuple((fate, route if whole else replace(route, hosts=tuple(sorted(parts[fate])))) for fate in parts)

    def _unprotected(self, route: RouteScore) -> Fate:
        if route.judged.evidence is Evidence.IDLE:
            return Fate.COMPETES
        if route.judged.evidence is Evidence.UNKNOWN:
            return Fate.BLIND
        weak = self.policy.retention.weak.routes
        strong = weak is None or rate_bound(route.requests, route.hours) >= weak.below
        return Fate.BEARING if strong else Fate.COMPETES

    def _shielded(self, route: RouteScore) -> Shielded | None:
        own = self.own.get(route.client)
        if own:
            return self._divide(route.hosts, own)
        if route.hosts not in self.split:
            self.split[route.hosts] = self._divide(route.hosts, {})
        return self.split[route.hosts]

    def _divide(self, hosts: tuple[str, ...], own: Mapping[str, tuple[Protection, ...]]) -> Shielded | None:
        if self.protections.hosts.keys().isdisjoint(hosts) and own.keys().isdisjoint(hosts):
            return None
        found: dict[Fate | None, list[str]] = {}
        for host in hosts:
            shield = _strongest((*self.protections.hosts.get(host, ()), *own.get(host, ())))
            found.setdefault(shield, []).append(host)
        return {shield: tuple(names) for shield, names in found.items()}


def sorter(protections: Protections, policy: PolicySpec) -> Sorter:
    """Prepare to sort by ``protections``."""
    own: dict[WorkloadId, dict[str, tuple[Protection, ...]]] = {}
    for (client, host), found in protections.routes.items():
        own.setdefault(client, {})[host] = found
    return Sorter(protections, policy, own)


def _strongest(protections: Iterable[Protection]) -> Fate | None:
    blind = [one.blind for one in protections]
    if not blind:
        return None
    return Fate.BLIND if all(blind) else Fate.RULED
