"""The table of transitions, row by row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from microglia.lifecycle.states import Phase, Shield, Signals, State
from microglia.lifecycle.step import TRANSITIONS, drift, merged, step, turnover
from microglia.policy.schema import Metadata, PruningPolicy

NOW = datetime(2026, 6, 29, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = PruningPolicy(metadata=Metadata(name="shop"))
ROUND = State("shop", Phase.PRUNING, NOW - 9 * HOUR, round=2, entry={"cpu": 15.0}, begun=NOW - 3 * HOUR)
LAST = replace(ROUND, round=5)
HARD = State("shop", Phase.HARDENED, NOW - timedelta(days=30), demand={"shop/a": 100.0})


def saw(**parts: Any) -> Signals:
    """A quiet lap in which nothing is left to take."""
    quiet: dict[str, Any] = {
        "excess": {"cpu": 0.0}, "took": {}, "representative": True, "watching": False, "movable": False,
        "replicas": {"shop/a": 5}, "demand": {"shop/a": 100.0},
    }  # fmt: skip
    return Signals(**{**quiet, **parts})


def test_a_structure_begins_exposing() -> None:
    """The first lap remembers the policy's name, the counts as they are, and prunes nothing yet."""
    state = step(None, saw(excess={"cpu": 5.0}, representative=False), POLICY, NOW)
    assert (state.structure, state.phase, state.since, state.round) == ("shop", Phase.EXPOSING, NOW, 0)
    assert state.exposed == {"shop/a": 5}


def test_excess_in_a_representative_window_begins_pruning() -> None:
    """The excess at entry is written down; what has none is left out."""
    state = step(None, saw(excess={"memory": 4.0, "cpu": 5.0, "money": 0.0}), POLICY, NOW)
    assert (state.phase, state.round, state.begun, state.since) == (Phase.PRUNING, 1, NOW, NOW)
    assert state.entry == {"cpu": 5.0, "memory": 4.0}


def test_a_lean_structure_stays_exposing() -> None:
    """Without excess there is nothing to prune, however long one looks."""
    assert step(State("shop", Phase.EXPOSING, NOW - 900 * HOUR), saw(), POLICY, NOW).phase is Phase.EXPOSING


def test_what_was_taken_is_counted_from_the_receipts() -> None:
    """Every lap replaces the counts, so that nothing is counted twice."""
    state = replace(ROUND, taken={"cpu": 3.0}, moved=1)
    after = step(state, saw(took={"cpu": 4.0}, moved=2, watching=True), POLICY, NOW)
    assert (after.taken, after.moved) == ({"cpu": 4.0}, 2)


@pytest.mark.parametrize(
    "signals",
    [
        saw(watching=True),
        saw(movable=True),
        saw(representative=False),
        saw(movable=True, moved=1, took={"cpu": 8.9}),
    ],
    ids=["something is under watch", "something may move", "not representative", "share not used"],
)
def test_a_round_goes_on(signals: Signals) -> None:
    """A round ends only when nothing is under watch and its share is used or nothing may move."""
    assert step(ROUND, signals, POLICY, NOW).round == 2


@pytest.mark.parametrize(
    "signals",
    [saw(), saw(movable=True, moved=1, took={"cpu": 9.0})],
    ids=["nothing may move", "share used"],
)
def test_a_round_ends(signals: Signals) -> None:
    """Then the next begins, with a count of its own."""
    state = step(ROUND, signals, POLICY, NOW)
    assert (state.phase, state.round, state.begun, state.moved) == (Phase.PRUNING, 3, NOW, 0)


def test_a_round_moves_at_least_one_element() -> None:
    """An allowance of nothing does not end a round that has taken nothing."""
    assert step(ROUND, saw(movable=True, took={"cpu": 12.0}), POLICY, NOW).round == 2


@pytest.mark.parametrize(
    ("state", "signals"),
    [
        (None, saw(excess={"cpu": 5.0})),
        (State("shop", Phase.EXPOSING, NOW - 9 * HOUR), saw(excess={"cpu": 5.0})),
        (ROUND, saw()),
        (ROUND, saw(movable=True, moved=1, took={"cpu": 9.0})),
        (LAST, saw(moved=1)),
        (replace(LAST, clean=1), saw()),
        (LAST, saw()),
        (HARD, saw(demand={}, replicas={})),
        (HARD, saw(reopened=True)),
        (replace(HARD, since=NOW - timedelta(days=900)), saw()),
    ],
    ids=["new", "excess", "nothing may move", "share used", "last round took", "clean enough", "clean",
         "all is gone", "reopened", "too old"],
)  # fmt: skip
def test_a_blind_lap_moves_nothing(state: State | None, signals: Signals) -> None:
    """Phase, round and clean rounds stay, with the reason; the first lap that sees takes up where it was."""
    blind = step(state, replace(signals, blind="Deployment could not be read (forbidden)"), POLICY, NOW)
    was = state or State("shop", Phase.EXPOSING, NOW)
    assert (blind.phase, blind.since, blind.round, blind.clean, blind.begun, blind.entry, blind.demand) == (
        was.phase, was.since, was.round, was.clean, was.begun, was.entry, was.demand)  # fmt: skip
    assert blind.why == "stays as it is: Deployment could not be read (forbidden)"
    after, straight = step(blind, signals, POLICY, NOW), step(state, signals, POLICY, NOW)
    assert after == straight
    assert after.why


