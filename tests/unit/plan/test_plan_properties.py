"""Promises that hold for whatever happens."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from microglia.plan.candidate import Candidate, Run, cost, pieces
from microglia.plan.history import History
from microglia.plan.inverse import inverse
from microglia.plan.pick import Caps, pick
from microglia.plan.sidecar import hidden
from microglia.plan.standing import standing
from tests.factories import NOW, deployment, objects
from tests.planning import cut, host, own, record, scaled

COUNTS = st.integers(1, 20)
HOSTS = st.sets(st.sampled_from([host(name) for name in "abcdef"]), min_size=1)
SIZES = st.floats(0.01, 10)
RUNS = st.lists(st.builds(lambda count, size: Run(count, {"cpu": size}), COUNTS, SIZES), min_size=1, max_size=3)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=6), COUNTS)
def test_a_restore_never_leaves_less(steps: list[tuple[int, int]], present: int) -> None:
    """Whatever was done to a count and whatever it is now: after a restore it is neither below now nor below any count
    that was taken from."""
    records = [
        record(scaled(deployment("a"), before, after), at=NOW + timedelta(hours=place))
        for place, (before, after) in enumerate(steps)
    ]
    found = inverse(records, objects(deployment("a", replicas=present)), NOW + timedelta(days=9)).changes
    left = found[0].after if found else present
    assert left >= max(present, *(before if after < before else 0 for before, after in steps))
    assert all(change.widens for change in found)


@given(st.lists(HOSTS, min_size=1, max_size=4), HOSTS)
def test_a_restore_only_shows_hosts(cuts: list[set[str]], present: set[str]) -> None:
    """Nothing is hidden that was visible, and nothing that was cut stays hidden."""
    records = [record(cut("a", *sorted(hosts)), at=NOW + timedelta(hours=place)) for place, hosts in enumerate(cuts)]
    world = objects(deployment("a"), own("a", *present))
    found = inverse(records, world, NOW + timedelta(days=9)).changes
    left = set(hidden(found[0].after)) if found else present
    assert left == present - set().union(*cuts)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=6))
def test_what_was_restored_stands_no_more(steps: list[tuple[int, int]]) -> None:
    """The inverse of everything that stands leaves nothing standing."""
    records = [
        record(scaled(deployment("a"), before, after), at=NOW + timedelta(hours=place))
        for place, (before, after) in enumerate(steps)
    ]
    plan = inverse(records, objects(deployment("a", replicas=1)), NOW + timedelta(days=9))
    undone = record(*plan.changes, at=NOW + timedelta(days=9), purpose="restore")
    assert standing(History(None, (*records, undone))) == ()


@given(RUNS, st.floats(0, 200))
def test_pieces_stay_within_what_is_left(runs: list[Run], left: float) -> None:
    """What fits costs no more than what was left, and one more of the same run would not have fitted."""
    candidate = Candidate("e", "s", "n", 0.0, tuple(runs))
    count = pieces(candidate, {"cpu": left})
    assert cost(candidate, count).get("cpu", 0.0) <= left * (1 + 1e-6) + 1e-6
    if count < sum(run.count for run in runs):
        assert cost(candidate, count + 1)["cpu"] > left * (1 - 1e-6) - 1e-6


@given(st.lists(RUNS, max_size=6), st.floats(0, 50), st.integers(0, 6))
def test_a_lap_stays_within_allowance_and_caps(many: list[list[Run]], left: float, cap: int) -> None:
    """All that goes in a lap fits into the round's share, but for the first piece of a round, and into the caps."""
    candidates = [Candidate(f"e{place}", f"s{place}", "n", 0.0, tuple(runs)) for place, runs in enumerate(many)]
    for first in (False, True):
        taken = pick(candidates, {"cpu": left}, Caps(cap, {"n": 4}, ""), first=first).taken
        total = sum(cost(candidate, count)["cpu"] for candidate, count in taken)
        assert len(taken) <= min(cap, 4)
        assert total <= left * (1 + 1e-6) + 1e-6 + (10 if first else 0)
