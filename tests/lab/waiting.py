"""Polling with a deadline: the only place of the lab that sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.lab.errors import LabError


def until(what: str, pending: Callable[[], str], timeout: float, interval: float = 0.1) -> None:
    """Call ``pending`` every ``interval`` seconds until it returns "", which means that nothing is pending.

    Raises LabError after ``timeout`` seconds, with ``what`` was waited for and what was still pending.
    """
    deadline = time.monotonic() + timeout
    while left := pending():
        if time.monotonic() >= deadline:
            raise LabError(f"{what}: not within {timeout:g} s; still pending: {left}")
        time.sleep(interval)
