"""What Git owns is offered for Git, in a plan of its own that nobody carries out in the cluster."""

from datetime import timedelta
from typing import Any

import pytest

from microglia.daemon.consent import Consent
from microglia.daemon.policies import Ruled
from microglia.daemon.telling import saying
from microglia.model.kinds import BY_NAME
from microglia.plan.approval import Approval, Offer
from microglia.plan.document import Plan
from microglia.plan.history import Step
from tests.unit.daemon.stage import Stage, policy, stage


def village(mode: str, *delivered: str) -> Stage:
    """Argo CD delivers these of inn, mill and gate."""
    scene = stage(policies=[policy(mode, scope={"elements": ["Replica"]})])

    for name in delivered:
        tracked = {"argocd.argoproj.io/tracking-id": f"village:apps/Deployment:village/{name}"}

        def mark(raw: dict[str, Any], tracked: dict[str, str] = tracked) -> None:
            raw["metadata"].setdefault("annotations", {}).update(tracked)

        scene.cluster.edit(BY_NAME["Deployment"], "village", name, mark)
    return scene


def lap(scene: Stage, role: str = "reader") -> Any:
    """One lap of the first policy."""
    duty = scene.reader() if role == "reader" else scene.writer()
    return duty.lap(scene.policies[0], scene.ruled())


def up(scene: Stage) -> dict[str, Plan]:
    """The plans that are up, by way."""
    return {one.plan.way: one.plan for one in scene.diary.offered("default")}


def names(plan: Plan) -> list[str]:
    """The workloads of a plan, sorted."""
    return sorted(change.id.name for change in plan.changes)


@pytest.mark.parametrize("mode", ["propose", "approve", "auto"])
def test_each_way_has_a_plan_of_its_own(mode: str) -> None:
    """The cluster's leaves alone what Argo CD delivers, Git's has nothing else; a second lap changes neither."""
    scene = village(mode, "mill")
    told = lap(scene)
    plans = up(scene)
    assert names(plans["cluster"]) == ["gate", "inn"]
    assert names(plans["git"]) == ["mill"]
    assert (told.offered, told.proposed) == (plans["cluster"].id, plans["git"].id)
    assert lap(scene).proposed == plans["git"].id
    assert up(scene) == plans


def test_observe_offers_nothing_and_a_pause_nothing_for_git() -> None:
    """Where a policy's scope is not known, nobody is asked to take anything."""
    scene = village("observe", "mill")
    assert (lap(scene).proposed, up(scene)) == ("", {})
    scene = village("propose", "mill")
    paused = Ruled(tuple(scene.policies), paused="a policy cannot be read")
    assert scene.reader().lap(scene.policies[0], paused).proposed == ""
    assert up(scene) == {}


@pytest.mark.parametrize("mode", ["approve", "auto"])
def test_the_writer_never_carries_out_what_is_for_git(mode: str) -> None:
    """Not even approved; it says how the plan goes on."""
    scene = village(mode, "gate", "inn", "mill")
    plan = up_after(scene)
    assert (plan.way, names(plan)) == ("git", ["gate", "inn", "mill"])
    agreed = Approval(digest=plan.digest, by="ann", until=scene.now + timedelta(hours=1))
    scene.diary.approve(plan.id, agreed)
    before = scene.counts()
    told = lap(scene, "writer")
    assert (told.record, scene.counts()) == (None, before)
    assert told.why_not == f"{plan.id} changes what Git owns, so it is merged there: " + command(plan)
    assert told.code == "for-git"
    assert Consent([Offer(plan, agreed)], scene.policies[0]).chosen([], scene.now) is None


def test_where_git_owns_everything_the_rounds_wait_for_merges() -> None:
    """In mode propose a lap without anything for the cluster is not a round that found nothing."""
    scene = village("propose", "gate", "inn", "mill")
    for _ in range(4):
        told = lap(scene)
        scene.pass_seconds(7200)
    assert (told.rehearsal.state.phase, told.rehearsal.state.round) == ("Pruning", 1)
    assert names(up(scene)["git"]) == ["gate", "inn", "mill"]


def test_the_sentence_names_both_ways_on() -> None:
    """A command for each plan that is up."""
    scene = village("approve", "mill")
    told = lap(scene)
    plans = up(scene)
    waits = f"{plans['cluster'].id} waits for approval: microglia approve {plans['cluster'].id}"
    assert saying(told) == f"Pruning, round 1 of 5: {waits}; {plans['git'].id} is for Git: " + command(plans["git"])


def test_what_was_proposed_is_not_offered_again() -> None:
    """It waits for the merge as a record; what nobody proposed yet is offered on."""
    scene = village("propose", "inn", "mill")
    plan = up_after(scene)
    scene.diary.begin(plan, scene.now)
    scene.diary.step(plan.id, Step(index=0, state="proposed", at=scene.now))
    scene.diary.step(plan.id, Step(index=1, state="skipped", at=scene.now))
    scene.diary.finish(plan.id, scene.now)
    lap(scene)
    assert names(up(scene)["git"]) == names(plan.only(1))


def test_a_rejected_plan_is_not_said_to_wait() -> None:
    """A person said no: the sentence says so, and the plan stays as the sign of it."""
    scene = village("approve")
    plan = up_after(scene, "cluster")
    scene.diary.reject(plan.id, "ann", "not on a Friday")
    told = lap(scene)
    assert told.offered == ""
    assert "held back by a person's rejection" in saying(told)


def up_after(scene: Stage, way: str = "git") -> Plan:
    """The plan that is up this way after a lap."""
    lap(scene)
    return up(scene)[way]


def command(plan: Plan) -> str:
    """What a person types."""
    return f"microglia propose {plan.id} --repo PATH"
