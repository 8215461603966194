"""The Traffic port over Prometheus: what can be told here, and any window at the price of its new hours."""

import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

import numpy as np

from microglia.model.activity import Activity, Slowness
from microglia.model.doubts import SKEW, metrics_skew
from microglia.model.ids import service_host
from microglia.model.objects import Raw
from microglia.model.ports import Buckets, ClusterFacts, UnreadableError
from microglia.model.snapshot import Source
from microglia.model.units import seconds_of
from microglia.model.window import Window
from microglia.observe.assemble import Origins, assemble
from microglia.observe.buckets import HourBook, MemoryBuckets
from microglia.observe.dialects import istio, kubernetes
from microglia.observe.dialects.expressions import HOUR, Expression, Spans, filled, fingerprint
from microglia.observe.dialects.loading import built_in
from microglia.observe.dialects.making import present
from microglia.observe.dialects.recording import ran, whole
from microglia.observe.dialects.schema import Dialect
from microglia.observe.dialects.serving import scrapes_of
from microglia.observe.guest import DEFAULT, Pace
from microglia.observe.memory import Memory
from microglia.observe.names import read_names
from microglia.observe.prometheus import SilentError
from microglia.observe.reading import EXPRESSIONS, Progress, Reader, Server, by_labels, read_all
from microglia.observe.replies import Reply
from microglia.observe.slowness import SlowReader

_log = logging.getLogger("microglia.observe")
_USUAL = (5, 10, 15, 20, 30, 60, 90, 120, 180, 240, 300)
"""Scrape intervals that people set, seconds."""
_LATELY = 12
_CLOSE = 2 * HOUR
"""Seconds within which two moments were scraped alike."""


class Prometheus(Server, Protocol):
    """A metrics server that may also tell of itself."""

    def status(self, name: str) -> Mapping[str, Any]:
        """``/api/v1/status/<name>``, empty when it does not tell."""
        ...

    def ahead(self) -> float | None:
        """Seconds by which its clock is ahead of ours, as its last reply was dated; None if it was not."""
        ...

    def metric_names(self) -> tuple[str, ...]:
        """Every metric that it has."""
        ...


def metric_names(server: Prometheus) -> list[str]:
    """Every metric that ``server`` has, sorted. Raises UnreadableError when it cannot be asked."""
    return list(server.metric_names())


@dataclass(frozen=True, slots=True)
class Asking:
    """What of a server is meant, and how it is asked: ``scope`` is a matcher for every selector, such as
    ``cluster="prod"``; ``tenant`` tells apart what one server keeps for several; ``pace`` spares the server.
    ``dialects`` are further sources, of which those that are there are read as well: use that any of them saw is use.
    """

    scope: str = ""
    tenant: str = ""
    pace: Pace = DEFAULT
    dialects: tuple[Dialect, ...] = field(default_factory=built_in)


