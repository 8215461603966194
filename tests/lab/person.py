"""Somebody at a terminal: types commands of the CLI, and reads what they print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

from typer.testing import CliRunner

from microglia.cli.app import app
from microglia.cli.errors import MistakeError
from microglia.plan.history import Record
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal

QUESTION = "[y/N]: "


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended: its exit code, what it printed, and what it said on stderr."""

    code: int
    out: str
    err: str

    @property
    def words(self) -> str:
        """Everything it said, with single spaces: lines break where the terminal ends."""
        return " ".join(f"{self.out} {self.err}".split())

    @property
    def data(self) -> Any:
        """What ``-o json`` printed."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Person:
    """Whose kubeconfig, which Prometheus, which policy file and which folder; all told by the environment."""

    kubeconfig: Path
    prometheus: str
    policy: Path
    state: Path

    @property
    def environment(self) -> dict[str, str]:
        """Every setting; the config file is one that is not there."""
        return {
            "MICROGLIA_KUBECONFIG": str(self.kubeconfig),
            "MICROGLIA_PROMETHEUS": self.prometheus,
            "MICROGLIA_POLICY": str(self.policy),
            "MICROGLIA_STATE": str(self.state),
            "XDG_CONFIG_HOME": str(self.state),
        }

    def types(self, *command: str) -> Said:
        """Run ``microglia`` with these arguments; nobody answers what it asks. Raises whatever it does not turn into a
        message."""
        done = CliRunner().invoke(app, command, env=self.environment)
        match done.exception:
            case MistakeError() as mistake:
                # What the console script makes of it.
                return Said(int(mistake.code), done.stdout, f"{done.stderr}{mistake}\n")
            case None | SystemExit():
                return Said(done.exit_code, done.stdout, done.stderr)
            case other:
                raise other

    def hesitates(self, meanwhile: Callable[[], object], *command: str) -> Said:
        """Run ``microglia`` in a process of its own, let ``meanwhile`` happen once it asks, and say yes."""
        argv = [sys.executable, "-m", "microglia", *command]
        environment = {**os.environ, **self.environment}
        with subprocess.Popen(argv, env=environment, text=True, stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
            assert process.stdout is not None
            asked = ""
            while not asked.endswith(QUESTION) and (letter := process.stdout.read(1)):
                asked += letter
            meanwhile()
            out, err = process.communicate("y\n")
        return Said(process.returncode, asked + out, err)

    def plans(self) -> str:
        """The id of a new plan. Raises AssertionError when there is nothing to change or a gate refuses."""
        said = self.types("plan", "-o", "json", "--exit-code")
        assert said.code == 4, said.words
        return str(said.data[0]["id"])

    def journal(self, cluster: str) -> tuple[Record, ...]:
        """What the journal tells of ``cluster`` (the uid of its kube-system), oldest first."""
        return tuple(FileJournal(Folder(self.state).cluster(cluster, "lab")).records())

    def at(self, **other: Any) -> Person:
        """The same person with another kubeconfig, Prometheus, policy or folder."""
        return replace(self, **other)
