"""What pods use: cores of the app and of its sidecar, memory, throttling."""

from zlib import crc32

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.model.units import quantity
from microglia.world.demand import SLOT, SLOTS, shaped
from microglia.world.flows import Day
from microglia.world.layout import Layout
from microglia.world.schema import Workload
from microglia.world.sight import Sight

NAN = float("nan")
PROXY_IDLE = 0.004
"""Cores of a sidecar without traffic."""
PROXY_MEMORY = 60 * 2**20
"""Working set of a sidecar, bytes."""
PROXY_REQUESTS = {"cpu": "100m", "memory": "128Mi"}
REJECTED = 0.1
"""The share of a request's CPU that a failed one still costs."""


def working_set(workload: Workload) -> float:
    """Bytes that one replica's app holds at full load."""
    return quantity(workload.working_set or workload.memory) * (1.0 if workload.working_set else 0.6)


def app_cores(layout: Layout, day: Day, sight: Sight) -> F64:
    """Cores of the app containers of each workload (W, S), all replicas together."""
    spent, busy = np.zeros_like(sight.serving), np.zeros_like(sight.serving)
    servers = np.array([lane.server for lane in layout.lanes], dtype=np.int64)
    np.add.at(busy, servers[servers >= 0], (day.good + REJECTED * day.bad)[servers >= 0])
    for row, workload in enumerate(layout.workloads):
        rng = np.random.default_rng((layout.world.seed, crc32(layout.keys[row].encode()), day.day))
        work = busy[row] * workload.cpu_seconds / SLOT * rng.gamma(400, 1 / 400, SLOTS)
        spent[row] = sight.serving[row] * workload.idle_cpu + work
        if workload.background is not None:
            wave = shaped(layout.shapes[workload.background.shape], day.day) * rng.gamma(25, 1 / 25, SLOTS)
            spent[row] += workload.background.cores * wave * (sight.serving[row] > 0)
    return spent


def proxy_cores(layout: Layout, day: Day, sight: Sight) -> F64:
    """Cores of the sidecars of each workload (W, S): what they take in and what they send."""
    passed = np.zeros_like(sight.serving)
    total = day.good + day.bad
    for row, lane in enumerate(layout.lanes):
        if lane.server >= 0:
            passed[lane.server] += total[row]
        client = layout.index.get(layout.calls[lane.call].client, -1)
        if client >= 0:
            passed[client] += total[row]
    seconds = np.array([workload.proxy_seconds for workload in layout.workloads])[:, None]
    return np.where(layout.meshed[:, None], sight.serving * PROXY_IDLE + passed * seconds / SLOT, 0.0)


def containers(layout: Layout, sight: Sight, app: F64, proxy: F64) -> tuple[F64, F64]:
    """Hourly mean cores of app and proxy (W, 24)."""
    known = _known(sight)
    return np.where(known, _mean(app), NAN), np.where(known & layout.meshed[:, None], _mean(proxy), NAN)


def use(layout: Layout, sight: Sight, app: F64, proxy: F64) -> dict[str, F64]:
    """cpu_peak, memory and throttled (W, 24) from the cores in use (W, S)."""
    each = np.divide(1.0, sight.serving, out=np.zeros_like(app), where=sight.serving > 0)
    memory = working(layout, (app + proxy) * each) + PROXY_MEMORY * layout.meshed[:, None]
    known = _known(sight)
    return {
        "cpu_peak": np.where(known, _max((app + proxy) * (sight.kube >= 0.5)), NAN),
        "memory": np.where(known, _max(memory * (sight.pods > 0)), NAN),
        "throttled": np.where(known, _mean(throttled(layout, app * each)), NAN),
    }


def working(layout: Layout, cores: F64) -> F64:
    """Bytes that the app of one pod holds while the pod uses ``cores`` (W, S): a little more the busier it is."""
    request = np.array([quantity(workload.cpu) for workload in layout.workloads])[:, None]
    held = np.array([working_set(workload) for workload in layout.workloads])[:, None]
    full = np.divide(cores, request, out=np.zeros_like(cores), where=request > 0).clip(max=1)
    return np.asarray(held * (0.85 + 0.15 * full))


def throttled(layout: Layout, full: F64) -> F64:
    """The share (W, S) of CFS periods in which an app at ``full`` cores was throttled; 0 where no limit is set."""
    limits = [quantity(workload.cpu_limit) if workload.cpu_limit else np.inf for workload in layout.workloads]
    return np.asarray((full / np.array(limits)[:, None] - 0.85).clip(0, 0.15) / 0.15)


def _known(sight: Sight) -> Bools:
    kube = sight.kube.reshape(1, 24, -1).sum(axis=2) > 0
    return np.asarray(kube & (sight.pods.reshape(len(sight.pods), 24, -1).sum(axis=2) > 0))


def _mean(values: F64) -> F64:
    return np.asarray(values.reshape(len(values), 24, -1).mean(axis=2))


def _max(values: F64) -> F64:
    return np.asarray(values.reshape(len(values), 24, -1).max(axis=2))