class PrometheusTraffic:
    """Reads the metrics of Istio sidecars, cAdvisor, kube-state-metrics and further dialects from one server.

    ``buckets`` remember closed hours between laps; ``progress`` is told what takes long.
    """

    def __init__(
        self,
        server: Prometheus,
        buckets: Buckets | None = None,
        progress: Progress = _log.debug,
        asking: Asking | None = None,
    ) -> None:
        self._server = server
        self._buckets = buckets or MemoryBuckets()
        self._asking = asking or Asking()
        self._progress = progress
        self._cluster = ""
        self._found: tuple[Dialect, ...] | None = None
        self._known: dict[float, Mapping[str, float]] = {}

    def describe(self, facts: ClusterFacts, now: datetime) -> Source:
        """What answers here. Raises UnreadableError when it has no series of a mesh that microglia knows."""
        self._cluster = facts.uid
        moment = now.timestamp()
        self._found = None
        dialects = tuple(name for name, probe in _PROBES if self._once(probe, moment).rows)
        ahead = self._ahead()
        here = self._here(moment)
        if istio.NAME not in dialects and not any(one.served for one in here):
            raise UnreadableError(self._nothing(here, ahead))
        versions = {row.labels.get("tag", "") for row in self._once(istio.VERSIONS, moment).rows}
        return Source(
            cluster=facts.uid,
            cluster_name=facts.name,
            server_version=facts.version,
            prometheus=self._server.title,
            prometheus_version=str(self._server.status("buildinfo").get("version", "")),
            scrape_seconds=max(self._scrapes(moment).values(), default=None),
            retention=self._retention(),
            istiod=tuple(sorted(versions - {""}, key=_release)),
            dialects=(*dialects, *(one.name for one in here)),
            ahead=ahead,
            proxies=tuple(one.served.proxy for one in here if one.served),
            untold=() if istio.NAME not in dialects or self._once(istio.TCP, moment).rows else ("tcp",),
        )

    def _nothing(self, here: Sequence[Dialect], ahead: float | None) -> str:
        """Why nothing can be judged here."""
        skew = metrics_skew(self._server.title, ahead)
        scope = f" with {self._asking.scope}" if self._asking.scope else ""
        deciding = [one.beating.metric for one in self._asking.dialects if one.served]
        looked = ", ".join((*istio.LOOKED_FOR, *dict.fromkeys(deciding)))
        only = f"; {', '.join(one.name for one in here)} shows who was used, and proves nothing idle" if here else ""
        return (
            f"{self._server.title} answered, but has no series of any mesh that microglia knows (looked for"
            f" {looked}{scope} in the last three hours{only}). Is this the right Prometheus? Set --prometheus. Or did"
            f" the scraping of the mesh stop? What it has:  microglia doctor --metrics{'. ' if skew else ''}{skew}"
        )

    def activity(self, objects: Mapping[str, Sequence[Raw]], window: Window, now: datetime) -> Activity:
        """Everything about ``window``: the hours that are not remembered are read, the rest is not asked for again.

        Raises UnreadableError when nothing answers.
        """
        end = min(window.end, now).timestamp()
        scrapes = self._intervals(window, now)
        scrape = max(scrapes.values(), default=_UNTOLD)
        reader = Reader(
            self._server,
            scrape,
            self._asking.scope,
            self._asking.pace,
            self._here(now.timestamp()),
            scrapes,
            self._recorded(window, scrape),
        )
        names = read_names(objects)
        book = self._book(reader)
        hours = [int(start) for start in window.starts]
        book.open(hours)
        faults = read_all(reader, book, book.due(hours), names, self._progress)
        origins, more = self._origins(end)
        memory = Memory(book.recall())
        found = assemble(window, book, names, origins, memory)
        book.remember(memory.as_json())
        return replace(found, faults=(*faults, *more))

    def slowness(self, workloads: Sequence[str], window: Window, now: datetime, above: float) -> Slowness:
        """Requests of ``workloads`` slower than the bucket bound at or over ``above`` milliseconds, by hour.

        Raises UnreadableError when nothing answers.
        """
        scrape = max(self._intervals(window, now).values(), default=_UNTOLD)
        return SlowReader(self._server, scrape, self._asking.scope, self._buckets, self._place).read(
            workloads, window, above
        )

    def _recorded(self, window: Window, scrape: float) -> frozenset[int]:
        """The hours in which recording rules ran whole; none where that is not told for certain."""
        text = filled(ran(scrape), _ANY, self._asking.scope)
        first, last = window.start.timestamp() + HOUR, window.end.timestamp()
        try:
            reply = self._server.query_range(text, first, last, HOUR)
        except SilentError:
            raise
        except UnreadableError:
            return frozenset()
        counts = [pair for row in reply.rows for pair in zip(row.times.tolist(), row.values.tolist(), strict=True)]
        return whole(counts) if reply.complete else frozenset()

    def _intervals(self, window: Window, now: datetime) -> Mapping[str, float]:
        end = min(window.end, now).timestamp()
        # A window that ends about now was scraped as ``describe`` has just seen it.
        moment = now.timestamp() if now.timestamp() - end <= _CLOSE else end
        return self._scrapes(moment)

    @property
    def _place(self) -> str:
        return f"{self._cluster}/{self._server.title}/{self._asking.tenant}/{self._asking.scope}/{istio.NAME}"

    def _book(self, reader: Reader) -> HourBook:
        # How the labels of further dialects are read is in their files, not in their expressions.
        shapes = [
            Expression(one.name, "block", f"{one.model_dump_json(by_alias=True)} {reader.scrapes.get(one.name)}")
            for one in reader.dialects
        ]
        texts = (*EXPRESSIONS, istio.BIRTHS, istio.GAPS, *reader.expressions[len(EXPRESSIONS) :], *shapes)
        mark = fingerprint(texts, reader.scrape, self._asking.scope)
        return HourBook(self._buckets, self._place, mark)

    def _here(self, moment: float) -> tuple[Dialect, ...]:
        """The further dialects that are there, or were in the last two weeks. Looked for once: a lap is read alike."""
        if not self._asking.dialects:
            return ()
        if self._found is None:
            reply = self._once(present(self._asking.dialects), moment)
            if not reply.complete:
                raise UnreadableError(
                    f"{self._server.title} did not tell wholly which sources of metrics it has:"
                    f" {'; '.join(reply.faults)}; try again later"
                )
            told = {row.labels.get("dialect", "") for row in reply.rows}
            self._found = tuple(one for one in self._asking.dialects if one.name in told)
        return self._found

    def _once(self, template: str, moment: float) -> Reply:
        return self._server.query(filled(Expression("once", "block", template), _ANY, self._asking.scope), moment)

    def _scrapes(self, end: float) -> Mapping[str, float]:
        """Seconds between scrapes of each source that decides, as the heartbeats of the last hours show them; else as
        the server is configured, under no name."""
        last = math.floor(end / HOUR) * HOUR
        if last not in self._known:
            asked = {istio.NAME: istio.SCRAPES, **{one.name: scrapes_of(one) for one in self._here(end) if one.served}}
            found = {name: self._heard(text, last) for name, text in asked.items()}
            told = {name: seconds for name, seconds in found.items() if seconds is not None}
            configured = None if told else self._configured()
            self._known[last] = told or ({} if configured is None else {"": configured})
        return self._known[last]

    def _heard(self, template: str, last: float) -> float | None:
        text = filled(Expression("scrapes", "hour", template), _ANY, self._asking.scope)
        rows = self._server.query_range(text, last - (_LATELY - 1) * HOUR, last, HOUR).rows
        counts = np.concatenate([row.values for row in rows]) if rows else np.zeros(0)
        return usual(HOUR / float(np.median(counts))) if counts.size else None

    def _configured(self) -> float | None:
        found = re.search(r"scrape_interval:\s*(\S+)", str(self._server.status("config").get("yaml", "")))
        return seconds_of(found[1]) if found else None

    def _retention(self) -> str | None:
        told = self._server.status("runtimeinfo").get("storageRetention")
        flag = "" if told else self._server.status("flags").get("storage.tsdb.retention.time")
        # Unset, the flag is no time at all, and its default is the server's own business.
        return str(told or flag) if told or seconds_of(flag) else None

    def _ahead(self) -> float | None:
        """Zero where two clocks agree: it differs by a little each time, and the same world has the same digest."""
        found = self._server.ahead()
        return 0.0 if found is not None and abs(found) <= SKEW.total_seconds() else found and float(round(found))

    def _origins(self, moment: float) -> tuple[Origins, tuple[str, ...]]:
        """When things were created. Not knowing it is a fault, not an end: nothing is proven idle then."""
        try:
            reply = self._once(kubernetes.BORN, moment)
        except UnreadableError as error:
            return Origins({}, {}), (f"when things were created: {error}",)
        workloads: dict[str, float] = {}
        hosts: dict[str, float] = {}
        for (what, namespace, name), value in by_labels(reply, "what", "namespace", "name").items():
            if what == "service":
                hosts[service_host(namespace, name)] = value
            else:
                workloads[f"{namespace}/{name}"] = value
        return Origins(workloads, hosts), reply.faults


def usual(seconds: float) -> float:
    """The scrape interval that people set, where ``seconds`` is within 15 % of it; else whole seconds."""
    near = min(_USUAL, key=lambda each: abs(each - seconds))
    return float(near if abs(near - seconds) <= 0.15 * near else max(1, round(seconds)))


def _release(tag: str) -> tuple[tuple[int, ...], str]:
    """Versions in their own order: 1.9 before 1.31."""
    return tuple(int(part) for part in re.findall(r"\d+", tag)[:3]), tag


_UNTOLD = 60.0
"""Seconds between scrapes where nobody tells."""
_ANY = Spans(60.0, HOUR)
"""For expressions without spans."""
_PROBES = (
    (istio.NAME, istio.PRESENT),
    (kubernetes.STATE, kubernetes.STATE_PRESENT),
    (kubernetes.CADVISOR, kubernetes.PRESENT),
)
