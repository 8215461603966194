"""Two locks: by type, only verification makes a Cleared; by fact, every gate is asked."""

from dataclasses import replace

import pytest

from microglia.plan.document import Plan
from microglia.score.seen import see_window
from microglia.score.unseen import at_most
from microglia.verify.clear import Cleared, Refused, remainder, verify, winnow
from microglia.verify.facts import gather
from microglia.verify.gates import GATES, refusals
from microglia.verify.verdicts import Proof, Refusal
from tests.unit.verify.verify_world import NOW, Scene, scene

NOTHING = Proof(0.0, 0.0, 0.0, {}, 0, 0.0)


def check(one: Scene) -> Cleared | Refused:
    return verify(one.plan, one.topology, one.history, one.policy, one.now)


def test_nobody_else_makes_a_cleared() -> None:
    """A plan cannot be cleared by calling the type."""
    with pytest.raises(TypeError, match=r"only verify.clear makes a Cleared"):
        Cleared(scene().plan, NOTHING, NOW, object())


def test_a_cleared_plan_is_the_plan_that_was_checked_with_its_proof() -> None:
    """What is applied is what was checked, and the figures say what was tried."""
    one = scene()
    checked = check(one)
    assert isinstance(checked, Cleared)
    assert checked.plan is one.plan
    tried = {"node": 3, "zone": 3, "service": 3, "primary": 0}
    told = see_window(one.topology, one.policy.spec)
    assert checked.proof == Proof(300000.0, 0.0, 0.0, tried, 0, 0.0, 0.0, at_most(300000), told)
    assert "_key" not in repr(checked)


def test_a_plan_that_was_saved_and_loaded_must_be_cleared_anew() -> None:
    """A plan file is a plan, never a cleared one."""
    one = scene()
    assert type(Plan.model_validate_json(one.plan.model_dump_json(by_alias=True))) is Plan


def test_what_was_judged_of_the_same_world_is_taken_at_its_word() -> None:
    """Scores and protections of a topology with the same digest; without protections, those are found anew."""
    one = scene()
    facts = gather(one.plan, one.topology, one.history, one.policy, one.now)
    cart = next(change.id for change in one.plan.changes)
    stern = replace(facts.scores.replicas[cart], need=6)
    scores = replace(facts.scores, replicas={**facts.scores.replicas, cart: stern})
    for protections in (facts.protections, None):
        checked = verify(one.plan, one.topology, one.history, one.policy, one.now, (scores, protections))
        assert isinstance(checked, Refused)
        assert [refusal.gate for refusal in checked.refusals] == ["floors"]
        fair = verify(one.plan, one.topology, one.history, one.policy, one.now, (facts.scores, protections))
        assert fair == check(one)


def test_every_gate_is_asked_and_every_refusal_is_shown() -> None:
    """A plan with many faults is refused for all of them at once, in the order of the gates."""
    case = {
        "world": {"istiod": [], "deaf_hours": list(range(20)), "taken_ago": 60},
        "policy_since": {"name": "other", "pace": {"freeze": [{"cron": "0 0 * * *", "lasts": "24h"}]}},
        "plan": {"scale": {"cart": {"after": 1}}, "hide": {"web": ["search"]}, "made_ago": 5000},
        "history": {"phase": "Hardened", "records": [{"ago": 1}]},
        "since": {
            "cluster": "another",
            "workloads": {"cart": {"annotations": {"argocd.argoproj.io/tracking-id": "x"}}},
        },
    }
    checked = check(scene(case))
    assert isinstance(checked, Refused)
    found = [refusal.gate for refusal in checked.refusals]
    order = [gate.code for gate in GATES]
    assert found == sorted(found, key=order.index)
    assert {"cluster", "policy", "freshness", "moved", "phase", "freeze", "coverage", "istiod", "replay"} <= set(found)


def test_gates_have_one_code_each_and_say_what_must_hold() -> None:
    """People read the gates as a list: no code twice, each meaning a sentence."""
    assert len({gate.code for gate in GATES}) == len(GATES)
    assert all(gate.meaning.endswith(".") for gate in GATES)


def test_only_five_gates_bind_a_plan_that_gives_back() -> None:
    """A restore needs the cluster, the object, its ownership, to give back, and to remove nothing."""
    assert [gate.code for gate in GATES if gate.always] == ["cluster", "identity", "ownership", "direction", "rare"]


