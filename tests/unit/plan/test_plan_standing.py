"""What is still taken."""

from datetime import timedelta

from microglia.plan.history import History
from microglia.plan.standing import standing, watched
from tests.factories import NOW, deployment
from tests.planning import cut, host, record, scaled

A, B = deployment("a", replicas=5), deployment("b", replicas=5)
ADS, BLOG = host("ads"), host("blog")
LATER, LATEST = NOW + timedelta(hours=1), NOW + timedelta(hours=2)


def test_what_was_done_stands() -> None:
    """Oldest first, with when it was written; what was not done does not stand."""
    first, second = record(scaled(A, 5, 4), cut("b", ADS)), record(scaled(B, 5, 4), at=LATER)
    failed = record(scaled(B, 4, 3), at=LATEST, state="failed")
    found = standing(History(None, (first, second, failed)))
    assert [(one.record, one.index, one.at) for one in found] == [(first, 0, NOW), (first, 1, NOW), (second, 0, LATER)]


def test_an_undated_step_is_dated_by_its_record() -> None:
    """A receipt without a time of its own began with its plan."""
    one = record(scaled(A, 5, 4), at=LATER)
    one = one.model_copy(update={"steps": (one.steps[0].model_copy(update={"at": None}),)})
    assert standing(History(None, (one,)))[0].at == LATER


def test_a_count_given_back_stands_no_more() -> None:
    """A later change that reaches the old count ends it; one that does not, does not."""
    down, further = record(scaled(A, 5, 4)), record(scaled(A, 4, 3), at=LATER)
    some = record(scaled(A, 3, 4), at=LATEST, purpose="regrow")
    every = record(scaled(A, 3, 5), at=LATEST, purpose="restore")
    assert [one.record for one in standing(History(None, (down, further, some)))] == [down]
    assert standing(History(None, (down, further, every))) == ()
    again = record(scaled(A, 5, 4), at=LATEST + timedelta(hours=1))
    assert [one.record for one in standing(History(None, (down, every, again)))] == [again]


def test_the_highest_count_given_back_counts() -> None:
    """Two restores in a row: the higher one decides."""
    down = record(scaled(A, 5, 3))
    high, low = record(scaled(A, 3, 5), at=LATER), record(scaled(A, 3, 4), at=LATEST)
    assert standing(History(None, (down, high, low))) == ()


def test_hosts_are_given_back_one_by_one() -> None:
    """Only the hosts that are still hidden stand; the client matters."""
    hid = record(cut("a", ADS, BLOG))
    some = record(cut("a", shown=(BLOG,)), at=LATER)
    other = record(cut("b", shown=(ADS,)), at=LATER)
    (left,) = standing(History(None, (hid, some, other)))
    assert left.change.cut == (ADS,)
    assert standing(History(None, (hid, record(cut("a", shown=(ADS, BLOG)), at=LATER)))) == ()


def test_what_is_not_kept_is_watched() -> None:
    """Not judged, waiting and told to regrow are watched; kept is not."""
    fresh, waits = record(scaled(A, 5, 4)), record(scaled(B, 5, 4), verdicts=["Wait"])
    hurts, kept = record(cut("c", ADS), verdicts=["Regrow"]), record(cut("d", ADS), verdicts=["Keep"])
    history = History(None, (fresh, waits, hurts, kept))
    assert watched(history) == {"replica:shop/a", "replica:shop/b", "routes:shop/c"}
