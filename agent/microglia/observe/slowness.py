"""Requests slower than a bound, of a few workloads: what a histogram costs is paid for those under watch only."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import Slowness
from microglia.model.latency import bound_over
from microglia.model.ports import Buckets, UnreadableError
from microglia.model.window import Window
from microglia.observe.buckets import HOUR, REREAD, Run, runs
from microglia.observe.dialects import istio
from microglia.observe.dialects.expressions import Expression, Spans, filled, fingerprint
from microglia.observe.pods import marked
from microglia.observe.reading import Server
from microglia.observe.replies import Row
from microglia.observe.spots import Spots, hourly

Page = Mapping[str, tuple[float, float] | None]
"""Of one hour: workload -> slow and timed requests, None where nothing told of it."""


@dataclass(frozen=True, slots=True)
class SlowReader:
    """Reads from ``server`` what ``buckets`` do not remember under ``shelf``; ``scrape`` in seconds."""

    server: Server
    scrape: float
    scope: str
    buckets: Buckets
    shelf: str

    def read(self, workloads: Sequence[str], window: Window, above: float) -> Slowness:
        """Requests of ``workloads`` in every hour of ``window`` that took longer than ``above`` milliseconds, or than
        the next bound over it. Hours of which no whole reply came are NaN, unless they are remembered."""
        expression, wanted = istio.slow(bound_over(above)), tuple(sorted(set(workloads)))
        shelf = f"{self.shelf}/slow/{fingerprint([expression], self.scrape, self.scope)}"
        hours = [int(start) for start in window.starts]
        found = {hour: _unpack(payload) for hour, payload in self.buckets.load(shelf, hours).items()}
        latest = set(hours[-REREAD:])
        due = [hour for hour in hours if hour in latest or not found.get(hour, {}).keys() >= set(wanted)]
        for run in reversed(runs(due)):
            fresh = self._ask(expression, run, wanted)
            if fresh is None:
                break
            for hour, page in fresh.items():
                found[hour] = {**found.get(hour, {}), **page}
            self.buckets.save(shelf, {hour: _pack(found[hour]) for hour in fresh})
        unknown = (np.nan, np.nan)
        told = [[found.get(hour, {}).get(key) or unknown for hour in hours] for key in wanted]
        values = np.array(told, dtype=np.float32).reshape(len(wanted), len(hours), 2)
        return Slowness(bound_over(above), wanted, values[:, :, 0], values[:, :, 1])

    def _ask(self, expression: Expression, run: Run, wanted: Sequence[str]) -> Mapping[int, Page] | None:
        """The pages of ``run``; None when the reply is not whole: asking on would be no better."""
        spans = Spans(self.scrape, run.hours * HOUR)
        spots = hourly(run.start, run.hours, spans)
        text = filled(expression, spans, self.scope, sorted({key.partition("/")[2] for key in wanted}))
        try:
            reply = self.server.query_range(text, spots.first, spots.last, spots.step)
        except UnreadableError:
            return None
        if not reply.complete:
            return None
        slow, timed = (_rows(marked(reply.rows, name), spots) for name in ("slow", "timed"))
        return {
            run.start + hour * HOUR: {key: _both(slow.get(key), timed.get(key), hour) for key in wanted}
            for hour in range(run.hours)
        }


def _rows(rows: Sequence[Row], spots: Spots) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        labels = row.labels
        key = f"{labels.get('destination_workload_namespace', '')}/{labels.get('destination_workload', '')}"
        values = (row.values * spots.share).tolist()
        found[key] = dict(zip(spots.of(row.times).tolist(), values, strict=True))
    return found


def _both(slow: Mapping[int, float] | None, timed: Mapping[int, float] | None, hour: int) -> tuple[float, float] | None:
    if slow is None or timed is None or hour not in slow or hour not in timed:
        return None
    # Both are extrapolated, each on its own: near nothing the smaller one may come out below it.
    return max(0.0, slow[hour]), timed[hour]


def _pack(page: Page) -> bytes:
    return zlib.compress(json.dumps(page, sort_keys=True).encode(), 1)


def _unpack(payload: bytes) -> dict[str, tuple[float, float] | None]:
    """What was stored; nothing where it cannot be read, and so it is asked for again."""
    try:
        found = json.loads(zlib.decompress(payload))
        return {str(key): None if pair is None else (float(pair[0]), float(pair[1])) for key, pair in found.items()}
    except (zlib.error, ValueError, TypeError, IndexError, AttributeError):
        return {}
