"""When the next lap is due."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Laps ``every`` so many seconds, each pause longer or shorter by up to the share ``jitter``, so that many agents
    do not ask one Prometheus at once. ``draw`` gives numbers from 0 to 1."""

    every: float
    jitter: float
    draw: Callable[[], float]

    def pause(self) -> float:
        """Seconds until the next lap."""
        return self.every * (1 + self.jitter * (2 * self.draw() - 1))
