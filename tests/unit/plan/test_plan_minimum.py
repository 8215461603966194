"""The minimum of an autoscaler: drafted at rest, saved for its hours alone, given back, recognised once merged."""

from typing import Any

import pytest
from pydantic import ValidationError

from microglia.model.objects import BlindSpot
from microglia.plan.approval import alike
from microglia.plan.change import MinimumChange, Saving, minimum_digest
from microglia.plan.desk import desk
from microglia.plan.document import Note, Way
from microglia.plan.grounds import Grounds
from microglia.plan.history import History
from microglia.plan.inverse import inverse
from microglia.plan.merged import asked, merged
from microglia.plan.minimum import at_minimum
from microglia.plan.object import plan_object, waiting_status
from microglia.plan.replicas import fewer, shrinking
from microglia.plan.standing import standing
from microglia.policy.schema import Actuation, PolicySpec, Retention, Weak, WeakReplicas
from microglia.topology.build import build
from tests.autoscaling import Json, hpa, lowering, made_by_keda, scaled_object
from tests.factories import (
    NOW,
    activity,
    deployment,
    nodes,
    objects,
    replica_score,
    running,
    snapshot,
    workload_activity,
)
from tests.planning import grounds, plan, pruning, record, scaled, selection, step_lost, wid

OPEN = PolicySpec(actuation=Actuation(replicas=("Deployment", "HorizontalPodAutoscaler", "ScaledObject")))
HELM: dict[str, Any] = {
    "annotations": {"meta.helm.sh/release-name": "web"},
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
}
CART = deployment("cart", replicas=5)


def cart(*others: Json, count: int = 5, hours: int = 84, **parts: Any) -> Grounds:
    """A cart of ``count`` replicas that should come down to 3, which rested at five in ``hours`` of 336."""
    seen = workload_activity(["shop/cart"])
    seen.ready[0] = 7
    seen.ready[0, :hours] = 5
    raws = [*running(deployment("cart", replicas=count)), *nodes(), *others]
    chosen = selection({"cart": 3}, yielded=[step_lost("cart", 3, 4, 0.2), step_lost("cart", 4, 5, 0.1, "x")])
    score = replica_score(wid("cart"), count, **{"need": 2, **parts})
    return grounds(snapshot(*raws, activity=activity(seen)), chosen, score)


def drafted(ground: Grounds, spec: PolicySpec = OPEN, way: Way = "cluster") -> tuple[list[int], list[str]]:
    """Sizes of the steps that may be taken, and what holds the others."""
    candidates, held = shrinking(desk(ground, pruning(), spec, way))
    return [run.count for one in candidates for run in one.runs], [note.why for note in held]


@pytest.mark.parametrize("others", [(hpa(),), (scaled_object(), made_by_keda())])
def test_the_minimum_is_lowered_by_a_step(others: tuple[Json, ...]) -> None:
    """Of an autoscaler or a ScaledObject, at rest there: one copy less, in the field that KEDA or people write."""
    ground = cart(*others)
    assert drafted(ground) == ([1], [])
    change = fewer(desk(ground, pruning(), OPEN), wid("cart"), 1)
    assert isinstance(change, MinimumChange)
    assert (change.workload, change.before, change.after, change.widens) == ("shop/cart", 5, 4, False)
    assert (change.scaler, change.name) == (others[0]["kind"], "cart")
    assert change.scaler_uid == others[0]["metadata"]["uid"]
    assert change.field == {"HorizontalPodAutoscaler": "minReplicas", "ScaledObject": "minReplicaCount"}[change.scaler]
    assert change.why.lost_to == "x"
    assert f"spec.{change.field} of {change.ref}: need 2" in change.why.sentence


def test_only_the_hours_at_the_minimum_are_saved() -> None:
    """A quarter of the window at five copies: a quarter of a copy's cost; never at rest saves nothing."""
    ground = cart(hpa())
    change = fewer(desk(ground, pruning(), OPEN), wid("cart"), 1)
    unit = ground.scores.replicas[wid("cart")].unit
    assert change.saving.cpu == pytest.approx(unit["cpu"] / 4)
    assert change.saving.replicas == 0
    assert "it rested at its minimum in 25% of the hours seen" in change.why.sentence
    whole = fewer(desk(cart(hpa(), hours=336), pruning(), OPEN), wid("cart"), 1)
    assert whole.saving.cpu == pytest.approx(unit["cpu"])
    assert whole.saving.replicas == 1
    topology, workload = ground.topology, ground.topology.workloads[wid("cart")]
    assert at_minimum(topology, workload, 4) == 0.0
    assert at_minimum(build(snapshot(*running(CART))), workload, 5) == 0.0


