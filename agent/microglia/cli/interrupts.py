"""Ctrl-C while acting: the write under way ends and is recorded, and nothing more is begun."""

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

import typer

_NAMES = {int(signal.SIGINT): "Ctrl-C", int(signal.SIGTERM): "SIGTERM"}


class Interrupts:
    """Catches SIGINT and SIGTERM for the block, from the first write on; until then Ctrl-C ends whatever goes on, such
    as a question. A second Ctrl-C is caught too: half a write helps nobody. ``ring`` is told at once, from inside the
    signal handler, in place of the person at the terminal; who waits by it is never broken off."""

    def __init__(self, ring: Callable[[str], None] | None = None) -> None:
        self._asked = ""
        self._writing = ring is not None
        self._ring = ring
        self._before: list[tuple[signal.Signals, Any]] = []

    def reason(self) -> str | None:
        """Why to stop, None to go on; asked before every write."""
        self._writing = True
        return f"stopped by {self._asked}" if self._asked else None

    def __enter__(self) -> Self:
        for caught in (signal.SIGINT, signal.SIGTERM):
            self._before.append((caught, signal.signal(caught, self._note)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for caught, before in self._before:
            signal.signal(caught, before)
        self._before.clear()

    def _note(self, caught: int, _frame: FrameType | None) -> None:
        if not self._writing:
            raise KeyboardInterrupt
        self._asked = self._asked or _NAMES[caught]
        if self._ring is not None:
            # Nothing is printed: the handler may have interrupted a line of the log.
            self._ring(self._asked)
        else:
            typer.echo("stopping: the write under way is finished and recorded first", err=True)
