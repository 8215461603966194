"""The command line, run as a person runs it, on a snapshot file or on a cluster in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from microglia.act.patience import Patience
from microglia.act.write import ClusterWriter
from microglia.cli import wiring
from microglia.cli.app import app
from microglia.cli.errors import MistakeError
from microglia.cycle import World, look
from microglia.observe.recorded import save
from microglia.plan.ports import Journal, Writer
from microglia.policy.schema import PruningPolicy
from microglia.world.load import load
from microglia.world.memory import MemoryCluster
from microglia.world.traffic import MemoryTraffic


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, what it printed, and what it said on stderr."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


class Reached:
    """A cluster in memory behind the face of a live one."""

    def __init__(self, cluster: MemoryCluster) -> None:
        self.api = cluster
        self.facts = cluster.facts
        self.objects = cluster.objects


@dataclass(frozen=True)
class Live:
    """The world that the command line reaches, and its metrics."""

    cluster: MemoryCluster
    traffic: MemoryTraffic


def boutique() -> MemoryCluster:
    """The small shop after two weeks."""
    cluster = MemoryCluster(load("boutique"))
    cluster.advance(cluster.now + timedelta(days=15, hours=1))
    return cluster


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot file of the small shop."""
    cluster = boutique()
    nobody: tuple[Writer, Journal] = (
        ClusterWriter(cluster),
        wiring.FileJournal(wiring.Folder(Path("/")).cluster("", "")),
    )
    seen = look(World(cluster, MemoryTraffic(cluster), *nobody), PruningPolicy(), cluster.now)
    path = tmp_path_factory.mktemp("recorded") / "boutique.snap"
    save(seen.snapshot, path)
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder without any configuration, and the state folder in it."""
    for name in ("KUBECONFIG", "MICROGLIA_PROMETHEUS", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("MICROGLIA_STATE", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Run a command; ``answer`` is what the person types."""

    def command(*words: object, answer: str | None = None) -> Ended:
        result = CliRunner().invoke(app, [str(word) for word in words], input=answer)
        if isinstance(result.exception, MistakeError):
            return Ended(result.exception.code, result.stdout, f"{result.stderr}{result.exception}\n")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ended(result.exit_code, result.stdout, result.stderr)

    return command


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    """The small shop in place of a live cluster: every adapter that wiring builds is one of the memory's. It
    knows no PruningPlans, so that the journal lies in files."""
    cluster = boutique()
    cluster.absent = frozenset({"PruningPlan"})
    traffic = MemoryTraffic(cluster)

    def pause(seconds: float) -> None:
        cluster.advance(cluster.now + timedelta(seconds=seconds))

    def ticks() -> float:
        return cluster.now.timestamp()

    def clock() -> object:
        return cluster.now

    def writer(found: MemoryCluster) -> ClusterWriter:
        return ClusterWriter(found, Patience(sleep=pause, ticks=ticks))

    monkeypatch.setattr(wiring, "connect", lambda context, kubeconfig: Reached(cluster))
    monkeypatch.setattr(wiring, "ApiCluster", lambda api: api)
    monkeypatch.setattr(wiring, "ClusterWriter", writer)
    monkeypatch.setattr(wiring, "_traffic", lambda place: traffic)
    monkeypatch.setattr(wiring, "clock", clock)
    return Live(cluster, traffic)
