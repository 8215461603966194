"""Rows about callers and callees, folded into edges: both reporters, the larger one; failed calls included."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F64, UNKNOWN_PEER, Edge
from microglia.observe.facts import blank
from microglia.observe.names import Names
from microglia.observe.replies import Row
from microglia.observe.spots import Spots

UNSERVED = frozenset({"UH", "UF", "NR", "NC"})
"""Response flags of calls that never reached an endpoint: no healthy one, no connection, no route, no cluster."""
_SERVER_FAULTS = frozenset({"2", "4", "12", "13", "14", "15"})
"""gRPC statuses that blame the server."""
_ABSENT = frozenset({"", UNKNOWN_PEER})
_CONNECTIONS = frozenset({"connections", "opened", "sent", "received"})
TCP = "tcp"
_HTTP = "http"
_NOISE = 0.04
"""By which share two reporters of the same calls differ, because they are scraped at different moments."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgeFacts:
    """Hourly rows.

    Per edge ``totals`` and ``failed``: the larger reporter. Per workload ``requests`` and ``failures`` inbound,
    ``sent`` outbound, ``served`` inbound as the servers' own proxies count. Per host ``unserved``.
    """

    totals: Mapping[Edge, F64]
    failed: Mapping[Edge, F64]
    requests: Mapping[str, F64]
    failures: Mapping[str, F64]
    sent: Mapping[str, F64]
    unserved: Mapping[str, F64]
    served: Mapping[str, F64]


def edge_of(labels: Mapping[str, str], names: Names) -> Edge:
    """The edge that a row tells of."""
    client = _peer(labels.get("source_workload_namespace", ""), labels.get("source_workload", ""))
    server = _peer(labels.get("destination_workload_namespace", ""), labels.get("destination_workload", ""))
    if server == UNKNOWN_PEER or unserved(labels):
        server = ""
    host = names.host(labels)
    behind = names.services.get(host, ())
    if not server and not unserved(labels) and len(behind) == 1:
        server = behind[0]
    protocol = TCP if labels.get("what") in _CONNECTIONS else labels.get("request_protocol") or _HTTP
    return Edge(client, host, server, protocol)


def _plain(labels: Mapping[str, str], names: Names) -> Edge:
    """The edge of a row, without protocol where the row does not tell it."""
    edge = edge_of(labels, names)
    return edge if edge.protocol == TCP or labels.get("request_protocol") else replace(edge, protocol="")


def unserved(labels: Mapping[str, str]) -> bool:
    """Whether the calls of a row never reached an endpoint."""
    return not UNSERVED.isdisjoint(labels.get("response_flags", "").split(","))


def failed(labels: Mapping[str, str]) -> bool:
    """Whether the calls of a row failed: 5xx, no response, or a gRPC status that blames the server."""
    code = labels.get("response_code", "")
    return code.startswith("5") or code == "0" or labels.get("grpc_response_status", "") in _SERVER_FAULTS


def _peer(namespace: str, name: str) -> str:
    return UNKNOWN_PEER if name in _ABSENT or namespace in _ABSENT else f"{namespace}/{name}"


