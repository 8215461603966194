"""Receipts and fresh facts -> Keep, Wait or Regrow for everything that was taken."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import numpy as np

from microglia.guard.exposure import exposure
from microglia.guard.harm import Harm, Looker
from microglia.guard.hours import heard, quiet, since
from microglia.guard.settled import settled
from microglia.guard.tripwire import Calls, Trip, calls, tripped
from microglia.guard.verdict import Verdict, judged
from microglia.guard.watch import Watch, watching
from microglia.model.activity import Activity
from microglia.model.ids import RouteId, WorkloadId
from microglia.model.units import show_duration, show_share
from microglia.plan.change import CountChange
from microglia.plan.history import History
from microglia.plan.standing import standing
from microglia.policy.schema import PolicySpec, PruningPolicy
from microglia.topology.graph import Topology

__all__ = ["Verdict", "judge", "judged"]

HEARD = 0.9
"""Least share of the hours since a cut in which it must have been heard before "no harm" says anything."""


def judge(history: History, topology: Topology, policy: PruningPolicy, now: datetime) -> tuple[Verdict, ...]:
    """A verdict on every change under watch, and on every kept route cut whose tripwire was met; oldest first.

    While the newest bucket was not read whole nothing is undone: everything under watch waits. Harm around one change
    gives back everything under watch around the workload that was harmed.
    """
    everything = [watching(one, topology) for one in standing(history)]
    if _partial(topology.activity):
        why = "the newest hour was not read whole, so nothing is judged and nothing undone; microglia doctor says why"
        return tuple(watch.says("Wait", why) for watch in everything if watch.standing.watched)
    seen = calls(topology.activity.edges) if everything else {}
    watched, found = [], dict[int, Verdict]()
    for place, watch in enumerate(everything):
        verdict = _certain(watch, topology, seen)
        if verdict is not None:
            found[place] = verdict
        elif watch.standing.watched:
            watched.append((place, watch))
    found |= _by_signals(watched, topology, policy.spec, now)
    return tuple(found[place] for place in sorted(found))


def _certain(watch: Watch, topology: Topology, seen: Calls) -> Verdict | None:
    verdict = settled(watch, topology)
    if verdict is not None and verdict.verdict == "Keep":
        return verdict if watch.standing.watched else None
    change = watch.standing.change
    trip = None if isinstance(change, CountChange) else tripped(change, watch.standing.at, seen)
    if trip:
        return _trip(watch, trip)
    urgent = verdict is not None and verdict.verdict == "Regrow"
    return verdict if urgent or watch.standing.watched else None


def _trip(watch: Watch, trip: Trip) -> Verdict:
    return watch.says("Regrow", trip.why, protects=tuple(str(RouteId(watch.workload, host)) for host in trip.hosts))


def _by_signals(
    watched: list[tuple[int, Watch]], topology: Topology, spec: PolicySpec, now: datetime
) -> dict[int, Verdict]:
    still = quiet(topology.activity)
    if still:
        span = show_duration(timedelta(hours=still))
        why = f"nothing in the whole mesh was called for {span}: that is nobody's harm to see; waits for traffic"
        return {place: watch.says("Wait", why, {"quiet_hours": float(still)}) for place, watch in watched}
    looker = Looker(topology, spec)
    found: dict[int, Verdict] = {}
    harms = _worst(harm for _, watch in watched for harm in looker.harms(watch))
    for place, watch in watched:
        hurt = [harms[one] for one in watch.around if one in harms]
        if hurt:
            # Also where the workload itself is silent: what crashed under its load is heard of by its callers only.
            worst = max(hurt, key=lambda harm: harm.figures["log_e"])
            found[place] = watch.says("Regrow", worst.why, worst.figures, watch.elements)
        else:
            found[place] = _silent(watch, topology, spec) or _patience(watch, topology, looker, now)
    return found


def _worst(harms: Iterable[Harm]) -> dict[WorkloadId, Harm]:
    found: dict[WorkloadId, Harm] = {}
    for harm in harms:
        known = found.get(harm.workload)
        if known is None or harm.figures["log_e"] > known.figures["log_e"]:
            found[harm.workload] = harm
    return found


def _silent(watch: Watch, topology: Topology, spec: PolicySpec) -> Verdict | None:
    workload, limit = topology.workloads[watch.workload], spec.guard.silent.extend_to
    after = since(topology.activity, watch.standing.at)
    if watch.row is None:
        unseen = after.size
    else:
        heard = np.flatnonzero(np.nan_to_num(topology.activity.workloads.seen[watch.row, after]) > 0)
        unseen = after.size - (int(heard[-1]) + 1 if heard.size else 0)
    if unseen == 0:
        return None
    span, figures = timedelta(hours=unseen), {"silent_hours": float(unseen)}
    told = f"no metrics of its own for {show_duration(span)} while Prometheus is well"
    if workload.ready == 0:
        return watch.says("Wait", f"{told}, and none of its pods is Ready; look at the workload", figures)
    if span < limit:
        why = f"{told} and {workload.ready} pods are Ready; given back after {show_duration(limit)} of it"
        return watch.says("Wait", why, figures)
    why = f"{told}, the limit of spec.guard.silent.extendTo, and {workload.ready} pods are Ready"
    return watch.says("Regrow", why, figures, watch.elements)


def _patience(watch: Watch, topology: Topology, looker: Looker, now: datetime) -> Verdict:
    waits = list(_waits(watch, topology, looker, now))
    if waits:
        return watch.says("Wait", "; ".join(waits), _figures(watch, topology, looker.spec))
    why = f"no harm in {show_duration(now - watch.standing.at)}"
    if watch.row is not None and looker.deaf(watch.row, watch.standing.at):
        bound = looker.spec.guard.latency_above / timedelta(milliseconds=1)
        why += f"; latency was not judged: no histogram told how many of its requests took over {bound:g} ms"
    return watch.says("Keep", why, _figures(watch, topology, looker.spec))


def _waits(watch: Watch, topology: Topology, looker: Looker, now: datetime) -> Iterator[str]:
    guard, cycle, at = looker.spec.guard, looker.spec.observation.cycles.length, watch.standing.at
    if not since(topology.activity, at).size:
        yield "no whole hour since the cut has closed yet"
    if now - at < guard.watch:
        yield f"watched until {at + guard.watch:%d %b %H:%M} UTC at least"
    if watch.row is None:
        return
    share = heard(topology.activity, watch.row, at)
    if share < HEARD:
        yield (
            f"heard in {show_share(share)} of the hours since the cut, {show_share(HEARD)} are needed;"
            " repair the scraping of its sidecars, or wait"
        )
    change = watch.standing.change
    if not isinstance(change, CountChange):
        return
    load = exposure(topology.activity, watch.row, change.after, at, looker.spec.observation.cycles)
    if load.idle:
        return
    if not load.enough(guard.exposure):
        wanted = guard.exposure * load.expected
        yield (
            f"one replica carried {load.reached:.3g} rps of the {wanted:.3g} rps that show it can;"
            f" waits for its peak, or for {show_duration(cycle)} without one"
        )
    if now - at < cycle and not looker.telling(watch.row, at):
        yield (
            f"too few errors on both sides to tell {guard.tolerance:g} times as many;"
            f" waits for more, or until {at + cycle:%d %b %H:%M} UTC"
        )


def _figures(watch: Watch, topology: Topology, spec: PolicySpec) -> dict[str, float]:
    change = watch.standing.change
    if not isinstance(change, CountChange) or watch.row is None:
        return {}
    load = exposure(topology.activity, watch.row, change.after, watch.standing.at, spec.observation.cycles)
    return {"expected_rps": load.expected, "reached_rps": load.reached}


def _partial(activity: Activity) -> bool:
    return not bool(activity.known[-1])
