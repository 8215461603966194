"""What happens to each callee of a play, step by step: when its series is there, and with which value.

Every step is one round of scrapes of all targets. The block that is judged lasts from ``BLOCK`` to ``END``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

BLOCK = 10
END = 38
LAST = END + 3
"""Steps until all that belongs to the block is in the store."""
_GONE = BLOCK - 4
_DOWN = range(BLOCK + 6, BLOCK + 9)
_MUTE = range(BLOCK + 10, BLOCK + 16)
_MOVED = BLOCK + 8

Count = float | None
"""What a series shows, None where it is not there."""


@dataclass(frozen=True, slots=True)
class Reporter:
    """One process that counts. It is listed from step ``first`` to before ``last``, and does not answer in ``down``."""

    name: str
    first: int = 0
    last: int = LAST + 1
    down: range = range(0)

    @property
    def pod(self) -> str:
        """The last part of its pod's name; every process has its own."""
        return {"steady": "aaaaa", "restarting": "bbbbb", "missing": "ccccc", "old": "ddddd", "new": "fffff"}[self.name]


REPORTERS = (
    Reporter("steady"),
    Reporter("restarting", down=_DOWN),
    Reporter("missing", down=_MUTE),
    Reporter("old", last=_MOVED),
    Reporter("new", first=_MOVED + 1),
)


@dataclass(frozen=True, slots=True)
class Fate:
    """What ``reporter`` shows of a callee: ``shows`` takes the step and what stands for nothing yet, which is 0 where
    series begin with their configuration."""

    reporter: str
    shows: Callable[[int, Count], Count]


def _back(step: int, before: float, after: float) -> Count:
    return before if step < _GONE else after if step >= BLOCK + 8 else None


FATES: Mapping[str, tuple[Fate, ...]] = {
    "idle": (Fate("steady", lambda step, nothing: 7.0),),
    "active": (Fate("steady", lambda step, nothing: 100.0 + step),),
    "born": (Fate("steady", lambda step, nothing: 1.0 if step >= BLOCK + 5 else nothing),),
    "sudden": (Fate("steady", lambda step, nothing: 2.0 if step >= BLOCK + 5 else None),),
    "reborn-equal": (Fate("steady", lambda step, nothing: _back(step, 3.0, 3.0)),),
    "reborn-higher": (Fate("steady", lambda step, nothing: _back(step, 2.0, 3.0)),),
    "evicted": (Fate("steady", lambda step, nothing: 5.0 if step < _GONE else None),),
    "restarted": (
        Fate("restarting", lambda step, nothing: nothing if _DOWN.start <= step < BLOCK + 12 else 5.0),
    ),
    "forgotten": (Fate("restarting", lambda step, nothing: 5.0 if step < _DOWN.start else nothing),),
    "missed": (Fate("missing", lambda step, nothing: 7.0),),
    "rolled": (
        Fate("old", lambda step, nothing: 100.0 + step),
        Fate("new", lambda step, nothing: nothing if step < BLOCK + 14 else float(step)),
    ),
    "rolled-idle": (Fate("old", lambda step, nothing: 7.0), Fate("new", lambda step, nothing: nothing)),
}  # fmt: skip
"""Beside them each play has a callee ``quiet``, of whom only noise is heard, and perhaps a callee ``strange``, who is
called by somebody that has no name."""
IDLE = frozenset({"idle", "evicted", "missed", "rolled-idle", "quiet"})
"""Those who were not used, where series stay."""
EXPIRED = frozenset({"evicted", "quiet"})
"""Those who were not used, where series expire: for those the others were there in the block, and so were used."""
STILL = IDLE | {"reborn-equal"}
"""Those of whom nobody counts anything that grew."""
