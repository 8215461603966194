"""The small shop in memory, and everything that a lap works with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from microglia.act.apply import Conduct
from microglia.act.patience import Patience
from microglia.act.write import ClusterWriter
from microglia.cycle import Case, Lap, Rehearsal, World, lap, look, rehearse
from microglia.model.kinds import BY_NAME
from microglia.model.objects import at
from microglia.plan.document import Plan
from microglia.plan.history import History
from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import PruningPolicy
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.world.load import load
from microglia.world.memory import MemoryCluster
from microglia.world.traffic import MemoryTraffic

BOLD = {"pace": {"perLap": {"share": "100%"}, "perNamespace": {"share": "100%"}}}
"""Caps wide enough for several changes in one lap."""


@dataclass
class Stage:
    """One cluster, its metrics and its journal, and a person who says ``policy``."""

    cluster: MemoryCluster
    traffic: MemoryTraffic
    journal: FileJournal
    policy: PruningPolicy
    said: list[str] = field(default_factory=list)
    stop: Callable[[], str | None] = lambda: None

    @property
    def world(self) -> World:
        """What a lap sees and writes to."""
        patience = Patience(sleep=self._pause, ticks=self._ticks)
        return World(self.cluster, self.traffic, ClusterWriter(self.cluster, patience), self.journal)

    @property
    def conduct(self) -> Conduct:
        """The world's clock, and a witness."""
        return Conduct(self._now, self.stop, self.said.append)

    def lap(self, given: Plan | None = None) -> Lap:
        """One lap now."""
        return lap(self.world, (self.policy,), Case(self.policy, self.cluster.now, given), self.conduct)

    def rehearse(self, *protections: ProtectionObject) -> Rehearsal:
        """The same without acting."""
        now = self.cluster.now
        history: History = self.journal.history("default")
        return rehearse(
            lambda: look(self.world, self.policy, now, protections), history, (self.policy,), Case(self.policy, now)
        )

    def counts(self) -> dict[str, int]:
        """The count of every Deployment."""
        found = self.cluster.objects(BY_NAME["Deployment"])
        return {raw["metadata"]["name"]: at(raw, "spec", "replicas") for raw in found}

    def _now(self) -> object:
        return self.cluster.now

    def _ticks(self) -> float:
        return self.cluster.now.timestamp()

    def _pause(self, seconds: float) -> None:
        self.cluster.advance(self.cluster.now + timedelta(seconds=seconds))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Two weeks have been watched; nothing was done yet."""
    cluster = MemoryCluster(load("boutique"))
    cluster.advance(cluster.now + timedelta(days=15, hours=1))
    journal = FileJournal(Folder(tmp_path).cluster("uid", "boutique"))
    policy = PruningPolicy.model_validate({"metadata": {"name": "default"}, "spec": BOLD})
    return Stage(cluster, MemoryTraffic(cluster), journal, policy)
