"""Reading runs of hours: every expression once, at most two at a time; what fails leaves its hours unknown."""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

from microglia.model.ports import UnreadableError
from microglia.observe.buckets import HourBook, Run
from microglia.observe.dialects import istio, kubernetes, mapping
from microglia.observe.dialects.expressions import HOUR, Expression, Spans, filled
from microglia.observe.dialects.making import expressions, signs_of, volume_of
from microglia.observe.dialects.recording import recorded
from microglia.observe.dialects.schema import Dialect
from microglia.observe.dialects.serving import peaks_of, served_of
from microglia.observe.facts import Block, unread
from microglia.observe.fold import Frame, fold
from microglia.observe.guest import DEFAULT, Allowance, Pace
from microglia.observe.names import Names
from microglia.observe.pods import marked
from microglia.observe.prometheus import SilentError, TooMuchError
from microglia.observe.replies import Reply, Row
from microglia.observe.spots import hourly, slots
from microglia.observe.wording import together, when

EXPRESSIONS: tuple[Expression, ...] = (*istio.EXPRESSIONS, *kubernetes.EXPRESSIONS)
"""What is read of every run of hours; ``istio.BIRTHS`` and ``istio.GAPS`` only of those that have some."""
LEAST = 3
"""Hours of a run that is not cut in half when it is too much at once."""

Asked: TypeAlias = Mapping[str, Future[Reply]]
"""Replies to come, by the name of their expression."""
Progress = Callable[[str], None]
"""Told what is going on, one line at a time."""


class Server(Protocol):
    """A metrics server: see ``prometheus.PrometheusServer``."""

    @property
    def title(self) -> str:
        """Its name for people."""
        ...

    def query(self, expression: str, moment: float) -> Reply:
        """One value per series."""
        ...

    def query_range(self, expression: str, start: float, end: float, step: float) -> Reply:
        """Values at each step."""
        ...


@dataclass(frozen=True, slots=True)
class Reader:
    """How to read hours: from which server, with which scrape interval (seconds) and scope matcher.

    ``scrape`` is the longest of ``scrapes``, which are those of the sources that decide, by name. ``recorded`` are the
    starts of the hours of which recording rules have worked out all that they do.
    """

    server: Server
    scrape: float
    scope: str = ""
    pace: Pace = DEFAULT
    dialects: tuple[Dialect, ...] = ()
    scrapes: Mapping[str, float] = field(default_factory=dict)
    recorded: frozenset[int] = frozenset()

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """What is read of every run of hours: the usual, and what each further dialect here has."""
        return (*EXPRESSIONS, *(made for one in self.dialects for made in expressions(one)))

    def ask(self, run: Run, pool: Executor) -> Asked:
        """Begin to read ``run``."""
        return {one.name: pool.submit(self._ask, one, run, self._spans(run)) for one in self.expressions}

    def tell(self, run: Run, asked: Asked, names: Names, pool: Executor) -> tuple[Block, tuple[str, ...], int]:
        """The facts of ``run``, sentences about what could not be read of it, and the samples that it took. Raises
        SilentError, and TooMuchError for a run that may be halved."""
        spans = self._spans(run)
        replies: dict[str, Reply] = {name: future.result() for name, future in asked.items()}
        replies[istio.HEALTH.name] = self._timed(replies[istio.HEALTH.name], istio.NAME)
        for one in self.dialects:
            if one.served is not None:
                replies[served_of(one)] = self._timed(replies[served_of(one)], one.name)
        more = (
            pool.submit(self._births, replies[istio.SIGNS.name], run, spans),
            pool.submit(self._gaps, replies[istio.HEALTH.name], run, spans),
        )
        replies[istio.BIRTHS.name], replies[istio.GAPS.name] = (future.result() for future in more)
        faults = [fault for reply in replies.values() for fault in reply.faults]
        samples = sum(reply.samples for reply in replies.values())
        block = fold(joined(replies, self.dialects, names), names, Frame(run.start, run.hours, spans))
        return block, tuple(dict.fromkeys(faults)), samples

    def _timed(self, reply: Reply, source: str) -> Reply:
        """``reply`` with its heartbeats under the name of ``source``, counted as if it were scraped as the rest is."""
        share = self.scrapes.get(source, self.scrape) / self.scrape
        rows = tuple(
            replace(row, labels={**row.labels, "source": source}, values=row.values * share)
            if row.labels.get("what") == "beats"
            else row
            for row in reply.rows
        )
        return replace(reply, rows=rows)

    def _spans(self, run: Run) -> Spans:
        return Spans(self.scrape, run.hours * HOUR)

    def _births(self, signs: Reply, run: Run, spans: Spans) -> Reply:
        born = [
            row.labels for row in signs.rows if row.labels.get("age") == "old" and row.labels.get("what") == "requests"
        ]
        only = sorted({labels.get("destination_workload", "") for labels in born})
        return self._ask(istio.BIRTHS, run, spans, only) if only else Reply(())

    def _gaps(self, health: Reply, run: Run, spans: Spans) -> Reply:
        missed = gappy(health.rows, run, self.scrape)
        return self._ask(istio.GAPS, run, spans, missed) if missed else Reply(())

    def _ask(self, one: Expression, run: Run, spans: Spans, only: Sequence[str] = ()) -> Reply:
        text = filled(self._quickest(one, run), spans, self.scope, only)
        try:
            if one.step in {"block", "after"}:
                return self.server.query(text, run.end + (2 * self.scrape if one.step == "after" else 0))
            spots = (hourly if one.step == "hour" else slots)(run.start, run.hours, spans)
            return self.server.query_range(text, spots.first, spots.last, spots.step)
        except SilentError:
            raise
        except UnreadableError as error:
            if isinstance(error, TooMuchError) and run.hours > LEAST:
                raise
            return Reply((), complete=False, faults=(f"{one.name}: {error}",))

    def _quickest(self, one: Expression, run: Run) -> Expression:
        """``one``, or what recording rules made of it in every hour of ``run``."""
        return recorded(one, self.scrape) if self.recorded.issuperset(range(run.start, run.end, HOUR)) else one


