"""N-1 and replay against what a person would work out by hand."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.score import score
from microglia.score.scores import ReplicaScore, Scores
from microglia.score.unseen import unseen_mass
from microglia.verify.clear import verify
from microglia.verify.facts import exposed_counts
from microglia.verify.failures import Worse, lose_each
from microglia.verify.peaks import cycle_maxima
from microglia.verify.replay import Overload, Unrouted, replay
from microglia.verify.whatif import After, by_zone, what_if
from tests.unit.verify.verify_world import Scene, scene

CART, WEB, SPARE = (WorkloadId("shop", name) for name in ("cart", "web", "spare"))


def lost(one: Scene, exposed: dict[WorkloadId, int] | None = None, scores: Scores | None = None) -> tuple[Worse, ...]:
    after = what_if(one.plan, one.topology)
    known = {**exposed_counts(one.history, one.topology), **(exposed or {})}
    spec = one.policy.spec
    return lose_each(one.topology, spec, scores or score(one.topology, spec), after, known)[1]


def cart(after: int, victims: list[str] | None = None, **told: Any) -> dict[str, Any]:
    wish = {"after": after, **({"victims": victims} if victims is not None else {})}
    world = {"workloads": {"cart": told}} if told else {}
    return {"world": world, "plan": {"scale": {"cart": wish}}}


def pods(*numbers: int) -> list[str]:
    return [f"cart-5d4f-{number}" for number in numbers]


def test_the_loss_is_what_the_survivors_leave_of_each_busiest_five_minutes() -> None:
    """Two replicas, one zone lost: one survivor of 100 rps, 150 rps in each of 336 buckets, for 300 seconds."""
    found = lost(scene(cart(2, pods(2, 3, 4, 5))))
    assert found == (
        Worse(CART, "node", "node-a", 336 * 300 * 50.0, 0.0, 1, 2),
        Worse(CART, "node", "node-b", 336 * 300 * 50.0, 0.0, 1, 2),
        Worse(CART, "zone", "a", 336 * 300 * 50.0, 0.0, 1, 2),
        Worse(CART, "zone", "b", 336 * 300 * 50.0, 0.0, 1, 2),
    )


def test_what_was_lost_before_may_be_lost_after() -> None:
    """A structure that never survived a zone is not refused for not surviving it."""
    assert lost(scene(cart(5, pods(0), on=["node-a"]))) == ()


@pytest.mark.parametrize(("exposed", "left_before"), [(6, 1), (9, 4), (2, 1)])
def test_the_structure_as_first_exposed_is_what_counts(exposed: int, left_before: int) -> None:
    """All but one lie in one zone, and that one goes. What was there at first and is gone by now lay in the other zone;
    what came since does not count."""
    told = cart(5, pods(5), on=["node-a", "node-a", "node-a", "node-a", "node-a", "node-b"], peak=900)
    found = lost(scene(told), {CART: exposed})
    assert {(one.kind, one.name, one.left, one.left_before) for one in found} == {
        ("zone", "a", 0, left_before),
        ("node", "node-a", 0, left_before),
    }


def test_a_structure_exposed_with_less_is_compared_with_less() -> None:
    """Scaled up since it was first exposed: what was missing then may be missing again."""
    told = cart(2, pods(2, 3, 4, 5))
    assert lost(scene(told), {CART: 2}) == ()
    assert len(lost(scene(told), {CART: 3})) == 4


def test_a_workload_without_a_score_may_lose_nothing() -> None:
    """Where nobody computed a need, only the even spread of its own count is spared."""
    one = scene(cart(5, pods(0)))
    assert lost(one, scores=Scores({}, ())) != ()


def test_where_capacity_is_unknown_the_present_load_per_replica_stands_in() -> None:
    """Every copy fewer shows as a loss when nobody knows what a copy can answer."""
    one = scene(cart(5, pods(0)))
    scores = score(one.topology, one.policy.spec)
    blind = replace(scores.replicas[CART], capacity=replace(scores.replicas[CART].capacity, rps=None))
    found = lost(one, scores=Scores({**scores.replicas, CART: blind}, ()))
    assert found == ()  # 5 of 6 at 25 rps each leave less in every failure, and that was accepted with the step
    after = what_if(one.plan, one.topology)
    told = replay(one.topology, one.policy.spec, Scores({CART: replace(blind, need=None)}, ()), after, {CART: 6})
    assert told.overloaded == (Overload(CART, 5, pytest.approx(337 / 337 * 336 * 300 * 25), 0.0),)


def test_a_workload_that_nobody_scored_is_accepted_at_nothing_less_than_before() -> None:
    """No score, no accepted loss."""
    one = scene(cart(1, pods(1, 2, 3, 4, 5)))
    after = what_if(one.plan, one.topology)
    told = replay(one.topology, one.policy.spec, Scores({}, ()), after, {CART: 6})
    assert [over.workload for over in told.overloaded] == [CART]


SERVICE = {
    "kind": "VirtualService", "metadata": {"name": "cart", "namespace": "shop", "uid": "v"},
    "spec": {"hosts": ["cart"], "http": [{"route": [{"destination": {"host": "cart"}, "weight": 100},
                                                    {"destination": {"host": "spare"}, "weight": 0}]}]},
}  # fmt: skip


def test_a_backup_must_carry_everything_that_falls_out_with_a_service() -> None:
    """Spare stands by for cart and web, which share a Service: without it, 10 rps of its own, 150 and 10 of theirs."""
    world = {
        "workloads": {
            "spare": {
                "replicas": 3,
                "peak": 10,
                "capacity": "100rps",
                "annotations": {"microglia.dev/backup-for": "both"},
            },
            "cart": {"pod_labels": {"app": "cart", "front": "yes"}},
            "web": {"pod_labels": {"app": "web", "front": "yes"}},
        },
        "services": {"both": {"selector": {"front": "yes"}}},
    }
    one = scene({"world": world, "plan": {"scale": {"cart": None, "spare": {"after": 1}}}})
    found = [worse for worse in lost(one) if worse.workload == SPARE and worse.kind in {"service", "primary"}]
    hours = 336 * 300
    assert found == [
        Worse(SPARE, "primary", "shop/cart", hours * 60.0, 0.0, 1, 3),
        Worse(SPARE, "service", "both.shop.svc.cluster.local", hours * 70.0, 0.0, 1, 3),
        Worse(SPARE, "service", "cart.shop.svc.cluster.local", hours * 60.0, 0.0, 1, 3),
    ]
    enough = scene({"world": world, "plan": {"scale": {"cart": None, "spare": {"after": 2}}}})
    assert [worse for worse in lost(enough) if worse.kind in {"service", "primary"}] == []


def test_a_share_of_the_traffic_is_no_backup() -> None:
    """A VirtualService that splits requests moves none of them when one side falls out."""
    world = {
        "workloads": {"spare": {"replicas": 3, "peak": 10, "capacity": "100rps"}},
        "services": {"spare": {}},
        "objects": [SERVICE],
    }
    one = scene({"world": world, "plan": {"scale": {"cart": None, "spare": {"after": 2}}}})
    assert lost(one) == ()


@pytest.mark.parametrize(("at_risk", "worse"), [("15000/h", 0), ("14999/h", 4)])
def test_what_the_policy_lets_go_below_need_was_accepted(at_risk: str, worse: int) -> None:
    """Two replicas leave one when a zone is lost: accepted at that very risk, and worse than before below it."""
    weak = {"policy": {"retention": {"weak": {"replicas": {"atRisk": at_risk}}}}}
    one = scene({**cart(2, pods(2, 3, 4, 5)), **weak})
    assert len(lost(one)) == worse


def test_today_and_afterwards_are_counted_alike() -> None:
    """150 rps on 100 each: nothing above two replicas, 50 rps above one; web is above its own today and stays so."""
    world = {"workloads": {"web": {"peak": 400}}}
    one = scene({"world": world, "plan": {"scale": {"cart": {"after": 1}}}})
    exposed, spec = exposed_counts(one.history, one.topology), one.policy.spec
    told = replay(one.topology, spec, score(one.topology, spec), what_if(one.plan, one.topology), exposed)
    hours = 336 * 300
    assert (told.over_before, told.over_capacity) == (hours * 100.0, hours * 150.0)
    checked = verify(one.plan, one.topology, one.history, one.policy, one.now)
    assert (checked.proof.over_before, checked.proof.over_capacity) == (told.over_before, told.over_capacity)


def test_a_route_that_nobody_needs_when_something_fails_may_go() -> None:
    """Hiding a host that stands by for nobody makes no failure worse."""
    one = scene({"plan": {"scale": {"cart": None}, "hide": {"web": ["search"]}}})
    assert lost(one) == ()


def test_recorded_requests_are_found_behind_the_host_that_was_asked_for() -> None:
    """Requests that spare served for cart are lost with the route to cart."""
    world = {
        "workloads": {"spare": {"replicas": 3}}, "services": {"spare": {}}, "objects": [SERVICE],
        "calls": [["web", "spare", 7], ["batch", "cart", 5], ["web", "search", 0.2]],
    }  # fmt: skip
    one = scene({"world": world, "plan": {"scale": {"cart": None}, "hide": {"web": ["cart", "search"]}}})
    after = what_if(one.plan, one.topology)
    told = replay(one.topology, one.policy.spec, Scores({}, ()), after, exposed_counts(one.history, one.topology))
    assert told.unrouted == (
        Unrouted(WEB, "cart.shop.svc.cluster.local", 7.0),
        Unrouted(WEB, "search.shop.svc.cluster.local", 1.0),
    )
    assert told.requests == pytest.approx(12.2)


def test_the_unseen_mass_is_that_of_the_clients_asked_about() -> None:
    """One of web's 100 requests is alone on its edge; batch has none alone; who never called may need anything."""
    world = {"calls": [["web", "cart", 99], ["web", "search", 1], ["batch", "search", 100]]}
    one = scene({"world": world})
    assert unseen_mass(one.topology, frozenset({"shop/web"})).share == pytest.approx(0.01)
    assert unseen_mass(one.topology, frozenset()).share == pytest.approx(0.005)
    assert unseen_mass(one.topology, frozenset({"shop/cart"})).share == 1.0


