"""``microglia run``: an agent put together out of settings and a cluster, until it is told to end."""

import gc
import json
import logging
import os
import signal
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from microglia.act.lock import Time
from microglia.act.patience import Patience
from microglia.act.write import ClusterWriter
from microglia.cli import agents
from microglia.cli.agents import Station, keep_running
from microglia.cli.errors import MistakeError
from microglia.model.kinds import BY_NAME
from microglia.model.ports import UnreadableError
from microglia.observe import kube
from microglia.settings import Settings, SettingsError, resolve
from microglia.world.traffic import MemoryTraffic
from tests.unit.cli.conftest import Reached, boutique

POLICY = BY_NAME["PruningPolicy"]
BOLD = {
    "apiVersion": "microglia.dev/v1alpha1",
    "kind": "PruningPolicy",
    "metadata": {"name": "shop"},
    "spec": {
        "actuation": {"mode": "auto"},
        "pace": {"perLap": {"share": "100%"}, "perNamespace": {"share": "100%"}, "perWorkload": {"share": "50%"}},
    },
}


class Still:
    """A watch in which nothing ever happens."""

    def __init__(self, api: object, kind: object) -> None:
        self.kind = kind

    def listed(self) -> tuple[list[Any], str]:
        return [], "1"

    def changes(self, since: str) -> Iterator[Any]:
        return iter(())


@pytest.fixture
def quiet_logs() -> Iterator[None]:
    """The log's settings as they were."""
    root, own = logging.getLogger(), logging.getLogger("microglia")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


@pytest.fixture
def station(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Station:
    """The small shop in place of a live cluster; SIGTERM comes with every fifth look at its metrics."""
    cluster = boutique()
    traffic = MemoryTraffic(cluster)
    looks: list[None] = []
    seen = traffic.activity

    def counted(*words: Any) -> Any:
        looks.append(None)
        if len(looks) % 5 == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        return seen(*words)

    def pause(seconds: float) -> None:
        cluster.advance(cluster.now + timedelta(seconds=seconds))

    def ticks() -> float:
        return cluster.now.timestamp()

    monkeypatch.setattr(traffic, "activity", counted)
    monkeypatch.setattr(agents, "ApiCluster", lambda api: api)
    monkeypatch.setattr(agents, "ClusterWriter", lambda api: ClusterWriter(api, Patience(sleep=pause, ticks=ticks)))
    monkeypatch.setattr(agents, "ApiStream", Still)
    monkeypatch.setattr(agents, "prometheus", lambda settings, cluster: object())
    monkeypatch.setattr(agents, "PrometheusTraffic", lambda *_: traffic)
    settings = Settings(state=tmp_path, interval=0.01, listen="127.0.0.1:0")
    clocks = Time(lambda: cluster.now, ticks, ticks, pause)
    return Station(settings, Reached(cluster), cluster.facts(), clocks)


def events(station: Station) -> list[str]:
    """The reasons of all events, in order."""
    found = station.cluster.api._objects
    return [raw["reason"] for (kind, _, _), raw in found.items() if kind == "Event"]


def counts(station: Station) -> dict[str, int]:
    """The count of every Deployment."""
    return {raw["metadata"]["name"]: raw["spec"]["replicas"] for raw in station.cluster.objects(BY_NAME["Deployment"])}


def test_a_reader_and_a_writer_prune_together(station: Station) -> None:
    """The reader offers, the writer takes it up; both leave their Lease free, and the memory lies in the objects."""
    cluster = station.cluster.api
    cluster.create(POLICY, BOLD)
    before = counts(station)
    keep_running(station, "reader")
    assert counts(station) == before
    assert "Offered" in events(station)
    status = cluster.read(POLICY, "", "shop")["status"]
    assert {one["type"] for one in status["conditions"]} >= {"Accepted", "Observed", "Cleared"}
    assert status["saying"].endswith("the writer carries it out")
    cluster.advance(cluster.now + timedelta(minutes=1))
    keep_running(station, "writer")
    assert "Pruned" in events(station)
    assert counts(station) != before
    plans = [raw for (kind, _, _), raw in cluster._objects.items() if kind == "PruningPlan"]
    assert [raw["status"]["state"] for raw in plans] == ["Done"]
    assert cluster.read(POLICY, "", "shop")["status"]["phase"] == "Pruning"
    for name in ("microglia-reader", "microglia-writer", "microglia"):
        assert cluster.read(BY_NAME["Lease"], "default", name)["spec"]["holderIdentity"] == ""


def test_without_policies_the_built_in_one_has_its_memory_in_a_mirror(station: Station) -> None:
    """It observes; a policy that is an object needs no mirror, and one that was deleted is not made anew."""
    keep_running(station, "reader")
    raw = station.cluster.api.read(POLICY, "", "default")
    assert raw["metadata"]["labels"] == {"microglia.dev/managed-by": "microglia"}
    assert raw["status"]["saying"].endswith("mode observe only looks")
    given: dict[str, Any] = {}
    assert [one.metadata.name for one in station.policies(given).policies] == ["default"]
    assert set(given) == {"default"}
    station.cluster.api.create(POLICY, BOLD)
    assert [one.metadata.name for one in station.policies(given).policies] == ["shop"]
    assert given == {}


def test_policies_from_files_take_the_place_of_objects(station: Station, tmp_path: Path) -> None:
    """They are read anew each time; a broken one has no mirror made of it."""
    station.cluster.api.create(POLICY, BOLD)
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps({**BOLD, "metadata": {"name": "mine"}}))
    mine = Station(
        station.settings.model_copy(update={"policy": (file,)}), station.cluster, station.facts, station.time
    )
    given: dict[str, Any] = {}
    assert [one.metadata.name for one in mine.policies(given).sound] == ["mine"]
    assert set(given) == {"mine"}
    file.write_text(json.dumps({**BOLD, "metadata": {"name": "mine"}, "spec": {"pace": {"rounds": "x"}}}))
    assert set(mine.policies(given).broken) == {"mine"}
    assert given == {}


