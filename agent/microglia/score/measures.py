"""How each retention rule measures use: which peak need covers, and by what the copies beyond it compete."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64
from microglia.score.load import Load
from microglia.score.panel import Panel
from microglia.score.presence import returning
from microglia.score.week import named


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What need covers of each workload, (n,): ``peak`` requests per second and ``busy`` cores; ``told`` says which
    peak that is, where it is not the highest ever."""

    peak: F64
    busy: F64
    told: list[str]


@dataclass(frozen=True, slots=True)
class Measure:
    """How a retention rule measures use: what need covers, and whether the copies beyond it compete by the hours in
    which they were needed instead of by the requests at risk without them."""

    asked: Callable[[Panel, Load], Asked]
    by_hours: bool = False


def highest(panel: Panel, load: Load) -> Asked:
    """The highest peak ever seen."""
    return Asked(load.peak, load.cpu.values.max(axis=1, initial=0.0), [""] * len(panel.ids))


def quantile(share: float) -> Callable[[Panel, Load], Asked]:
    """That share of the bucket peaks lies below."""

    def asked(panel: Panel, load: Load) -> Asked:
        if not panel.ids:
            return highest(panel, load)
        peak, busy = (np.quantile(values, share, axis=1) for values in (load.demand.values, load.cpu.values))
        return Asked(peak, busy, [""] * len(panel.ids))

    return asked


def came_back(panel: Panel, load: Load) -> Asked:
    """The highest peak that came back at its hour of the week."""
    hours = panel.topology.activity.window.hour_of_week
    peak, hour = returning(load.demand.values, hours)
    told = [f" (came back: {named(one)})" for one in hour.tolist()]
    return Asked(peak, returning(load.cpu.values, hours)[0], told)
