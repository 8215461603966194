"""Routes: which hosts each client may reach, whether it does, what that is worth and what it costs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor
from operator import attrgetter

import numpy as np
from scipy import special

from microglia.model.activity import F64
from microglia.score.calls import Calls, read_calls
from microglia.score.criticality import criticality
from microglia.score.evidence import coverage, proofs
from microglia.score.known_peaks import unknown, unseen_peaks
from microglia.score.panel import Panel
from microglia.score.route_kinds import Group, Groups, Kind, grouped, host_kinds
from microglia.score.scores import Evidence, Judged, Routes, column, places_of
from microglia.score.visibility import Scope, visibility
from microglia.topology.nodes import Workload

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class _Client:
    """``doubt`` is why its silence proves nothing; ``hours`` in which it sent requests; ``called`` host -> requests."""

    workload: Workload
    doubt: str
    coverage: float
    hours: int
    criticality: float
    called: Mapping[str, float]


@dataclass(slots=True, eq=False)
class _Lines:
    """The routes so far: clients with how many routes each has; of every route its hosts and what they have in common,
    the evidence and the requests to each."""

    clients: list[_Client] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    judged: list[Judged] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)

    def routes(self, worth: Callable[[F64], F64]) -> Routes:
        """All of them, with what each is worth, by the upper bound of its rate, and costs."""
        client = np.repeat(np.arange(len(self.clients)), self.counts)
        requests = np.array(self.requests, dtype=np.float64)
        hours = np.array([one.hours for one in self.clients], dtype=np.float64)[client]
        weights = np.array([one.criticality for one in self.clients], dtype=np.float64)[client]
        sizes = np.array([len(one.workload.pods) for one in self.clients], dtype=np.float64)[client]
        theirs = np.fromiter(map(attrgetter("kind.criticality"), self.groups), np.float64, client.size)
        costs = np.fromiter(map(attrgetter("kind.cost"), self.groups), np.float64, client.size)
        return Routes(
            clients=tuple(one.workload.id for one in self.clients),
            client=client,
            namespace=column(map(attrgetter("namespace"), self.groups)),
            shared=column(map(attrgetter("hosts"), self.groups)),
            gone=column(map(attrgetter("gone"), self.groups)),
            judged=column(self.judged),
            evidence=places_of(self.judged),
            requests=requests,
            hours=hours,
            value=worth(rate_bounds(requests, hours)) * np.maximum(weights, theirs),
            cost=costs * sizes,
        )


def rate_bound(requests: float, hours: float) -> float:
    """95 % upper bound of a Poisson rate per hour, ``chi2.ppf(0.95, 2 k + 2) / (2 T)`` for k requests in T hours (at
    least one); 3 / T for none."""
    return float(rate_bounds(np.array([requests], dtype=np.float64), np.array([hours], dtype=np.float64))[0])


def rate_bounds(requests: F64, hours: F64) -> F64:
    """``rate_bound`` of each of ``requests`` (n,) in ``hours`` (n,)."""
    chi2 = np.full(requests.size, special.chdtri(2.0, 1 - CONFIDENCE))
    # Most routes were never called, and the function is slow.
    called = np.flatnonzero(requests)
    chi2[called] = special.chdtri(2 * requests[called] + 2, 1 - CONFIDENCE)
    bounds: F64 = chi2 / (2 * np.maximum(hours, 1.0))
    return bounds


def score_routes(panel: Panel, worth: Callable[[F64], F64] = lambda bounds: bounds) -> Routes:
    """Every route of every client that has Istio's sidecar, sorted by client, namespace of the host and host; ``worth``
    makes its value of the upper bound of its rate per hour.

    Hosts that were called stand alone; those never called form classes of one namespace with equal evidence, coverage,
    criticality and cost. A host inherits, per client, the evidence of everything that a call to it may reach. Where a
    known peak of the client, or of anybody behind the host, was not seen, silence proves nothing.
    """
    calls, shares = read_calls(panel.topology), coverage(panel)
    missing = {row: unknown(peak) for row, peak in unseen_peaks(panel, panel.heard()).items()}
    kinds, sight = host_kinds(panel, shares, calls, missing), visibility(panel.topology)
    groups: dict[Scope, Groups] = {}
    lines = _Lines()
    for client in _clients(panel, shares, calls, missing):
        scope = sight.scope(client.workload.id)
        if scope not in groups:
            groups[scope] = grouped(sight.hosts(scope), kinds)
        _add(lines, client, groups[scope])
    return lines.routes(worth)


def _clients(panel: Panel, shares: F64, calls: Calls, missing: Mapping[int, str]) -> Iterator[_Client]:
    doubts = proofs(panel, shares)
    known = panel.topology.activity.known
    active = ((panel.series("sent") > 0) & known).sum(axis=1)
    for row, workload in enumerate(panel.workloads):
        if not workload.sidecar:
            continue
        doubt = doubts[row] or missing.get(row, "")
        if not doubt and not active[row]:
            doubt = "the client itself called nothing in the window, so its silence proves nothing; wait until it works"
        called = calls.used.get(workload.id.key, {})
        weight = criticality(workload, panel.policy)
        yield _Client(workload, doubt, float(shares[row]), int(active[row]), weight, called)


def _add(lines: _Lines, client: _Client, groups: Groups) -> None:
    """The routes of one client: what it called host by host, and the rest of every class."""
    found = _parted(client.called, groups)
    judged: dict[tuple[bool, str, float], Judged] = {}
    for group in found:
        key = (group.first in client.called, group.kind.doubt, group.kind.coverage)
        if key not in judged:
            judged[key] = _used(client, group.kind) if key[0] else _unused(client, group.kind)
        lines.judged.append(judged[key])
    lines.clients.append(client)
    lines.counts.append(len(found))
    lines.groups += found
    lines.requests += [client.called.get(group.first, 0.0) for group in found]


def _parted(calls: Mapping[str, float], groups: Groups) -> Sequence[Group]:
    """The classes with every called host on its own, by namespace and first host."""
    called: dict[int, list[str]] = {}
    for host in sorted(calls):
        place = groups.place.get(host)
        if place is not None:
            called.setdefault(place, []).append(host)
    if not called:
        return groups.classes
    found = [group for row, group in enumerate(groups.classes) if row not in called]
    for row, gone in called.items():
        group = groups.classes[row]
        found += [groups.alone[host] for host in gone]
        if len(gone) < len(group.hosts):
            first = next(host for host in group.hosts if host not in gone)
            found.append(Group(group.namespace, first, group.kind, group.hosts, tuple(gone)))
    return sorted(found)


def _used(client: _Client, kind: Kind) -> Judged:
    share = min(client.coverage, kind.coverage)
    return Judged(Evidence.USED, share, "a call was seen to it, or to where it leads")


def _unused(client: _Client, kind: Kind) -> Judged:
    share = min(floor(client.coverage * 100) / 100, kind.coverage)
    doubt = client.doubt or kind.doubt
    if doubt:
        return Judged(Evidence.UNKNOWN, share, doubt)
    return Judged(Evidence.IDLE, share, f"not called in {client.hours} h in which its client sent requests")
