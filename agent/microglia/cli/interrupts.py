"""Ctrl-C while acting: the write under way ends and is recorded, and nothing more is begun."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

import typer


class Interrupts:
    """Catches SIGINT and SIGTERM for the block, from the first write on; until then Ctrl-C ends whatever goes on, such
    as a question. A second Ctrl-C is caught too: half a write helps nobody."""

    def __init__(self) -> None:
        self._asked = False
        self._writing = False
        self._before: list[tuple[signal.Signals, Any]] = []

    def reason(self) -> str | None:
        """Why to stop, None to go on; asked before every write."""
        self._writing = True
        return "stopped by Ctrl-C" if self._asked else None

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

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        if not self._writing:
            raise KeyboardInterrupt
        self._asked = True
        typer.echo("stopping: the write under way is finished and recorded first", err=True)