class _Ledger:
    """Sums per reporter and key. A key without protocol is what a reporter counted that does not tell protocols."""

    def __init__(self, hours: int) -> None:
        self._hours = hours
        self._rows: dict[str, dict[Edge, F64]] = {}

    def add(self, reporter: str, key: Edge, positions: NDArray[np.int64], values: F64) -> None:
        rows = self._rows.setdefault(reporter, {})
        if key not in rows:
            rows[key] = blank(self._hours)
        rows[key][positions] += values

    def larger(self, told: Mapping[Edge, Collection[str]]) -> dict[Edge, F64]:
        """Per key the larger reporter, hour by hour. What came without protocol is compared with all that was ``told``
        of the same calls together, whatever their protocols, and never added to it."""
        found: dict[Edge, F64] = {}
        for rows in self._rows.values():
            self._merge(found, {key: row for key, row in rows.items() if key.protocol})
        for rows in self._rows.values():
            named = {}
            for key in [key for key in rows if not key.protocol]:
                known = sorted(told.get(key, ()))
                # One of the protocols stands for all: it takes what the others leave.
                into = _HTTP if _HTTP in known or not known else known[0]
                others = [replace(key, protocol=one) for one in known if one != into]
                target = replace(key, protocol=into)
                rest = sum((self._of(found, one) - self._of(rows, one) for one in others), blank(self._hours))
                named[target] = np.maximum(rows[key] + self._of(rows, target) - rest, 0.0)
            self._merge(found, named)
        return found

    def _merge(self, found: dict[Edge, F64], rows: Mapping[Edge, F64]) -> None:
        twice = [key for key in rows if key in found]
        pairs = [np.array([side[key] for key in twice]).reshape(-1, self._hours) for side in (found, rows)]
        found |= rows
        found.update(zip(twice, larger(*pairs), strict=True))

    def _of(self, rows: Mapping[Edge, F64], key: Edge) -> F64:
        return rows[key] if key in rows else blank(self._hours)


def larger(one: F64, other: F64) -> F64:
    """The larger of two reporters' hourly counts, (..., hours). What one saw just before the hour turned and the other
    just after it counts once: there they agree on both hours together, so neither missed anything."""
    found: F64 = np.maximum(one, other)
    apart, pairs = one - other, np.stack([row[..., :-1] + row[..., 1:] for row in (one, other)])
    both = pairs.max(axis=0)
    agreed = both - pairs.min(axis=0) <= _NOISE * both
    turned = agreed & (apart[..., :-1] * apart[..., 1:] < 0)
    for hour in range(both.shape[-1]):
        twice = found[..., hour] + found[..., hour + 1] - both[..., hour]
        found[..., hour + 1] -= np.where(turned[..., hour] & (twice > _NOISE * both[..., hour]), twice, 0.0)
    return found


def fold_edges(rows: Iterable[Row], names: Names, spots: Spots) -> EdgeFacts:
    """Hourly volume rows as facts.

    Inbound calls of a workload are compared per client, whatever host each reporter saw: where several Services select
    the same pods, the two reporters need not name the same one.
    """
    total, broken, inbound, faulty, own, lost = (_Ledger(spots.count) for _ in range(6))
    told: dict[Edge, set[str]] = {}
    for row in rows:
        edge, where = _plain(row.labels, names), spots.of(row.times)
        # A first value is a count by itself; an increase spans an hour and a scrape.
        share = 1.0 if row.labels.get("what") == "births" else spots.share
        reporter, counts = row.labels.get("reporter", ""), row.values * share
        total.add(reporter, edge, where, counts)
        if failed(row.labels):
            broken.add(reporter, edge, where, counts)
        if edge.protocol == TCP:
            continue
        pair = replace(edge, host="")
        if edge.protocol:
            for each in (edge, pair):
                told.setdefault(replace(each, protocol=""), set()).add(edge.protocol)
        if edge.server:
            inbound.add(reporter, pair, where, counts)
            if failed(row.labels):
                faulty.add(reporter, pair, where, counts)
            if reporter == "destination":
                own.add(reporter, pair, where, counts)
        elif unserved(row.labels):
            lost.add(reporter, edge, where, counts)
    totals = total.larger(told)
    return EdgeFacts(
        totals=totals,
        failed=broken.larger(told),
        requests=_summed((edge.server, row) for edge, row in inbound.larger(told).items()),
        failures=_summed((edge.server, row) for edge, row in faulty.larger(told).items()),
        sent=_summed((edge.client, row) for edge, row in totals.items() if _sends(edge)),
        unserved=_summed((edge.host, row) for edge, row in lost.larger(told).items()),
        served=_summed((edge.server, row) for edge, row in own.larger(told).items()),
    )


def _sends(edge: Edge) -> bool:
    return edge.protocol != TCP and edge.client != UNKNOWN_PEER


def _summed(rows: Iterable[tuple[str, F64]]) -> dict[str, F64]:
    found: dict[str, F64] = {}
    for key, row in rows:
        found[key] = found[key] + row if key in found else row
    return found
