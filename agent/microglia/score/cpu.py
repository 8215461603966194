"""What CPU says: seconds per request, the peak of a workload, and whether its requests explain it."""

from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F32, F64, Bools
from microglia.model.window import HOUR
from microglia.score.panel import Ints, Panel, fill, whole_week
from microglia.score.regression import fit
from microglia.topology.nodes import Workload

NEGLIGIBLE = 0.05
"""A container without a request that takes less than this share of its workload's CPU does not decide its capacity."""


@dataclass(frozen=True, slots=True)
class Model:
    """One replica by its CPU: requests per second by its tightest ``container`` (cores requested, upper 95 % bound of
    CPU ``seconds`` per request); ``rps`` is None when the model cannot say, then ``obstacle`` says why."""

    rps: float | None
    container: str = ""
    request: float = 0.0
    seconds: float = 0.0
    obstacle: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Cpu:
    """CPU of every workload in the panel's order, arrays of shape (n,): ``values`` (n, H) cores of all replicas
    together at each bucket's peak, ``seen`` False where some hour of the week is missing, ``explained`` the share of
    its variance that requests explain."""

    values: F64
    seen: Bools
    explained: F64
    models: tuple[Model, ...]


def read_cpu(panel: Panel) -> Cpu:
    """Fit hourly CPU on hourly requests: per container for the model, per workload for R^2."""
    activity = panel.topology.activity
    peaks = panel.series("cpu_peak")
    seen = np.isfinite(peaks) & activity.known
    demand = fill(peaks, seen, activity.window.hour_of_week, whole_week=whole_week(panel.policy))
    owners, places = _owners(panel)
    explained, upper, mean = np.zeros(len(panel.ids)), np.empty(places.size), np.empty(places.size)
    for rows, part in panel.parts():
        mine = slice(*np.searchsorted(owners, (rows.start, rows.stop)).tolist())
        used, own = activity.containers.cpu[places[mine]], owners[mine] - rows.start
        requests = part.series("requests")
        explained[rows] = _explained(requests, used, own, activity.known)
        upper[mine], mean[mine] = _slopes(requests[own], used, activity.known)
    lines: dict[int, dict[str, tuple[float, float]]] = {}
    for owner, place, *line in zip(owners.tolist(), places.tolist(), upper.tolist(), mean.tolist(), strict=True):
        lines.setdefault(owner, {})[activity.containers.keys[place][1]] = (line[0], line[1])
    share = panel.policy.retention.utilisation
    models = tuple(_model(one, lines.get(row, {}), share) for row, one in enumerate(panel.workloads))
    return Cpu(demand.values, demand.known, explained, models)


def _owners(panel: Panel) -> tuple[Ints, Ints]:
    """Containers whose workload is in the panel: its row there, rising, and their own in the activity; shape (c,)."""
    activity = panel.topology.activity
    keys = activity.workloads.keys
    by_key = {keys[row]: place for place, row in enumerate(panel.rows.tolist()) if row >= 0}
    owners = np.array([by_key.get(key, -1) for key, _ in activity.containers.keys], dtype=np.int64)
    order = np.argsort(owners, kind="stable")
    mine = order[owners[order] >= 0]
    return owners[mine], mine


def _explained(requests: F32, used: F32, owners: Ints, known: Bools) -> F64:
    """R^2 of each row of ``requests`` (n, H); ``used`` (c, H) are the containers of the rows ``owners`` (c,)."""
    total = np.full(requests.shape, np.nan)
    if owners.size:
        rows, starts = np.unique(owners, return_index=True)
        total[rows] = np.add.reduceat(used, starts, axis=0)
    return fit(requests, total, np.isfinite(total) & np.isfinite(requests) & known).explained


def _slopes(asked: F32, used: F32, known: Bools) -> tuple[F64, F64]:
    """Upper bound of CPU seconds per request, and all the CPU seen, of each row; shape (c,)."""
    usable = np.isfinite(used) & np.isfinite(asked) & known
    return fit(asked, used, usable).upper * HOUR, np.where(usable, used, 0.0).sum(axis=1)


def _model(workload: Workload, lines: dict[str, tuple[float, float]], utilisation: float) -> Model:
    """``utilisation x request / upper bound of CPU seconds per request`` of the tightest container."""
    total = sum(share for _, share in lines.values())
    if not total > 0:
        return Model(None, obstacle="no CPU of its containers was seen; let Prometheus scrape cAdvisor")
    requested = {container.name: container.cpu for container in workload.containers}
    found = []
    for name, (seconds, share) in sorted(lines.items()):
        request = requested.get(name, 0.0)
        if request > 0 and seconds > 0:
            found.append(Model(utilisation * request / seconds, name, request, seconds))
        elif request <= 0 and share >= NEGLIGIBLE * total:
            return Model(None, obstacle=f"container {name} requests no CPU; give it a request")
    if not found:
        return Model(None, obstacle="its CPU does not rise with its requests")
    return min(found, key=lambda model: (model.rps or 0.0, model.container))
