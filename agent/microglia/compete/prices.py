"""Who lost to whom."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import overload

import numpy as np

from microglia.compete.arena import Field, Outcome
from microglia.compete.entrants import Entrants
from microglia.compete.selection import Yielded
from microglia.model.activity import F64
from microglia.score.panel import Ints


@dataclass(frozen=True, slots=True, eq=False)
class Losers(Sequence[Yielded]):
    """Every loser in the order of the field, as columns of shape (m,): ``rows`` of the field, ``kept`` copies of each,
    its ``density``, and the row of who won over it (``winner``, -1 where nobody did). A large mesh has too many losers
    to make an object of each before somebody asks for it. Equal to any sequence of equal Yielded."""

    entrants: Entrants
    rows: Ints
    kept: Ints
    density: F64
    winner: Ints

    def __len__(self) -> int:
        return self.rows.size

    @overload
    def __getitem__(self, at: int) -> Yielded: ...

    @overload
    def __getitem__(self, at: slice) -> "Losers": ...

    def __getitem__(self, at: int | slice) -> "Yielded | Losers":
        places = np.arange(len(self))[at]
        return self._take(places) if isinstance(at, slice) else next(iter(self._take(places[None])))

    def __iter__(self) -> Iterator[Yielded]:
        name = cache(self.entrants.name)
        elements = self.entrants.losers(self.rows, self.kept)
        for element, density, winner in zip(elements, self.density.tolist(), self.winner.tolist(), strict=True):
            yield Yielded(element, density, name(winner) if winner >= 0 else None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    @property
    def replicas(self) -> int:
        """How many of them are replica steps: those come first."""
        return int(np.searchsorted(self.rows, len(self.entrants.steps)))

    def _take(self, places: Ints) -> "Losers":
        return Losers(self.entrants, self.rows[places], self.kept[places], self.density[places], self.winner[places])


def losers(entrants: Entrants, outcome: Outcome, room: F64) -> Losers:
    """Every loser with its density and the last winner above it.

    That is the winner of the least density not below the loser's, among those that take of the resource in which the
    loser asks for most: by price, or where all prices are zero by share of the ``room`` (r,) there was.
    """
    field = entrants.field
    rows = np.flatnonzero(outcome.keep < field.copies)
    wanted, density = _wanted(field, rows, outcome.prices, room), outcome.density[rows]
    winner = np.full(rows.size, -1, dtype=np.int64)
    for resource in np.unique(wanted):
        winners = _winners(field, outcome, int(resource))
        places = np.searchsorted(outcome.density[winners], density)
        theirs = (wanted == resource) & (places < winners.size)
        winner[theirs] = winners[places[theirs]]
    return Losers(entrants, rows, outcome.keep[rows], density, winner)


def _wanted(field: Field, rows: Ints, prices: F64, room: F64) -> Ints:
    priced = field.costs[rows] * prices
    limited = np.isfinite(room)
    # Next to no room may be passed beyond all numbers: infinity is the right answer then.
    with np.errstate(over="ignore"):
        share = np.where(limited, field.costs[rows] / np.where(limited & (room > 0), room, 1.0), 0.0)
    return np.asarray(np.where(priced.any(axis=1), priced.argmax(axis=1), share.argmax(axis=1)), dtype=np.int64)


def _winners(field: Field, outcome: Outcome, resource: int) -> Ints:
    """Rows of those kept whole or in part that take of ``resource``: rising density, ties last row first."""
    rows = np.flatnonzero((outcome.keep > 0) & (field.costs[:, resource] > 0))
    found: Ints = rows[np.lexsort((-rows, outcome.density[rows]))]
    return found
