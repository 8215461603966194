"""The observed span, in closed hours of UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from numpy.typing import NDArray

HOUR = 3600
HOURS_OF_WEEK = 168


def floor_hour(moment: datetime) -> datetime:
    """The start of the hour that ``moment`` lies in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class Window:
    """Whole hours ``[start, end)`` of UTC; bucket ``i`` is the hour that starts at ``start + i h``."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start != floor_hour(self.start) or self.end != floor_hour(self.end) or self.end <= self.start:
            raise ValueError(f"a window spans whole hours of UTC, not {self.start} to {self.end}")

    @classmethod
    def ending(cls, now: datetime, length: timedelta) -> Self:
        """The last ``length`` of hours that are closed at ``now``: a bucket is closed an hour after its end."""
        end = floor_hour(now) - timedelta(hours=1)
        return cls(end - timedelta(hours=max(1, round(length / timedelta(hours=1)))), end)

    @property
    def hours(self) -> int:
        """How many buckets."""
        return round((self.end - self.start) / timedelta(hours=1))

    @property
    def starts(self) -> NDArray[np.int64]:
        """Epoch seconds of each bucket's start, shape ``(hours,)``."""
        return np.arange(self.hours, dtype=np.int64) * HOUR + int(self.start.timestamp())

    @property
    def hour_of_week(self) -> NDArray[np.int64]:
        """0 is Monday 00:00 UTC; shape ``(hours,)``."""
        # The epoch began on a Thursday.
        return (self.starts // HOUR + 3 * 24) % HOURS_OF_WEEK

    def moment(self, bucket: int) -> datetime:
        """When bucket ``bucket`` begins."""
        return self.start + timedelta(hours=bucket)
