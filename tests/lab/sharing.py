"""Locks between processes of one user; a process that dies lets go of its locks."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusively(lock: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold ``lock`` while the block runs; ``waiting`` is called once when somebody else has it."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a") as handle:
        if not _try(handle.fileno()):
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def claim(lock: Path) -> int | None:
    """Take ``lock`` for as long as the returned descriptor is open, or return None when somebody has it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    if _try(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
