"""Two writers as processes, of which the leading one is killed, again and again."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

from tests.lab import Lab
from tests.lab.helming import RELEASE
from tests.lab.processes import Child
from tests.lab.release import LEASES, PLANS, Release
from tests.lab.waiting import until

LEASE = "microglia-writer"
HASTE = {
    "MICROGLIA_LEASE_DURATION": "1.5",
    "MICROGLIA_LEASE_DEADLINE": "1",
    "MICROGLIA_LEASE_RETRY": "0.2",
    "MICROGLIA_INTERVAL": "0.5",
}
_WITHIN = 60.0


class Rivals:
    """Made once per module; ``close`` leaves the lab as it was. A reader in this process puts plans up when told."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self.lab = lab
        self.release = Release(lab, home)
        self.before = self.release.before
        self._pod = self.release.pod("Deployment", f"{RELEASE}-writer")
        self._children: dict[int, Child] = {}
        self._started = 0
        self._reader, _ = self.release.engage("reader")
        for _ in range(2):
            self.join()

    def join(self) -> None:
        """One more writer starts, and stands by until nobody leads."""
        self._started += 1
        child = self.release.hosted.start(f"rival-{self._started}", self._pod, **HASTE)
        self._children[child.process.pid] = child

    def leader(self) -> int:
        """The process id of who leads; 0 for nobody that is alive."""
        found = self.lab.api.get(LEASES)["items"]
        names = [one["spec"]["holderIdentity"] for one in found if one["metadata"]["name"] == LEASE]
        pids = [int(pid) for name in names for pid in re.findall(r"process (\d+)", name)]
        return next((pid for pid in pids if pid in self._children), 0)

    def offer(self) -> str:
        """A plan is put up, of which nothing was begun; its id."""
        until("somebody leads", lambda: "" if self.leader() else "nobody", _WITHIN)
        self._reader.round()
        (name,) = [one["metadata"]["name"] for one in self.lab.api.get(PLANS)["items"]]
        return str(name)

    def kill(self, plan: str, done: int, later: float) -> int:
        """Kill who leads ``later`` seconds after ``done`` changes of ``plan`` were written; its process id."""
        until(f"{done} changes are written", lambda: self._behind(plan, done), _WITHIN, 0.002)
        time.sleep(later)
        pid = self.leader()
        os.kill(pid, signal.SIGKILL)
        child = self._children.pop(pid)
        child.process.wait()
        self.lab.processes.stop(child.name)
        return pid

    def settled(self, plan: str) -> dict[str, Any]:
        """The record of ``plan``, once somebody has closed it."""
        until("the record is closed", lambda: "" if self._status(plan).get("finished") else "open", _WITHIN)
        found: dict[str, Any] = self.lab.api.get(f"{PLANS}/{plan}")
        return found

    def reset(self) -> None:
        """Everything is as it was before the first plan, and forgotten."""
        self.release.reset()

    def counts(self) -> dict[str, int]:
        """Replicas of every Deployment."""
        return self.release.ward.counts()

    def close(self) -> None:
        """End what was started."""
        for child in self._children.values():
            self.lab.processes.stop(child.name)
        self.release.close()

    def _status(self, plan: str) -> dict[str, Any]:
        found: dict[str, Any] = self.lab.api.get(f"{PLANS}/{plan}").get("status", {})
        return found

    def _behind(self, plan: str, done: int) -> str:
        status = self._status(plan)
        written = sum(step["state"] == "done" for step in status.get("steps", ()))
        return "" if status.get("started") and written >= done else f"{written} are"
