"""A policy that changed, or a plan that was approved, is looked at now, not at the end of the interval."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Final

from microglia.daemon.bell import Waiting
from microglia.daemon.health import Pulse
from microglia.daemon.stream import ExpiredError, Stream
from microglia.model.objects import Raw, at, name_of
from microglia.model.ports import ForbiddenError, GoneError, UnreadableError

_logger = logging.getLogger("microglia.watch")
PAUSE: Final = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Seconds before the watch is tried again, longer after each failure in a row."""


class SpecWatch:
    """Rings ``bell`` when the spec of an object of ``stream`` is new, changed or gone; a changed status rings
    nothing. ``what`` names the kind to people.

    It goes on from the newest resourceVersion it has seen, of an event or of a bookmark; without bookmarks that grows
    old, the server says 410, and it lists anew: what changed meanwhile shows in the generations. ``pulse`` is told
    since when it hears nothing.
    """

    def __init__(self, stream: Stream, bell: Waiting, what: str, pulse: Pulse) -> None:
        self._stream = stream
        self._bell = bell
        self._what = what
        self._pulse = pulse
        self._known: dict[str, tuple[str, int]] | None = None
        self._since = ""
        self._failures = 0

    def run(self, ended: threading.Event) -> None:
        """Watch until ``ended``; the body of a thread."""
        while not ended.is_set():
            ended.wait(self.once(ended.is_set))

    def once(self, ended: Callable[[], bool]) -> float:
        """One list if need be, and one watch to its end. Seconds to wait before the next."""
        try:
            if not self._since:
                self._list()
            for event in self._stream.changes(self._since):
                self._well()
                self._meet(event)
                if ended():
                    break
        except ExpiredError as old:
            _logger.info("the watch of %s starts anew: %s", self._what, old)
            self._since = ""
        except (UnreadableError, ForbiddenError, GoneError) as failure:
            _logger.warning("%s cannot be watched at the moment: %s", self._what, failure)
            return self._deaf(broken=False)
        except Exception:
            # The thread is all there is to hear with: whatever goes wrong, it starts anew from a list.
            _logger.exception("the watch of %s failed unexpectedly and starts anew", self._what)
            self._since = ""
            return self._deaf(broken=True)
        else:
            self._well()
        # A server that ends every watch at once must not be asked without a pause.
        return PAUSE[0]

    def _well(self) -> None:
        self._failures = 0
        self._pulse.hears(self._what)

    def _deaf(self, *, broken: bool) -> float:
        self._failures += 1
        self._pulse.deaf(self._what, broken=broken)
        return PAUSE[min(self._failures, len(PAUSE)) - 1]

    def _list(self) -> None:
        found, since = self._stream.listed()
        known = {name_of(raw): _mark(raw) for raw in found}
        before, self._known, self._since = self._known, known, since
        if before is not None and before != known:
            self._ring(name for name in {**before, **known} if before.get(name) != known.get(name))

    def _meet(self, event: Raw) -> None:
        raw = at(event, "object", default={})
        self._since = str(at(raw, "metadata", "resourceVersion", default=self._since))
        kind, name, known = at(event, "type"), name_of(raw), self._known or {}
        if kind == "DELETED":
            if known.pop(name, None) is not None:
                self._ring([name])
        elif kind in ("ADDED", "MODIFIED") and known.get(name) != _mark(raw):
            known[name] = _mark(raw)
            self._ring([name])
        self._known = known

    def _ring(self, names: Iterable[str]) -> None:
        self._bell.ring(f"{self._what} {', '.join(sorted(names))} changed")


def _mark(raw: Raw) -> tuple[str, int]:
    return str(at(raw, "metadata", "uid", default="")), int(at(raw, "metadata", "generation", default=0))
