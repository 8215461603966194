"""All clocks at once, for what waits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from microglia.act.lock import Time

START = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)


class Clock:
    """Begins at ``START``; sleeping moves it, and ``meanwhile`` happens during it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.meanwhile: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        """The time of day."""
        return START + timedelta(seconds=self.seconds)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.seconds += seconds
        self.meanwhile()

    @property
    def time(self) -> Time:
        """What waiting code takes."""
        return Time(self.now, lambda: self.seconds, lambda: self.seconds, self.sleep)
