"""The competition itself, on arrays alone: values, costs and budgets in, who keeps and at what price out."""

from dataclasses import dataclass

import numpy as np

from microglia.compete.dual import Dual, solve
from microglia.compete.fill import SLACK, fill
from microglia.model.activity import F64, Bools
from microglia.score.panel import Ints

CRUMB = 1e-12
"""Less than this share of what is asked for is a rounding error, not room."""
FAINT = 1e-9
"""Share of all value at which resources that are not scarce are priced when elements are ranked, so that the cheaper of
two still goes first."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """What competes, in the order that breaks ties: ``values`` (n,) and ``costs`` (n, r) of one copy, ``copies`` (n,),
    and ``before`` (n,): the earlier row that must be kept whole first, -1 where there is none. Values of rows that
    depend on each other must fall per cost."""

    values: F64
    costs: F64
    copies: Ints
    before: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """``keep`` (n,) copies kept; ``prices`` (r,) value per unit of each resource; ``density`` (n,) value over priced
    cost; ``value`` kept, the certified upper ``bound`` and the relative ``gap`` between them."""

    keep: Ints
    prices: F64
    density: F64
    value: float
    bound: float
    gap: float


def field(values: F64, costs: F64, copies: Ints | None = None, before: Ints | None = None) -> Field:
    """A field; one copy each and no dependence unless told otherwise."""
    count = len(values)
    ones, none = np.ones(count, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    return Field(values, costs, ones if copies is None else copies, none if before is None else before)


def compete(entrants: Field, budgets: F64) -> Outcome:
    """Keep as much value as every budget (r,) allows (infinite: not scarce; below zero: nothing is left of it).

    One price per resource comes from the Lagrangian dual; who keeps is decided by value over priced cost, ties in the
    order given. What is too large for a budget takes part in making its price, and not in the bound, which the dual of
    the others certifies.
    """
    wanted = entrants.copies @ entrants.costs
    room = np.where(budgets > CRUMB * wanted, budgets, 0.0)
    over = entrants.costs > room * (1 + SLACK)
    possible = _possible(entrants, np.asarray(over.any(axis=1), dtype=np.bool_))
    copies = np.where(possible, entrants.copies, 0)
    total = float(copies @ entrants.values)
    open_ones = ~np.asarray((over & (room <= 0)).any(axis=1), dtype=np.bool_)
    dual = _priced(entrants, room, open_ones)
    prices = _closed(entrants, room) + dual.prices
    density = _density(entrants, room, prices, total)
    scarce = np.flatnonzero(copies @ entrants.costs > room * (1 + SLACK))
    keep, bound = copies, total
    if scarce.size:
        shares = np.where(possible[:, None], entrants.costs[:, scarce] / room[scarce], 0.0)
        keep = fill(density, shares, copies, entrants.before)
        same = np.array_equal(possible, open_ones)
        bound = dual.bound if same else _priced(entrants, room, possible).bound
    value = float(keep @ entrants.values)
    return Outcome(keep, prices, density, value, bound, max(bound - value, 0.0) / bound if bound > 0 else 0.0)


def _priced(entrants: Field, room: F64, rows: Bools) -> Dual:
    """Prices per unit and the bound when only ``rows`` (n,) compete."""
    values, costs, copies = entrants.values[rows], entrants.costs[rows], entrants.copies[rows].astype(np.float64)
    scarce = np.flatnonzero(copies @ costs > room * (1 + SLACK))
    total = float(copies @ values)
    prices = np.zeros(room.size)
    if not scarce.size or not total > 0:
        return Dual(prices, total)
    dual = solve(values, costs[:, scarce] / room[scarce], copies)
    prices[scarce] = dual.prices / room[scarce]
    return Dual(prices, dual.bound)


def _closed(entrants: Field, room: F64) -> F64:
    """Prices before anything competes: where there is no room at all, the one at which nobody would want any; else
    0."""
    prices = np.zeros(room.size)
    for resource in np.flatnonzero(room <= 0):
        wants = entrants.costs[:, resource] > 0
        prices[resource] = (entrants.values[wants] / entrants.costs[wants, resource]).max(initial=0.0)
    return prices


def _density(entrants: Field, room: F64, prices: F64, total: float) -> F64:
    """Value over priced cost, infinite for what costs nothing; never rising from a row to one that depends on it."""
    finite = np.isfinite(room) & (room > 0)
    faint = np.where(finite, FAINT * max(total, FAINT) / np.where(finite, room, 1.0), 0.0)
    priced = entrants.costs @ (prices + faint)
    density: F64 = np.divide(entrants.values, priced, out=np.full(priced.size, np.inf), where=priced > 0)
    follows = np.flatnonzero(entrants.before >= 0)
    while True:
        # Equal densities may come out unequal by rounding.
        limit = density[entrants.before[follows]]
        if not (density[follows] > limit).any():
            return density
        density[follows] = np.minimum(density[follows], limit)


def _possible(entrants: Field, blocked: Bools) -> Bools:
    """Rows that are not ``blocked``, and depend on none that is."""
    while True:
        follows = (entrants.before >= 0) & blocked[entrants.before] & ~blocked
        if not follows.any():
            return ~blocked
        blocked = blocked | follows
