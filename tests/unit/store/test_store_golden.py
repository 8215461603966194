"""Records of every earlier format are read and restored by today's code."""

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from microglia.act.apply import Conduct, apply
from microglia.act.settle import settle
from microglia.act.write import ClusterWriter
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Objects
from microglia.plan.inverse import inverse
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from tests.unit.act.changes import NOW, body, patience
from tests.unit.act.clearance import cleared
from tests.unit.act.filed_cluster import FiledCluster, deployment, shop

FORMATS = sorted((Path(__file__).parents[2] / "golden" / "journal").glob("format-*"))
LATER = NOW + timedelta(days=9)


@pytest.fixture(params=FORMATS, ids=lambda folder: folder.name)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> FileJournal:
    """The golden records of one format in a state folder of today."""
    shelf = Folder(tmp_path / "state").cluster("uid", "")
    shutil.copytree(request.param, shelf.journal)
    return FileJournal(shelf)


@pytest.fixture
def cluster(tmp_path: Path) -> FiledCluster:
    """The cluster that the golden records left behind."""
    made = shop(tmp_path / "cluster.json", deployment("cart", 4), deployment("web", 6))
    made.put(body("cart", "ads", "mail"))
    return made


def test_there_is_a_folder_per_format() -> None:
    """The first format is never dropped."""
    assert FORMATS[0].name == "format-1"


def test_every_golden_record_is_read(journal: FileJournal) -> None:
    """None is broken, each has the id that its file is named after, and the figures are those of the file."""
    assert journal.broken() == ()
    first, pruned, flying = journal.records()
    assert first.restored_by == ("plan-00000000",)
    assert [step.state for step in pruned.steps] == ["done", "undone", "done"]
    assert pruned.plan.changes[0].saving.money == 11.25
    assert pruned.plan.warnings == ("größer als gedacht",)
    verdict = pruned.verdict(0)
    assert verdict is not None
    assert (verdict.verdict, verdict.figures["exposure"]) == ("Keep", 0.95)
    assert [step.state for step in flying.steps] == ["writing"]


def test_golden_records_are_settled_and_restored(journal: FileJournal, cluster: FiledCluster) -> None:
    """The write in flight is found done; then everything is given back: counts as before, our Sidecar gone."""
    writer = ClusterWriter(cluster, patience())
    history = settle(journal, writer, "default", LATER)
    assert history.surprises == ()
    assert [step.state for step in history.records[2].steps] == ["done"]
    kinds = {name: tuple(raw for raw in cluster.load().values() if raw["kind"] == name) for name in BY_NAME}
    back = inverse(journal.records(), Objects(kinds), LATER)
    conduct = Conduct(lambda: LATER, lambda: None, lambda line: None)
    record = apply(cleared(back), writer, journal, conduct)
    assert {step.state for step in record.steps} == {"done"}
    objects = cluster.load()
    assert objects["Deployment/shop/cart"]["spec"]["replicas"] == 5
    assert objects["Deployment/shop/web"]["spec"]["replicas"] == 6
    assert "Sidecar/shop/microglia-cart" not in objects


def test_todays_format_has_a_golden_folder(journal: FileJournal) -> None:
    """A record written today has no field that the newest golden folder lacks: who adds one adds a format."""
    newest = json.loads(next(FORMATS[-1].glob("*.json")).read_text())["record"]
    record = journal.records()[0]
    assert sorted(record.model_dump(mode="json", by_alias=True)) == sorted(newest)
    assert sorted(record.plan.model_dump(mode="json", by_alias=True)) == sorted(newest["plan"])
