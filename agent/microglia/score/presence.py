"""How often something is used, whatever the volume: the hours in which it was needed, and what came back."""

import numpy as np

from microglia.model.activity import F64
from microglia.model.window import HOURS_OF_WEEK
from microglia.score.panel import AT_ONCE, Ints

_RUNGS = 8192


def returning(values: F64, hour_of_week: Ints) -> tuple[F64, Ints]:
    """The highest load that came back at its hour of the week, and that hour; both (n,).

    At each hour of the week the second highest of all weeks counts: what was there in one week alone did not come back.
    Each bucket of ``values`` (n, H) stands for itself and its neighbours, because what is regular need not be punctual.
    An hour that the window holds only once may come back: there the one value counts.
    """
    level, hour = np.zeros(len(values)), np.zeros(len(values), dtype=np.int64)
    if not values.size:
        return level, hour
    often = np.bincount(hour_of_week, minlength=HOURS_OF_WEEK)
    for start in range(0, len(values), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        padded = np.pad(values[rows], ((0, 0), (1, 1)), constant_values=-np.inf)
        around = np.maximum(np.maximum(padded[:, :-2], padded[:, 2:]), padded[:, 1:-1])
        ranked = np.sort(_weeks(around, hour_of_week), axis=1)
        back = np.where(often > 1, ranked[:, max(-2, -ranked.shape[1])], ranked[:, -1])
        level[rows] = back.max(axis=1)
        # Of hours that are alike for being neighbours, the one that was busy itself.
        own = _weeks(values[rows], hour_of_week).max(axis=1)
        hour[rows] = np.where(back == level[rows, None], own, -np.inf).argmax(axis=1)
    return np.maximum(level, 0.0), hour


def _weeks(values: F64, hour_of_week: Ints) -> F64:
    """``values`` (n, H) by week and hour of the week, (n, w, 168); -inf outside the window."""
    first = int(hour_of_week[0])
    weeks = -(-(first + hour_of_week.size) // HOURS_OF_WEEK)
    calendar = np.full((len(values), weeks * HOURS_OF_WEEK), -np.inf)
    calendar[:, first : first + hour_of_week.size] = values
    found: F64 = calendar.reshape(len(values), weeks, HOURS_OF_WEEK)
    return found


def hours_short(values: F64, rows: Ints, served: F64) -> Ints:
    """In how many buckets of ``values`` (n, H) the workloads ``rows`` (m,) were asked for more than ``served`` (m,):
    there the copies above were needed. Shape (m,)."""
    found = np.empty(rows.size, dtype=np.int64)
    for first in range(0, rows.size, _RUNGS):
        part = slice(first, first + _RUNGS)
        found[part] = (values[rows[part]] > served[part, None]).sum(axis=1)
    return found


def hours_a_week(bounds: F64) -> F64:
    """Hours of use a week where use comes at most ``bounds`` (n,) times an hour: an hour cannot be used more than once,
    and a week has 168."""
    found: F64 = HOURS_OF_WEEK * np.minimum(bounds, 1.0)
    return found
