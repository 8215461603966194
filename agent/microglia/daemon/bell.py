"""What wakes a waiting agent before its time."""

from queue import Empty, SimpleQueue
from typing import Protocol


class Waiting(Protocol):
    """A wait that others may end."""

    def ring(self, why: str) -> None:
        """Wake who waits, or the next who will."""
        ...

    def wait(self, seconds: float) -> tuple[str, ...]:
        """Wait at most so long; the reasons for which somebody rang meanwhile, or since the last wait, in order."""
        ...


class Bell:
    """``Waiting`` on the real clock. Any thread and any signal handler may ring."""

    def __init__(self) -> None:
        # A SimpleQueue may be put to from a signal handler that interrupts its own get.
        self._rings: SimpleQueue[str] = SimpleQueue()

    def ring(self, why: str) -> None:
        """Wake who waits, or the next who will."""
        self._rings.put(why)

    def wait(self, seconds: float) -> tuple[str, ...]:
        """Wait at most so long; the reasons for which somebody rang meanwhile, or since the last wait, in order."""
        try:
            found = [self._rings.get(timeout=max(seconds, 0.0))]
        except Empty:
            return ()
        while not self._rings.empty():
            found.append(self._rings.get())
        return tuple(found)