def test_the_proof_of_a_refused_plan_counts_failures_once() -> None:
    """Losing zone a is one failure, however many workloads it hurts."""
    case = {"plan": {"scale": {"cart": {"after": 2, "victims": [f"cart-5d4f-{n}" for n in (2, 3, 4, 5)]}}}}
    checked = check(scene(case))
    assert isinstance(checked, Refused)
    assert checked.proof.worse == 4
    (told,) = [refusal.message for refusal in checked.refusals if refusal.gate == "n-1"]
    assert told == (
        "losing the zone b would leave 1 replica instead of 2 and 5,040,000 recorded requests unanswered instead of"
        " 0 (peak 150 rps), and 3 more failures likewise; make a new plan: microglia plan"
    )


BOTH = {"world": {"workloads": {"web": {"sent": 0}}}, "plan": {"hide": {"web": ["search"]}}}
"""Scaling cart is fine; hiding search from web is not, because web never sent anything."""


def test_what_remains_without_the_refused_changes() -> None:
    """One bad change need not hold up the others; a fault of the whole plan does."""
    one = scene(BOTH)
    checked = check(one)
    assert isinstance(checked, Refused)
    rest = remainder(checked)
    assert rest is not None
    assert rest.changes == one.plan.changes[:1]
    (held,) = rest.held
    assert (held.subject, held.what) == ("shop/web -> 1 hosts", "hidden")
    assert held.why.startswith("gate evidence: whether it is idle is not known")
    assert remainder(Refused(one.plan, (Refusal("istiod", "istiod", "too old"),), NOTHING)) is None
    every = tuple(Refusal("moved", "x", "moved", index) for index in (0, 1))
    assert remainder(Refused(one.plan, every, NOTHING)) is None


def test_what_is_held_says_what_would_have_happened() -> None:
    """A count is told as from and to, hosts that would be shown as such."""
    one = scene({"plan": {"scale": {"web": {}}, "hide": {"web": {"hosts": [], "shown": ("a", "b")}}}})
    refused = Refused(one.plan, tuple(Refusal("moved", "x", "it moved", index) for index in (0, 2)), NOTHING)
    rest = remainder(refused)
    assert rest is not None
    assert [(note.subject, note.what) for note in rest.held] == [
        ("shop/cart", "6 -> 5"),
        ("shop/web -> 2 hosts", "shown again"),
    ]


def sifted(one: Scene) -> Cleared | Refused:
    return winnow(one.plan, one.topology, one.history, one.policy, one.now)


def test_winnowing_clears_what_stands_and_tells_what_it_held_back() -> None:
    """A draft loses only the changes that were refused for themselves."""
    checked = sifted(scene(BOTH))
    assert isinstance(checked, Cleared)
    assert [change.element for change in checked.plan.changes] == ["replica:shop/cart"]
    assert [note.subject for note in checked.plan.held] == ["shop/web -> 1 hosts"]


def test_winnowing_a_good_plan_changes_nothing() -> None:
    """What passes every gate is cleared as it is."""
    one = scene()
    checked = sifted(one)
    assert isinstance(checked, Cleared)
    assert checked.plan is one.plan


def test_winnowing_refuses_what_verification_refuses_as_a_whole() -> None:
    """A fault of the plan as such, or of its only change, stays a refusal with every reason."""
    for case in ({"policy_since": {"name": "other"}, **BOTH}, {"plan": {"scale": {"cart": {"after": 2}}}}):
        one = scene(case)
        sieve, whole = sifted(one), check(one)
        assert isinstance(sieve, Refused)
        assert isinstance(whole, Refused)
        assert sieve.refusals == whole.refusals


def test_a_restore_takes_each_object_on_its_own() -> None:
    """What is gone is left out of a restore; what is there comes back."""
    case = {
        "since": {"workloads": {"web": None}, "services": {"web": None}},
        "plan": {"scale": {"cart": {"after": 9}, "web": {"after": 9}}, "fields": {"purpose": "restore"}},
    }
    checked = sifted(scene(case))
    assert isinstance(checked, Cleared)
    assert [change.workload for change in checked.plan.changes] == ["shop/cart"]
    assert checked.plan.held[0].why.startswith("gate identity: it does not exist any more")


def test_one_object_written_twice_is_refused() -> None:
    """The second write of one object would rest on facts that the first one changed."""
    one = scene()
    twice = one.plan.model_copy(update={"changes": one.plan.changes * 2})
    facts = gather(twice, one.topology, one.history, one.policy, one.now)
    assert [no.gate for no in refusals(facts)] == ["form"]


def test_verification_changes_nothing_and_repeats_itself() -> None:
    """The same plan on the same facts gets the same answer."""
    one = scene({"plan": {"scale": {"cart": {"after": 1}}}})
    first, second = check(one), check(one)
    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert first.refusals == second.refusals
    assert first.proof == second.proof