def joined(replies: Mapping[str, Reply], dialects: Sequence[Dialect], names: Names) -> dict[str, Reply]:
    """``replies`` with what the further dialects told among the rest, each as one more reporter of the same calls.

    One that is not whole leaves no silence to rely on: it stays among the replies.
    """
    found = {"served": Reply(()), **replies}
    for one in dialects:
        for into, name, mapped in (("volume", volume_of(one), mapping.volume), ("signs", signs_of(one), mapping.signs)):
            if name in replies:
                _join(found, into, mapped(replies[name].rows, one, names))
        if one.served is not None:
            served = replies[served_of(one)].rows
            _join(found, "health", marked(served, "beats"))
            _join(found, "served", [row for row in served if row.labels.get("what") != "beats"])
            _join(found, "peaks", replies[peaks_of(one)].rows)
    return found


def _join(found: dict[str, Reply], into: str, rows: Sequence[Row]) -> None:
    found[into] = replace(found[into], rows=(*found[into].rows, *rows))


def gappy(health: Sequence[Row], run: Run, scrape: float) -> tuple[str, ...]:
    """Pods with an hour in which a heartbeat was missing, sorted."""
    whole = math.floor(HOUR / scrape)
    counts: dict[str, int] = {}
    for row in marked(health, "beats"):
        pod = row.labels.get("pod", "")
        counts[pod] = counts.get(pod, 0) + int((row.values >= whole).sum())
    return tuple(sorted(pod for pod, hours in counts.items() if hours < run.hours))


def read_all(reader: Reader, book: HourBook, due: Sequence[Run], names: Names, progress: Progress) -> tuple[str, ...]:
    """Read ``due`` into ``book``, the latest first; returns sentences about what could not be read.

    A run that is too much at once is read in halves. A server that falls silent on the way leaves the rest unknown;
    one that was silent from the start raises. What a lap may not read any more is left for the next ones, and unknown.
    """
    faults: list[tuple[Run, str]] = []
    ended: list[str] = []
    answered = False
    waiting, allowance = deque(reversed(due)), Allowance(reader.pace.samples)
    with ThreadPoolExecutor(reader.pace.at_once) as pool:
        asked: dict[Run, Asked] = {}
        while waiting:
            run = waiting.popleft()
            if run not in asked and not allowance.affords(run.hours):
                ended.append(_left(run, reader))
                break
            if len(due) > 1:
                progress(f"reading {when(run)} from {reader.server.title} ({len(waiting)} to follow)")
            mine = asked.pop(run, None) or reader.ask(run, pool)
            # The server works on the next run while this one is folded.
            for following in list(waiting)[:1]:
                if following not in asked and allowance.affords(following.hours, run.hours):
                    asked[following] = reader.ask(following, pool)
            try:
                block, found, samples = reader.tell(run, mine, names, pool)
            except TooMuchError:
                waiting.extendleft(run.halves)
                answered = True
                continue
            except SilentError as error:
                pool.shutdown(wait=False, cancel_futures=True)
                if not answered:
                    raise
                ended.append(f"{when(run)} and everything before it: {error}")
                break
            answered = True
            allowance.spend(run.hours, samples)
            book.add(block)
            faults.extend((run, fault) for fault in found)
    _leave_unknown(book, due)
    return (*together(faults), *ended)


def _left(run: Run, reader: Reader) -> str:
    return (
        f"{when(run)} and everything before it: left for the next laps, because this one had {reader.server.title} read"
        f" the {reader.pace.samples:,} samples that a lap may take; for more at once raise prometheus_samples"
    )


def _leave_unknown(book: HourBook, due: Sequence[Run]) -> None:
    for run in due:
        if any(hour not in book.pages for hour in range(run.start, run.end, HOUR)):
            book.add(unread(run.start, run.hours))


def by_labels(reply: Reply, *labels: str) -> Mapping[tuple[str, ...], float]:
    """The last value of each row under these labels."""
    return {tuple(row.labels.get(label, "") for label in labels): float(row.values[-1]) for row in reply.rows}
