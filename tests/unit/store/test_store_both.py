"""Two journals are read as one; a rehearsal's sketch writes to none."""

from datetime import timedelta
from pathlib import Path

import pytest

from microglia.act.settle import settle
from microglia.plan.history import Judgement, Step
from microglia.store.both import BothJournals
from microglia.store.files import StoreError
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.store.objects import ObjectJournal
from microglia.store.sketch import Sketch
from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from tests.contract.journal_contract import LATER, POLICIES, closed, state
from tests.contract.test_writer_memory import WORLD
from tests.unit.act.changes import NOW, plan, scales
from tests.unit.act.notebook import Puppet


@pytest.fixture
def files(tmp_path: Path) -> FileJournal:
    return FileJournal(Folder(tmp_path).cluster("uid", "name"))


@pytest.fixture
def objects() -> ObjectJournal:
    return ObjectJournal(MemoryCluster(World.model_validate(WORLD)), lambda: NOW, POLICIES)


def test_records_of_both_come_oldest_first(files: FileJournal, objects: ObjectJournal) -> None:
    """Each goes on where it lies; new ones lie in the cluster; what lies in both is the cluster's."""
    old, new, twice = (plan(*scales(name)) for name in "abc")
    closed(objects, new, 1)
    closed(files, old, 0)
    closed(files, twice, 2, "failed")
    closed(objects, twice, 2)
    both = BothJournals(objects, files)
    assert [record.id for record in both.records()] == [old.id, new.id, twice.id]
    assert both.records()[2].steps[0].state == "done"
    both.restored(old.id, "plan-1")
    both.restored(new.id, "plan-2")
    both.restored(twice.id, "plan-3")
    assert [record.restored_by for record in files.records()] == [("plan-1",), ()]
    assert [record.restored_by for record in objects.records()] == [("plan-2",), ("plan-3",)]
    both.judge(old.id, [Judgement(index=0, verdict="Keep", at=LATER, why="so")])
    assert files.records()[0].verdict(0) is not None


def test_what_files_say_is_in_force_does_not_begin_in_the_cluster(
    files: FileJournal, objects: ObjectJournal, tmp_path: Path
) -> None:
    """Nor does anything beside broken files."""
    made = plan(*scales("a"))
    closed(files, made)
    both = BothJournals(objects, files)
    with pytest.raises(StoreError, match="was already acted on"):
        both.begin(made, LATER)
    (tmp_path / "uid" / "journal" / "plan-1.json").write_text("{")
    assert len(both.broken()) == 1
    assert both.history("default").surprises == both.broken()
    with pytest.raises(StoreError, match="nothing is pruned"):
        both.begin(plan(*scales("b")), LATER)
    assert objects.records() == ()


def test_the_state_of_files_holds_until_the_cluster_has_one(files: FileJournal, objects: ObjectJournal) -> None:
    """And is reopened where it lies."""
    both = BothJournals(objects, files)
    files.save(state())
    assert both.history("default").state == state()
    both.reopen("default", NOW)
    assert files.history("default").reopened == NOW
    both.save(state())
    both.reopen("default", LATER)
    assert objects.history("default").reopened == LATER
    assert both.history("default").reopened == LATER


def test_a_rehearsal_settles_in_a_sketch(objects: ObjectJournal) -> None:
    """It sees what became of an interrupted write; the journal, which somebody may be writing, does not change."""
    made = plan(*scales("a", "b"))
    objects.begin(made, NOW)
    objects.step(made.id, Step(index=0, state="writing", at=NOW))
    sketch = Sketch(objects)
    history = settle(sketch, Puppet(), "default", LATER)
    assert [step.state for step in history.records[0].steps] == ["done", "skipped"]
    assert history.records[0].finished == LATER
    (record,) = objects.records()
    assert ([step.state for step in record.steps], record.finished) == (["writing", "pending"], None)


def test_a_sketch_is_a_journal(objects: ObjectJournal) -> None:
    """Everything noted is seen, over what is there, and is nowhere else."""
    closed(objects, plan(*scales("a")), 1)
    sketch, made = Sketch(objects), plan(*scales("b"))
    sketch.begin(made, NOW)
    sketch.judge(made.id, [Judgement(index=0, verdict="Keep", at=LATER, why="so")])
    sketch.restored(made.id, "plan-1")
    sketch.save(state())
    sketch.reopen("default", LATER)
    history = sketch.history("default")
    assert (history.state, history.reopened) == (state(), LATER)
    assert [record.id for record in history.records] == [made.id, objects.records()[0].id]
    assert sketch.records() == history.records
    first = history.records[0]
    assert (first.restored_by, first.verdict(0) is not None) == (("plan-1",), True)
    assert sketch.history("one").records == ()
    assert (objects.history("default").state, len(objects.records())) == (None, 1)
    assert NOW + timedelta(days=1) == history.records[1].started
