"""After an interruption the journal tells the truth."""

from datetime import timedelta

import pytest

from microglia.act.settle import SETTLED, settle
from microglia.plan.change import ScaleChange
from microglia.plan.document import Plan
from microglia.plan.history import Record, Step
from tests.unit.act.changes import NOW, WHY, plan
from tests.unit.act.notebook import Notebook, Puppet

LATER = NOW + timedelta(hours=1)


def interrupted(*states: str, message: str = "") -> tuple[Notebook, Plan]:
    changes = [
        ScaleChange(workload=f"shop/w{index}", uid="u", before=3, after=2, digest="d", why=WHY)
        for index in range(len(states))
    ]
    made, book = plan(*changes), Notebook()
    book.begin(made, NOW)
    for index, state in enumerate(states):
        note = message if state == "writing" else ""
        book.step(made.id, Step.model_validate({"index": index, "state": state, "message": note}))
    book.entries.clear()
    return book, made


def only(book: Notebook) -> Record:
    (record,) = book.book.values()
    return record


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [("done", "done", "it was written"), ("pending", "failed", "it was not written"), ("surprise", "surprise", "")],
)
def test_the_write_in_flight_is_compared_with_the_world(seen: str, state: str, words: str) -> None:
    """After is done, before is not done, anything else a surprise; what was not begun is dropped."""
    book, _ = interrupted("done", "writing", "pending")
    puppet = Puppet(lambda _: seen)
    history = settle(book, puppet, "default", LATER)
    assert [step.state for step in history.records[0].steps] == ["done", state, "skipped"]
    assert history.records[0].steps[1].message.startswith(SETTLED + words)
    assert history.records[0].steps[1].at == LATER
    assert history.records[0].finished == LATER
    assert puppet.looked == ["shop/w1"]
    assert puppet.written == []


@pytest.mark.parametrize("seen", ["done", "pending", "surprise", "writing"])
def test_a_settled_write_keeps_the_time_at_which_it_was_begun(seen: str) -> None:
    """Guard compares with what came before the write, not before the next start, which may be days later."""
    book, made = interrupted("done", "pending", "pending")
    begun = NOW + timedelta(minutes=3)
    book.step(made.id, Step(index=1, state="writing", at=begun))
    steps = settle(book, Puppet(lambda _: seen), "default", LATER).records[0].steps
    assert [step.at for step in steps] == [None, begun, LATER]


def test_surprises_are_reported_beside_those_of_the_journal() -> None:
    """The workload and the plan are named."""
    book, made = interrupted("writing")
    history = settle(book, Puppet(lambda _: "surprise"), "default", LATER)
    assert history.surprises[0] == "a file is broken"
    assert history.surprises[1].startswith(f"shop/w0 ({made.id}, change 1): ")


def test_a_blind_start_leaves_it_in_flight() -> None:
    """The cluster cannot be read: the record stays open, is reported, and is settled the next time."""
    book, _ = interrupted("writing", "pending")
    history = settle(book, Puppet(lambda _: "writing"), "default", LATER)
    assert [step.state for step in only(book).steps] == ["writing", "skipped"]
    assert only(book).finished is None
    assert len(history.surprises) == 2
    settle(book, Puppet(lambda _: "done"), "default", LATER)
    assert only(book).steps[0].state == "done"
    assert only(book).finished == LATER


def test_what_was_known_before_the_end_is_kept() -> None:
    """A placement that could not be set back says more than the bare count; settling twice does not repeat it."""
    book, _ = interrupted("writing", message="worse than planned; could not be set back")
    settle(book, Puppet(lambda _: "done"), "default", LATER)
    assert only(book).steps[0].message == f"{SETTLED}it was written (worse than planned; could not be set back)"
    book, _ = interrupted("writing", message=f"{SETTLED}nobody knows")
    settle(book, Puppet(lambda _: "done"), "default", LATER)
    assert only(book).steps[0].message == f"{SETTLED}it was written"


def test_an_end_between_the_last_step_and_the_closing_only_closes() -> None:
    """All outcomes are known: nothing is looked at."""
    book, _ = interrupted("done", "undone")
    puppet = Puppet()
    settle(book, puppet, "default", LATER)
    assert only(book).finished == LATER
    assert (puppet.looked, book.entries) == ([], [])


def test_a_settled_journal_is_left_alone() -> None:
    """Nothing in flight, nothing written."""
    book, made = interrupted("done")
    book.finish(made.id, NOW)
    history = settle(book, Puppet(), "default", LATER)
    assert history.records == (only(book),)
    assert (only(book).finished, book.entries) == (NOW, [])
