"""Was the load representative? Coverage, whole cycles, unseen mass, honest peaks."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from microglia.model.activity import F32, F64, Bools
from microglia.model.doubts import short_retention
from microglia.model.ids import WorkloadId
from microglia.model.units import show_duration, show_share
from microglia.score.known_peaks import occurrences
from microglia.score.panel import WHOLE
from microglia.score.scores import Evidence
from microglia.verify.demand import read_demand
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection

_HOUR = timedelta(hours=1)


def coverage(facts: Facts) -> Iterator[Objection]:
    """The mesh was heard in enough of the window's hours, and so was everything whose silence counts."""
    activity, limit = facts.topology.activity, facts.spec.observation.coverage
    if not facts.takes:
        return
    heard = (np.nan_to_num(activity.workloads.seen) >= WHOLE).any(axis=0) & activity.known
    share = float(heard.mean())
    if share < limit:
        missing = int((~heard).sum())
        way = _forgotten(facts) or "let Prometheus fill them, or wait until they have left the window"
        yield Objection(
            -1,
            "window",
            f"{show_share(share)} of the window was heard, spec.observation.coverage asks for {show_share(limit)};"
            f" {missing} of {heard.size} h are missing, the last is {_last_gap(facts, heard):%d %b %Y %H:%M} UTC:"
            f" {way}",
        )
    for index, change, workload in facts.shrinking:
        score = facts.scores.replicas.get(workload.id)
        if score and score.judged.evidence is not Evidence.USED and score.judged.coverage < limit:
            yield Objection(index, change.workload, _unheard(score.judged.coverage, limit))
    routes = facts.cut_routes()
    for index, hide, _ in facts.hiding:
        heard_in = [routes[hide.id, host].judged.coverage for host in hide.cut if (hide.id, host) in routes]
        least = min(heard_in, default=1.0)
        if least < limit:
            yield Objection(index, hide.workload, _unheard(least, limit))


def _forgotten(facts: Facts) -> str:
    """Whether no waiting helps, because Prometheus forgets before the window is over."""
    return short_retention(facts.topology.snapshot.source, facts.spec.observation.window)


def _unheard(share: float, limit: float) -> str:
    return (
        f"its silence was heard in {show_share(share)} of the window, spec.observation.coverage asks for"
        f" {show_share(limit)}; wait, or repair the scraping of its sidecars"
    )


def _last_gap(facts: Facts, heard: Bools) -> datetime:
    return facts.topology.activity.window.moment(int(np.flatnonzero(~heard)[-1]))


def cycles(facts: Facts) -> Iterator[Objection]:
    """Enough whole cycles lie between the first hour in which the mesh, and each workload that loses anything, was
    heard and the end of the window."""
    asked, window = facts.spec.observation.cycles, facts.topology.activity.window
    if not facts.takes:
        return
    seen: Bools = np.nan_to_num(facts.topology.activity.workloads.seen) > 0
    first = _first(seen.any(axis=0))
    if (window.hours - first) * _HOUR < asked.at_least * asked.length:
        yield Objection(-1, "window", _too_short(facts, first))
        return
    for index, change, workload in facts.taking:
        row = facts.topology.rows.get(workload.id)
        first = window.hours if row is None else _first(seen[row])
        if (window.hours - first) * _HOUR < asked.at_least * asked.length:
            yield Objection(index, change.workload, _too_short(facts, first))


def _first(heard: Any) -> int:
    return int(heard.argmax()) if heard.any() else int(heard.size)


def _too_short(facts: Facts, first: int) -> str:
    asked, window = facts.spec.observation.cycles, facts.topology.activity.window
    whole = (window.hours - first) * _HOUR // asked.length
    needed = asked.at_least * asked.length
    # A bucket is closed an hour after its end.
    ready = window.moment(first) + needed + _HOUR
    way = f"wait until {ready:%d %B %Y}"
    if first and _forgotten(facts):
        way = _forgotten(facts)
    elif needed > window.hours * _HOUR:
        way = f"write spec.observation.window: {show_duration(needed)} or more"
    elif first == window.hours:
        way = "it was never heard: check that its sidecars are scraped"
    return (
        f"{whole} whole cycles of {show_duration(asked.length)} seen, {asked.at_least} are required by"
        f" spec.observation.cycles; {way}"
    )


def unseen(facts: Facts) -> Iterator[Objection]:
    """The leave-one-out mass of the clients that lose hosts is small."""
    limit, mass = facts.spec.observation.unseen, facts.replay.unseen
    if any(facts.hiding) and mass > limit:
        yield Objection(
            -1,
            "requests",
            f"about {show_share(mass)} of the requests of these clients may need a host that the window never showed,"
            f" spec.observation.unseen allows {show_share(limit)}; watch longer (spec.observation.window)",
        )


def peaks(facts: Facts) -> Iterator[Objection]:
    """Known peaks lie in the window, and a peak that rose in the last cycle may rise as much once more.

    After n cycles without order, the next one holds a new record with chance 1 / (n + 1) (the record rule m / (n + m)).
    When the last cycle did bring a record, by more than the headroom, demand may not have come to rest: what survives
    the worst named failure must carry that rise once more.
    """
    shrinking = list(facts.shrinking)
    yield from _unseen_peaks(facts)
    demand = read_demand(facts.topology, facts.spec, facts.scores, (workload.id for _, _, workload in shrinking))
    for index, change, workload in shrinking:
        values = demand.peaks[demand.row[workload.id], :-1]
        score = facts.scores.replicas.get(workload.id)
        maxima = cycle_maxima(values, facts.spec.observation.cycles.length)
        if score is None or score.capacity.rps is None or maxima.size < 2 or maxima[:-1].max() <= 0:
            continue
        rise = maxima[-1] / maxima[:-1].max()
        served = score.survivors[min(change.after, score.current)] * score.capacity.rps
        if rise > 1 + facts.spec.retention.headroom and served < maxima[-1] * rise:
            yield Objection(
                index,
                change.workload,
                f"its peak rose {rise:.2f} times in the last cycle, to {maxima[-1]:.4g} rps, and the next one brings a"
                f" new record with a chance of {1 / (maxima.size + 1):.0%}; after the worst failure {change.after}"
                f" replicas serve {served:.4g} rps, {maxima[-1] * rise:.4g} are asked for: wait for one more cycle",
            )


def cycle_maxima(values: F64 | F32, length: timedelta) -> F64:
    """The highest bucket of each whole cycle, counted back from the end of ``values`` (H,), oldest first."""
    hours = max(1, round(length / _HOUR))
    whole = values.size // hours
    found: F64 = values[values.size - whole * hours :].reshape(whole, hours).max(axis=1).astype(np.float64)
    return found


def _unseen_peaks(facts: Facts) -> Iterator[Objection]:
    window = facts.topology.activity.window
    for peak in facts.spec.observation.peaks:
        if occurrences(peak, window):
            continue
        for index, change, workload in facts.taking:
            if _meant(workload.id, peak.namespaces):
                yield Objection(
                    index,
                    change.workload,
                    f'no whole {peak.name} (spec.observation.peaks, "{peak.cron}") lies in the window; wait until one'
                    " does, or lengthen spec.observation.window",
                )


def _meant(target: WorkloadId, namespaces: tuple[str, ...]) -> bool:
    return any(fnmatchcase(target.namespace, pattern) for pattern in namespaces)
