"""Other pairs of eyes on the same mesh: that list it in another order, or that miss something."""

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import numpy as np

from microglia.model.activity import Activity, ContainerActivity, Slowness, WorkloadActivity
from microglia.model.kinds import Kind
from microglia.model.objects import Raw
from microglia.model.ports import ClusterFacts
from microglia.model.snapshot import Source
from microglia.model.window import Window
from tests.properties.playing import Play


class Shuffled:
    """The same cluster, that lists its objects and writes their fields in any order."""

    def __init__(self, play: Play, dice: random.Random) -> None:
        self._cluster = play.cluster
        self._dice = dice

    def facts(self) -> ClusterFacts:
        return self._cluster.facts()

    def objects(self, kind: Kind) -> Sequence[Raw]:
        found = [self._mixed(raw) for raw in self._cluster.objects(kind)]
        self._dice.shuffle(found)
        return found

    def _mixed(self, value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            self._dice.shuffle(keys)
            return {key: self._mixed(value[key]) for key in keys}
        return [self._mixed(item) for item in value] if isinstance(value, list) else value


class Seen:
    """The same metrics, looked at through ``eyes``."""

    def __init__(self, play: Play, eyes: Callable[[Activity], Activity]) -> None:
        self._traffic = play.traffic
        self._eyes = eyes

    def describe(self, facts: ClusterFacts, now: datetime) -> Source:
        return self._traffic.describe(facts, now)

    def activity(self, objects: Mapping[str, Sequence[Raw]], window: Window, now: datetime) -> Activity:
        return self._eyes(self._traffic.activity(objects, window, now))

    def slowness(self, workloads: Sequence[str], window: Window, now: datetime, above: float) -> Slowness:
        return self._traffic.slowness(workloads, window, now, above)


def turned(activity: Activity, dice: random.Random) -> Activity:
    """Workloads, containers and hosts told in any order."""
    workloads, containers = activity.workloads, activity.containers
    order, rows = list(range(len(workloads.keys))), list(range(len(containers.keys)))
    dice.shuffle(order)
    dice.shuffle(rows)
    arrays: dict[str, Any] = {
        field.name: value[order]
        for field in fields(WorkloadActivity)
        if isinstance(value := getattr(workloads, field.name), np.ndarray)
    }
    hosts = list(activity.hosts.items())
    dice.shuffle(hosts)
    return replace(
        activity,
        workloads=replace(workloads, keys=tuple(workloads.keys[row] for row in order), **arrays),
        containers=ContainerActivity(tuple(containers.keys[row] for row in rows), containers.cpu[rows]),
        hosts=dict(hosts),
    )


def deaf(activity: Activity, names: Collection[str], hour: int, *, partial: bool) -> Activity:
    """``names`` were not heard from ``hour`` on for six hours: what was measured of them is not known. ``partial``: no
    reply about those hours was whole."""
    workloads, known = activity.workloads, activity.known.copy()
    rows = [row for row, key in enumerate(workloads.keys) if key in names]
    gone = slice(hour, hour + 6)
    known[gone] &= not partial
    arrays: dict[str, Any] = {}
    for field in fields(WorkloadActivity):
        values = getattr(workloads, field.name)
        if isinstance(values, np.ndarray) and values.ndim > 1 and values.dtype != np.bool_:
            arrays[field.name] = values.copy()
            arrays[field.name][rows, ..., gone] = 0 if field.name == "seen" else np.nan
    return replace(activity, workloads=replace(workloads, **arrays), known=known)
