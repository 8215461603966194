"""Both agents, lap after lap against real servers, in a world that people keep changing: nothing piles up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.lab.processes import Child
from tests.lab.release import Release
from tests.lab.waiting import until
from tests.lab.ward import DEPLOYMENTS

pytestmark = pytest.mark.timeout(300)

SETTINGS = {"MICROGLIA_INTERVAL": "0.2"}
WARM, SOAKED, CHANGE = 30, 90, 10
"""Laps until everything that is loaded once is loaded; laps until the end; and so many between two changes."""
WITHIN = 120.0


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds: bytes of memory, threads, and open files, sockets among them."""

    memory: int
    threads: int
    files: int


@pytest.fixture(scope="module")
def release(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Installed in mode auto."""
    made = Release(lab, tmp_path_factory.mktemp("soak"))
    try:
        yield made
    finally:
        made.close()


def test_nothing_piles_up(release: Release) -> None:
    """Two processes, sixty laps each, while counts are changed under them: memory stays within a twentieth, and
    threads, files and connections come back to as many as before."""
    children = {role: release.agent(role, **SETTINGS) for role in ("reader", "writer")}
    counts = cycle((5, 4, 6))
    before = {}
    for goal in range(WARM, SOAKED + 1, CHANGE):
        for role, child in children.items():
            until(f"the {role} does {goal} laps", partial(_missing, child, goal), WITHIN)
        if goal == WARM:
            before = {role: _held(child) for role, child in children.items()}
        release.lab.api.patch(f"{DEPLOYMENTS}/touched", {"spec": {"replicas": next(counts)}})
    # A lap holds threads and connections of its own while it reads.
    for role, child in children.items():
        until(f"the {role} holds no more than before", partial(_more, child, before[role]), WITHIN, 0.05)


def _more(child: Child, before: Held) -> str:
    held = _held(child)
    whole = held.memory < 1.05 * before.memory and held.threads <= before.threads and held.files <= before.files
    return "" if whole else f"{held}, before {before}"


def _missing(child: Child, goal: int) -> str:
    assert child.process.poll() is None, child.log.read_text(encoding="utf-8")[-2000:]
    lines = child.log.read_text(encoding="utf-8").splitlines(keepends=True)
    laps = sum("result" in json.loads(line) for line in lines if line.endswith("\n"))
    return "" if laps >= goal else f"{laps} laps"


def _held(child: Child) -> Held:
    process = Path(f"/proc/{child.process.pid}")
    told = dict(line.split(":", 1) for line in (process / "status").read_text(encoding="utf-8").splitlines())
    return Held(
        memory=int(told["VmRSS"].split()[0]) * 1024,
        threads=int(told["Threads"]),
        files=len(list((process / "fd").iterdir())),
    )