def test_a_blind_lap_says_so_once_and_keeps_what_moved_the_phase() -> None:
    """Blind twice it says it once; seeing again, the phase has the reason that it had before."""
    state = replace(ROUND, why="representative, and there is excess")
    for _ in range(2):
        state = step(state, saw(blind="Pod could not be read (late)", watching=True), POLICY, NOW)
    assert state.why == "representative, and there is excess; stays as it is: Pod could not be read (late)"
    assert step(state, saw(watching=True), POLICY, NOW).why == "representative, and there is excess"


def test_harm_counts_in_a_blind_lap_too() -> None:
    """The round steps back: what hurt was seen, whatever else was not."""
    hurt = Shield("shop/a", NOW + HOUR, "errors")
    state = step(ROUND, saw(regrown=(hurt,), blind="Pod could not be read (late)"), POLICY, NOW)
    assert (state.phase, state.round, state.shields) == (Phase.PRUNING, 1, (hurt,))


@pytest.mark.parametrize(("age", "number"), [(59, 2), (60, 3)])
def test_a_round_needs_a_new_look(age: int, number: int) -> None:
    """A round cannot end within the hour that it began in: no new bucket has closed."""
    assert step(replace(ROUND, begun=NOW - timedelta(minutes=age)), saw(), POLICY, NOW).round == number


def test_a_state_without_a_beginning_of_its_round_may_end_it() -> None:
    """A state written before rounds had a beginning is read as long begun."""
    assert step(replace(ROUND, begun=None), saw(), POLICY, NOW).round == 3


def test_the_last_round_is_followed_by_another_look() -> None:
    """What the last round took makes the count of clean rounds start again."""
    state = step(replace(LAST, clean=1), saw(moved=2), POLICY, NOW)
    assert (state.phase, state.round, state.clean, state.moved, state.begun) == (Phase.PRUNING, 5, 0, 0, NOW)


def test_clean_rounds_harden() -> None:
    """Two rounds in a row that found nothing, then it hardens and remembers the demand."""
    once = step(LAST, saw(), POLICY, NOW)
    assert (once.phase, once.clean, once.begun) == (Phase.PRUNING, 1, NOW)
    hard = step(once, saw(), POLICY, NOW + HOUR)
    assert (hard.phase, hard.round, hard.entry, hard.demand) == (Phase.HARDENED, 0, {}, {"shop/a": 100.0})
    assert (hard.since, hard.clean) == (NOW + HOUR, 2)


def test_a_hardened_structure_rests() -> None:
    """Excess alone does not reopen it, and nothing is counted."""
    after = step(HARD, saw(excess={"cpu": 9.0}, moved=3, took={"cpu": 1.0}), POLICY, NOW)
    assert (after.phase, after.moved, after.taken) == (Phase.HARDENED, 0, {})


@pytest.mark.parametrize(
    ("state", "signals"),
    [
        (HARD, saw(reopened=True)),
        (replace(HARD, since=NOW - timedelta(days=90)), saw()),
        (HARD, saw(demand={"shop/a": 125.0})),
        (HARD, saw(demand={"shop/a": 75.0})),
    ],
    ids=["a person asked", "90 days", "demand rose", "demand fell"],
)
def test_a_hardened_structure_reopens(state: State, signals: Signals) -> None:
    """A person, age or drift sends it back to exposing."""
    after = step(state, signals, POLICY, NOW)
    assert (after.phase, after.since, after.demand) == (Phase.EXPOSING, NOW, {})


@pytest.mark.parametrize(
    ("state", "signals"),
    [(replace(HARD, since=NOW - timedelta(days=89)), saw()), (HARD, saw(demand={"shop/a": 124.0}))],
    ids=["89 days", "24 %"],
)
def test_just_below_a_limit_it_rests(state: State, signals: Signals) -> None:
    """Limits are limits."""
    assert step(state, signals, POLICY, NOW).phase is Phase.HARDENED


def test_the_first_counts_are_kept() -> None:
    """Later laps add new workloads, and never forget what an old one had."""
    state = replace(ROUND, exposed={"shop/a": 9, "shop/gone": 2})
    after = step(state, saw(replicas={"shop/a": 5, "shop/b": 3}, watching=True), POLICY, NOW)
    assert after.exposed == {"shop/a": 9, "shop/b": 3, "shop/gone": 2}


SHIELD = Shield("shop/a", NOW + 100 * HOUR, "errors")


