"""Was the load representative? Coverage, hours of the week, whole cycles, unseen mass."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.model.doubts import short_retention
from microglia.model.units import show_duration, show_share
from microglia.model.window import HOURS_OF_WEEK
from microglia.score.panel import WHOLE, Ints, whole_week
from microglia.score.scores import Evidence
from microglia.score.unseen import Mass, unseen_by_client
from microglia.score.week import (
    busiest_hour,
    first_heard,
    mesh_heard,
    named,
    times_seen,
    week_coverage,
    whole_cycles,
)
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection

_HOUR = timedelta(hours=1)


def coverage(facts: Facts) -> Iterator[Objection]:
    """The mesh was heard in enough of the window's hours, and so was everything whose silence counts."""
    limit = facts.spec.observation.coverage
    if not facts.takes:
        return
    heard = mesh_heard(facts.topology)
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


def hours_of_week(facts: Facts) -> Iterator[Objection]:
    """Every hour of the week was heard at least once, of the mesh and of each workload that loses anything; as long as
    the policy asks for a whole week."""
    if not facts.takes or not whole_week(facts.spec):
        return
    activity, of_week = facts.topology.activity, facts.topology.activity.window.hour_of_week
    heard = mesh_heard(facts.topology)
    times = times_seen(heard, of_week)
    if week_coverage(times) < 1:
        load: F64 = np.nansum(activity.workloads.requests, axis=0, dtype=np.float64)
        busiest = busiest_hour(load, heard, of_week)
        yield Objection(-1, "window", _never(times, busiest))
        return
    for index, change, workload in facts.taking:
        row = facts.topology.rows.get(workload.id)
        own = np.zeros(heard.size, dtype=np.bool_)
        if row is not None:
            own = np.asarray((activity.workloads.seen[row] >= WHOLE) & activity.known, dtype=np.bool_)
        times = times_seen(own, of_week)
        if week_coverage(times) < 1:
            busiest = None if row is None else busiest_hour(activity.workloads.requests[row], own, of_week)
            yield Objection(index, change.workload, _never(times, busiest))


def _never(times: Ints, busiest: int | None) -> str:
    """Which hours of the week are missing, and whether the busiest is among them."""
    missing = np.flatnonzero(times == 0)
    said = f"{HOURS_OF_WEEK - missing.size} of {HOURS_OF_WEEK} hours of the week were heard"
    if busiest is None:
        told = f"the first that was not is {named(int(missing[0]))}"
    elif times[busiest]:
        told = f"the first that was not is {named(int(missing[0]))}; the busiest, {named(busiest)}, was"
    else:
        told = f"the busiest, {named(busiest)}, was not"
    return f"{said}, {told}: wait until a window holds them all, or repair the scraping"


def cycles(facts: Facts) -> Iterator[Objection]:
    """Enough whole cycles lie between the first hour in which the mesh, and each workload that loses anything, was
    heard and the end of the window."""
    asked, window = facts.spec.observation.cycles, facts.topology.activity.window
    if not facts.takes:
        return
    heard: Bools = np.nan_to_num(facts.topology.activity.workloads.seen) > 0
    everybody = np.asarray(heard.any(axis=0), dtype=np.bool_)
    if whole_cycles(everybody, asked.length) < asked.at_least:
        yield Objection(-1, "window", _too_short(facts, everybody))
        return
    for index, change, workload in facts.taking:
        row = facts.topology.rows.get(workload.id)
        own = np.zeros(window.hours, dtype=np.bool_) if row is None else heard[row]
        if whole_cycles(own, asked.length) < asked.at_least:
            yield Objection(index, change.workload, _too_short(facts, own))


def _too_short(facts: Facts, heard: Bools) -> str:
    asked, window = facts.spec.observation.cycles, facts.topology.activity.window
    first, whole = first_heard(heard), whole_cycles(heard, asked.length)
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


_LATER = (1.0, 0.3, 0.1)
"""Of the allowed unseen mass, by round: 1e-2, 3e-3 and 1e-3 where the policy says 1 %."""


def unseen(facts: Facts) -> Iterator[Objection]:
    """Few of the next requests of each client that loses hosts need one that was never seen: its leave-one-out mass is
    small, and its requests are enough to say so. What the policy allows holds for the first round, and falls to 0.3 and
    0.1 of it in those that follow: what is cut late was kept for a reason."""
    limit = facts.spec.observation.unseen * _LATER[min(max(facts.plan.round, 1), len(_LATER)) - 1]
    masses = unseen_by_client(facts.topology, frozenset(workload.id.key for _, _, workload in facts.hiding))
    for index, change, workload in facts.hiding:
        mass = masses[workload.id.key]
        if mass.high > limit:
            yield Objection(index, change.workload, _too_much(mass, limit, facts))


def _too_much(mass: Mass, limit: float, facts: Facts) -> str:
    asked = facts.spec.observation.unseen
    later = "" if limit == asked else f" at first, and {show_share(limit)} in round {facts.plan.round}"
    allowed = f"spec.observation.unseen allows {show_share(asked)}{later}; watch longer (spec.observation.window)"
    if not mass.requests:
        return f"it requested nothing in the window, so any host may be the next that it needs; {allowed}"
    return (
        f"{show_share(mass.share)} of its next requests may need a host that the window never showed, at most"
        f" {show_share(mass.high)} (95 %): {mass.alone:,.0f} of its {mass.requests:,.0f} requests were the only one on"
        f" their edge; {allowed}"
    )