@pytest.mark.parametrize(
    ("ground", "spec", "way", "why"),
    [
        (cart(hpa()), PolicySpec(), "cluster", "or let microglia lower it: HorizontalPodAutoscaler in spec.actuation"),
        (cart(scaled_object(), made_by_keda()), PolicySpec(), "cluster", "lower it: ScaledObject in spec.actuation"),
        (cart(hpa(says={"AbleToScale": "True"})), OPEN, "cluster", "may not be lowered now: HorizontalPodAutoscaler"),
        (cart(hpa(least=4)), OPEN, "cluster", "HorizontalPodAutoscaler shop/cart holds 5, its minimum is 4"),
        (cart(hpa(least=6)), OPEN, "cluster", "HorizontalPodAutoscaler shop/cart holds 5, its minimum is 6"),
        (cart(hpa(least=1)), OPEN, "cluster", "spec.minReplicas is 1: it goes as low as it may by itself"),
        (cart(hpa(**HELM)), OPEN, "cluster", "owns spec.minReplicas of HorizontalPodAutoscaler shop/cart (annotation"),
        (cart(hpa(labels={"app.kubernetes.io/managed-by": "x-operator"})), OPEN, "git", "x-operator owns spec.minRep"),
    ],
)  # fmt: skip
def test_what_is_not_ours_to_lower_is_held(ground: Grounds, spec: PolicySpec, way: Way, why: str) -> None:
    """Not asked for by the policy, not working, not at rest, at one, or somebody else's: held, with the reason."""
    steps, held = drafted(ground, spec, way)
    assert steps == []
    assert any(why in one for one in held), held


def test_what_files_say_is_proposed() -> None:
    """A minimum of a Helm release goes by Git."""
    assert drafted(cart(hpa(**HELM)), OPEN, "git") == ([1], [])


def test_no_minimum_goes_below_need() -> None:
    """Where the policy lets weak replicas go, a count may fall below need; a minimum may not."""
    weak = OPEN.model_copy(update={"retention": Retention(weak=Weak(replicas=WeakReplicas(at_risk="1000000/h")))})
    steps, held = drafted(cart(hpa(), need=5), weak)
    assert steps == []
    assert "needs 5 at its peak, and no minimum goes below that" in held


def test_a_plan_of_zero_is_no_plan() -> None:
    """Scale to zero is not to be written down, whoever edits the file."""
    told = lowering(CART, hpa(), 4).model_dump(mode="json", by_alias=True)
    with pytest.raises(ValidationError, match="after"):
        MinimumChange.model_validate({**told, "after": 0})
    assert MinimumChange.model_validate(told).after == 4


def test_the_count_is_no_part_of_the_digest() -> None:
    """It moves by itself; targets, bounds, metrics, marks and owners of the autoscaler are read, its pace is not."""
    same = [
        minimum_digest(CART, hpa()),
        minimum_digest({**CART, "spec": {**CART["spec"], "replicas": 9}}, hpa()),
        minimum_digest(CART, {**hpa(), "spec": {**hpa()["spec"], "behavior": {}}}),
        minimum_digest(CART, hpa(annotations={"somebody": "x"}, resourceVersion="8")),
    ]
    other = [
        minimum_digest(CART, hpa(least=4)),
        minimum_digest(CART, hpa(uid="new")),
        minimum_digest(CART, hpa(labels={"a": "b"})),
        minimum_digest(CART, hpa(annotations={"autoscaling.keda.sh/paused": "true"})),
        minimum_digest(CART, hpa(annotations={"meta.helm.sh/release-name": "web"})),
        minimum_digest(CART, hpa(ownerReferences=[{"uid": "a"}])),
        minimum_digest(deployment("cart", labels={"tier": "gold"}), hpa()),
    ]
    assert len(set(same)) == 1
    assert len({*same, *other}) == 8


def test_the_highest_minimum_is_given_back() -> None:
    """Two steps down are one step up, and whoever raised it further keeps that."""
    first, second = lowering(CART, hpa(), 4), lowering(CART, hpa(least=4), 3)
    records = [record(first, at=NOW), record(second, at=NOW.replace(hour=NOW.hour + 1))]
    back = inverse(records, objects(CART, hpa(least=3)), NOW)
    (change,) = back.changes
    assert isinstance(change, MinimumChange)
    assert (change.before, change.after, change.widens, change.saving.cpu) == (3, 5, True, 0.0)
    assert change.digest == minimum_digest(CART, hpa(least=3))
    assert standing(History(None, (*records, record(change, at=NOW.replace(hour=NOW.hour + 2))))) == ()
    assert [one.change for one in standing(History(None, tuple(records)))] == [first, second]


