"""A world in which nothing hurts but nothing is still: how often is something undone all the same?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from microglia.guard.harm import Looker
from microglia.guard.watch import Watch, watching
from microglia.model.activity import Slowness
from microglia.model.window import Window
from microglia.plan.history import History
from microglia.plan.standing import standing
from microglia.policy.guarding import Guard
from microglia.policy.schema import PolicySpec
from microglia.topology.build import build
from microglia.topology.graph import Topology
from tests.factories import WINDOW, activity, deployment, edges, nodes, running, service, snapshot, workload_activity
from tests.planning import host, record, scaled

NAMES = ("shop/a", "shop/back", "shop/front")
RUNS, WEEK, EVERY = 200, 168, 6
"""Runs; hours that each is watched; hours between two looks."""
SPEC = PolicySpec(guard=Guard(signals=("errors", "latency", "unserved", "missing", "saturation")))


def village() -> Topology:
    """A workload under watch with a caller and a callee."""
    calls = edges(("shop/front", host("a"), "shop/a"), ("shop/a", host("back"), "shop/back"))
    raws = [raw for name in ("a", "back", "front") for raw in running(deployment(name, replicas=4))]
    services = [service(name) for name in ("a", "back", "front")]
    return build(snapshot(*raws, *services, *nodes(), activity=activity(workload_activity(NAMES), calls)))


def noise(draw: np.random.Generator, hours: int, harm: float = 1.0) -> dict[str, Any]:
    """Series of all workloads, shape (3, hours): a daily shape, demand that differs by a tenth from hour to hour, a
    busy day now and then, errors and slow requests that come in ones; from hour 336 on errors ``harm`` times as
    often."""
    hour = np.arange(hours)
    shape = 0.5 + 0.4 * np.sin(2 * np.pi * (hour % 24 - 8) / 24)
    days = np.repeat(draw.lognormal(0, 0.05, -(-hours // 24)), 24)[:hours]
    requests = 20000 * shape * days * draw.lognormal(0, 0.1, (3, hours))
    rate = np.full(hours, 0.002)
    rate[336:] *= harm
    return {
        "requests": requests,
        "sent": requests * draw.lognormal(0, 0.05, (3, hours)),
        "failures": draw.poisson(requests * rate),
        "unserved": draw.poisson(0.01, (3, hours)),
        "slow": draw.poisson(requests * 0.01),
        "throttled": draw.exponential(0.001, (3, hours)),
    }


def undone(base: Topology, watch: Watch, series: dict[str, Any]) -> int | None:
    """Hours after the cut at which something would be undone; None when nothing is in a week of looks."""
    arrays = {name: values.astype(np.float32) for name, values in series.items()}
    for look in range(EVERY, WEEK + 1, EVERY):
        window = Window(WINDOW.start + timedelta(hours=look), WINDOW.end + timedelta(hours=look))
        told = {name: values[:, look : look + 336] for name, values in arrays.items()}
        slowness = Slowness(500.0, NAMES, told.pop("slow"), told["requests"])
        facts = replace(workload_activity(NAMES, window), **told)
        seen = replace(base.snapshot, activity=activity(facts, base.activity.edges, window, slowness=slowness))
        if Looker(replace(base, snapshot=seen), SPEC).harms(watch):
            return look
    return None


@pytest.fixture(scope="module")
def watched() -> tuple[Topology, Watch]:
    """The village, and the step of its middle workload made at the end of the first two weeks."""
    base = village()
    history = History(None, (record(scaled(deployment("a", replicas=5), 5, 4), at=WINDOW.end),))
    return base, watching(standing(history)[0], base)


@pytest.mark.timeout(60)
def test_noise_alone_undoes_next_to_nothing(watched: tuple[Topology, Watch]) -> None:
    """Looked at again and again for a week, in fewer than one of twenty runs."""
    false = sum(undone(*watched, noise(np.random.default_rng(run), 336 + WEEK)) is not None for run in range(RUNS))
    assert false < 0.05 * RUNS


def test_the_same_noise_does_not_hide_harm(watched: tuple[Topology, Watch]) -> None:
    """Half as many errors again are seen within a day in every run."""
    found = [undone(*watched, noise(np.random.default_rng(run), 336 + WEEK, harm=1.5)) for run in range(10)]
    assert all(hours is not None and hours <= 24 for hours in found)
