"""How long a writer waits, and with which clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass

REREADS = 3
"""How often a conflict is answered by reading the object again."""
LOST_REPLIES = 3
"""How often a write is tried whose reply was lost and that was seen not to have happened."""


@dataclass(frozen=True, slots=True)
class Patience:
    """``sleep`` takes seconds, ``ticks`` gives seconds on a steady clock; ``controllers`` is how long the cluster's
    controllers get to carry out a step, ``pause`` the time between two looks."""

    sleep: Callable[[float], None] = time.sleep
    ticks: Callable[[], float] = time.monotonic
    controllers: float = 60.0
    pause: float = 0.5

    def until(self, done: Callable[[], bool]) -> bool:
        """Ask ``done`` at once and then after growing pauses; False when ``controllers`` seconds have passed."""
        end, pause = self.ticks() + self.controllers, self.pause
        while not done():
            if self.ticks() >= end:
                return False
            self.sleep(pause)
            pause = min(pause * 1.5, 5.0)
        return True