@pytest.mark.parametrize(
    ("present", "why"),
    [
        ((CART, hpa(least=5)), "HorizontalPodAutoscaler shop/cart keeps 5 already"),
        ((CART, hpa(least=9)), "HorizontalPodAutoscaler shop/cart keeps 9 already"),
        ((CART,), "HorizontalPodAutoscaler shop/cart does not exist any more"),
        ((hpa(least=4),), "the workload does not exist any more"),
        ((CART, hpa(least=4, uid="new")), "was deleted and made anew since"),
    ],
)
def test_what_is_back_or_gone_is_told(present: tuple[Json, ...], why: str) -> None:
    """Nothing narrows, and nobody's new decision is overruled."""
    back = inverse([record(lowering(CART, hpa(), 4))], objects(*present), NOW)
    assert back.changes == ()
    (note,) = back.held
    assert isinstance(note, Note)
    assert why in note.why


def test_a_count_and_a_minimum_do_not_give_each_other_back() -> None:
    """An autoscaler that came later has a minimum of its own."""
    history = History(None, (record(scaled(CART, 6, 5)), record(lowering(CART, hpa(least=4), 6))))
    assert [one.change.kind for one in standing(history)] == ["scale"]
    taken = [record(scaled(CART, 6, 5)), record(lowering(CART, hpa(), 4))]
    back = inverse(taken, objects(CART, hpa(least=4)), NOW)
    assert sorted(change.kind for change in back.changes) == ["minimum", "scale"]


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (hpa(least=4), "done"),
        (hpa(least=5), "proposed"),
        (hpa(least=3), "proposed"),
        (hpa(least=4, uid="x"), "proposed"),
    ],
)
def test_a_merged_minimum_is_recognised(now: Json, state: str) -> None:
    """By the very autoscaler and the very number; a blind kind tells nothing."""
    one = record(lowering(CART, hpa(), 4), state="proposed", way="git")
    assert asked([one]) == ("HorizontalPodAutoscaler",)
    found = merged([one], objects(CART, now), NOW)
    assert [each.step.state for each in found] == (["done"] if state == "done" else [])
    assert merged([one], objects(CART, faults=[BlindSpot("HorizontalPodAutoscaler", "forbidden")]), NOW) == ()


def test_a_merged_raise_is_recognised_by_as_many_or_more() -> None:
    """Whoever gives back more gives back enough."""
    one = record(lowering(CART, hpa(least=4), 5), state="proposed", way="git", purpose="restore")
    (found,) = merged([one], objects(CART, hpa(least=6)), NOW)
    assert (found.step.state, found.step.message) == ("done", "by Git: its minimum is 6")
    assert merged([one], objects(CART), NOW) == ()


def test_an_object_of_the_cluster_tells_of_minima() -> None:
    """The listing of plans says what moves, and an object holds the change as it was."""
    made = plan(lowering(CART, hpa(), 3))
    assert waiting_status(made).what == "-2 of minima"
    (told,) = plan_object(made)["spec"]["changes"]
    assert MinimumChange.model_validate(told) == made.changes[0]


def test_minima_are_alike_when_they_write_the_same() -> None:
    """To the same autoscaler, from and to the same number: whatever speaks for it."""
    made = plan(lowering(CART, hpa(), 4))
    assert alike(made, plan(lowering(CART, hpa(), 4, saving=Saving(cpu=9.0))))
    assert not alike(made, plan(lowering(CART, hpa(), 3)))
    assert not alike(made, plan(lowering(CART, hpa("other"), 4)))


def test_a_count_is_told_as_what_it_is() -> None:
    """Where the number stands, and what is counted: the workload's own, or the least of its autoscaler."""
    own, least = scaled(CART, 5, 4), lowering(CART, scaled_object(), 4)
    assert (str(own.ref), own.field, own.unit) == ("Deployment shop/cart", "replicas", "replicas")
    assert (str(least.ref), least.field, least.unit) == (
        "ScaledObject shop/cart", "minReplicaCount", "replicas at least",
    )  # fmt: skip


def test_what_metrics_never_named_saves_nothing() -> None:
    """No hour of it was seen at its minimum."""
    ground = cart(hpa())
    unnamed = build(snapshot(*running(deployment("web"))))
    assert at_minimum(unnamed, ground.topology.workloads[wid("cart")], 5) == 0.0
