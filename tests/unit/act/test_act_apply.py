"""Carrying out a plan: the journal before and after each write, where it stops, and what it says."""

from datetime import datetime, timedelta

import pytest

from microglia.act.apply import Conduct, apply
from microglia.plan.document import Plan
from microglia.plan.history import Step
from tests.unit.act.changes import NOW, plan, scales
from tests.unit.act.clearance import cleared
from tests.unit.act.notebook import Notebook, Puppet


def conduct(stop: str | None = None, said: list[str] | None = None, after: int = 0) -> Conduct:
    """A clock that moves a minute per look; ``stop`` is the reason given from the ``after``-th question on."""
    minutes, asked = [0], [0]

    def clock() -> datetime:
        minutes[0] += 1
        return NOW + timedelta(minutes=minutes[0])

    def asks() -> str | None:
        asked[0] += 1
        return stop if asked[0] > after else None

    return Conduct(clock, asks, (said if said is not None else []).append)


def run(given: Plan, play: dict[str, str], how: Conduct | None = None) -> tuple[list[str], Notebook, Puppet]:
    book, puppet = Notebook(), Puppet(lambda workload: play.get(workload, "done"))
    record = apply(cleared(given), puppet, book, how or conduct())
    assert record == book.book[given.id]
    return [step.state for step in record.steps], book, puppet


def test_each_write_is_in_the_journal_before_and_after() -> None:
    """Writing, then the outcome, one change after the other; the record is closed with its times."""
    states, book, _ = run(plan(*scales("a", "b")), {})
    assert states == ["done", "done"]
    assert book.entries == [(0, "writing"), (0, "done"), (1, "writing"), (1, "done")]
    record = next(iter(book.book.values()))
    assert record.started == NOW + timedelta(minutes=1)
    assert record.steps[0].at == NOW + timedelta(minutes=3)
    assert record.finished == NOW + timedelta(minutes=6)
    assert record.steps[1].message == "so it went"


@pytest.mark.parametrize(
    ("outcome", "then"),
    [("surprise", "skipped"), ("failed", "skipped"), ("writing", "skipped"), ("undone", "done"), ("done", "done")],
)
def test_a_pruning_plan_stops_at_the_first_surprise(outcome: str, then: str) -> None:
    """What went otherwise than planned stops it; a step that was taken back cleanly does not."""
    states, book, puppet = run(plan(*scales("a", "b", "c")), {"shop/b": outcome})
    assert states == ["done", outcome, then]
    assert ("shop/c" in puppet.written) == (then == "done")
    if then == "skipped":
        assert "shop/b went otherwise than planned" in next(iter(book.book.values())).steps[2].message


@pytest.mark.parametrize("purpose", ["restore", "regrow"])
def test_giving_back_goes_on_past_surprises(purpose: str) -> None:
    """Each object is taken on its own."""
    states, _, _ = run(plan(*scales("a", "b", "c"), purpose=purpose), {"shop/a": "surprise", "shop/b": "failed"})
    assert states == ["surprise", "failed", "done"]


@pytest.mark.parametrize("purpose", ["prune", "restore"])
def test_a_person_or_a_lost_lock_stops_it(purpose: str) -> None:
    """The write under way is finished and recorded; the rest is skipped with the reason."""
    states, book, puppet = run(plan(*scales("a", "b", "c"), purpose=purpose), {}, conduct("Ctrl-C", after=1))
    assert states == ["done", "skipped", "skipped"]
    assert puppet.written == ["shop/a"]
    record = next(iter(book.book.values()))
    assert [step.message for step in record.steps] == ["so it went", "Ctrl-C", "Ctrl-C"]
    assert record.finished is not None


@pytest.mark.parametrize(
    ("purpose", "minutes", "states"),
    [
        ("prune", 13, ["done", "done"]),
        ("prune", 14, ["done", "done"]),
        ("prune", 15, ["skipped", "skipped"]),
        ("restore", 15, ["done", "done"]),
        ("regrow", 6000, ["done", "done"]),
    ],
)
def test_consent_that_came_late_begins_nothing(purpose: str, minutes: int, states: list[str]) -> None:
    """The clock is a minute on: facts older than a quarter of an hour are not acted on; what gives back needs none."""
    made, book, puppet = plan(*scales("a", "b"), purpose=purpose), Notebook(), Puppet()
    record = apply(cleared(made, NOW - timedelta(minutes=minutes)), puppet, book, conduct())
    assert [step.state for step in record.steps] == states
    assert bool(puppet.written) is ("done" in states)
    if "skipped" in states:
        assert record.steps[0].message == (
            "not begun: it was checked 16m ago, and facts are fresh for 15m; apply it again"
        )
        assert record.finished is not None


def test_a_record_with_an_unknown_outcome_stays_open() -> None:
    """The next start settles it."""
    _, book, _ = run(plan(*scales("a", "b")), {"shop/a": "writing"})
    assert next(iter(book.book.values())).finished is None


def test_every_step_is_said() -> None:
    """Number, workload, counts and outcome."""
    said: list[str] = []
    run(plan(*scales("a", "b")), {"shop/b": "failed"}, conduct(said=said))
    assert said == [
        "1/2 shop/a 3 -> 2 replicas: done: so it went",
        "2/2 shop/b 3 -> 2 replicas: failed: so it went",
    ]


def test_marks_of_the_plan_before_are_tidied_first() -> None:
    """What a crash or a silent server may have left is tidied before anything is written; what was not begun is not,
    and proposals in between left nothing."""
    book, puppet = Notebook(), Puppet()
    old = plan(*scales("x", "y", "z"), round=2)
    book.begin(old, NOW)
    book.step(old.id, Step(index=0, state="skipped"))
    book.step(old.id, Step(index=1, state="failed"))
    book.step(old.id, Step(index=2, state="writing"))
    proposed = plan(*scales("p"), way="git")
    book.begin(proposed, NOW)
    book.step(proposed.id, Step(index=0, state="proposed"))
    apply(cleared(plan(*scales("a"))), puppet, book, conduct())
    assert puppet.tidied == ["shop/y", "shop/z"]


def test_an_empty_plan_is_a_closed_record() -> None:
    """Nothing to do is done at once."""
    states, book, _ = run(plan(), {})
    assert states == []
    assert next(iter(book.book.values())).finished == NOW + timedelta(minutes=2)
