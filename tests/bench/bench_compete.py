"""The competition alone: heavy-tailed values, log-normal costs, every resource scarce to another degree."""

from collections.abc import Callable
from time import perf_counter

import numpy as np

from microglia.compete.arena import compete, field

ELEMENTS, RESOURCES = 200_000, 3
TIME = f"competition, {ELEMENTS:,} elements x {RESOURCES} resources, seconds"
GAP = f"competition, {ELEMENTS:,} elements x {RESOURCES} resources, relative gap"
GOALS = {TIME: "1", GAP: "1e-4"}


def competition(elements: int, resources: int, seed: int = 1) -> dict[str, float]:
    """Seconds and relative gap of one competition; budgets are 20 % to 80 % of what is asked of each resource."""
    random = np.random.default_rng(seed)
    values = random.pareto(1.1, elements)
    costs = random.lognormal(0.0, 1.0, (elements, resources))
    budgets = costs.sum(axis=0) * np.linspace(0.2, 0.8, resources)
    entrants = field(values, costs)
    started = perf_counter()
    outcome = compete(entrants, budgets)
    return {"seconds": perf_counter() - started, "gap": outcome.gap}


def run(say: Callable[[str], None]) -> dict[str, float]:
    """The median of five competitions after one that warms up, and the largest gap of them."""
    competition(1_000, RESOURCES)
    found = [competition(ELEMENTS, RESOURCES, seed) for seed in range(1, 6)]
    for one in found:
        say(f"{one['seconds']:.3f} s, gap {one['gap']:.1e}")
    return {TIME: sorted(one["seconds"] for one in found)[2], GAP: max(one["gap"] for one in found)}
