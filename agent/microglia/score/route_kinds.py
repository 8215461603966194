"""What the hosts of one class have in common."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import floor
from typing import NamedTuple

import numpy as np

from microglia.model.activity import F64
from microglia.model.ids import WorkloadId
from microglia.score.calls import Calls, reach_of
from microglia.score.criticality import criticality
from microglia.score.panel import Panel
from microglia.topology.graph import Topology
from microglia.topology.nodes import Service
from microglia.topology.routing import ROUTE_KINDS

LEADING = ("VirtualService", *ROUTE_KINDS)
"""Kinds of objects that lead calls to a host on to others."""
PORT_BYTES = 74_000.0
"""Memory that one port of a host takes in one proxy, its cluster and its route: measured on a real istiod and Envoy
(tests/lab/test_route_cost.py), rounded down."""
SUBSET_BYTES = 66_000.0
"""What each subset adds to it for each port: one more cluster. Measured there as well, rounded down."""


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """``doubt`` is why silence towards these hosts proves nothing, empty if it does; ``coverage`` in whole percent, so
    that a lost scrape does not break up a class; ``cost`` bytes per client pod."""

    namespace: str
    doubt: str
    coverage: float
    criticality: float
    cost: float


class Group(NamedTuple):
    """Hosts of one kind: those of ``hosts`` less those of ``gone``, ``first`` of them the first. There is one for each
    class and client, so it must be cheap to make and to sort."""

    namespace: str
    first: str
    kind: Kind
    hosts: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Hosts by what they have in common: ``classes`` by namespace and first host, each sorted; ``place`` says in which
    class a host is, ``alone`` is each host by itself."""

    classes: tuple[Group, ...]
    place: Mapping[str, int]
    alone: Mapping[str, Group]


def host_kinds(panel: Panel, shares: F64, calls: Calls, missing: Mapping[int, str]) -> dict[str, Kind]:
    """The kind of every Service; ``shares`` (n,) is the coverage of each workload, ``missing`` says by row which known
    peak of it was not seen."""
    places = {one: row for row, one in enumerate(panel.ids)}
    first = np.nan_to_num(panel.series("seen")[:, 0]) > 0
    heard = np.where(first, shares, 0.0)
    weights = [criticality(workload, panel.policy) for workload in panel.workloads]
    behind = _Behind(places, calls, _unread(panel.topology), missing)
    return {host: _kind(panel, service, heard, weights, behind) for host, service in panel.topology.services.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Behind:
    places: Mapping[WorkloadId, int]
    calls: Calls
    unread: str
    missing: Mapping[int, str]


def _unread(topology: Topology) -> str:
    """Which kinds of objects that lead calls on could not be read, and the way out; empty where all were."""
    spots = [spot for kind in LEADING for spot in topology.objects.faults if spot.subject == kind]
    forbidden = list(dict.fromkeys(spot.subject for spot in spots if "forbidden" in spot.reason.lower()))
    others = [f"{spot.subject} could not be read: {spot.reason}" for spot in spots if spot.subject not in forbidden]
    if not spots:
        return ""
    why = "so where calls to the host lead is not known"
    if not forbidden:
        return f"{'; '.join(others)}, {why}"
    refused = f"{' and '.join(forbidden)} objects may not be listed"
    grant = "grant that: microglia doctor --rbac | kubectl apply -f -"
    return f"{'; '.join([*others, refused])}, {why}; {grant}"


def _kind(panel: Panel, service: Service, heard: F64, weights: list[float], behind: _Behind) -> Kind:
    reach = reach_of(panel.topology, service.host)
    rows = [behind.places[one] for one in reach.workloads if one in behind.places]
    share = min((float(heard[row]) for row in rows if panel.workloads[row].meshed), default=1.0)
    born = panel.topology.activity.hosts.get(service.host)
    if not reach.known and behind.unread:
        doubt = behind.unread
    elif not reach.known:
        doubt = "a route object that leads on from the host could not be resolved; repair it"
    elif service.host in behind.calls.strangers:
        doubt = "somebody whom no reporter could name calls the host; enrol its callers in the mesh"
    elif born is None or born > panel.topology.activity.window.start.timestamp():
        doubt = "metrics do not show that the host existed throughout the window; wait until they do"
    elif share < panel.policy.observation.coverage:
        doubt = "sidecars behind the host were heard in too little of the window; wait, or repair their scraping"
    else:
        doubt = next((behind.missing[row] for row in sorted(rows) if row in behind.missing), "")
    weight = max((weights[row] for row in rows), default=1.0)
    return Kind(service.namespace, doubt, floor(share * 100) / 100, weight, host_bytes(service))


def host_bytes(service: Service) -> float:
    """Memory that ``service`` takes in each proxy that sees it."""
    return service.ports * (PORT_BYTES + service.subsets * SUBSET_BYTES)


def grouped(hosts: Iterable[str], kinds: Mapping[str, Kind]) -> Groups:
    """Sort ``hosts``, which are sorted by name, by their kind."""
    found: dict[Kind, list[str]] = {}
    for host in hosts:
        found.setdefault(kinds[host], []).append(host)
    ordered = sorted(found, key=lambda kind: (kind.namespace, found[kind][0]))
    place = {host: row for row, kind in enumerate(ordered) for host in found[kind]}
    alone = {host: Group(kind.namespace, host, kind, (host,), ()) for kind in ordered for host in found[kind]}
    classes = tuple(Group(kind.namespace, found[kind][0], kind, tuple(found[kind]), ()) for kind in ordered)
    return Groups(classes, place, alone)
