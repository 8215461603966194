"""Events of ``events.k8s.io/v1``: what happened, for ``kubectl describe``; one object a series."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal, TypeAlias

from microglia.model.kinds import Kind
from microglia.model.objects import Raw
from microglia.model.ports import ConflictError, ForbiddenError, GoneError, UnreadableError, WritableCluster
from microglia.plan.change import MANAGER

EVENT: Final = Kind("Event", "events.k8s.io", "v1", "events", "nothing")
"""Written and never listed."""
NAMESPACE: Final = "default"
"""Where events about cluster-scoped objects lie."""
SERIES: Final = timedelta(minutes=50)
"""What happens again within this time belongs to the same series: longer than a pause between laps, shorter than the
hour after which an API server forgets an event that nobody writes."""
QUIET: Final = timedelta(minutes=1)
"""A series is written at most so often."""
FIGURE: Final = re.compile(r"(?<![\w./:-])[-+]?\d[\w.,:%+-]*")
"""A number with its unit, a time, a share; not a digit in a name."""
KNOWN: Final = 512
"""Series that are remembered at once."""
_LONGEST: Final = 1000
_TIME: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_log = logging.getLogger("microglia.events")

Severity = Literal["Normal", "Warning"]
_Key: TypeAlias = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Happening:
    """``reason`` is one word for machines, ``action`` what was being done, ``note`` the sentence."""

    reason: str
    action: str
    note: str
    kind: Severity = "Normal"


@dataclass(slots=True)
class _Series:
    body: dict[str, Any]
    first: datetime
    last: datetime
    told: datetime
    count: int = 1
    unsaid: int = 0


@dataclass(slots=True)
class Events:
    """Tells happenings as events of ``controller`` in pod ``instance``; ``uid`` gives that of a policy, by which
    ``kubectl describe`` finds them (empty: unknown). What cannot be written is logged and forgotten with its series,
    which begins anew with the next: an event is a courtesy."""

    cluster: WritableCluster
    controller: str
    instance: str
    clock: Callable[[], datetime]
    uid: Callable[[str], str] = lambda _: ""
    _series: dict[_Key, _Series] = field(default_factory=dict)

    def tell(self, regarding: Raw, happening: Happening) -> None:
        """An event about ``regarding`` (an object reference); the same one again, whatever its figures are by now,
        counts up its series. The note stays the first one: the API server lets nobody change it."""
        now = self.clock()
        key = (str(regarding.get("name")), happening.reason, FIGURE.sub("#", happening.note))
        known = self._series.get(key)
        if known is not None and now - known.last <= SERIES:
            self._again(key, known, now)
            return
        series = _Series(self._body(regarding, happening, now), now, now, now)
        self._series.pop(key, None)
        self._series[key] = series
        while len(self._series) > KNOWN:
            del self._series[next(iter(self._series))]
        self._write(key, series, self.cluster.create)

    def _again(self, key: _Key, series: _Series, now: datetime) -> None:
        series.count += 1
        series.last = now
        if series.count > 2 and now - series.told < QUIET:
            series.unsaid += 1
            return
        series.told, series.unsaid = now, 0
        series.body["series"] = {"count": series.count, "lastObservedTime": now.strftime(_TIME)}
        self._write(key, series, self.cluster.replace)

    def _write(self, key: _Key, series: _Series, send: Callable[[Kind, Raw], Raw]) -> None:
        try:
            written = send(EVENT, series.body)
        except (ConflictError, GoneError, ForbiddenError, UnreadableError) as failure:
            _log.warning("an event was not written: %s", failure)
            del self._series[key]
            return
        series.body = dict(written)

    def _body(self, regarding: Raw, happening: Happening, now: datetime) -> dict[str, Any]:
        note = happening.note if len(happening.note) <= _LONGEST else f"{happening.note[: _LONGEST - 3]}..."
        name = str(regarding.get("name"))
        uid = self.uid(name)
        source = f"{self.controller} {self.instance} {now.timestamp()} {happening.reason} {note}"
        mark = sha256(source.encode()).hexdigest()[:16]
        return {
            "apiVersion": "events.k8s.io/v1",
            "kind": EVENT.name,
            "metadata": {"namespace": NAMESPACE, "name": f"{name[:200]}.{mark}"},
            "eventTime": now.strftime(_TIME),
            "type": happening.kind,
            "reason": happening.reason,
            "action": happening.action,
            "note": note,
            "regarding": {**regarding, "uid": uid} if uid else dict(regarding),
            "reportingController": f"microglia.dev/{self.controller}",
            "reportingInstance": self.instance[:128] or MANAGER,
        }
