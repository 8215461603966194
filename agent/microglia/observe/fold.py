"""The rows of one block of hours, folded into facts. Pure: replies in, a ``Block`` out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64, Bools, Edge
from microglia.observe.dialects.expressions import HOUR, SLOT, Spans
from microglia.observe.edges import EdgeFacts, edge_of, fold_edges
from microglia.observe.facts import COLUMNS, NAN, Block, blank
from microglia.observe.names import Names
from microglia.observe.peaks import Peaks, read_peaks
from microglia.observe.pods import Lives, marked, read_cpu, read_cpu_peaks, read_lives, read_placed, read_seen, read_use
from microglia.observe.replies import Reply, Row
from microglia.observe.served import Served, larger, read_served
from microglia.observe.spots import Spots, hourly, slots
from microglia.observe.witnesses import counted, signed

_FLOWS = frozenset({"sent", "received", "asked", "answered"})


@dataclass(frozen=True, slots=True)
class Frame:
    """Which hours, read how: ``start`` in epoch seconds."""

    start: int
    hours: int
    spans: Spans


def fold(replies: Mapping[str, Reply], names: Names, frame: Frame) -> Block:
    """Facts of one block. ``replies`` by the name of their expression; a reply that is not whole makes the block
    unknown: its signs still count, its silence does not."""
    by_hour, by_slot = (make(frame.start, frame.hours, frame.spans) for make in (hourly, slots))
    rows = {name: reply.rows for name, reply in replies.items()}
    whole = all(reply.complete for reply in replies.values())
    lives = read_lives(rows["places"], marked(rows["health"], "beats"), names, by_hour)
    seen = read_seen(lives, rows["health"], HOUR / frame.spans.scrape, by_hour)
    calls = fold_edges((*counted(rows["volume"], seen, names), *rows["births"]), names, by_hour)
    served = read_served(rows["served"], rows["peaks"], names, by_hour, by_slot)
    ready = _ready(rows["places"], lives, by_hour)
    peaks = read_peaks(rows["peaks"], names, lives, ready, by_slot)
    columns: dict[str, Mapping[str, F64]] = {
        **_served(rows, names, calls, served, peaks, by_hour),
        **_used(rows, names, by_hour, by_slot),
        **_placed(rows, names, lives, by_hour),
        "seen": seen,
        "ready": ready,
    }
    keys = {key for column in columns.values() for key in column} | set(names.workloads)
    return Block(
        start=frame.start,
        hours=frame.hours,
        workloads=_workloads(sorted(keys - {""}), columns, frame.hours, whole=whole),
        zones=peaks.zones,
        containers={_pair(key): row for key, row in read_cpu(rows["cpu"], names, by_hour).rows().items()},
        edges=_edges(calls, (*signed(rows["signs"], seen, names), *rows["gaps"]), names, frame.hours),
        known=np.full(frame.hours, whole),
        away=_away(rows["places"], names, by_hour),
    )


def _served(
    rows: Mapping[str, Sequence[Row]], names: Names, calls: EdgeFacts, served: Served, peaks: Peaks, spots: Spots
) -> dict[str, Mapping[str, F64]]:
    burst = fold_edges(rows["births"], names, spots).requests
    return {
        "requests": larger(calls.requests, served.requests),
        "failures": larger(calls.failures, served.failures),
        "sent": calls.sent,
        "unserved": _behind(calls, names),
        "peak": with_births(peaks.peak, calls.requests, burst),
        "imbalance": peaks.imbalance,
        "latency": {
            **_latency(marked(rows["health"], "milliseconds"), calls, spots),
            **_slowness(served),
        },
    }


def _used(
    rows: Mapping[str, Sequence[Row]], names: Names, by_hour: Spots, by_slot: Spots
) -> dict[str, Mapping[str, F64]]:
    use = {name: sums.rows() for name, sums in read_use(rows["use"], names, by_hour).items()}
    return {"cpu_peak": read_cpu_peaks(rows["cpu_peaks"], names, by_slot), **use}


def _placed(
    rows: Mapping[str, Sequence[Row]], names: Names, lives: Lives, spots: Spots
) -> dict[str, Mapping[str, F64]]:
    placed = read_placed(lives, names, spots.count)
    counts = {
        name: {key: one[name] for key, one in placed.items()} for name in ("placed", "fullest_zone", "fullest_node")
    }
    return {**counts, "rolling": _rolling(rows["places"], placed, spots)}


def _workloads(
    keys: Sequence[str], columns: Mapping[str, Mapping[str, F64]], hours: int, *, whole: bool
) -> dict[str, dict[str, F64]]:
    """Every column of each workload. Silence is zero only while its reporters were heard, and every reply was
    ``whole``."""
    unknown = blank(hours, NAN)
    found = {
        name: np.array([columns[name].get(key, unknown) for key in keys]).reshape(-1, hours) for name in COLUMNS
    }  # fmt: skip
    found["seen"] = np.nan_to_num(found["seen"])
    found["rolling"] = np.nan_to_num(found["rolling"])
    told = ~np.isnan(found["requests"]) & (found["requests"] > 0)
    silent = np.where(((found["seen"] > 0) | told) & whole, 0.0, NAN)
    for name in ("requests", "failures", "unserved", "sent", "peak"):
        found[name] = np.where(np.nan_to_num(found[name]) > 0, found[name], silent)
    found["imbalance"] = np.where(np.isnan(found["peak"]), NAN, np.where(found["peak"] > 0, found["imbalance"], 1.0))
    # Without a quota there are no CFS periods, and nothing to be throttled by.
    free = np.isnan(found["throttled"]) & ~np.isnan(found["cpu_peak"])
    found["throttled"] = np.where(free, 0.0, found["throttled"])
    return {key: {name: found[name][row] for name in COLUMNS} for row, key in enumerate(keys)}


def with_births(peaks: Mapping[str, F64], requests: Mapping[str, F64], births: Mapping[str, F64]) -> dict[str, F64]:
    """What was counted before a series first showed may all have come in one 5-minute slot, on top of the usual."""
    found = dict(peaks)
    for key, born in births.items():
        usual = (requests[key] - born) / HOUR
        atop = np.where(born > 0, born / SLOT + usual, 0.0)
        found[key] = np.maximum(found.get(key, blank(born.size)), atop)
    return found


def _behind(calls: EdgeFacts, names: Names) -> dict[str, F64]:
    """Calls that reached nobody count against every workload that the host selects."""
    found: dict[str, F64] = {}
    for host, row in calls.unserved.items():
        for workload in names.services.get(host, ()):
            found[workload] = found[workload] + row if workload in found else row
    return found


def _latency(rows: Sequence[Row], calls: EdgeFacts, spots: Spots) -> dict[str, F64]:
    found: dict[str, F64] = {}
    for row in rows:
        labels = row.labels
        key = f"{labels.get('destination_workload_namespace', '')}/{labels.get('destination_workload', '')}"
        spent = blank(spots.count, NAN)
        spent[spots.of(row.times)] = row.values * spots.share
        served = calls.served.get(key, blank(spots.count))
        found[key] = np.divide(spent, served, out=blank(spots.count, NAN), where=served > 0)
    return found


def _slowness(served: Served) -> dict[str, F64]:
    """Mean milliseconds per request of those whose own proxies told both."""
    found = {}
    for key, spent in served.milliseconds.items():
        asked = served.requests.get(key, blank(spent.size))
        found[key] = np.divide(spent, asked, out=blank(spent.size, NAN), where=(asked > 0) & (spent > 0))
    return found


def _ready(places: Sequence[Row], lives: Lives, spots: Spots) -> dict[str, F64]:
    """Mean ready replicas as kube-state-metrics tells; a kind that it does not tell of counts by its pods' lives."""
    found: dict[str, F64] = {}
    for pod, share in lives.shares.items():
        key = lives.owners[pod]
        found[key] = found[key] + share if key in found else share
    told: dict[str, F64] = {}
    for row in marked(places, "ready"):
        key = f"{row.labels.get('namespace', '')}/{row.labels.get('workload', '')}"
        told.setdefault(key, blank(spots.count, NAN))[spots.of(row.times)] = row.values
    return {**found, **told}