def test_a_cluster_without_the_crds_has_the_built_in_policy(station: Station) -> None:
    """Nothing is installed yet: the agent looks, and says what it would do."""
    station.cluster.api.absent = frozenset({"PruningPolicy"})
    assert [one.metadata.name for one in station.policies({}).policies] == ["default"]


def test_a_lost_lease_ends_with_a_failure(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says that another leads, and that this process will stand by."""
    cluster = station.cluster.api

    def rob(*words: Any) -> Any:
        lease = BY_NAME["Lease"]
        cluster.edit(lease, "default", "microglia-reader", lambda raw: raw["spec"].update(holderIdentity="eve"))
        cluster.advance(cluster.now + timedelta(minutes=1))
        return []

    monkeypatch.setattr(station.cluster, "objects", rob)
    with pytest.raises(MistakeError, match="starts again as a standby"):
        keep_running(station, "reader")


@pytest.mark.usefixtures("quiet_logs")
@pytest.mark.parametrize(
    ("failure", "words", "traced"),
    [
        (MistakeError("the lock was lost; starts again as a standby"), "ends: the lock was lost", False),
        (UnreadableError("down"), "ends: down", False),
        (KeyError("spec"), "ends: nobody expected this", True),
    ],
)
def test_what_ends_it_is_a_log_record(
    run: Any, station: Station, monkeypatch: pytest.MonkeyPatch, failure: Exception, words: str, *, traced: bool
) -> None:
    """JSON like every other line, with an exit code that is not 0."""

    def fail(place: Station, role: str) -> None:
        raise failure

    monkeypatch.setattr(kube, "connect", lambda context, kubeconfig: station.cluster)
    monkeypatch.setattr(agents, "keep_running", fail)
    ended = run("run")
    assert ended.code == 1
    (line,) = [json.loads(line) for line in ended.err.splitlines()]
    assert (line["level"], line["message"].startswith(words), "error" in line) == ("error", True, traced)


@pytest.mark.usefixtures("quiet_logs")
def test_the_command_reads_its_settings(run: Any, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags over environment; the collector of garbage works for a process that stays."""
    kept: list[tuple[Station, str]] = []
    monkeypatch.setattr(kube, "connect", lambda context, kubeconfig: station.cluster)
    monkeypatch.setattr(agents, "keep_running", lambda place, role: kept.append((place, role)))
    monkeypatch.setenv("MICROGLIA_LEASE_DURATION", "1.5")
    monkeypatch.setenv("MICROGLIA_LEASE_DEADLINE", "1")
    monkeypatch.setenv("MICROGLIA_LEASE_RETRY", "0.2")
    gc.disable()
    ended = run("run", "--as", "writer", "--interval", "30", "--listen", ":9090", "--lease-namespace", "agents")
    assert (ended.code, gc.isenabled()) == (0, True)
    ((place, role),) = kept
    assert role == "writer"
    assert (place.settings.interval, place.settings.listen, place.settings.lease_namespace) == (30, ":9090", "agents")
    terms = place.terms("microglia-writer")
    assert (terms.duration, terms.deadline, terms.retry, terms.name) == (1.5, 1, 0.2, "microglia-writer")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"listen": "nowhere"}, '"nowhere" is no address'),
        ({"listen": ":99999"}, "is no address"),
        ({"lease_deadline": 20.0}, "must grow in this order; write 2, 10 and 15"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    """With what to write in their place."""
    with pytest.raises(SettingsError, match=words):
        resolve(given, tmp_path / "none.yaml")


def test_probes_answer_while_it_runs(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address of the settings serves metrics from the first moment on."""
    answers: list[str] = []
    serving = agents.serving

    def told(address: tuple[str, int], shown: Any) -> Any:
        context = serving(address, shown)

        class Asking:
            def __enter__(self) -> int:
                port = context.__enter__()
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as reply:
                    answers.append(reply.read().decode())
                return port

            def __exit__(self, *error: Any) -> Any:
                return context.__exit__(*error)

        return Asking()

    monkeypatch.setattr(agents, "serving", told)
    keep_running(station, "reader")
    assert answers == ["the loop moved 0 s ago\n"]
