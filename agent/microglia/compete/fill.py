"""Who keeps: the densest first, as long as they fit, ties in the order given."""

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F64
from microglia.score.panel import Ints

SLACK = 1e-9
"""Share of a budget that rounding may overdraw."""
_AT_ONCE = 4096


def fill(density: F64, costs: F64, copies: Ints, before: Ints) -> Ints:
    """Copies kept of each element, shape (n,).

    ``costs`` (n, r) of one copy in shares of the budgets. Elements are offered room in falling ``density``, then in the
    order given; one that does not fit is passed over. ``before`` (n,) is the element that must be kept whole first, -1
    where there is none.

    With one resource a smaller budget never keeps a larger cost: up to the first element that fits only the larger
    budget both keep the same, and that element alone lifts the cost above the smaller budget.
    """
    order = np.lexsort((np.arange(density.size), -density))
    spent = np.cumsum(copies[order, None] * costs[order], axis=0)
    fits = (spent <= 1 + SLACK).all(axis=1)
    whole = int(fits.argmin()) if not fits.all() else fits.size
    kept = np.zeros(density.size, dtype=np.int64)
    kept[order[:whole]] = copies[order[:whole]]
    left = 1 + SLACK - (spent[whole - 1] if whole else np.zeros(costs.shape[1]))
    for first in range(whole, order.size, _AT_ONCE):
        part = order[first : first + _AT_ONCE]
        left = _offer(part[(costs[part] <= left).all(axis=1)], costs, copies, before, kept, left)
    return kept


def _offer(part: NDArray[np.intp], costs: F64, copies: Ints, before: Ints, kept: Ints, left: F64) -> F64:
    """Offer room to each of ``part`` in turn; writes ``kept`` and returns what is left."""
    for element in part.tolist():
        first = before[element]
        if first >= 0 and kept[first] < copies[first]:
            continue
        price = costs[element]
        takes = price > 0
        room = int((left[takes] / price[takes]).min()) if takes.any() else int(copies[element])
        kept[element] = min(room, int(copies[element]))
        left = left - kept[element] * price
    return left