def _rolling(places: Sequence[Row], placed: Mapping[str, Mapping[str, F64]], spots: Spots) -> dict[str, F64]:
    found = {key: columns["rolling"].astype(np.float64) for key, columns in placed.items()}
    for row in marked(places, "scaled"):
        key = f"{row.labels.get('namespace', '')}/{row.labels.get('workload', '')}"
        found.setdefault(key, blank(spots.count))[spots.of(row.times)] = 1.0
    return found


def _away(places: Sequence[Row], names: Names, spots: Spots) -> Bools:
    """Hours in which a node was not Ready, or one that is here now, and was there before, was not told of."""
    away = np.zeros(spots.count, dtype=np.bool_)
    for row in marked(places, "unready"):
        away[spots.of(row.times)] = True
    told = {row.labels.get("node", ""): row for row in marked(places, "node")}
    if not told:
        return away
    most = blank(spots.count)
    counts = {}
    for node, row in told.items():
        counts[node] = blank(spots.count)
        counts[node][spots.of(row.times)] = row.values
        most = np.maximum(most, counts[node])
    starts = spots.start + np.arange(spots.count) * spots.step
    for node, since in names.since.items():
        count = counts.get(node, blank(spots.count))
        away |= (since <= starts) & (most > 0) & (count < most / 2)
    return away


def _edges(calls: EdgeFacts, signs: Sequence[Row], names: Names, hours: int) -> dict[Edge, Mapping[str, F64]]:
    """Volumes by hour; signs of the whole block in its last hour."""
    found: dict[Edge, dict[str, F64]] = {}

    def columns(edge: Edge) -> dict[str, F64]:
        return found.setdefault(edge, {name: blank(hours) for name in ("requests", "failures", "used", "flowing")})

    for edge, row in calls.totals.items():
        mine = columns(edge)
        mine["requests"] = row
        mine["failures"] = np.minimum(row, calls.failed.get(edge, blank(hours)))
        mine["used"] = (row > 0).astype(np.float64)
    for sign in signs:
        mine = columns(edge_of(sign.labels, names))
        mine["flowing" if sign.labels.get("what") in _FLOWS else "used"][-1] = 1.0
    return dict(found)


def _pair(key: str) -> tuple[str, str]:
    workload, _, container = key.rpartition("|")
    return workload, container
