"""Commands that take a while: their output goes to a log, and somebody is told that they go on."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.errors import LabUnavailable, last_lines

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
            process = subprocess.Popen(argv, cwd=folder, env=environment(), stdout=sink, stderr=subprocess.STDOUT)
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


def environment() -> dict[str, str]:
    """What builds run with."""
    # The proxy and checksum settings are the user's own; what would change the outcome of a build is not.
    settings = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **settings}
