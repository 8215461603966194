"""One folder per run: data that goes away with the run, logs that stay when something failed."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.recipe import cache
from tests.lab.sharing import claim, exclusively

_KEPT = 5


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The folders of one run; ``lock`` is an open descriptor that tells other runs that this one lives."""

    root: Path
    lock: int

    @property
    def data(self) -> Path:
        """Databases, keys and configuration; removed when the run ends."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """What the programs said."""
        return self.root / "logs"

    def close(self, *, keep_logs: bool) -> None:
        """Remove the data, and the logs too unless they are to be kept."""
        shutil.rmtree(self.data if keep_logs else self.root, ignore_errors=True)
        os.close(self.lock)


def create() -> RunFolder:
    """Make the folder of a new run in the user's cache, and clear what killed runs left behind."""
    runs = cache() / "runs"
    with exclusively(runs / "lock"):
        _sweep(runs)
        root = runs / f"{time.time_ns()}-{os.getpid()}"
        root.mkdir(mode=0o700)
        lock = claim(root / "lock")
    if lock is None:
        raise LabError(f"{root} is held by another process; remove the folder {runs} and start again")
    folder = RunFolder(root, lock)
    folder.data.mkdir()
    folder.logs.mkdir()
    return folder


def _sweep(runs: Path) -> None:
    dead = []
    for root in sorted(path for path in runs.iterdir() if path.is_dir()):
        lock = claim(root / "lock")
        if lock is not None:
            shutil.rmtree(root / "data", ignore_errors=True)
            os.close(lock)
            dead.append(root)
    for root in dead[:-_KEPT]:
        shutil.rmtree(root, ignore_errors=True)
