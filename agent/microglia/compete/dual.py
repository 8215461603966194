"""The price of every resource: the Lagrangian dual of the competition, solved by cutting planes."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from microglia.model.activity import F64

TOLERANCE = 1e-6
"""Relative distance to the least possible bound at which prices are good enough."""
MOST = 200
"""Evaluations after which the best bound so far stands: it is certified all the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Dual:
    """``prices`` (r,) in value per budget, and the certified upper ``bound`` on the value that can be kept."""

    prices: F64
    bound: float


def solve(values: F64, costs: F64, copies: F64) -> Dual:
    """Minimise g(p) = sum(p) + sum(copies x max(0, value - cost . p)) over p >= 0.

    ``values`` (n,) and ``costs`` (n, r) are of one copy, costs in shares of their budgets; some value is positive.
    Every g(p) bounds what can be kept (weak duality), so the least one seen is a certificate, whether or not the search
    has come to its end. Kelley's cutting planes (1960): g is convex and piecewise linear, so its planes seen so far
    make a linear programme in r + 1 unknowns, whose optimum is the next point and a lower bound.
    """
    prices = np.zeros(costs.shape[1])
    best = Dual(prices, float(copies @ values))
    slopes, heights = [np.ones(prices.size)], [0.0]
    for _ in range(MOST):
        worth = values - costs @ prices
        winners = worth > 0
        bound = float(prices.sum()) + float(copies[winners] @ worth[winners])
        if bound < best.bound:
            best = Dual(prices, bound)
        slopes.append(1 - copies[winners] @ costs[winners])
        heights.append(bound - float(slopes[-1] @ prices))
        following, least = _lowest(np.array(slopes), np.array(heights), best.bound)
        if best.bound - least <= TOLERANCE * best.bound or np.array_equal(following, prices):
            break
        prices = following
    return best


def _lowest(slopes: F64, heights: F64, scale: float) -> tuple[F64, float]:
    """The p >= 0 at which the highest of the planes ``slopes . p + heights`` is least, and that height.

    The first plane is sum(p) itself, so everything is at most ``scale``: in that unit, and with rows of equal size, the
    solver's absolute tolerances are relative ones.
    """
    size = np.maximum(np.abs(slopes).max(axis=1), 1.0)
    planes = np.column_stack((slopes, -np.ones(len(slopes)))) / size[:, None]
    target = np.append(np.zeros(slopes.shape[1]), 1.0)
    found = linprog(target, A_ub=planes, b_ub=-heights / scale / size, bounds=(0, None))
    # The programme always has an optimum; should the solver not find it, the best bound so far stands.
    return (np.zeros(target.size - 1), scale) if found.x is None else (found.x[:-1] * scale, float(found.fun) * scale)
