"""What may show that a cut hurt: one function per signal, each compares with the same hours of week before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from microglia.guard.hours import Hours
from microglia.guard.sequential import Comparison
from microglia.model.activity import F32, Activity
from microglia.policy.guarding import Signal

REQUESTS = 20.0
"""Prior weight where single requests are counted."""
HEALTHY_THROTTLING = 0.01
"""Share of CPU periods throttled that a healthy hour may have."""
WHOLE_HOURS = 1.0
"""Prior weight where whole hours are counted: there are few of them."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What is looked at: a comparison of ``workload`` row's hours, and how to say it (``{}`` is the ratio)."""

    compare: Callable[[Activity, int, Hours, float], Comparison]
    words: str


def errors(seen: Activity, row: int, hours: Hours, _tolerance: float) -> Comparison:
    """Failed requests, against requests."""
    return _counted(hours, seen.workloads.failures[row], seen.workloads.requests[row])


def unserved(seen: Activity, row: int, hours: Hours, _tolerance: float) -> Comparison:
    """Requests that never reached an endpoint, against all that were sent its way."""
    return _counted(hours, seen.workloads.unserved[row], seen.workloads.requests[row] + seen.workloads.unserved[row])


def latency(seen: Activity, row: int, hours: Hours, _tolerance: float) -> Comparison:
    """Requests slower than the bound, against all that were timed. What nobody told compares nothing."""
    told, key = seen.slowness, seen.workloads.keys[row]
    if told is None or key not in told.keys:
        return Comparison(0.0, 0.0, 0.0, REQUESTS)
    place = told.keys.index(key)
    return _counted(hours, told.slow[place], told.timed[place])


def saturation(seen: Activity, row: int, hours: Hours, tolerance: float) -> Comparison:
    """Hours in which its CPU was throttled more than ``tolerance`` times the worst of the same hours before.

    To carry more is what was asked of it: up to ``HEALTHY_THROTTLING`` it is no sign of harm.
    """
    now, before = hours.values(seen.workloads.throttled[row])
    worst = _over_weeks(np.fmax, before)
    limit = np.maximum(tolerance * worst, HEALTHY_THROTTLING)
    return _hourly(now > limit, np.isfinite(now) & np.isfinite(worst), before)


def missing(seen: Activity, row: int, hours: Hours, tolerance: float) -> Comparison:
    """Hours with fewer requests than the least of the same hours before, over ``tolerance``."""
    return _fewer(seen.workloads.requests[row], hours, tolerance)


def unsent(seen: Activity, row: int, hours: Hours, tolerance: float) -> Comparison:
    """The same for requests that the workload itself sends."""
    return _fewer(seen.workloads.sent[row], hours, tolerance)


SIGNS: Mapping[Signal, tuple[Sign, ...]] = {
    "errors": (Sign(errors, "errors {} times as often as in the same hours of week before"),),
    "latency": (Sign(latency, "slow requests {} times as often as in the same hours of week before"),),
    "unserved": (Sign(unserved, "unserved requests {} times as often as in the same hours of week before"),),
    "saturation": (Sign(saturation, "CPU throttled above its norm {} times as often as chance would have it"),),
    "missing": (
        Sign(missing, "demand below its norm {} times as often as chance would have it"),
        Sign(unsent, "calls of its own below their norm {} times as often as chance would have it"),
    ),
}
"""The signals by the names that policies use."""


def _counted(hours: Hours, events: F32, exposure: F32) -> Comparison:
    now, before = hours.values(events)
    base, base_before = hours.values(exposure)
    good, good_before = np.isfinite(now) & np.isfinite(base), np.isfinite(before) & np.isfinite(base_before)
    # An hour counts only with a partner, on both sides.
    good &= good_before.any(axis=1)
    good_before &= good[:, None]
    treated, reference = float(base[good].sum()), float(base_before[good_before].sum())
    hurt, hurt_before = float(now[good].sum()), float(before[good_before].sum())
    share = treated / (treated + reference) if treated + reference > 0 else 0.0
    return Comparison(hurt, hurt + hurt_before, share, REQUESTS)


def _fewer(series: F32, hours: Hours, tolerance: float) -> Comparison:
    now, before = hours.values(series)
    least = _over_weeks(np.fmin, before)
    return _hourly(now < least / tolerance, np.isfinite(now) & (least > 0), before)


def _over_weeks(choose: np.ufunc, before: F32) -> F32:
    worst: F32 = choose.reduce(before, axis=1, initial=np.nan)
    return worst


def _hourly(out: np.ndarray, compared: np.ndarray, before: F32) -> Comparison:
    # Were nothing changed, the newest of m + 1 equal hours would be the extreme one with chance 1 / (m + 1).
    partners = np.isfinite(before[compared]).sum(axis=1)
    share = 1 / (1 + int(partners.min())) if partners.size else 0.0
    return Comparison(float(np.count_nonzero(out & compared)), float(partners.size), share, WHOLE_HOURS)
