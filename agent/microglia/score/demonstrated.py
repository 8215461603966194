"""Which buckets were healthy, what load they demonstrate, and what memory would do under more."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F32, F64, Bools
from microglia.score.panel import Panel
from microglia.score.regression import fit

THROTTLED = 0.01
"""Share of CFS periods throttled, above which a bucket is unhealthy."""
ERRORS, LATENCY = 3.0, 2.0
"""Times its own median, above which a bucket's share of failures or mean latency is out of its norm."""
LEAST_SHARE, LEAST_FAILURES, LEAST_REQUESTS = 0.01, 5, 30
"""Below these a bucket's share of failures, its failures or its requests are too few to be called abnormal."""


@dataclass(frozen=True, slots=True, eq=False)
class Health:
    """``load`` (n, H) highest 5-minute requests per second per ready replica, NaN unknown; ``unhealthy`` (n, H);
    ``share`` (n,) of the seen buckets that were unhealthy; ``demonstrated`` (n,) highest load in a healthy bucket or
    remembered from before the window; ``loudest`` (n,) highest load of any seen bucket."""

    load: F32
    unhealthy: Bools
    share: F64
    demonstrated: F64
    loudest: F64


def read_health(panel: Panel, whole: Bools) -> Health:
    """Judge every bucket. A bucket whose failures or latency were not seen is neither healthy nor unhealthy; one in
    which the count changed demonstrates nothing."""
    load, unhealthy = np.empty(whole.shape, dtype=np.float32), np.empty(whole.shape, dtype=np.bool_)
    demonstrated, loudest = np.empty(len(whole)), np.empty(len(whole))
    for rows, part in panel.parts():
        load[rows], unhealthy[rows], healthy = _buckets(part, whole[rows])
        demonstrated[rows] = np.maximum(_highest(load[rows], healthy), np.nan_to_num(part.per_workload("old_load")))
        loudest[rows] = _highest(load[rows], whole[rows])
    share = unhealthy.sum(axis=1) / np.maximum(whole.sum(axis=1), 1)
    return Health(load, unhealthy, share, demonstrated, loudest)


def _buckets(panel: Panel, whole: Bools) -> tuple[F32, Bools, Bools]:
    """Load per ready replica, which buckets are unhealthy and which healthy, each (n, H)."""
    requests = panel.series("requests").astype(np.float64)
    failures, latency = panel.series("failures"), panel.series("latency")
    ready, peak = panel.series("ready"), panel.series("peak")
    with np.errstate(divide="ignore", invalid="ignore"):
        load = np.where(whole & (ready > 0), peak / ready, np.nan)
        wrong = np.where(whole & (requests > 0), failures / requests, np.nan)
    slow = np.where(whole & (requests >= LEAST_REQUESTS), latency, np.nan)
    norm = np.maximum(ERRORS * _median(wrong), LEAST_SHARE)
    unhealthy = whole & (panel.series("throttled") > THROTTLED)
    unhealthy |= (wrong > norm[:, None]) & (failures >= LEAST_FAILURES)
    unhealthy |= slow > (LATENCY * _median(slow))[:, None]
    silent = whole & (requests == 0)
    judged = silent | (np.isfinite(wrong) & np.isfinite(latency))
    return load, unhealthy, judged & ~unhealthy & ~panel.flags("rolling") & np.isfinite(load)


def memory_slope(panel: Panel, health: Health) -> F64:
    """Upper 95 % bound of bytes per pod for each further request per second per replica, at least 0; shape (n,)."""
    memory = panel.series("memory")
    line = fit(health.load, memory, np.isfinite(health.load) & np.isfinite(memory))
    return np.maximum(np.nan_to_num(line.upper), 0.0)


def _highest(values: F32, where: Bools) -> F64:
    found: F64 = np.where(where & np.isfinite(values), values, 0.0).max(axis=1, initial=0.0)
    return found


def _median(values: NDArray[np.floating]) -> F64:
    """The lower median of each row's known values, NaN where there are none; shape (n,)."""
    count = np.isfinite(values).sum(axis=1)
    ordered = np.sort(np.where(np.isfinite(values), values, np.inf), axis=1)
    middle = ordered[np.arange(len(ordered)), np.maximum(count - 1, 0) // 2]
    return np.where(count > 0, middle, np.nan)
