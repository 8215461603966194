"""Whose turn it is to write the journal: one process at a time on this machine."""

import fcntl
import os
from pathlib import Path

from microglia.store.files import StoreError


class Turn:
    """A lock on ``path`` that the kernel lets go of when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object has it."""
        return self._descriptor is not None

    def take(self) -> None:
        """Take it, or keep it. Raises StoreError when another has it, or the file cannot be made."""
        if self._descriptor is not None:
            return
        path = self._path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as failure:
            raise StoreError(
                f"{path}: cannot be written: {failure.strerror}; mend the permissions of {path.parent}, "
                "or choose another folder with --state"
            ) from failure
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise StoreError(
                f"{path}: another microglia on this machine is acting on this cluster and writes its journal; "
                "wait until that has ended"
            ) from None
        self._descriptor = descriptor

    def leave(self) -> None:
        """Let go, if it is held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
