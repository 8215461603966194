"""The load that laps put on Prometheus, counted on the way."""

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from microglia.daemon.metrics import Metrics
from microglia.model.ports import UnreadableError
from microglia.observe.replies import Reply
from microglia.observe.traffic import Prometheus


class Counted:
    """``Prometheus`` that counts queries, samples and seconds in ``metrics``. Threads may share it."""

    def __init__(self, server: Prometheus, metrics: Metrics) -> None:
        self._server = server
        self._metrics = metrics

    @property
    def title(self) -> str:
        """Its name for people."""
        return self._server.title

    def ahead(self) -> float | None:
        """Seconds by which its clock is ahead of ours; None if it does not say."""
        return self._server.ahead()

    def query(self, expression: str, moment: float) -> Reply:
        """The value of ``expression`` at ``moment``."""
        return self._timed(lambda: self._server.query(expression, moment))

    def query_range(self, expression: str, start: float, end: float, step: float) -> Reply:
        """The values of ``expression`` from ``start`` to ``end``."""
        return self._timed(lambda: self._server.query_range(expression, start, end, step))

    def status(self, name: str) -> Mapping[str, Any]:
        """What the server tells of itself."""
        return self._server.status(name)

    def metric_names(self) -> tuple[str, ...]:
        """Every metric that the server has."""
        return self._server.metric_names()

    def _timed(self, send: Callable[[], Reply]) -> Reply:
        began = perf_counter()
        try:
            reply = send()
        except UnreadableError:
            self._metrics.queries.labels("failed").inc()
            raise
        finally:
            self._metrics.query_time.observe(perf_counter() - began)
        self._metrics.queries.labels("partial" if not reply.complete else "whole").inc()
        self._metrics.samples.inc(sum(len(row.values) for row in reply.rows))
        return reply
