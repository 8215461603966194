"""What the chart renders, run as processes: kwok marks pods as done without running them, which proves nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import microglia
from tests.lab import Lab
from tests.lab.helming import NAMESPACE
from tests.lab.processes import LOOPBACK, Child

_STATE = "/var/lib/microglia"


@dataclass(frozen=True, slots=True)
class Hosted:
    """Runs containers of rendered pods with their own arguments, environment and token; ``home`` takes their state.
    ``close`` ends all that were ``started``."""

    lab: Lab
    home: Path
    started: list[str] = field(default_factory=list)

    def start(self, name: str, pod: Mapping[str, Any], **settings: str) -> Child:
        """Start the one container of ``pod`` (its spec). Only what a machine without kubelet lacks is put in its place:
        the state's folder, the way to the API server, and a port that nobody else has. ``settings`` are times."""
        (container,) = pod["containers"]
        account = pod["serviceAccountName"]
        given = {one["name"]: one["value"] for one in container["env"]}
        state = self.home / name
        state.mkdir(parents=True, exist_ok=True)
        replaced = {
            "MICROGLIA_STATE": given["MICROGLIA_STATE"].replace(_STATE, str(state)),
            "MICROGLIA_KUBECONFIG": str(self.lab.kubeconfig_for(NAMESPACE, account)),
            "MICROGLIA_LISTEN": f"{LOOPBACK}:{self.lab.processes.free_port()}",
            "PYTHONPATH": str(Path(microglia.__file__).parents[1]),
        }
        argv = [sys.executable, "-m", "microglia", *container["args"]]
        self.started.append(name)
        return self.lab.processes.start(name, argv, {**given, **replaced, **settings})

    def finish(self, name: str, pod: Mapping[str, Any]) -> tuple[int, str]:
        """Run the one container of ``pod`` to its end; its exit code and what it said."""
        child = self.start(name, pod)
        code = child.process.wait(240)
        self.lab.processes.stop(name)
        return code, child.log.read_text(encoding="utf-8")

    def close(self) -> None:
        """End what still runs."""
        for name in self.started:
            self.lab.processes.stop(name)
