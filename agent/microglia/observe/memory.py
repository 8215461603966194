"""What stays in force when it leaves the window: weekly peaks, healthy loads, and uses of edges."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from microglia.model.activity import F64, Bools, Edge, EdgeActivity, WorkloadActivity
from microglia.model.window import HOUR, Window
from microglia.observe.pages import joined, parted

WEEK = 7 * 24 * HOUR
MONDAY = 4 * 24 * HOUR
"""The epoch began on a Thursday; its first Monday was four days later."""
KEPT = 13 * 30.5 * 24 * HOUR
"""Thirteen months in seconds: a yearly peak and a month to see it again."""
THROTTLED = 0.01
ERRORS = 0.01
HEARD = 0.9


class Memory:
    """Weekly maxima per workload and last uses per edge, as JSON can hold them.

    ``weeks``: workload -> start of the week (epoch seconds) -> [peak, healthy load per ready replica], requests per
    second. ``uses``: edge -> epoch seconds of its last sign.
    """

    def __init__(self, recalled: Mapping[str, Any]) -> None:
        self._weeks: dict[str, dict[int, list[float]]] = {
            str(key): {int(week): [float(value) for value in pair] for week, pair in weeks.items()}
            for key, weeks in recalled.get("weeks", {}).items()
        }
        self._begun: tuple[int, dict[str, F64]] = (0, {})
        self._uses: dict[str, float] = {str(key): float(last) for key, last in recalled.get("uses", {}).items()}

    def as_json(self) -> dict[str, Any]:
        """What ``Memory`` can be made of again."""
        weeks = {
            key: {str(week): pair for week, pair in sorted(mine.items())} for key, mine in sorted(self._weeks.items())
        }
        return {"weeks": weeks, "uses": dict(sorted(self._uses.items()))}

    def learn(self, window: Window, workloads: WorkloadActivity, edges: EdgeActivity) -> None:
        """Take in a window; what is older than ``KEPT`` is forgotten."""
        oldest = window.end.timestamp() - KEPT
        peak = np.nan_to_num(workloads.peak).astype(np.float64)
        load = _loads(workloads)
        week_of = (window.starts - MONDAY) // WEEK * WEEK + MONDAY
        for week in np.unique(week_of).tolist():
            here = week_of == week
            now = np.stack([peak[:, here].max(axis=1), load[:, here].max(axis=1)], axis=1)
            self._raise(week, workloads.keys, now)
            if week < window.start.timestamp():
                self._begun = week, dict(zip(workloads.keys, now, strict=True))
        for key, mine in list(self._weeks.items()):
            self._weeks[key] = {week: pair for week, pair in mine.items() if week >= oldest}
        for edge, used, last in zip(edges.keys, edges.used.tolist(), edges.last.tolist(), strict=True):
            if used and not np.isnan(last):
                name = joined((edge.client, edge.host, edge.server, edge.protocol))
                self._uses[name] = max(last, self._uses.get(name, last))
        self._uses = {name: last for name, last in self._uses.items() if last >= oldest}

    def _raise(self, week: int, keys: Sequence[str], now: F64) -> None:
        for row in np.flatnonzero((now > 0).any(axis=1)).tolist():
            mine = self._weeks.setdefault(keys[row], {})
            mine[week] = np.maximum(mine.get(week, [0.0, 0.0]), now[row]).tolist()

    def in_force(self, keys: Sequence[str], window: Window) -> tuple[F64, F64]:
        """The highest peak and healthy load (both (n,)) from before the window; 0 where none is remembered.

        Of the week in which the window begins, only what is higher than what the window itself shows of it.
        """
        start = window.start.timestamp()
        begun, inside = self._begun
        found = np.zeros((2, len(keys)))
        for row, key in enumerate(keys):
            for week, pair in self._weeks.get(key, {}).items():
                if week < start:
                    left = pair if week != begun else np.where(np.array(pair) > inside.get(key, 0.0), pair, 0.0)
                    found[:, row] = np.maximum(found[:, row], left)
        return found[0], found[1]

    def widened(self, edges: EdgeActivity) -> EdgeActivity:
        """``edges`` and those remembered from before the window: used, with no requests in it."""
        known = set(edges.keys)
        old = {Edge(*parted(name)): last for name, last in self._uses.items()}
        more = {edge: last for edge, last in old.items() if edge not in known}
        if not more:
            return edges
        count = len(more)
        keys = (*edges.keys, *more)
        order = np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)
        return replace(
            edges,
            keys=tuple(keys[position] for position in order),
            used=np.concatenate([edges.used, np.ones(count, dtype=np.bool_)])[order],
            requests=np.concatenate([edges.requests, np.zeros(count)])[order],
            failures=np.concatenate([edges.failures, np.zeros(count)])[order],
            last=np.concatenate([edges.last, np.array(list(more.values()))])[order],
            flowing=np.concatenate([edges.flowing, np.zeros(count, dtype=np.bool_)])[order],
        )


def _loads(workloads: WorkloadActivity) -> F64:
    """Requests per second and ready replica in healthy hours, 0 elsewhere; (n, hours)."""
    healthy = _healthy(workloads) & (np.nan_to_num(workloads.ready) >= 1) & ~np.isnan(workloads.peak)
    ready = np.where(healthy, workloads.ready, 1.0)
    return np.where(healthy, workloads.peak / ready, 0.0).astype(np.float64)


def _healthy(workloads: WorkloadActivity) -> Bools:
    """Heard, no rollout, hardly throttled, and errors and latency no worse than twice what is usual for it."""
    served = np.nan_to_num(workloads.requests)
    errors = np.divide(np.nan_to_num(workloads.failures), served, out=np.zeros_like(served), where=served > 0)
    usual = np.median(errors, axis=1, keepdims=True)
    slow = np.where(np.isnan(workloads.latency), 0.0, workloads.latency)
    timed = np.where(slow > 0, slow, np.nan)
    middle = np.nan_to_num(_median(timed), nan=np.inf)[:, None]
    calm: Bools = (np.nan_to_num(workloads.throttled) <= THROTTLED) & (workloads.seen >= HEARD) & ~workloads.rolling
    steady: Bools = (errors <= np.maximum(ERRORS, 2 * usual)) & (slow <= 2 * middle)
    return calm & steady


def _median(values: Any) -> F64:
    """Row medians of what is known, NaN where nothing is."""
    found = np.full(len(values), np.nan)
    told = ~np.isnan(values).all(axis=1)
    found[told] = np.nanmedian(values[told], axis=1)
    return found
