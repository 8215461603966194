"""A village in memory, one clock for everybody, and agents that can be killed."""

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from microglia.act.lock import Held, Time
from microglia.act.patience import Patience
from microglia.act.write import ClusterWriter
from microglia.cycle import World
from microglia.daemon.agent import Agent, Voice
from microglia.daemon.events import Events
from microglia.daemon.health import Pulse
from microglia.daemon.metrics import Metrics
from microglia.daemon.orphans import Orphans
from microglia.daemon.policies import Ruled
from microglia.daemon.reader import Reader
from microglia.daemon.told import Role
from microglia.daemon.writer import Writer
from microglia.model.kinds import BY_NAME
from microglia.model.objects import at, name_of
from microglia.policy.schema import PruningPolicy
from microglia.world.load import load
from microglia.world.memory import MemoryCluster
from microglia.world.schema import World as Description
from microglia.world.traffic import MemoryTraffic
from tests.unit.daemon.diary import Diary

VILLAGE = Path(__file__).with_name("village.yaml")
LEAD = timedelta(days=15, hours=1)
BOLD: dict[str, Any] = {
    "pace": {"perLap": {"share": "100%"}, "perNamespace": {"share": "100%"}, "perWorkload": {"share": "50%"}}
}


@cache
def village() -> Description:
    """The description, read once."""
    return load(VILLAGE)


def policy(mode: str = "auto", name: str = "default", **spec: Any) -> PruningPolicy:
    """A policy with wide caps."""
    body = {"metadata": {"name": name}, "spec": {**BOLD, "actuation": {"mode": mode}, **spec}}
    return PruningPolicy.model_validate(body)


class Killed(BaseException):
    """The process is gone: nothing of it runs any more, not even what it would do on its way out."""


class Mortal:
    """Anything, until ``dead`` says that its process is: then every call is the last."""

    def __init__(self, inner: Any, fate: "Fate") -> None:
        self._inner, self._fate = inner, fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*words: Any, **more: Any) -> Any:
            self._fate.pass_by(name)
            answer = found(*words, **more)
            self._fate.pass_by(name)
            return answer

        return call


@dataclass
class Fate:
    """Dies at the ``left``-th call from now; None lives. ``counted`` names the calls that count, all if empty."""

    left: int | None = None
    counted: frozenset[str] = frozenset()
    dead: bool = False
    calls: int = 0

    def pass_by(self, name: str) -> None:
        if self.dead:
            raise Killed
        if self.counted and name not in self.counted:
            return
        self.calls += 1
        if self.left is not None:
            if self.left == 0:
                self.dead = True
                raise Killed
            self.left -= 1


@dataclass
class Stage:
    """The world and what is remembered in it."""

    cluster: MemoryCluster
    traffic: MemoryTraffic
    diary: Diary = field(default_factory=Diary)
    policies: list[PruningPolicy] = field(default_factory=lambda: [policy()])
    log: io.StringIO = field(default_factory=io.StringIO)
    stopping: str | None = None

    @property
    def now(self) -> datetime:
        """The world's present."""
        return self.cluster.now

    @property
    def time(self) -> Time:
        """The world's clock for all clocks."""
        return Time(lambda: self.now, self._seconds, self._seconds, self.pass_seconds)

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.cluster.advance(self.now + timedelta(seconds=seconds))

    def ruled(self) -> Ruled:
        """The policies in force."""
        return Ruled(tuple(self.policies))

    def world(self, fate: Fate | None = None) -> World:
        """What an agent sees and writes to."""
        cluster, diary = self.mortal(fate)
        patience = Patience(sleep=self.pass_seconds, ticks=self._seconds)
        return World(cluster, self.traffic, ClusterWriter(cluster, patience), diary)

    def mortal(self, fate: Fate | None) -> tuple[Any, Any]:
        """The cluster and the diary, as a process that may die sees them."""
        if fate is None:
            return self.cluster, self.diary
        return Mortal(self.cluster, fate), Mortal(self.diary, fate)

    def reader(self) -> Reader:
        """A reader's duty."""
        return Reader(self.world(), self.diary, self.cluster, lambda: self.now)

    def writer(self, fate: Fate | None = None) -> Writer:
        """A writer's duty; its lock is always free."""
        _, diary = self.mortal(fate)
        stop, clock = lambda: self.stopping, lambda: self.now
        return Writer(self.world(fate), diary, self.ruled, self.locked, stop, clock, lambda line: None)

    @contextmanager
    def locked(self) -> Iterator[Held]:
        """A lock that nobody else wants."""
        yield Held(None, self.time)

    def agent(self, role: Role = "writer", fate: Fate | None = None, duty: Any = None) -> Agent:
        """A whole agent, whose metrics are its own."""
        metrics = Metrics(CollectorRegistry())
        cluster, diary = self.mortal(fate)
        reading = self.reader()
        return Agent(
            role=role,
            duty=duty or (reading if role == "reader" else self.writer(fate)),
            policies=self.ruled,
            after=reading.tidy if role == "reader" else lambda ruled: None,
            voice=Voice(metrics, Events(cluster, role, "agent-1", lambda: self.now), diary),
            pulse=Pulse(self._seconds, 1800),
            time=self.time,
            stop=lambda: self.stopping,
            watchman=self.watchman(role, fate),
        )

    def watchman(self, role: Role = "writer", fate: Fate | None = None) -> Orphans:
        """Who looks after what no policy is about any more."""
        return Orphans(role, self.world(fate), self.locked, lambda: self.stopping, lambda: self.now, lambda line: None)

    def laps(self, *agents: Agent, every: timedelta, until: datetime) -> None:
        """Each agent in turn, then a pause."""
        while self.now < until:
            for one in agents:
                one.round()
            self.cluster.advance(max(self.now, min(self.now + every, until)))

    def counts(self) -> dict[str, int]:
        """The count of every Deployment."""
        return {name_of(raw): at(raw, "spec", "replicas") for raw in self.cluster.objects(BY_NAME["Deployment"])}

    def objects(self, kind: str) -> Sequence[Any]:
        """Everything of a kind, also of kinds that nobody lists."""
        return [raw for (found, _, _), raw in self.cluster._objects.items() if found == kind]

    def _seconds(self) -> float:
        return self.now.timestamp()


def stage(**parts: Any) -> Stage:
    """Two weeks have been watched."""
    cluster = MemoryCluster(village())
    cluster.advance(cluster.now + LEAD)
    return Stage(cluster, MemoryTraffic(cluster), **parts)


class Hand:
    """``Waiting`` whose waits take the world's time; ``meanwhile`` happens in each."""

    def __init__(self, scene: Stage, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.scene, self.meanwhile = scene, meanwhile
        self.rung: list[str] = []
        self.waited: list[float] = []
        self.guard = threading.Lock()

    def ring(self, why: str) -> None:
        with self.guard:
            self.rung.append(why)

    def wait(self, seconds: float) -> tuple[str, ...]:
        self.waited.append(seconds)
        with self.guard:
            found, self.rung = tuple(self.rung), []
        if found:
            return found
        self.scene.pass_seconds(seconds)
        self.meanwhile()
        return ()
