"""How to be a good guest of a metrics server: how much is asked at once, and how much in one lap."""

from dataclasses import dataclass
from typing import Final

SAMPLES: Final = 5_000_000_000
AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """``at_once`` queries at a time; ``samples`` that the server may read in one lap, 0 for any number."""

    at_once: int = AT_ONCE
    samples: int = SAMPLES


DEFAULT: Final = Pace()


class Allowance:
    """What one lap may still read.

    Two runs of hours are always read: the latest hours are due every time, and a lap that read only those would never
    get any further back.
    """

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self._left = 2
        self._spent = 0
        self._hours = 0

    def spend(self, hours: int, samples: int) -> None:
        """A run of ``hours`` is over, and had the server read ``samples``."""
        self._left -= 1
        self._spent += samples
        self._hours += hours

    def affords(self, hours: int, ahead: int = 0) -> bool:
        """Whether ``hours`` more may be read, where ``ahead`` others are under way: they cost what those before did."""
        if not self.samples or self._left > bool(ahead):
            return True
        usual = self._spent / self._hours if self._hours else 0.0
        return self._spent + usual * (hours + ahead) <= self.samples
