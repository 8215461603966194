"""Observation of a mid-sized mesh on a real Prometheus: the first look at 14 days, and the one an hour later."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import requests
from requests.adapters import HTTPAdapter

from microglia.model.window import HOUR, Window, floor_hour
from microglia.observe.look import observe
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.traffic import PrometheusTraffic
from microglia.store.buckets import FileBuckets
from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from microglia.world.series import Exporter
from tests.lab import Lab, Series, start
from tests.lab.waiting import until

WORKLOADS, REPLICAS, CALLS = 150, 4, 590
SCRAPE = 120.0
LENGTH, LEAD = timedelta(days=14), timedelta(hours=9)
GOALS = {
    "cold, seconds": "20 for 88 M samples",
    "cold, queries": "150",
    "cold, longest range asked, hours": "24",
    "steady, seconds": "0.4 for 88 M samples",
}

Say = Callable[[str], None]


def run(say: Say) -> dict[str, float]:
    """Write the history, look at it cold, write one hour more, look again as a second process would."""
    end = floor_hour(datetime.now(UTC)) - timedelta(hours=2)
    world = _world(end - LENGTH - LEAD)
    cluster = MemoryCluster(world, end)
    exporter, figures = Exporter(cluster.truth), _Figures()
    with start(say) as lab, tempfile.TemporaryDirectory() as folder:
        say(f"writing {WORKLOADS} workloads, {WORKLOADS * REPLICAS} pods, {CALLS} calls, 14 days at {SCRAPE:.0f} s ...")
        figures.write(lab, exporter, (world.start, end + timedelta(hours=1)), say)
        _settle(lab, say)
        buckets = FileBuckets(Path(folder) / "buckets.sqlite", say)
        for name, now in (("cold", end + timedelta(hours=1)), ("steady", end + timedelta(hours=2))):
            if name == "steady":
                figures.write(lab, exporter, (now - timedelta(hours=1), now), say)
            cluster.advance(now)
            say(f"looking, {name} ...")
            figures.look(name, lab.prometheus_url, partial(_look, cluster, buckets, now))
    return figures.found


def _look(cluster: MemoryCluster, buckets: FileBuckets, now: datetime, server: PrometheusServer) -> None:
    snapshot = observe(cluster, PrometheusTraffic(server, buckets), Window.ending(now, LENGTH), now)
    if not snapshot.activity.known.all() or not snapshot.activity.edges.used.any():
        raise RuntimeError(f"the observation is not whole: {snapshot.activity.faults}")


class _Figures:
    """What was written, and what each look took."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self._samples = 0
        self._series: set[str] = set()

    def write(self, lab: Lab, exporter: Exporter, span: tuple[datetime, datetime], say: Say) -> None:
        """Write the history of ``span`` and count it."""
        self._samples += lab.write_history(self._noted(exporter, span))
        istio = sum(key.startswith("istio_") for key in self._series)
        say(f"{self._samples / 1e6:.1f} M samples of {len(self._series):,} series, {istio:,} of them Istio's")
        self.found["samples, all metrics, millions"] = self._samples / 1e6
        self.found["series, Istio's"] = istio
        self.found["series, all"] = len(self._series)

    def look(self, name: str, url: str, look: Callable[[PrometheusServer], None]) -> None:
        """Time ``look`` and say what it cost Prometheus."""
        meter = Meter()
        before, began, own = _metrics(url), perf_counter(), process_time()
        look(PrometheusServer(url, adapter=meter))
        taken, own, after = perf_counter() - began, process_time() - own, _metrics(url)
        self.found |= {
            f"{name}, seconds": taken,
            f"{name}, own CPU seconds": own,
            f"{name}, queries": meter.queries,
            f"{name}, samples read, millions": (after[_SAMPLES] - before[_SAMPLES]) / 1e6,
            f"{name}, Prometheus' CPU seconds": after[_CPU] - before[_CPU],
            f"{name}, largest reply, MB": meter.largest / 1e6,
            f"{name}, longest range asked, hours": meter.longest / HOUR,
        }

    def _noted(self, exporter: Exporter, span: tuple[datetime, datetime]) -> Iterator[Series]:
        for one in exporter.series(span[0].timestamp(), span[1].timestamp()):
            self._series.add("|".join((one.labels["__name__"], *map(str, sorted(one.labels.items())))))
            yield Series(one.labels, one.times, one.values)


@dataclass(slots=True)
class _Totals:
    queries: int = 0
    largest: int = 0
    longest: float = 0.0


class Meter(HTTPAdapter):
    """Counts queries and bytes on their way."""

    def __init__(self) -> None:
        super().__init__()
        self._totals = _Totals()

    @property
    def queries(self) -> int:
        """Queries sent."""
        return self._totals.queries

    @property
    def largest(self) -> int:
        """Bytes of the largest body, unpacked."""
        return self._totals.largest

    @property
    def longest(self) -> float:
        """Seconds between the first and the last moment of the longest range query."""
        return self._totals.longest

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send, and note what went and what came."""
        response = super().send(request, *args, **kwargs)
        if "/api/v1/query" in str(request.url):
            form = parse_qs(str(request.body or ""))
            self._totals.queries += 1
            self._totals.largest = max(self._totals.largest, len(response.content))
            if "start" in form:
                self._totals.longest = max(self._totals.longest, float(form["end"][0]) - float(form["start"][0]))
        return response


_SAMPLES, _CPU = "prometheus_engine_query_samples_total", "process_cpu_seconds_total"


def _metrics(url: str) -> Mapping[str, float]:
    """Prometheus' own counters, as it exports them right now."""
    text = requests.get(f"{url}/metrics", timeout=30).text
    found = re.findall(rf"^({_SAMPLES}|{_CPU}) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def _settle(lab: Lab, say: Say) -> None:
    """Wait until Prometheus has digested what it was given: its CPU time hardly moves any more."""
    say("waiting until Prometheus has digested it ...")
    last = [_metrics(lab.prometheus_url)[_CPU]]

    def busy() -> str:
        last.append(_metrics(lab.prometheus_url)[_CPU])
        spent = last[-1] - last[-2]
        return f"{spent:.1f} CPU seconds in the last three" if spent > 0.3 else ""

    until("Prometheus comes to rest", busy, 300, interval=3)


def _world(begin: datetime) -> World:
    """A mesh whose calls form a layered graph; every call has a rate, so every series moves."""
    rng = np.random.default_rng(1)
    keys = [f"ns{number % 10}/app{number:03d}" for number in range(WORKLOADS)]
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < CALLS:
        client, server = sorted(rng.integers(0, WORKLOADS, 2).tolist())
        if client != server:
            pairs.add((client, server))
    port = {"name": "http", "port": 8080}
    return World.model_validate(
        {
            "name": "bench",
            "start": begin,
            "scrape": SCRAPE,
            # None is under watch here, so nobody would read them.
            "latencyBounds": [],
            "zones": [{"name": f"zone-{letter}", "nodes": 8} for letter in "abc"],
            "namespaces": {f"ns{number}": {} for number in range(10)},
            "workloads": {key: {"replicas": REPLICAS, "ports": [port], "cpuLimit": "1"} for key in keys},
            "calls": [
                {"client": keys[client], "host": ".".join(reversed(keys[server].split("/"))), "rate": 5.0}
                for client, server in sorted(pairs)
            ],
        }
    )