@pytest.mark.parametrize(("number", "back"), [(3, 2), (2, 1), (1, 1)])
def test_harm_steps_the_round_back(number: int, back: int) -> None:
    """What hurt is protected, and the pace is that of the round before; never below the first."""
    state = replace(ROUND, round=number, clean=1, moved=4)
    after = step(state, saw(regrown=(SHIELD,), watching=True, moved=4), POLICY, NOW)
    assert (after.phase, after.round, after.shields) == (Phase.PRUNING, back, (SHIELD,))
    assert (after.begun, after.moved, after.clean) == (NOW, 0, 0)


def test_the_same_harm_steps_back_once() -> None:
    """A shield that is in force already is old news, also when it is told again with a later end."""
    state = replace(ROUND, shields=(SHIELD,))
    again = replace(SHIELD, until=SHIELD.until + HOUR)
    assert step(state, saw(regrown=(again,), watching=True), POLICY, NOW).round == 2


@pytest.mark.parametrize("state", [State("shop", Phase.EXPOSING, NOW - 9 * HOUR), HARD], ids=["exposing", "hardened"])
def test_outside_pruning_harm_only_adds_a_shield(state: State) -> None:
    """There is no round to step back from, and a hardened structure only regrows."""
    after = step(state, saw(regrown=(SHIELD,)), POLICY, NOW)
    assert (after.phase, after.round, after.shields) == (state.phase, 0, (SHIELD,))


def test_a_structure_where_something_was_undone_does_not_harden() -> None:
    """Harm in the last round makes the count of clean rounds start again."""
    once = step(replace(LAST, clean=1), saw(regrown=(SHIELD,)), POLICY, NOW)
    assert (once.phase, once.round, once.clean) == (Phase.PRUNING, 4, 0)
    twice = step(once, saw(regrown=(SHIELD,)), POLICY, NOW + HOUR)
    assert (twice.phase, twice.round) == (Phase.PRUNING, 5)


def _hand_over(state: State | None, **parts: Any) -> State:
    return step(state, saw(**parts), POLICY, NOW)


@pytest.mark.parametrize(
    ("state", "signals", "name"),
    [
        (None, {"excess": {"cpu": 5.0}}, "representative, and there is excess"),
        (ROUND, {"regrown": (SHIELD,)}, "something hurt: the round steps back"),
        (ROUND, {}, "the round is over, more are due"),
        (LAST, {"moved": 2}, "the last round took something: look again"),
        (replace(LAST, clean=1), {}, "enough rounds in a row found nothing"),
        (LAST, {}, "a round found nothing"),
        (HARD, {"reopened": True}, "reopened, too old, or demand or structure drifted"),
    ],
)
def test_every_transition_is_taken_and_says_why(state: State | None, signals: dict[str, Any], name: str) -> None:
    """The state keeps the words of the row that moved it, until another one does."""
    after = _hand_over(state, **signals)
    assert after.why == name
    assert name in {transition.name for transition in TRANSITIONS}
    assert step(after, saw(watching=True), POLICY, NOW).why == name


def test_workloads_that_came_and_went_reopen() -> None:
    """A quarter of the structure is another one, even if it carries next to nothing."""
    before = {f"shop/{name}": 100.0 for name in "abcdefgh"}
    state = replace(HARD, demand=before)
    one_new = {**before, "shop/i": 0.0}
    two_new = {**one_new, "shop/j": 0.0}
    assert step(state, saw(demand=one_new), POLICY, NOW).phase is Phase.HARDENED
    assert step(state, saw(demand=two_new), POLICY, NOW).phase is Phase.EXPOSING
    assert turnover(before, two_new) == 0.25
    assert turnover({}, two_new) == 0.0


def test_shields_expire_and_the_longest_wins() -> None:
    """One shield per element, none that is over; on a tie the older reason stays."""
    old = Shield("a", NOW + HOUR, "old")
    shields = merged(
        [old, Shield("b", NOW, "over")], [Shield("a", NOW + HOUR, "new"), Shield("c", NOW + HOUR, "c")], NOW
    )
    assert shields == (old, Shield("c", NOW + HOUR, "c"))
    assert merged([old], [Shield("a", NOW + 2 * HOUR, "new")], NOW) == (Shield("a", NOW + 2 * HOUR, "new"),)


def test_metrics_that_tell_nothing_are_no_drift() -> None:
    """A workload that is there and is not heard of counts as it was; one that is gone has gone."""
    assert step(HARD, saw(demand={}), POLICY, NOW).phase is Phase.HARDENED
    assert step(HARD, saw(demand={}, replicas={}), POLICY, NOW).phase is Phase.EXPOSING


def test_drift_adds_up_both_directions() -> None:
    """Capacity cannot move between workloads, so a rise here does not make up for a fall there."""
    assert drift({"a": 50.0, "b": 50.0}, {"a": 60.0, "c": 5.0}) == pytest.approx(0.65)
    assert drift({}, {"a": 1.0}) == 0.0


def test_every_transition_says_what_it_is() -> None:
    """The table can be read aloud: each row has words of its own."""
    names = [transition.name for transition in TRANSITIONS]
    assert len(set(names)) == len(names) == 7
