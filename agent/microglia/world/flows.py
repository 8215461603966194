"""One day of truth: what every call met, slot by slot, and which pod served it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F64, Bools
from microglia.world.demand import DAY, SLOT, SLOTS, Ints, demand, generator
from microglia.world.layout import Lane, Layout
from microglia.world.record import STARTUP, Pod, Record, ordered


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """Epoch day ``day``: L lanes, K calls, P pods (by workload, then name), S slots.

    ``good`` and ``bad`` (L, S): served and failed by a server; ``unserved`` (K, S): no server was there;
    ``cut`` (K, S): went past a cut route (without mTLS they reach the server all the same, and count there too);
    ``stopped`` (K, S): those of them that failed; ``refused`` (K, S): the sidecar itself said no.
    ``alive`` and ``serving`` (P, S). ``owner`` (P,): its workload.
    ``dice`` (L, S): the uniform numbers by which a lane's requests are dealt to pods.
    """

    day: int
    pods: tuple[Pod, ...]
    owner: Ints
    alive: Bools
    serving: Bools
    good: Ints
    bad: Ints
    unserved: Ints
    cut: Ints
    stopped: Ints
    refused: Ints
    dice: F64

    @property
    def start(self) -> float:
        """Epoch seconds of its midnight."""
        return float(self.day * DAY)


def flow(layout: Layout, record: Record, day: int) -> Day:
    """Play epoch day ``day`` of the world with the pods, cuts and troubles of ``record``."""
    begin = float(day * DAY)
    pods = [pod for pod in ordered(record.pods, layout) if pod.start < begin + DAY and pod.end > begin]
    owner = np.array([layout.index[pod.workload] for pod in pods], dtype=np.int64)
    alive, serving = _presence(pods, record, begin)
    counts = np.zeros((len(layout.workloads), SLOTS))
    np.add.at(counts, owner, serving)
    wanted = np.stack([demand(layout, call, day) for call in range(len(layout.calls))]) if layout.calls else _none(0)
    wanted[:, begin + np.arange(SLOTS) * SLOT < layout.start] = 0
    wanted *= _calling(layout, counts)
    past, blocked = _cuts(layout, record, begin)
    stopped = past if layout.world.mtls == "strict" else np.zeros_like(past)
    arrived, unserved = _route(layout, wanted * ~(stopped | blocked), counts, day)
    rolls = [generator(layout, lane.call, day, 2 + lane.target * 1000 + lane.server + 1) for lane in layout.lanes]
    dice = np.stack([rng.random((2, SLOTS)) for rng in rolls]) if rolls else np.zeros((0, 2, SLOTS))
    bad = _failures(layout, arrived, counts, dice[:, 0])
    return Day(
        day=day,
        pods=tuple(pods),
        owner=owner,
        alive=alive,
        serving=serving,
        good=arrived - bad,
        bad=bad,
        unserved=unserved,
        cut=wanted * past,
        stopped=wanted * stopped,
        refused=wanted * blocked,
        dice=dice[:, 1],
    )


def _none(rows: int) -> Ints:
    return np.zeros((rows, SLOTS), dtype=np.int64)


def _presence(pods: Sequence[Pod], record: Record, begin: float) -> tuple[Bools, Bools]:
    middle = begin + (np.arange(SLOTS) + 0.5) * SLOT
    born = np.array([pod.start for pod in pods])[:, None]
    gone = np.array([pod.end for pod in pods])[:, None]
    alive = (born <= middle) & (middle < gone)
    serving = alive & (born + STARTUP <= middle)
    for trouble in record.troubles:
        if trouble.kind in {"zone", "workload"} and trouble.start < begin + DAY and trouble.end > begin:
            hit = np.array([trouble.hits(pod) for pod in pods], dtype=np.bool_)
            serving &= ~(hit[:, None] & (trouble.start <= middle) & (middle < trouble.end))
    return alive, serving


def _calling(layout: Layout, counts: F64) -> Bools:
    """Where a client (K, S) has a pod that could call; jobs bring their own, and strangers are always there."""
    there = np.vstack([counts > 0, np.ones(SLOTS, dtype=np.bool_)])
    own = [
        -1
        if call.client not in layout.index or layout.workloads[layout.index[call.client]].kind == "CronJob"
        else layout.index[call.client]
        for call in layout.calls
    ]
    return np.asarray(there[np.array(own, dtype=np.int64)])


def _cuts(layout: Layout, record: Record, begin: float) -> tuple[Bools, Bools]:
    """Where calls go past a cut route, and where the sidecar refuses them, both (K, S)."""
    middle = begin + (np.arange(SLOTS) + 0.5) * SLOT
    past = np.zeros((len(layout.calls), SLOTS), dtype=np.bool_)
    blocked = np.zeros_like(past)
    places: dict[tuple[str, str], list[int]] = {}
    for number, call in enumerate(layout.calls):
        places.setdefault((call.client, layout.hosts[number]), []).append(number)
    for cut in record.cuts:
        if cut.start < begin + DAY and cut.end > begin:
            for number in places.get((cut.client, cut.host), ()):
                (blocked if cut.blocked else past)[number] |= (cut.start <= middle) & (middle < cut.end)
    return past, blocked


def _route(layout: Layout, wanted: Ints, counts: F64, day: int) -> tuple[Ints, Ints]:
    """Deal the calls to lanes by route weight, locality tier and serving pods; what finds nobody is unserved."""
    arrived, unserved = _none(len(layout.lanes)), _none(len(layout.calls))
    lanes: dict[int, list[int]] = {}
    for position, lane in enumerate(layout.lanes):
        lanes.setdefault(lane.call, []).append(position)
    for call, mine in lanes.items():
        if len(mine) == 1:
            server = layout.lanes[mine[0]].server
            there = counts[server] > 0 if server >= 0 else np.ones(SLOTS, dtype=np.bool_)
            arrived[mine[0]] = wanted[call] * there
        elif wanted[call].any():
            shares = _shares([layout.lanes[position] for position in mine], counts)
            roll = generator(layout, call, day, 1).random(SLOTS)
            arrived[mine] = deal(wanted[call], shares, roll)
        unserved[call] = wanted[call] - arrived[mine].sum(axis=0)
    for call in range(len(layout.calls)):
        if call not in lanes:
            unserved[call] = wanted[call]
    return arrived, unserved


def _shares(lanes: Sequence[Lane], counts: F64) -> F64:
    shares = np.zeros((len(lanes), SLOTS))
    for target in {lane.target for lane in lanes}:
        rows = [row for row, lane in enumerate(lanes) if lane.target == target]
        pods = np.stack([counts[lanes[row].server] if lanes[row].server >= 0 else np.ones(SLOTS) for row in rows])
        tiers = np.array([lanes[row].tier for row in rows])[:, None]
        best = np.where(pods > 0, tiers, 99).min(axis=0)
        pods = np.where(tiers == best, pods, 0)
        total = pods.sum(axis=0)
        shares[rows] = np.divide(pods, total, out=np.zeros_like(pods), where=total > 0) * lanes[rows[0]].weight
    return shares


def deal(count: Ints, shares: NDArray[np.float64], roll: NDArray[np.float64]) -> Ints:
    """Split ``count`` (S,) by ``shares`` (n, S) into whole numbers, exactly when the shares sum to 1.

    Systematic sampling: part j gets floor(count c_j + roll) - floor(count c_(j-1) + roll), c the cumulative shares.
    """
    edges = np.zeros((shares.shape[0] + 1, shares.shape[1]))
    np.cumsum(shares, axis=0, out=edges[1:])
    edges = np.where(edges > 1 - 1e-12, 1.0, edges)
    marks = np.floor(count * edges + roll)
    return np.diff(marks, axis=0).astype(np.int64)


def _failures(layout: Layout, arrived: Ints, counts: F64, roll: F64) -> Ints:
    """What a server fails: the share over its capacity, and the call's own errors."""
    if not layout.lanes:
        return arrived
    servers = np.array([lane.server for lane in layout.lanes])
    calls = [layout.calls[lane.call] for lane in layout.lanes]
    load = np.zeros_like(counts)
    weighs = np.array([call.protocol != "tcp" and not call.stream for call in calls]) & (servers >= 0)
    np.add.at(load, servers[weighs], arrived[weighs])
    room = np.zeros_like(counts)
    np.multiply(counts, layout.capacity[:, None] * SLOT, out=room, where=counts > 0)
    over = np.clip(1 - np.divide(room, load, out=np.ones_like(load), where=load > 0), 0, 1)
    share = np.where(weighs[:, None], over[servers], 0.0)
    own = np.array([call.errors for call in calls])[:, None]
    lost = np.floor(arrived * (1 - (1 - share) * (1 - own)) + roll * (own + share > 0))
    return np.asarray(np.minimum(lost, arrived), dtype=np.int64)


def weights(layout: Layout, owner: int, serving: Bools) -> F64:
    """The share of each of a workload's pods (n, S) in its load: even, but for ``skew`` of the first."""
    skew = layout.workloads[owner].skew
    counts = serving.sum(axis=0)
    first = np.cumsum(serving, axis=0) == 1
    even = np.divide(1.0, counts, out=np.zeros(serving.shape[1]), where=counts > 0)
    share: F64 = serving * even
    if skew <= 0:
        return share
    busy = np.minimum(1.0, even * (1 + skew))
    rest = np.divide(1 - busy, counts - 1, out=np.zeros(serving.shape[1]), where=counts > 1)
    return np.asarray(np.where(serving & first, np.where(counts > 1, busy, even), serving * rest))
