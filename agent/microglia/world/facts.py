"""The hours of one day as metrics would tell them: model arrays for 24 buckets."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.world.demand import SLOT, SLOTS, Ints
from microglia.world.flows import Day, deal, weights
from microglia.world.layout import Layout
from microglia.world.placing import placing
from microglia.world.record import Record
from microglia.world.resources import app_cores, containers, proxy_cores, use
from microglia.world.sight import Sight, hourly, look

NAN = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """What was seen of edges: ``requests``, ``failures`` (n, 24); ``last`` (n,): end of the last busy slot or NaN."""

    requests: F64
    failures: F64
    last: F64


@dataclass(frozen=True, slots=True, eq=False)
class DayFacts:
    """One day from ``start`` (epoch seconds).

    ``hours``: arrays (W, 24) by their names in ``WorkloadActivity``. ``zone_peak`` (W, Z, 24). ``app``, ``proxy``
    (W, 24): cores of the containers. Signs of ``lanes``, of ``strays`` (lanes past a cut route), and per call of
    ``unserved``, ``cut`` and ``refused``."""

    start: float
    hours: dict[str, F64]
    zone_peak: F64
    app: F64
    proxy: F64
    rolling: Bools
    away: Bools
    lanes: Signs
    strays: Signs
    unserved: Signs
    cut: Signs
    refused: Signs


def facts(layout: Layout, record: Record, day: Day) -> DayFacts:
    """What a healthy Prometheus knows of ``day``; what accidents hid is NaN or lowers ``seen``."""
    sight = look(layout, record, day)
    past = np.zeros_like(day.good, dtype=np.bool_)
    if layout.lanes:
        past = day.cut[np.array([lane.call for lane in layout.lanes])] > 0
    total = day.good + day.bad
    app, proxy = app_cores(layout, day, sight), proxy_cores(layout, day, sight)
    containers_app, containers_proxy = containers(layout, sight, app, proxy)
    placed, rolling = placing(layout, record, day)
    inbound, zone_peak = _inbound(layout, day, sight)
    return DayFacts(
        start=day.start,
        hours={**inbound, **use(layout, sight, app, proxy), **placed},
        zone_peak=zone_peak,
        app=containers_app,
        proxy=containers_proxy,
        rolling=rolling,
        away=sight.away,
        lanes=_signs(total * ~past, day.bad * ~past, sight.lanes, day),
        strays=_signs(total * past, day.bad * past, sight.lanes, day),
        unserved=_signs(day.unserved, day.unserved, sight.calls, day),
        cut=_signs(day.cut, day.stopped, sight.calls, day),
        refused=_signs(day.refused, day.refused, sight.calls, day),
    )


def _signs(requests: Ints, failures: Ints, seen: F64, day: Day) -> Signs:
    shown = hourly(seen) > 0
    busy = (requests > 0) & np.repeat(shown, SLOTS // 24, axis=1)
    last = SLOTS - busy[:, ::-1].argmax(axis=1)
    return Signs(
        hourly(requests) * shown, hourly(failures) * shown, np.where(busy.any(axis=1), day.start + last * SLOT, NAN)
    )


def _inbound(layout: Layout, day: Day, sight: Sight) -> tuple[dict[str, F64], F64]:
    """Requests, failures, unserved, sent, peak, imbalance, latency and seen, and the peaks by zone."""
    rows = [row for row, lane in enumerate(layout.lanes) if lane.server >= 0 and _request(layout, lane.call)]
    shown = hourly(sight.lanes) > 0
    servers = np.array([layout.lanes[row].server for row in rows], dtype=np.int64)
    total = (day.good + day.bad)[rows]
    requests, failures, slots = (np.zeros((len(layout.keys), width)) for width in (24, 24, SLOTS))
    np.add.at(requests, servers, hourly(total) * shown[rows])
    np.add.at(failures, servers, hourly(day.bad[rows]) * shown[rows])
    np.add.at(slots, servers, total * (sight.lanes[rows] >= 0.5))
    seen = sight.seen
    unknown = (seen == 0) & (requests == 0)
    by_hour = slots.reshape(len(layout.keys), 24, SLOTS // 24)
    imbalance, zone_peak = _spread(layout, day, rows, by_hour)
    found = {
        "requests": requests,
        "failures": failures,
        "unserved": _unserved(layout, day, sight),
        "sent": _sent(layout, day, sight),
        "peak": by_hour.max(axis=2) / SLOT,
        "imbalance": imbalance,
        "latency": np.where(requests > 0, _mean_latency(layout, sight, slots), NAN),
    }
    found["timed"] = np.where(layout.meshed[:, None], requests, NAN)
    for bound in layout.world.latency_bounds:
        late = hourly(slots * above(latency(layout, sight, slots), bound))
        found[slower(bound)] = np.where(layout.meshed[:, None], late, NAN)
    # Only a server's own sidecar knows how long it took and which of its pods did it.
    found["latency"] = np.where(layout.meshed[:, None], found["latency"], NAN)
    found["imbalance"] = np.where(layout.meshed[:, None], found["imbalance"], 1.0)
    hours = {name: np.where(unknown, NAN, values) for name, values in found.items()}
    return {**hours, "seen": seen}, np.where(unknown[:, None, :], NAN, zone_peak * layout.meshed[:, None, None])


def _request(layout: Layout, call: int) -> bool:
    return layout.calls[call].protocol != "tcp" and not layout.calls[call].stream


def _unserved(layout: Layout, day: Day, sight: Sight) -> F64:
    """Calls that reached nobody count against every workload that their host selects."""
    total = np.zeros((len(layout.keys), 24))
    host: dict[int, str] = {}
    for lane in layout.lanes:
        host.setdefault(lane.call, lane.host)
    lost = hourly(day.unserved) * (hourly(sight.calls) > 0)
    for call, server in sorted({(lane.call, lane.server) for lane in layout.lanes if lane.host == host[lane.call]}):
        if server >= 0 and _request(layout, call):
            total[server] += lost[call]
    return total


def _sent(layout: Layout, day: Day, sight: Sight) -> F64:
    total = np.zeros((len(layout.keys), 24))
    calls = hourly(day.unserved + day.stopped + day.refused)
    if layout.lanes:
        np.add.at(calls, [lane.call for lane in layout.lanes], hourly(day.good + day.bad))
    for number, call in enumerate(layout.calls):
        if call.client in layout.index and _request(layout, number):
            total[layout.index[call.client]] += calls[number] * (hourly(sight.calls[number : number + 1]) > 0)[0]
    return total


def latency(layout: Layout, sight: Sight, slots: F64) -> F64:
    """Milliseconds per request (W, S) under ``slots`` requests: queues grow as capacity fills."""
    room = sight.serving * layout.capacity[:, None] * SLOT
    full = np.divide(slots, room, out=np.zeros_like(slots), where=(room > 0) & np.isfinite(room)).clip(max=0.98)
    base = np.array([workload.latency for workload in layout.workloads])[:, None]
    return np.asarray(base * (1 + 0.5 * full**4 / (1 - full)))


def above(millis: F64, bound: float) -> F64:
    """The share of requests slower than ``bound`` when ``millis`` is their mean: as if exponentially distributed."""
    return np.asarray(np.exp(-bound / millis))


def slower(bound: float) -> str:
    """The name of the hours that count requests slower than ``bound`` milliseconds."""
    return f"slower than {bound:g}"


def _mean_latency(layout: Layout, sight: Sight, slots: F64) -> F64:
    """Slots weigh by their requests."""
    spent, total = hourly(slots * latency(layout, sight, slots)), hourly(slots)
    return np.divide(spent, total, out=np.full_like(total, NAN), where=total > 0)


def _spread(layout: Layout, day: Day, rows: list[int], by_hour: F64) -> tuple[F64, F64]:
    """How uneven the busiest moment was, and each zone's highest 5-minute rate, both from the pods' own counts."""
    zones = [zone.name for zone in layout.world.zones]
    imbalance = np.ones((len(layout.keys), 24))
    zone_peak = np.zeros((len(layout.keys), len(zones), 24))
    lanes: dict[int, list[int]] = {}
    for row in rows:
        lanes.setdefault(layout.lanes[row].server, []).append(row)
    for server, mine in lanes.items():
        pods = np.flatnonzero(day.owner == server)
        if not len(pods) or not by_hour[server].any():
            continue
        counts = per_pod(layout, day, server, mine).reshape(len(pods), 24, SLOTS // 24)
        busiest = by_hour[server].argmax(axis=1)
        moment = counts[:, np.arange(24), busiest]
        ready = day.serving[pods].reshape(len(pods), 24, -1)[:, np.arange(24), busiest].sum(axis=0)
        total = moment.sum(axis=0)
        np.divide(moment.max(axis=0) * ready, total, out=imbalance[server], where=total > 0)
        for number, zone in enumerate(zones):
            here = [row for row, pod in enumerate(pods) if day.pods[pod].zone == zone]
            zone_peak[server, number] = counts[here].sum(axis=0).max(axis=1) / SLOT
    return imbalance, zone_peak


def per_pod(layout: Layout, day: Day, server: int, lanes: list[int]) -> Ints:
    """The requests of ``lanes`` that each of the server's pods got, (pods, S)."""
    pods = np.flatnonzero(day.owner == server)
    shares = weights(layout, server, day.serving[pods])
    return np.asarray(
        sum(deal(day.good[lane] + day.bad[lane], shares, day.dice[lane]) for lane in lanes), dtype=np.int64
    )
