"""What a lap tells the lifecycle."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from microglia.lifecycle.states import Phase, Shield, Signals, State
from microglia.model.activity import Activity
from microglia.model.objects import BlindSpot
from microglia.plan.history import History
from microglia.plan.signals import blindness, representative, signals
from microglia.policy.observing import Cycles
from microglia.policy.schema import PolicySpec
from tests.factories import NOW, activity, deployment, nodes, replica_score, running, snapshot, workload_activity
from tests.planning import cut, grounds, host, pruning, record, saving, scaled, selection, wid

SPEC = PolicySpec()
RAW = deployment("a", replicas=5)
SINCE = NOW - timedelta(hours=5)


def told(history: History, target: int = 3, **parts: Any) -> Signals:
    """The signals of a structure with one workload of five replicas."""
    facts = workload_activity(["shop/a"])
    facts = replace(facts, requests=np.full_like(facts.requests, parts.pop("requests", 120.0)))
    seen = snapshot(*running(RAW), *nodes(), activity=parts.pop("activity", activity(facts)))
    ground = grounds(
        seen, selection({"a": target, "gone": 2}, excess={"cpu": 4.0}), replica_score(wid("a"), 5), history=history
    )
    return signals(ground, parts.pop("regrown", ()), SPEC)


def taken(at: Any, verdict: str = "Keep", **parts: Any) -> Any:
    """A receipt for a step that gave back half a core."""
    saved = saving(cpu=0.5, memory=8.0, replicas=1, money=2.0)
    return record(scaled(RAW, 6, 5, saving=saved), at=at, verdicts=[verdict], **parts)


def test_a_first_lap_has_nothing_behind_it() -> None:
    """Excess, counts and demand as they are; nothing taken, moving or watched."""
    found = told(History(None, ()))
    assert (found.excess, found.replicas, found.demand) == ({"cpu": 4.0}, {"shop/a": 5}, {"shop/a": 120.0})
    assert (found.took, found.moved, found.movable, found.watching, found.reopened) == ({}, 0, False, False, False)
    assert found.representative


@pytest.mark.parametrize(
    ("kind", "blind"),
    [("Deployment", "Deployment could not be read (forbidden)"), ("Ingress", ""), ("Application", "")],
)
def test_a_lap_says_which_workloads_it_could_not_read(kind: str, blind: str) -> None:
    """Kinds that hide no workloads do not make it blind: protections answer for those."""
    seen = snapshot(*running(RAW), *nodes())
    faults = replace(seen.objects, faults=(BlindSpot(kind, "forbidden"),))
    assert blindness(replace(seen, objects=faults)) == blind


def test_receipts_of_this_pruning_are_counted() -> None:
    """What was taken since pruning began counts, what was taken in this round counts as moves."""
    state = replace(pruning(2, begun=SINCE), begun=NOW - timedelta(hours=2))
    before, early, late = taken(SINCE - timedelta(hours=1)), taken(SINCE), taken(NOW - timedelta(hours=1))
    found = told(History(state, (before, early, late)))
    assert found.took == {"cpu": 1.0, "memory": 16.0, "money": 4.0, "proxyConfig": 0.0, "replicas": 2.0}
    assert found.moved == 1


def test_only_what_took_counts() -> None:
    """Failed steps, restores and hosts shown again are no moves."""
    failed, restore = taken(NOW, state="failed"), taken(NOW, purpose="restore")
    shown = record(cut("a", shown=(host("ads"),)), at=NOW)
    found = told(History(pruning(begun=SINCE), (failed, restore, shown)))
    assert found.moved == 0
    assert all(amount == 0 for amount in found.took.values())


def test_a_round_without_a_beginning_counts_from_its_phase() -> None:
    """A state written before rounds had a beginning counts every move of the phase."""
    state = replace(pruning(begun=SINCE), begun=None)
    assert told(History(state, (taken(SINCE),))).moved == 1


def test_outside_pruning_nothing_is_counted() -> None:
    """A hardened structure takes and moves nothing."""
    found = told(History(State("default", Phase.HARDENED, SINCE), (taken(NOW),)))
    assert (found.took, found.moved, found.movable) == ({}, 0, False)


def test_movable_means_that_this_round_may_still_take() -> None:
    """A loser within the allowance, or the first of the round; not one that is over it, and not without a loser."""
    state = pruning(1, entry={"cpu": 3.0}, begun=SINCE)
    assert told(History(state, ())).movable
    assert not told(History(state, (taken(NOW),))).movable
    assert told(History(replace(state, entry={"cpu": 30.0}), (taken(NOW),))).movable
    assert not told(History(state, ()), target=5).movable


def test_what_is_not_kept_is_watched() -> None:
    """Anything not yet kept holds the round."""
    assert told(History(pruning(begun=SINCE), (taken(NOW, "Wait"),))).watching
    assert not told(History(pruning(begun=SINCE), (taken(NOW),))).watching


@pytest.mark.parametrize(
    ("asked", "state", "reopened"),
    [
        (None, pruning(begun=SINCE), False),
        (NOW, None, True),
        (NOW, pruning(begun=SINCE), True),
        (SINCE, pruning(begun=SINCE), False),
    ],
)
def test_a_person_reopens_once(asked: Any, state: State | None, *, reopened: bool) -> None:
    """A wish counts once: what was asked before the phase began is done."""
    assert told(History(state, (), reopened=asked)).reopened is reopened


def test_shields_are_passed_on() -> None:
    """What the guard shields reaches the state."""
    shield = Shield("shop/a", NOW, "hurt")
    assert told(History(None, ()), regrown=(shield,)).regrown == (shield,)


def test_unknown_demand_is_left_out() -> None:
    """A workload without any known hour has no demand to drift from; nor has one that metrics never named."""
    assert told(History(None, ()), requests=np.nan).demand == {}
    assert told(History(None, ()), activity=activity(workload_activity([]))).demand == {}


def known(first: int, share: float = 1.0) -> Activity:
    """Two weeks of which the first ``first`` hours were not read, and ``share`` of the rest were."""
    found = activity(workload_activity([]))
    whole = np.arange(found.window.hours) >= first
    whole[first + int((found.window.hours - first) * share) :] = False
    return replace(found, known=whole)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (known(0), True), (known(1), False), (known(336), False), (known(0, 0.5), True), (known(0, 0.49), False),
    ],
)  # fmt: skip
def test_two_whole_cycles_make_a_window_representative(facts: Activity, *, expected: bool) -> None:
    """They must lie between the first bucket read and the end, and half of them must have been read."""
    assert representative(facts, Cycles()) is expected
