"""Who called what: a host inherits, per client, the calls of everything that a call to it may reach."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import UNKNOWN_PEER
from microglia.topology.graph import Topology
from microglia.topology.nodes import Reach


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """``used``: client key -> host that may have been asked for -> requests in the window. ``strangers``: hosts called
    by somebody whom no reporter could name."""

    used: Mapping[str, Mapping[str, float]]
    strangers: frozenset[str]


def read_calls(topology: Topology) -> Calls:
    """Give every call that was seen to every host that it may have been meant for."""
    asked = _asked(topology)
    used: defaultdict[str, dict[str, float]] = defaultdict(dict)
    strangers: set[str] = set()
    edges = topology.activity.edges
    signs = (edges.used | edges.flowing).tolist()
    # NaN is unknown: the sign is there, its volume is not.
    volumes = np.nan_to_num(edges.requests).tolist()
    for edge, sign, requests in zip(edges.keys, signs, volumes, strict=True):
        if not sign:
            continue
        hosts = asked.of(edge.host, edge.server)
        if edge.client == UNKNOWN_PEER:
            strangers.update(hosts)
            continue
        mine = used[edge.client]
        for host in hosts:
            mine[host] = mine.get(host, 0.0) + requests
    return Calls(dict(used), frozenset(strangers))


def reach_of(topology: Topology, host: str) -> Reach:
    """What a call to ``host`` may reach; the Service alone where no route object speaks of it."""
    found = topology.reach.get(host)
    return found or Reach((host,), topology.services[host].workloads, known=True, via=())


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """Served host, and key of a serving workload -> the Services through which it may have been asked."""

    hosts: Mapping[str, Iterable[str]]
    servers: Mapping[str, Iterable[str]]
    known: dict[tuple[str, str], tuple[str, ...]]

    def of(self, host: str, server: str) -> tuple[str, ...]:
        key = (host, server)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = tuple(sorted({*self.hosts.get(host, ()), *self.servers.get(server, ())}))
        return found


def _asked(topology: Topology) -> _Asked:
    hosts: dict[str, list[str]] = {}
    servers: dict[str, list[str]] = {}
    for host in topology.services:
        reach = reach_of(topology, host)
        for served in reach.hosts:
            hosts.setdefault(served, []).append(host)
        for workload in reach.workloads:
            servers.setdefault(workload.key, []).append(host)
    return _Asked(hosts, servers, {})
