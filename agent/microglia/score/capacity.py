"""What one replica can serve: the least of what is declared and what its CPU allows, divided by the imbalance."""

import math

import numpy as np

from microglia.model.activity import F64
from microglia.model.units import rate
from microglia.score.cpu import Cpu, Model
from microglia.score.panel import Ints, Panel
from microglia.score.scores import Capacity
from microglia.topology.nodes import Workload

MARK = "microglia.dev/capacity"


def declared(workload: Workload) -> tuple[float | None, str]:
    """Requests per second that people declare for one replica, and what is wrong with the mark (empty: nothing)."""
    text = workload.annotations.get(MARK)
    if text is None:
        return None, ""
    try:
        value = rate(text, per="s")
    except ValueError as error:
        return None, f"annotation {MARK}: {error}"
    if not 0 < value < math.inf:
        return None, f'annotation {MARK}: "{text}" is not a capacity; write 200rps'
    return value, ""


def imbalance(panel: Panel, peak_at: Ints) -> F64:
    """Busiest ready replica over the mean at the peak's bucket, at least 1; where that bucket does not say, the worst
    that was seen; NaN where none was. Shape (n,)."""
    seen = panel.series("imbalance")
    if not len(seen):
        return np.zeros(0)
    at_peak = np.where(peak_at >= 0, seen[np.arange(len(seen)), peak_at], np.nan)
    worst = np.where(np.isfinite(seen), seen, -np.inf).max(axis=1)
    found = np.where(np.isfinite(at_peak), at_peak, np.where(np.isfinite(worst), worst, np.nan))
    return np.maximum(found.astype(np.float64), 1.0)


def capacities(panel: Panel, cpu: Cpu, uneven: F64, demonstrated: F64) -> tuple[Capacity, ...]:
    """The capacity of every workload in the panel's order; ``demonstrated`` (n,) as seen, before any declaration."""
    streams = _streams(panel)
    return tuple(
        _capacity(workload, cpu.models[row], float(uneven[row]), float(demonstrated[row]), streams)
        for row, workload in enumerate(panel.workloads)
    )


def _streams(panel: Panel) -> frozenset[str]:
    """Keys of workloads that were called over TCP or by streams without end, which have no unit of request."""
    edges = panel.topology.activity.edges
    signs = zip(edges.keys, edges.used.tolist(), edges.flowing.tolist(), strict=True)
    return frozenset(edge.server for edge, used, flows in signs if flows or (used and edge.protocol == "tcp"))


def _capacity(
    workload: Workload, model: Model, uneven: float, demonstrated: float, streams: frozenset[str]
) -> Capacity:
    claim, fault = declared(workload)
    stream = workload.id.key in streams
    lever = workload.owner.lever
    # What an autoscaler aims at is somebody's word on a copy, but not that it was seen.
    aimed = lever.rps if lever and claim is None and not stream else None
    rps = None if stream else model.rps
    if fault or (claim is None and aimed is None and rps is None):
        reason = fault or (
            "it is called over TCP or by long streams, which have no unit of request" if stream else model.obstacle
        )
        return Capacity(None, f"{reason}; declare {MARK} if you know it", uneven, demonstrated, "")
    if not math.isfinite(uneven):
        reason = "how evenly its replicas share the load was never seen; check that every sidecar is scraped"
        return Capacity(None, reason, uneven, demonstrated, "")
    if lever and aimed is not None and (rps is None or aimed <= rps):
        text = f"aimed at by {lever.ref}: {aimed:g} rps{_spread(uneven)} = {aimed / uneven:.5g} rps"
        return Capacity(aimed / uneven, f"target of {lever.ref}", uneven, demonstrated, text)
    if claim is not None:
        demonstrated = max(demonstrated, claim / uneven)
    if rps is None or (claim is not None and claim <= rps):
        evenly = f"{_spread(uneven)} = {(claim or 0.0) / uneven:.5g} rps" if _spread(uneven) else ""
        text = f"declared {claim:g} rps{evenly}"
        return Capacity((claim or 0.0) / uneven, "declared", uneven, demonstrated, text)
    share = rps * model.seconds / model.request
    work = f"{share:.0%} x {model.request:g} cpu / {model.seconds * 1000:.6g} ms per request"
    text = f"{work}{_spread(uneven)} = {rps / uneven:.5g} rps"
    return Capacity(rps / uneven, f"CPU model, container {model.container}", uneven, demonstrated, text)


def _spread(uneven: float) -> str:
    return f" / {uneven:.6g} (busiest replica over the mean)" if f"{uneven:.6g}" != "1" else ""
