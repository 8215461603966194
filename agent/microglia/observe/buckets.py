"""Closed hours between laps: what is remembered, what must be read again, and which names it speaks of."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microglia.model.ports import Buckets
from microglia.observe.facts import Block
from microglia.observe.pages import Ids, Page, block_names, ids_of, pack, unpack

REREAD = 6
"""The last hours of a window that are read again: late samples still arrive there."""
LONGEST = 24
"""Hours of one block: no query covers more."""
HOUR = 3600
_NAMES_AT = 0
"""Where the names are kept, under a scope of their own: no bucket starts at the epoch."""


class MemoryBuckets:
    """Buckets that last as long as the process: for looks without a state folder."""

    def __init__(self) -> None:
        self._hours: dict[str, dict[int, bytes]] = {}
        self._memory: dict[str, Mapping[str, Any]] = {}

    def load(self, scope: str, hours: Sequence[int]) -> Mapping[int, bytes]:
        """The stored payloads of ``hours`` under ``scope``."""
        kept = self._hours.get(scope, {})
        return {hour: kept[hour] for hour in hours if hour in kept}

    def save(self, scope: str, payloads: Mapping[int, bytes]) -> None:
        """Replace the payloads of these hours."""
        self._hours.setdefault(scope, {}).update(payloads)

    def recall(self, scope: str) -> Mapping[str, Any]:
        """The long memory under ``scope``."""
        return self._memory.get(scope, {})

    def remember(self, scope: str, memory: Mapping[str, Any]) -> None:
        """Replace the long memory."""
        self._memory[scope] = memory


@dataclass(frozen=True, slots=True)
class Run:
    """Hours to read in one go."""

    start: int
    hours: int

    @property
    def end(self) -> int:
        """Epoch seconds of its end."""
        return self.start + self.hours * HOUR

    @property
    def halves(self) -> "tuple[Run, Run]":
        """The earlier and the later half; the earlier is the shorter one where they differ."""
        middle = self.hours // 2
        return Run(self.start, middle), Run(self.start + middle * HOUR, self.hours - middle)


class HourBook:
    """The pages of one scope, and the names that they use.

    ``mark`` tells how hours are read: pages read otherwise are not ours. The long memory outlives such changes.
    """

    def __init__(self, buckets: Buckets, scope: str, mark: str = "") -> None:
        self._buckets = buckets
        self._memory_scope = scope
        self._scope = f"{scope}/{mark}"
        self._names: dict[str, tuple[str, ...]] = {}
        self.pages: dict[int, Page] = {}

    def open(self, hours: Sequence[int]) -> None:
        """Load what is stored of ``hours``. Pages that speak of names which are not there are left out."""
        stored = self._buckets.load(self._scope_of_names, [_NAMES_AT]).get(_NAMES_AT)
        self._names = _read_names(stored)
        known = {section: np.sort(ids_of(names)) for section, names in self._names.items()}
        for hour, payload in self._buckets.load(self._scope, hours).items():
            page = unpack(payload)
            if page is not None and all(_inside(part.ids, known.get(name)) for name, part in page.sections.items()):
                self.pages[hour] = page

    def due(self, hours: Sequence[int]) -> tuple[Run, ...]:
        """What to read: hours without a page, hours that are not known, and the last ``REREAD``."""
        latest = set(hours[-REREAD:])
        wanted = [hour for hour in hours if hour in latest or hour not in self.pages or not self.pages[hour].known]
        return runs(wanted)

    def add(self, block: Block) -> None:
        """Keep ``block``. An hour that is known is not given up for one that is not."""
        payloads = pack(block)
        fresh = {hour: page for hour, payload in payloads.items() if (page := unpack(payload)) is not None}
        better = {hour: page for hour, page in fresh.items() if page.known or not self._knows(hour)}
        self.pages.update(better)
        self._learn(block)
        self._buckets.save(self._scope, {hour: payloads[hour] for hour in better})

    def names(self, section: str) -> tuple[str, ...]:
        """Every name that a page may use in ``section``."""
        return self._names.get(section, ())

    def recall(self) -> Mapping[str, Any]:
        """The long memory of this scope."""
        return self._buckets.recall(self._memory_scope)

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Replace the long memory of this scope."""
        self._buckets.remember(self._memory_scope, memory)

    def _knows(self, hour: int) -> bool:
        return hour in self.pages and self.pages[hour].known

    def _learn(self, block: Block) -> None:
        found = {name: tuple(sorted({*self.names(name), *new})) for name, new in block_names(block).items()}
        if found != self._names:
            self._names = found
            self._buckets.save(self._scope_of_names, {_NAMES_AT: zlib.compress(json.dumps(found).encode(), 1)})

    @property
    def _scope_of_names(self) -> str:
        return f"{self._scope}/names"


def runs(hours: Iterable[int]) -> tuple[Run, ...]:
    """Neighbouring hours together, at most ``LONGEST`` at once."""
    found: list[Run] = []
    for hour in sorted(hours):
        if found and found[-1].end == hour and found[-1].hours < LONGEST:
            found[-1] = Run(found[-1].start, found[-1].hours + 1)
        else:
            found.append(Run(hour, 1))
    return tuple(found)


def _read_names(stored: bytes | None) -> dict[str, tuple[str, ...]]:
    try:
        found = json.loads(zlib.decompress(stored)) if stored else {}
    except (zlib.error, ValueError):
        return {}
    return {str(section): tuple(map(str, names)) for section, names in found.items()}


def _inside(ids: Ids, known: Ids | None) -> bool:
    """Whether all ``ids`` are in ``known``, which is sorted."""
    if not ids.size:
        return True
    if known is None or not known.size:
        return False
    return bool((known[np.searchsorted(known, ids).clip(max=known.size - 1)] == ids).all())
