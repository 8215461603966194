"""The journal as files: what is written comes back, what is broken is named, and one writes at a time."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from microglia.lifecycle.states import Phase, Shield, State
from microglia.plan.change import digest
from microglia.plan.history import Judgement, Step
from microglia.store.files import StoreError
from microglia.store.folder import Folder, Shelf
from microglia.store.journal import FileJournal
from tests.unit.act.changes import NOW, plan, scales

LATER = NOW + timedelta(hours=2)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Folder(tmp_path).cluster("uid", "name")


@pytest.fixture
def journal(shelf: Shelf) -> FileJournal:
    return FileJournal(shelf)


def state(structure: str = "default") -> State:
    shield = Shield("shop/cart", LATER, "errors rose")
    return State(structure, Phase.PRUNING, NOW, 2, {"cpu": 1.5}, {"cpu": 0.1 + 0.2}, 1, {"shop/cart": 5}, (shield,))


def tamper(path: Path, *keys: str | int, value: object) -> None:
    """Edit a sealed file by hand, checksum included, as somebody who knows the format would."""
    whole = json.loads(path.read_text())
    part = whole["record"]
    for key in keys[:-1]:
        part = part[key]
    part[keys[-1]] = value
    whole["checksum"] = digest(whole["record"])
    path.write_text(json.dumps(whole))


def test_a_record_comes_back_as_it_was(journal: FileJournal, shelf: Shelf) -> None:
    """Steps, judgements, restoring plan and times, read by another journal on the same folder."""
    made = plan(*scales("a", "b"))
    journal.begin(made, NOW)
    done = Step(index=1, state="done", at=LATER, message="so", placement={"a": 2, "b": 1})
    journal.step(made.id, done)
    journal.finish(made.id, LATER)
    judgement = Judgement(index=1, verdict="Keep", at=LATER, why="nobody missed it", figures={"errors": 0.25})
    journal.judge(made.id, [judgement])
    journal.restored(made.id, "plan-00000000")
    (record,) = FileJournal(shelf).records()
    assert record.plan == made
    assert (record.id, record.started, record.finished) == (made.id, NOW, LATER)
    assert record.steps == (Step(index=0), done)
    assert record.verdict(1) == judgement
    assert record.restored_by == ("plan-00000000",)


def test_records_come_oldest_first_and_by_structure(journal: FileJournal) -> None:
    """Time orders them, whatever their ids are; a history has only its own structure's."""
    made = [plan(*scales("a"), structure=name, round=day) for day, name in enumerate(["one", "two", "one"])]
    for day, one in reversed(list(enumerate(made))):
        journal.begin(one, NOW + timedelta(days=day))
        journal.finish(one.id, NOW + timedelta(days=day))
    assert [record.id for record in journal.records()] == [one.id for one in made]
    assert [record.id for record in journal.history("one").records] == [made[0].id, made[2].id]


def test_state_and_reopening_are_kept_apart_from_each_other(journal: FileJournal, shelf: Shelf) -> None:
    """Saving a state keeps the reopening, and reopening keeps the state."""
    empty = journal.history("default")
    assert (empty.state, empty.records, empty.surprises, empty.reopened) == (None, (), (), None)
    journal.reopen("default", LATER)
    assert journal.history("default").state is None
    journal.save(state())
    history = FileJournal(shelf).history("default")
    assert (history.state, history.reopened) == (state(), LATER)
    journal.reopen("default", NOW)
    assert journal.history("default").state == state()
    assert journal.history("other").state is None


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (("plan", "rounds"), 9, "its plan was changed"),
        (("plan", "changes", 0, "after"), 1, "its plan was changed"),
        (("plan", "format"), 3, "newer microglia (plan format 3)"),
        (("format",), 7, "newer microglia (record format 7); this one reads up to 1"),
        (("steps", 0, "state"), "gone", "is no record: steps.0.state"),
        (("extra",), 1, "is no record: extra"),
        (("plan",), 1, "is no record: plan"),
    ],
)
def test_a_broken_record_is_named_and_never_pruned_over(
    journal: FileJournal, shelf: Shelf, keys: tuple[str | int, ...], value: object, words: str
) -> None:
    """Reading goes on with the others; pruning does not begin; restoring does."""
    bad, good = plan(*scales("a")), plan(*scales("b"))
    for one in (bad, good):
        journal.begin(one, NOW)
        journal.finish(one.id, NOW)
    tamper(shelf.record(bad.id), *keys, value=value)
    assert [record.id for record in journal.records()] == [good.id]
    (message,) = journal.broken()
    assert str(shelf.record(bad.id)) in message
    assert words in message
    assert journal.history("default").surprises == (message,)
    with pytest.raises(StoreError, match="nothing is pruned while the journal has files that cannot be read"):
        journal.begin(plan(*scales("c")), NOW)
    restoring = plan(*scales("b"), purpose="restore")
    journal.begin(restoring, LATER)
    assert [record.id for record in journal.records()] == [good.id, restoring.id]


