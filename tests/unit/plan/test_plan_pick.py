"""Which losers go in this lap."""

import math
from datetime import timedelta

from microglia.plan.candidate import Candidate, Run, cost, found, pieces, spend
from microglia.plan.document import Note
from microglia.plan.history import History
from microglia.plan.pick import Caps, caps, movable, pick, written
from microglia.policy.schema import Pace
from tests.factories import NOW, deployment
from tests.planning import plan, record, scaled

OPEN = Caps(10, {"shop": 10, "pay": 1}, "")
CPU = {"cpu": 1.0}


def loser(name: str, count: int = 1, density: float = 0.0, namespace: str = "shop", price: float = 1.0) -> Candidate:
    """A candidate of ``count`` equal pieces."""
    one = f"{namespace}/{name}"
    return Candidate(f"replica:{one}", one, namespace, density, (Run(count, {"cpu": price}),))


def taken(*candidates: Candidate, left: float, allowed: Caps = OPEN, first: bool = False) -> dict[str, int]:
    """What goes, by subject."""
    picks = pick(candidates, {"cpu": left}, allowed, first=first)
    return {candidate.subject: count for candidate, count in picks.taken}


def test_pieces_are_taken_as_far_as_they_fit() -> None:
    """Runs are taken in their order; the first that does not fit whole ends it."""
    two = Candidate("e", "s", "n", 0.0, (Run(3, {"cpu": 2.0}), Run(5, {"cpu": 1.0})))
    assert [pieces(two, {"cpu": left}) for left in (1.0, 2.0, 5.0, 6.0, 8.5, 100.0, math.inf)] == [0, 1, 2, 3, 5, 8, 8]
    assert pieces(two, {"memory": 0.0}) == 8
    free = Candidate("e", "s", "n", 0.0, (Run(2, {"cpu": 1.0, "money": 0.0}),))
    assert pieces(free, {"cpu": 9.0, "money": 0.0}) == 2


def test_a_share_does_not_lose_its_last_piece_to_rounding() -> None:
    """Three tenths hold three pieces of one tenth."""
    assert pieces(loser("a", 5, price=0.1), {"cpu": 0.1 + 0.1 + 0.1}) == 3
    assert pieces(loser("a", 5, price=0.1), {"cpu": 0.3}) == 3


def test_costs_add_up_over_runs() -> None:
    """The first pieces are charged, each at the cost of its run."""
    two = Candidate("e", "s", "n", 0.0, (Run(3, {"cpu": 2.0}), Run(5, {"cpu": 1.0, "memory": 4.0})))
    assert cost(two, 4) == {"cpu": 7.0, "memory": 4.0}
    assert spend({"cpu": 5.0, "money": 1.0}, {"cpu": 3.0}, 2) == {"cpu": 0.0, "money": 1.0}


def test_the_least_dense_goes_first() -> None:
    """Ties are ordered by element; notes by subject."""
    notes = [Note(subject="b", what="", why=""), Note(subject="a", what="", why="")]
    ordered = found([loser("b"), loser("a"), loser("c", density=-1.0)], notes)
    assert [one.subject for one in ordered.candidates] == ["shop/c", "shop/a", "shop/b"]
    assert [note.subject for note in ordered.held] == ["a", "b"]


def test_the_allowance_is_shared_in_order() -> None:
    """A large one takes what fits, a smaller one behind it may still find room."""
    assert taken(loser("a", 2), loser("b", 5), loser("c"), left=4.0) == {"shop/a": 2, "shop/b": 2}
    assert taken(loser("a", price=3.0), loser("b"), left=1.0) == {"shop/b": 1}


def test_the_first_of_a_round_always_moves() -> None:
    """One piece goes even if it is more than the share; later ones have to fit."""
    assert taken(loser("a", 3, price=9.0), loser("b", price=9.0), left=1.0, first=True) == {"shop/a": 1}
    assert taken(loser("a", 3, price=9.0), left=1.0) == {}


def test_caps_bound_the_lap_and_each_namespace() -> None:
    """What only a cap kept back is counted."""
    many = [loser(name, namespace=space) for space in ("pay", "shop") for name in "abcd"]
    picks = pick(many, {}, Caps(3, {"pay": 1, "shop": 3}, ""), first=False)
    assert [one.subject for one, _ in picks.taken] == ["pay/a", "shop/a", "shop/b"]
    assert picks.capped == 5
    assert taken(loser("a", namespace="new"), left=9.0) == {}


def test_what_would_not_fit_anyway_is_not_capped() -> None:
    """A candidate over the allowance is not blamed on a cap."""
    picks = pick([loser("a"), loser("b", price=9.0)], {"cpu": 2.0}, Caps(1, {"shop": 5}, ""), first=False)
    assert (len(picks.taken), picks.capped) == (1, 0)


def test_caps_follow_the_policy() -> None:
    """10 % of the lap's objects, 20 % of a namespace's, with floors for small groups."""
    allowed = caps(Pace(), {"shop": 60, "pay": 3}, History(None, ()), NOW)
    assert (allowed.lap, allowed.namespaces) == (6, {"pay": 1, "shop": 10})
    assert allowed.why == "spec.pace.perLap allows 6 for 63 objects in scope"


def test_the_last_hour_counts() -> None:
    """What was written within the hour is taken off perHour; an hour later it is free again."""
    one = record(scaled(deployment("a"), 3, 2), scaled(deployment("b"), 3, 2), at=NOW - timedelta(minutes=59))
    pace = Pace(per_hour=3)
    busy = caps(pace, {"shop": 60}, History(None, (one,)), NOW)
    assert (busy.lap, busy.why) == (1, "spec.pace.perHour allows 3, and the last hour had 2")
    assert caps(pace, {"shop": 60}, History(None, (one,)), NOW + timedelta(minutes=1)).lap == 3
    assert caps(Pace(per_hour=1), {"shop": 60}, History(None, (one,)), NOW).lap == 0


def test_only_writes_of_pruning_plans_count() -> None:
    """Restores and what was never written leave the hour free."""
    change = scaled(deployment("a"), 3, 2)
    restore = record(change).model_copy(update={"plan": plan(change, purpose="restore")})
    failed = record(change, state="failed")
    unclear = record(change, state="writing")
    assert written(History(None, (restore, failed, unclear)), NOW - timedelta(hours=1)) == 1


def test_a_step_without_a_time_counts_from_its_record() -> None:
    """A receipt whose step was not dated is dated by its plan."""
    undated = record(scaled(deployment("a"), 3, 2))
    undated = undated.model_copy(update={"steps": (undated.steps[0].model_copy(update={"at": None}),)})
    assert written(History(None, (undated,)), NOW - timedelta(hours=1)) == 1
    assert written(History(None, (undated,)), NOW) == 0


def test_movable_means_that_something_fits() -> None:
    """Nothing to take, nothing that fits, the first of a round, something that fits."""
    assert not movable([], {}, first=True)
    assert not movable([loser("a", price=9.0)], {"cpu": 1.0}, first=False)
    assert movable([loser("a", price=9.0)], {"cpu": 1.0}, first=True)
    assert movable([loser("a", price=9.0), loser("b")], CPU, first=False)
