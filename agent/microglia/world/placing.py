"""Where pods were: counts, the fullest zone and node at each hour's worst moment, and changes of count."""

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.world.demand import DAY, SLOTS
from microglia.world.flows import Day
from microglia.world.layout import Layout
from microglia.world.record import Record
from microglia.world.sight import by_workload, kubernetes

NAN = float("nan")


def placing(layout: Layout, record: Record, day: Day) -> tuple[dict[str, F64], Bools]:
    """ready, placed, fullest_zone, fullest_node (W, 24), and ``rolling`` (W, 24)."""
    # Placement changes rarely: work on the columns where it does.
    changes = np.append(0, 1 + np.flatnonzero((day.alive[:, 1:] != day.alive[:, :-1]).any(axis=0)))
    column = np.repeat(np.arange(len(changes)), np.diff(np.append(changes, SLOTS)))
    alive = day.alive[:, changes].astype(np.float64)
    placed = by_workload(layout, day, alive)[:, column]
    zone = _fullest(layout, day, alive, [pod.zone for pod in day.pods])[:, column]
    node = _fullest(layout, day, alive, [pod.node for pod in day.pods])[:, column]
    zones = max(1, len(layout.world.zones))
    split = (len(layout.keys), 24, SLOTS // 24)
    worst = (zone - np.ceil(placed / zones)).reshape(split).argmax(axis=2)[:, :, None]
    ready = by_workload(layout, day, day.serving).reshape(split).mean(axis=2)
    # Jobs come and go between looks: nothing counts their pods.
    jobs = np.array([workload.kind == "CronJob" for workload in layout.workloads], dtype=np.bool_)[:, None]
    dark = (kubernetes(record, day).reshape(24, -1).sum(axis=1) == 0) | jobs
    found = {"ready": ready}
    for name, values in (("placed", placed), ("fullest_zone", zone), ("fullest_node", node)):
        found[name] = np.take_along_axis(values.reshape(split), worst, axis=2)[:, :, 0]
    return {name: np.where(dark, NAN, values) for name, values in found.items()}, _rolling(layout, record, day)


def _fullest(layout: Layout, day: Day, alive: F64, places: list[str]) -> F64:
    """The pods (W, columns) of each workload's fullest place."""
    names = sorted(set(places))
    counts = np.zeros((len(layout.keys), len(names), alive.shape[1]))
    np.add.at(counts, (day.owner, np.array([names.index(place) for place in places], dtype=np.int64)), alive)
    return np.asarray(counts.max(axis=1) if names else counts.sum(axis=1))


def _rolling(layout: Layout, record: Record, day: Day) -> Bools:
    found = np.zeros((len(layout.keys), 24), dtype=np.bool_)
    for pod in record.pods:
        for moment in (pod.start, pod.end):
            if day.start <= moment < day.start + DAY and moment > layout.start and pod.workload in layout.index:
                found[layout.index[pod.workload], int(moment - day.start) // 3600] = True
    return found
