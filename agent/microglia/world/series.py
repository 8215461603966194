"""Face two: the world as the series that its Prometheus would hold, span after span."""

from collections.abc import Iterator

from microglia.world.activity import Truth
from microglia.world.cadvisor_series import CadvisorSeries
from microglia.world.demand import DAY
from microglia.world.istio_series import IstioSeries, Memory
from microglia.world.scraping import Series
from microglia.world.state_series import StateSeries

CHUNK = 4 * DAY
"""Seconds that are worked out at once: bounds the memory of long histories."""


class Exporter:
    """Writes history round by round. Counters continue where the last span ended, so spans must touch, in order.

    ``truth`` has the world and its record; whoever changes the record from ``now`` on calls ``truth.forget(now)``.
    ``interval``: seconds between scrapes, the world's own if None.
    """

    def __init__(self, truth: Truth, interval: float | None = None) -> None:
        self._truth = truth
        self._interval = truth.layout.world.scrape if interval is None else interval
        self._memory = Memory()
        self._reached: float | None = None

    def series(self, start: float, end: float) -> Iterator[Series]:
        """Every series within ``[start, end)``, epoch seconds; long spans come in pieces, each in order of time.

        Raises ValueError when the span does not begin where the last one ended.
        """
        if end <= start or (self._reached is not None and start != self._reached):
            raise ValueError(f"history was written up to {self._reached}; go on from there, not from {start} to {end}")
        self._reached = end
        while start < end:
            step = min(end, start + CHUNK)
            yield from self._span((start, step))
            start = step

    def _span(self, span: tuple[float, float]) -> Iterator[Series]:
        yield from StateSeries(self._truth.layout, self._truth.record, self._interval, span).all()
        yield from CadvisorSeries(self._truth, self._memory.counters, self._interval, span).all()
        yield from IstioSeries(self._truth, self._memory, self._interval, span).all()


__all__ = ["Exporter", "Series"]
