"""``kill -9`` between any two steps of apply: the next start settles, and the journal tells the truth."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from microglia.act.apply import Conduct, apply
from microglia.act.settle import settle
from microglia.act.write import ClusterWriter
from microglia.model.objects import annotations_of
from microglia.plan.change import ScaleChange
from microglia.plan.history import Record
from tests.unit.act.changes import NOW, body, patience, plan
from tests.unit.act.clearance import cleared
from tests.unit.act.filed_cluster import FiledCluster
from tests.unit.act.mortal import scene

ROOT = Path(__file__).parents[3]
LATER = NOW + timedelta(days=1)
SIDECAR = "Sidecar/shop/microglia-cart"


@pytest.fixture(scope="module")
def dug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one folder per place to die in; the last child lived."""
    folder = tmp_path_factory.mktemp("graves")
    subprocess.run([sys.executable, "-m", "tests.unit.act.mortal", str(folder)], cwd=ROOT, check=True, timeout=60)
    return folder


@pytest.fixture
def graves(dug: Path, tmp_path: Path) -> list[Path]:
    """The same as they were dug, in order: settling one leaves its mark."""
    return sorted(shutil.copytree(dug, tmp_path / "graves").iterdir())


def in_force(cluster: FiledCluster, record: Record) -> list[bool]:
    """Which changes the cluster shows, found without the code under test."""
    objects = cluster.load()
    return [
        objects[f"Deployment/{change.workload}"]["spec"]["replicas"] == change.after
        if isinstance(change, ScaleChange)
        else SIDECAR in objects and objects[SIDECAR]["spec"] == body("cart", "mail")["spec"]
        for change in record.plan.changes
    ]


def dead(graves: list[Path]) -> Iterator[tuple[FiledCluster, Record, Record]]:
    """The cluster, the record as the child left it, and as settling left it; graves without a record left out."""
    for folder in graves:
        cluster, journal = scene(folder)
        assert journal.broken() == ()
        found = journal.records()
        if found:
            before = cluster.load()
            history = settle(journal, ClusterWriter(cluster, patience()), "default", LATER)
            assert cluster.load() == before, "settling writes nothing to the cluster"
            assert history.surprises == ()
            yield cluster, found[0], history.records[0]


def test_there_are_enough_places_to_die_in(graves: list[Path]) -> None:
    """Every journal entry and every look or write in the cluster is one; each state of a step is met."""
    states = [step.state for _, left, _ in dead(graves) for step in left.steps]
    assert len(graves) > 40
    assert {"pending", "writing", "done"} <= set(states)


def test_the_journal_tells_the_truth_wherever_it_ended(graves: list[Path]) -> None:
    """Done is exactly what the cluster shows; the rest is failed or skipped; the record is closed."""
    for cluster, _, record in dead(graves):
        assert [step.state == "done" for step in record.steps] == in_force(cluster, record)
        assert all(step.state in ("done", "failed", "skipped") for step in record.steps)
        assert record.finished is not None


def test_settling_again_changes_nothing(graves: list[Path]) -> None:
    """The truth is told once."""
    for folder in graves:
        cluster, journal = scene(folder)
        once = settle(journal, ClusterWriter(cluster, patience()), "default", LATER)
        assert settle(journal, ClusterWriter(cluster, patience()), "default", LATER + timedelta(days=1)) == once


def test_the_next_apply_takes_marks_off(graves: list[Path]) -> None:
    """Pods that were marked to go and did not are no longer marked once the next plan begins."""
    marked = 0
    for folder in graves:
        cluster, journal = scene(folder)
        writer = ClusterWriter(cluster, patience())
        settle(journal, writer, "default", LATER)
        marked += _marks(cluster)
        following = plan(made_at=LATER + timedelta(days=2))
        apply(cleared(following), writer, journal, Conduct(lambda: LATER, lambda: None, lambda line: None))
        assert _marks(cluster) == 0
    assert marked > 0, "at least one child died between marking and removing the mark"


def _marks(cluster: FiledCluster) -> int:
    return sum("microglia.dev/victim" in annotations_of(raw) for raw in cluster.load().values())