def test_a_peak_from_before_the_window_is_still_in_force() -> None:
    """150 rps in the window, 250 remembered: two replicas would have left 50 rps of that one unanswered."""
    one = scene(cart(2, pods(2, 3, 4, 5), peak=150, old_peak=250))
    after = what_if(one.plan, one.topology)
    spec = one.policy.spec
    told = replay(one.topology, spec, score(one.topology, spec), after, exposed_counts(one.history, one.topology))
    assert told.overloaded == (Overload(CART, 2, 300 * 50.0, 0.0),)


def test_cycles_are_counted_back_from_the_end() -> None:
    """An incomplete cycle at the beginning does not count."""
    values = np.array([9.0, 1, 2, 3, 4, 5, 6])
    assert cycle_maxima(values, timedelta(hours=3)).tolist() == [3.0, 6.0]
    assert cycle_maxima(values, timedelta(hours=8)).tolist() == []


def test_a_plan_on_paper_leaves_everything_else_alone() -> None:
    """Widening changes and changes of what is gone take nothing on paper; the rest of the mesh keeps its count."""
    one = scene({"plan": {"scale": {"cart": {"after": 9}, "web": {}}}})
    after = what_if(one.plan, one.topology)
    assert after.counts == {WEB: 2}
    assert after.count(one.topology, CART) == 6
    assert by_zone(after.pods[WEB]) == {"b": 1, "c": 1}
    shown = scene({"plan": {"scale": {"cart": None}, "hide": {"web": {"hosts": ["search"], "cut": ()}}}})
    assert what_if(shown.plan, shown.topology).hidden == {}
    gone = scene({"since": {"workloads": {"cart": None}}})
    assert what_if(gone.plan, gone.topology) == After({}, {}, {}) or what_if(gone.plan, gone.topology).counts == {}