def test_an_edit_of_a_receipt_is_noticed(journal: FileJournal, shelf: Shelf) -> None:
    """Also what no plan digest covers is sealed."""
    made = plan(*scales("a"))
    journal.begin(made, NOW)
    path = shelf.record(made.id)
    path.write_text(path.read_text().replace('"pending"', '"done"'))
    assert "was changed after it was written" in journal.broken()[0]
    with pytest.raises(StoreError, match="was changed after it was written"):
        journal.step(made.id, Step(index=0, state="done"))


def test_a_file_that_is_being_written_is_not_read(journal: FileJournal, shelf: Shelf) -> None:
    """The remains of a write that a crash cut short are no broken record."""
    shelf.journal.mkdir(parents=True)
    (shelf.journal / ".plan-1.json.123.part").write_text("{")
    (shelf.journal / ".plan-1.json").write_text("{")
    assert journal.broken() == ()


@pytest.mark.parametrize(
    "text",
    [
        '{"checksum": "x", "state": {"format": 1}}',
        "{",
        json.dumps({"checksum": digest({"format": 1}), "state": {"format": 1}}),
        json.dumps({"checksum": digest(S), "state": S}) if (S := {"format": 1, "memory": {}, "reopened": None}) else "",
        json.dumps({"checksum": digest(T), "state": T}) if (T := {"format": 1, "memory": None, "reopened": 5}) else "",
    ],
)
def test_a_broken_state_stops_a_lap_but_not_a_restore(journal: FileJournal, shelf: Shelf, text: str) -> None:
    """The phase is never guessed; the records are readable all the same."""
    path = shelf.state("default")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(StoreError, match=r"state.default\.json: is|state.default\.json: was changed"):
        journal.history("default")
    with pytest.raises(StoreError):
        journal.save(state())
    assert journal.records() == ()


def test_one_process_writes_at_a_time(journal: FileJournal, shelf: Shelf) -> None:
    """From begin to finish nobody else changes the journal; reading is free; afterwards it is free again."""
    other, made = FileJournal(shelf), plan(*scales("a"))
    journal.begin(made, NOW)
    assert [record.id for record in other.records()] == [made.id]
    writes: tuple[Callable[[], None], ...] = (
        lambda: other.begin(plan(*scales("b")), NOW),
        lambda: other.step(made.id, Step(index=0, state="skipped")),
        lambda: other.judge(made.id, []),
    )
    for write in writes:
        with pytest.raises(StoreError, match="another microglia on this machine is acting"):
            write()
    journal.step(made.id, Step(index=0, state="done"))
    journal.finish(made.id, LATER)
    other.restored(made.id, "plan-1")
    journal.judge(made.id, [])
    assert journal.records()[0].steps[0].state == "done"


def test_a_proposal_is_remembered_and_may_be_made_again(journal: FileJournal) -> None:
    """Nothing of it is in force before it is merged; then it is."""
    made = plan(*scales("a"), way="git")
    for _ in range(2):
        journal.begin(made, NOW)
        journal.step(made.id, Step(index=0, state="proposed", at=NOW, message="proposed in microglia/x"))
        journal.finish(made.id, NOW)
    journal.step(made.id, Step(index=0, state="done", at=LATER, message="by Git: it has 2 replicas"))
    assert journal.records()[0].done() == (0,)
    assert journal.records()[0].plan.way == "git"
    with pytest.raises(StoreError, match="was already acted on"):
        journal.begin(made, LATER)


def test_a_refused_beginning_lets_go(journal: FileJournal, shelf: Shelf) -> None:
    """The lock does not stay with a plan that never began."""
    made = plan(*scales("a"))
    journal.begin(made, NOW)
    journal.step(made.id, Step(index=0, state="done"))
    journal.finish(made.id, NOW)
    with pytest.raises(StoreError, match=rf"{made.id} was already acted on at 2026-06-29 12:00 UTC; make a new plan"):
        journal.begin(made, LATER)
    FileJournal(shelf).judge(made.id, [])
    assert journal.records()[0].steps[0].state == "done"


@pytest.mark.parametrize("outcome", ["failed", "surprise", "skipped", "undone"])
def test_a_plan_that_changed_nothing_may_begin_again(journal: FileJournal, outcome: str) -> None:
    """Nothing of it is in force, so nothing is lost."""
    made = plan(*scales("a"))
    journal.begin(made, NOW)
    journal.step(made.id, Step.model_validate({"index": 0, "state": outcome}))
    journal.finish(made.id, NOW)
    journal.begin(made, LATER)
    assert journal.records()[0].started == LATER


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """The state folder is a file: the message names it and the way out."""
    (tmp_path / "state").write_text("")
    journal = FileJournal(Folder(tmp_path / "state").cluster("uid", ""))
    with pytest.raises(StoreError, match=r"cannot be written.*choose another folder with --state"):
        journal.begin(plan(), NOW)
    with pytest.raises(StoreError, match=r"cannot be written.*choose another folder with --state"):
        journal.save(state())
