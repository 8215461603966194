"""What witnesses add to workloads whose own proxies were heard: that they were used.

A witness below HTTP sees the connections and bytes of every request. Whether somebody speaks TCP, or streams, is told
by the proxy of whom was called, where it was heard throughout; elsewhere the witness is believed.
"""

from collections.abc import Iterable, Mapping

from microglia.model.activity import F64
from microglia.observe.edges import edge_of
from microglia.observe.names import Names
from microglia.observe.replies import Row

_BELOW = frozenset({"connections", "sent", "asked"})


def counted(rows: Iterable[Row], seen: Mapping[str, F64], names: Names) -> list[Row]:
    """``rows`` of volume without the connections that are requests to somebody else. ``seen`` by workload and hour."""
    return [row for row in rows if not _told_better(row, seen, names)]


def signed(rows: Iterable[Row], seen: Mapping[str, F64], names: Names) -> list[Row]:
    """``rows`` of signs, of which those that somebody else tells better are signs of requests."""
    return [
        Row({**row.labels, "what": "requests"}, row.times, row.values) if _told_better(row, seen, names) else row
        for row in rows
    ]


def _told_better(row: Row, seen: Mapping[str, F64], names: Names) -> bool:
    if not row.labels.get("witness") or row.labels.get("what") not in _BELOW:
        return False
    heard = seen.get(edge_of(row.labels, names).server)
    return heard is not None and bool((heard > 0).all())