def _even(copies: int, places: int, skew: int) -> int:
    return max(0, copies - (-(-copies // places) + skew))


@settings(max_examples=60, deadline=None)
@given(
    on=st.lists(st.sampled_from(["node-a", "node-b", "node-c"]), min_size=2, max_size=6),
    gone=st.integers(1, 5),
    peak=st.integers(0, 400),
    first=st.integers(0, 5),
)
def test_no_failure_gets_worse_than_allowed(on: list[str], gone: int, peak: int, first: int) -> None:
    """Whatever the placement and the victims: a zone is worse exactly when its survivors answer less than both what the
    first structure answered and what the spare steps were known to cost."""
    count = len(on)
    victims = pods(*((first + step) % count for step in range(min(gone, count - 1))))
    one = scene(cart(count - len(victims), victims, replicas=count, on=on, peak=peak))
    scores = score(one.topology, one.policy.spec)
    known: ReplicaScore = scores.replicas[CART]
    found = {worse.name for worse in lost(one) if worse.kind == "zone"}
    zones = [place.removeprefix("node-") for place in on]
    names = [f"cart-5d4f-{index}" for index in range(count)]
    left = Counter(zone for zone, name in zip(zones, names, strict=True) if name not in victims)
    after = count - len(victims)
    enough = max(after, count if known.need is None else known.need)
    accepted = _even(enough, 3, known.placement.zone_skew)

    def answered(copies: int) -> float:
        return min(peak, copies * 100)

    expected = {
        zone
        for zone in set(zones)
        if answered(after - left[zone]) < min(answered(count - Counter(zones)[zone]), answered(accepted))
    }
    assert found == expected


@settings(max_examples=30, deadline=None)
@given(after=st.integers(0, 6), peak=st.integers(0, 700))
def test_what_is_cleared_still_serves_its_peak_after_the_loss_of_a_zone(after: int, peak: int) -> None:
    """No cleared step leaves less than the recorded peak needs when a zone is gone, unless it was short before."""
    one = scene({**cart(after, peak=peak), "policy": {"pace": {"perWorkload": {"share": "100%"}}}})
    checked = verify(one.plan, one.topology, one.history, one.policy, one.now)
    cleared = not hasattr(checked, "refusals")
    survivors = after - -(-after // 3)
    enough = survivors * 100 >= peak and after >= 2
    assert not cleared or enough or after == 6


def test_the_same_scene_is_judged_alike_whatever_its_order() -> None:
    """The order of changes moves indices, not reasons."""
    case = {"world": {"istiod": []}, "plan": {"scale": {"cart": {"after": 1}}, "hide": {"web": ["search"]}}}
    one = scene(case)
    turned = one.plan.model_copy(update={"changes": tuple(reversed(one.plan.changes))})
    first, second = (verify(plan, one.topology, one.history, one.policy, one.now) for plan in (one.plan, turned))
    reasons = [{(no.gate, no.subject, no.message) for no in getattr(one, "refusals", ())} for one in (first, second)]
    assert reasons[0] == reasons[1]
    assert reasons[0]


def test_nothing_to_shrink_is_nothing_to_lose() -> None:
    """An empty plan tries every failure and finds none worse."""
    one = scene({"plan": {"scale": {"cart": None}}})
    tried, worse = lose_each(one.topology, PolicySpec(), Scores({}, ()), what_if(one.plan, one.topology), {})
    assert tried == {"node": 3, "zone": 3, "service": 3, "primary": 0}
    assert worse == ()
