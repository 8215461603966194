"""Replica steps: how far, held by what, which pods."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from microglia.lifecycle.states import Shield
from microglia.model.ids import ObjectRef
from microglia.model.objects import Raw
from microglia.plan.candidate import Candidate
from microglia.plan.change import ScaleChange
from microglia.plan.desk import desk
from microglia.plan.document import Note
from microglia.plan.grounds import Grounds
from microglia.plan.history import History
from microglia.plan.replicas import fewer, shrinking, victims
from microglia.policy.schema import PolicySpec, Retention, Weak, WeakReplicas
from microglia.protect.ledger import Level, Protection, workload
from microglia.score.scores import Hold
from microglia.topology.nodes import Pod
from tests.factories import NOW, deployment, nodes, replica_score, running, snapshot, stateful_set
from tests.planning import grounds, pruning, record, scaled, selection, step_lost, wid

SPEC = PolicySpec()


def pod(name: str, zone: str | None = "a", node: str = "n", **parts: Any) -> Pod:
    """A pod that runs and is ready."""
    found = Pod(
        name, node, zone, ready=True, phase="Running", cost=0, restarts=0, ready_since=NOW, meshed=True, sidecar=True
    )
    return replace(found, **parts)


def cart(target: int = 3, count: int = 5, raw: Raw | None = None, **parts: Any) -> Grounds:
    """A cart of ``count`` replicas that should come down to ``target``; ``parts`` go into its score."""
    protections = parts.pop("protections", ())
    chosen = selection({"cart": target}, yielded=[step_lost("cart", 3, 4, 0.2), step_lost("cart", 4, 5, 0.1, "x")])
    seen = snapshot(*running(raw or deployment("cart", replicas=count)), *nodes())
    score = replica_score(wid("cart"), count, **{"need": 2, **parts})
    return grounds(seen, chosen, score, protections=protections)


def found(ground: Grounds, spec: PolicySpec = SPEC, **parts: Any) -> tuple[list[Candidate], list[Note]]:
    """What may go and what is held."""
    return shrinking(desk(ground, parts.get("state", pruning()), spec))


def stepped(ground: Grounds, count: int) -> ScaleChange:
    """The change that takes ``count`` replicas."""
    change = fewer(desk(ground, pruning(), SPEC), wid("cart"), count)
    assert isinstance(change, ScaleChange)
    return change


def test_a_loser_goes_one_step() -> None:
    """Five replicas lose one at a time (10 %, at least 1), at the density of the topmost step."""
    (candidate,), held = found(cart())
    assert (candidate.element, candidate.subject, candidate.namespace) == ("replica:shop/cart", "shop/cart", "shop")
    assert (candidate.density, [run.count for run in candidate.runs], held) == (0.1, [1], [])
    assert candidate.runs[0].cost["replicas"] == 1.0


def test_a_large_workload_goes_a_tenth() -> None:
    """Forty replicas may lose four in one step, never more than the target asks for."""
    assert found(cart(target=10, count=40))[0][0].runs[0].count == 4
    assert found(cart(target=38, count=40))[0][0].runs[0].count == 2


def test_what_has_its_target_is_left_alone() -> None:
    """At or below the target there is neither a candidate nor a note; a workload that is gone is none either."""
    assert found(cart(target=5)) == ([], [])
    assert found(cart(target=9)) == ([], [])
    gone = grounds(snapshot(), selection({"cart": 1}))
    assert found(gone) == ([], [])


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"reach": 5}, "one step may not go below 5"),
        ({"reach": 5, "holds": ["failureStretch"]}, "held by failureStretch: failureStretch"),
        ({"need": None}, "no count of replicas is known to be enough"),
        ({"need": 5}, "needs 5 at its peak"),
        ({"need": 7}, "needs 7 at its peak"),
    ],
)
def test_a_score_holds(parts: dict[str, Any], why: str) -> None:
    """Whatever keeps the whole step is named, with what should have gone."""
    candidates, held = found(cart(**parts))
    assert candidates == []
    assert held[0].subject == "shop/cart"
    assert held[0].what == "5 -> 3"
    assert why in held[0].why


def test_a_hold_below_the_present_count_shortens_the_way() -> None:
    """A hold at 4 lets one go and says what waits."""
    ground = cart(target=2)
    score = replace(ground.scores.replicas[wid("cart")], reach=4, holds=(Hold("stretch", 4, "until 45 rps were seen"),))
    ground = replace(ground, scores=replace(ground.scores, replicas={wid("cart"): score}))
    candidates, held = found(ground)
    assert candidates[0].runs[0].count == 1
    assert [note.why for note in held] == ["held by stretch: until 45 rps were seen"]


def test_a_protection_holds_even_if_the_target_forgot_it() -> None:
    """A floor in the ledger is a floor for the plan."""
    floor = Protection("pdb", Level.FLOOR, 5, "r", ObjectRef("PodDisruptionBudget", "shop", "cart"), "f", "5")
    candidates, held = found(cart(protections=[workload(wid("cart"), floor)]))
    assert candidates == []
    assert held[0].why == "a protection keeps it"


def test_an_owner_is_named() -> None:
    """What Argo CD owns is not touched, and the note says whose it is."""
    raw = deployment(
        "cart", replicas=5, annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}
    )
    candidates, held = found(cart(raw=raw))
    assert candidates == []
    assert "Argo CD" in held[0].why


def test_a_rollout_waits() -> None:
    """Nothing is written in the middle of a change."""
    raw = deployment("cart", replicas=5, status={"updatedReplicas": 2})
    candidates, held = found(cart(raw=raw))
    assert candidates == []
    assert held[0].why.startswith("in the middle of a change: ")


def test_other_kinds_are_not_written() -> None:
    """A StatefulSet is held by spec.actuation.replicas."""
    raw = stateful_set("cart", replicas=5)
    seen = snapshot(*running(raw), *nodes())
    one = replace(wid("cart"), kind="StatefulSet")
    chosen = replace(selection(), targets={one: 3})
    _, held = found(grounds(seen, chosen, replica_score(one, 5)))
    assert any("spec.actuation.replicas" in note.why for note in held)


def test_what_was_not_scored_stays() -> None:
    """Without a score there is no plan."""
    ground = grounds(snapshot(*running(deployment("cart", replicas=5))), selection({"cart": 3}))
    candidates, held = found(ground)
    assert (candidates, len(held)) == ([], 1)
    assert "not scored" in held[0].why


def test_watched_and_shielded_wait() -> None:
    """No further step under watch, none for what hurt."""
    taken = record(scaled(deployment("cart", replicas=6), 6, 5))
    candidates, held = found(replace(cart(), history=History(None, (taken,))))
    assert candidates == []
    assert "under watch" in held[0].why
    shielded = pruning(shields=(Shield("shop/cart", NOW + timedelta(days=9), "errors x3"),))
    candidates, held = found(cart(), state=shielded)
    assert candidates == []
    assert held[0].why == "it hurt when it was cut: errors x3"


def test_a_step_without_an_element_costs_nothing() -> None:
    """A loser that nobody competed for has density 0 and lost to nobody."""
    ground = replace(cart(), selection=selection({"cart": 3}))
    assert found(ground)[0][0].density == 0.0
    assert stepped(ground, 1).why.lost_to is None


def test_the_change_says_what_where_and_why() -> None:
    """From 5 in three zones to 4: a victim in a fullest zone, the placement left, the risk, the saving."""
    ground = cart(peak=180.0, need=3, risk=(0, 0, 0, 3.0, 0.9, 0.5), unit={"cpu": 0.5, "memory": 8.0, "money": 2.0})
    change = stepped(ground, 1)
    assert (change.before, change.after, change.uid) == (5, 4, "Deployment-shop-cart")
    assert change.victims == ("cart-5d4f-0",)
    assert change.expected == {"a": 1, "b": 2, "c": 1}
    assert change.why.at_risk == pytest.approx(0.4)
    assert (change.why.sentence, change.why.lost_to) == ("need 3 (peak 180 rps); 3 in the end", "x")
    assert (change.saving.cpu, change.saving.memory, change.saving.replicas, change.saving.money) == (0.5, 8.0, 1, 2.0)


def test_a_step_of_several_saves_several() -> None:
    """Every resource is counted per replica; what a replica does not cost is not saved."""
    saved = stepped(cart(unit={"cpu": 0.5, "memory": 8.0}), 2).saving
    assert (saved.cpu, saved.memory, saved.replicas, saved.money, saved.proxy_config) == (1.0, 16.0, 2, 0.0, 0.0)
    assert stepped(cart(unit={"money": 3.0}), 2).saving.money == 6.0


def test_an_idle_workload_is_said_to_be_idle() -> None:
    """No peak, no rate; the end is not repeated when it is reached. A score without risks is worth nothing."""
    change = stepped(cart(target=4, peak=0.0, risk=()), 1)
    assert (change.why.sentence, change.why.at_risk) == ("no traffic in the window", 0.0)


def test_a_long_step_lost_to_whoever_its_lowest_part_lost_to() -> None:
    """The step that crosses most is the last to have a winner above it."""
    change = stepped(cart(), 2)
    assert change.why.lost_to is None
    assert stepped(cart(), 1).why.lost_to == "x"


def test_the_fullest_zone_gives_first() -> None:
    """Zones level out, then the fullest node, then the youngest pod."""
    pods = [pod("a1"), pod("a2"), pod("a3"), pod("b1", "b"), pod("b2", "b"), pod("c1", None)]
    assert victims(pods, 4) == ("a1", "a2", "b1", "a3")
    crowded = [pod("x", node="n1"), pod("y", node="n2"), pod("z", node="n2")]
    assert victims(crowded, 1) == ("y",)
    aged = [pod("old", ready_since=NOW - timedelta(days=3)), pod("young")]
    assert victims(aged, 1) == ("young",)


def test_pods_that_do_not_serve_go_before_any_other() -> None:
    """The ReplicaSet controller takes them first whatever they cost: pending, then unknown, then not ready."""
    pods = [
        pod("a1"), pod("a2"),
        pod("waits", "b", ready=False, ready_since=None),
        pod("lost", "b", phase="Unknown", ready=False),
        pod("pends", None, phase="Pending", ready=False, ready_since=None),
    ]  # fmt: skip
    assert victims(pods, 3) == ("pends", "lost", "waits")
    assert victims(pods, 9)[3:] == ("a1", "a2")


WEAK = PolicySpec(retention=Retention(weak=Weak(replicas=WeakReplicas(at_risk=1.0))))
RISKS = (99.0, 9.0, 2.0, 0.75, 0.5, 0.25)


def test_replicas_below_need_go_where_the_policy_says_so() -> None:
    """Need is 5, and 3 put less at risk than the policy accepts: the step goes, and says by whose word."""
    ground = cart(target=3, need=5, risk=RISKS, peak=180.0)
    candidates, held = found(ground)
    assert candidates == []
    assert [note.why for note in held] == ["needs 5 at its peak"]
    candidates, held = found(ground, WEAK)
    assert (len(candidates), held) == (1, [])
    change = fewer(desk(ground, pruning(), WEAK), wid("cart"), 1)
    assert change.why.sentence == (
        "need 5 (peak 180 rps); below need, because spec.retention.weak.replicas allows 1 requests/h at risk; at risk"
        " 0.5 requests/h; 3 in the end"
    )


def test_an_end_below_need_is_announced() -> None:
    """The first step stays above need; that the last will not is told with it."""
    ground = cart(target=3, need=4, risk=RISKS, peak=180.0)
    change = fewer(desk(ground, pruning(), WEAK), wid("cart"), 1)
    assert change.why.sentence == ("need 4 (peak 180 rps); 3 in the end, below need by spec.retention.weak.replicas")


def test_no_further_below_need_than_the_policy_says() -> None:
    """A target below what the stated risk allows is held there, by protections and by stretch as ever."""
    ground = cart(target=2, need=5, risk=RISKS)
    candidates, held = found(ground, WEAK)
    assert candidates[0].runs[0].count == 1
    assert [note.why for note in held] == [
        "needs 5 at its peak, and spec.retention.weak.replicas allows no fewer than 3"
    ]
    floor = Protection("pdb", Level.FLOOR, 5, "r", ObjectRef("PodDisruptionBudget", "shop", "cart"), "f", "5")
    shut = cart(target=2, need=5, risk=RISKS, protections=[workload(wid("cart"), floor)])
    assert [note.why for note in found(shut, WEAK)[1]] == ["a protection keeps it"]
    stretched = cart(target=2, need=5, risk=RISKS, reach=5)
    assert found(stretched, WEAK)[0] == []
    assert "one step may not go below 5" in found(stretched, WEAK)[1][0].why
