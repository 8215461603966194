"""How much, how often and when not: shares of rounds, caps and freezes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from microglia.lifecycle.states import Phase, State
from microglia.policy.schema import Cap, Freeze, Pace
from microglia.policy.times import running

_ROUNDING = 1e-9


def shares(pace: Pace) -> tuple[float, ...]:
    """What each round may take of the excess at entry; they add up to 1.

    Decreasing: (n-j+1) / (n(n+1)/2) for round j of n (early rounds take most, late ones refine: Navlakha, Barth,
    Bar-Joseph 2015); constant: 1/n.
    """
    count = pace.rounds
    if pace.rate == "constant":
        return (1 / count,) * count
    return tuple((count - number) / (count * (count + 1) / 2) for number in range(count))


def allowance(state: State, pace: Pace) -> Mapping[str, float]:
    """Per resource, what this round may still take: the shares of rounds 1..i of the excess at entry, less what went.

    What earlier rounds left carries over; the last round takes the rest, whatever it is (infinite). Outside pruning
    nothing may be taken. That a round takes at least one element is for the plan to see to.
    """
    if state.phase is not Phase.PRUNING:
        return dict.fromkeys(sorted(state.entry), 0.0)
    if state.round >= pace.rounds:
        return dict.fromkeys(sorted(state.entry), math.inf)
    so_far = sum(shares(pace)[: state.round])
    return {
        resource: max(0.0, so_far * state.entry[resource] - state.taken.get(resource, 0.0))
        for resource in sorted(state.entry)
    }


def limit(cap: Cap, population: int) -> int:
    """How many of ``population`` a cap allows: its share rounded down, within ``at_least`` and ``at_most``."""
    allowed = max(cap.at_least, math.floor(cap.share * population + _ROUNDING))
    return allowed if cap.at_most is None else min(allowed, cap.at_most)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A freeze that holds now: which, since when and until when (UTC, ``until`` excluded)."""

    freeze: Freeze
    since: datetime
    until: datetime


def frozen(freezes: tuple[Freeze, ...], now: datetime) -> Frozen | None:
    """The freeze that holds ``now``, the one that ends last where several do; None when pruning is free.

    Starts are read in the freeze's own time zone, ``lasts`` is elapsed time.
    """
    found = [
        Frozen(freeze, *span)
        for freeze in freezes
        if (span := running(freeze.cron, freeze.time_zone, freeze.lasts, now)) is not None
    ]
    return max(found, key=lambda one: one.until, default=None)
