"""What a reader and a writer do in each mode, and what they never do."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from microglia.daemon.consent import Consent
from microglia.daemon.mirror import mirror, sweep, wanted
from microglia.daemon.policies import Ruled
from microglia.daemon.reader import STALE
from microglia.daemon.telling import conditions, saying
from microglia.model.ids import WorkloadId
from microglia.model.kinds import BY_NAME
from microglia.model.objects import labels_of
from microglia.model.ports import AbsentError, ForbiddenError
from microglia.observe.look import MIRRORED, look
from microglia.plan.approval import Approval, Offer
from microglia.plan.document import Plan
from microglia.plan.history import Judgement
from microglia.world.load import load
from microglia.world.memory import MemoryCluster
from microglia.world.traffic import MemoryTraffic
from tests.unit.daemon.stage import BOLD, Stage, policy, stage

WHOLE = {"istiod": 2, "gate": 6, "inn": 6, "mill": 6}
PRUNED = {"istiod": 2, "gate": 5, "inn": 5, "mill": 5}


def lap(scene: Stage, role: str = "reader") -> Any:
    """One lap of the first policy."""
    duty = scene.reader() if role == "reader" else scene.writer()
    return duty.lap(scene.policies[0], scene.ruled())


def offered(scene: Stage) -> Plan:
    """The reader's plan that is up."""
    lap(scene)
    (only,) = scene.diary.offered("default")
    return only.plan


def approve(scene: Stage, plan: Plan, **other: Any) -> None:
    """A person agrees for an hour."""
    words = {"digest": plan.digest, "by": "ann", "until": scene.now + timedelta(hours=1), **other}
    scene.diary.approve(plan.id, Approval.model_validate(words))


@pytest.mark.parametrize(("mode", "up"), [("observe", 0), ("propose", 1), ("approve", 1), ("auto", 1)])
def test_a_reader_offers_as_its_mode_says_and_writes_no_workload(mode: str, up: int) -> None:
    """Observe only looks; the others put a plan up; nothing is scaled."""
    scene = stage(policies=[policy(mode)])
    told = lap(scene)
    assert len(scene.diary.offered("default")) == up
    assert bool(told.offered) == bool(up)
    assert told.rehearsal.plan.changes
    assert scene.counts() == WHOLE
    assert scene.diary.book == {}


@pytest.mark.parametrize(("mode", "kept"), [("observe", True), ("propose", True), ("approve", False), ("auto", False)])
def test_the_phase_is_kept_by_who_may_act(mode: str, *, kept: bool) -> None:
    """Where no writer runs the reader remembers, so that rounds go on; else only the writer does."""
    scene = stage(policies=[policy(mode)])
    lap(scene)
    assert bool(scene.diary.states) is kept


@pytest.mark.parametrize("mode", ["observe", "propose"])
def test_a_writer_never_acts_in_modes_that_only_look(mode: str) -> None:
    """Even an approved plan stays where it is: nothing is read, nothing written."""
    scene = stage()
    approve(scene, offered(scene))
    scene.policies = [policy(mode)]
    told = lap(scene, "writer")
    assert (told.why_not, told.rehearsal, told.record) == (f"mode {mode} never acts", None, None)
    assert scene.counts() == WHOLE


def test_in_mode_auto_the_writer_takes_what_is_up() -> None:
    """The reader's plan, cleared anew by the writer itself, and by nobody else's draft."""
    scene = stage()
    plan = offered(scene)
    told = lap(scene, "writer")
    assert told.record.id == plan.id
    assert scene.counts() == PRUNED


def test_without_an_offer_a_writer_takes_nothing() -> None:
    """It drafts no plan of its own."""
    scene = stage()
    told = lap(scene, "writer")
    assert (told.rehearsal.plan.changes, told.record, told.why_not) == ((), None, "no plan is up")
    assert scene.counts() == WHOLE
    assert scene.diary.states["default"].phase == "Pruning"


def test_in_mode_approve_nothing_goes_without_a_person() -> None:
    """It says which plan waits, and how to approve it; once approved it is carried out."""
    scene = stage(policies=[policy("approve")])
    plan = offered(scene)
    told = lap(scene, "writer")
    assert (told.record, scene.counts()) == (None, WHOLE)
    assert told.why_not == f"{plan.id} is not approved; approve it: microglia approve {plan.id}"
    approve(scene, plan)
    assert lap(scene, "writer").record.id == plan.id
    assert scene.counts() == PRUNED


@pytest.mark.parametrize(
    ("other", "word"),
    [({"digest": "0" * 64}, "is for a plan with digest 000000000000"), ({"until": "2020-01-01T00:00:00Z"}, "ran out")],
)
def test_an_approval_binds_digest_and_time(other: dict[str, Any], word: str) -> None:
    """For another plan, or too late, is not at all."""
    scene = stage(policies=[policy("approve")])
    approve(scene, offered(scene), **other)
    told = lap(scene, "writer")
    assert told.record is None
    assert word in told.why_not
    assert scene.counts() == WHOLE


def test_the_agents_own_approval_is_none() -> None:
    """Where admission let it through, the writer still refuses it: by code, with who may; in mode auto it needs
    none."""
    scene = stage(policies=[policy("approve")])
    plan = offered(scene)
    approve(scene, plan, by="system:serviceaccount:ops:reader")
    writer = replace(scene.writer(), own=frozenset({"system:serviceaccount:ops:reader"}))
    told = writer.lap(scene.policies[0], scene.ruled())
    assert (told.record, told.code, scene.counts()) == (None, "own-approval", WHOLE)
    assert "a person must approve it" in told.why_not
    (acting,) = [one for one in conditions(told) if one.type == "Acting"]
    assert acting.reason == "OwnApproval"
    scene.policies = [policy("auto")]
    assert writer.lap(scene.policies[0], scene.ruled()).record.id == plan.id


def elements(plan: Plan) -> set[str]:
    """What a plan changes."""
    return {change.element for change in plan.changes}


def test_a_rejection_holds_back_its_elements_in_mode_auto() -> None:
    """No other plan takes anything of what was rejected; who, why and the way out are told with what is held; another
    policy is another question."""
    replicas: dict[str, Any] = {"budget": {"proxyConfig": {"spare": "900%"}}}
    scene = stage(policies=[policy("auto", **replicas)])
    first = offered(scene)
    scene.diary.reject(first.id, "bob", "the fair is on")
    told = lap(scene)
    assert told.rehearsal.plan.changes == ()
    held = {note.subject: note.why for note in told.rehearsal.plan.held}
    assert {change.workload for change in first.changes} <= set(held)
    assert f"{first.id} was rejected by bob: the fair is on; holds until" in held[first.changes[0].workload]
    assert lap(scene, "writer").record is None
    assert scene.counts() == WHOLE
    assert "held back by a person's rejection" in saying(told)
    scene.policies = [policy("auto", pace={**BOLD["pace"], "rounds": 2}, **replicas)]
    assert elements(offered_now(scene)) & elements(first)


def test_a_rejected_part_does_not_come_back_with_the_rest() -> None:
    """A plan of one workload is rejected; the next has the others, and is carried out."""
    scene = stage()
    first = offered(scene)
    part = first.only(0)
    scene.diary.up = {part.id: Offer(part, None, "bob: not this one")}
    second = offered_now(scene)
    assert elements(second) == elements(first) - elements(part)
    assert lap(scene, "writer").record.id == second.id
    assert scene.counts() == {**PRUNED, part.changes[0].id.name: 6}


def test_a_plan_made_before_the_rejection_is_not_carried_out_after_it() -> None:
    """Both were up for a moment: in mode auto the writer takes nothing of what was rejected; a person's approval of
    the other plan is a newer word."""
    scene = stage()
    first = offered(scene)
    part = first.only(0)
    scene.diary.up[part.id] = Offer(part, None, "bob: not this one")
    told = lap(scene, "writer")
    assert (told.record, told.code) == (None, "rejected")
    assert f"{first.id} would take {part.changes[0].element}, and {part.id} was rejected by bob" in told.why_not
    approve(scene, first)
    assert lap(scene, "writer").record.id == first.id


def test_a_rejection_ends_with_its_window() -> None:
    """Then it is asked anew, and the old plan is gone."""
    scene = stage()
    first = offered(scene)
    scene.diary.up[first.id] = Offer(first, None, "bob: no", scene.now + timedelta(hours=1))
    assert not elements(offered_now(scene)) & elements(first)
    scene.pass_seconds(3601)
    again = offered_now(scene)
    assert elements(again) == elements(first)
    assert first.id not in {one.plan.id for one in scene.diary.offered("default")}


def test_reopening_takes_rejections_back() -> None:
    """A person asks anew, so what was rejected may be offered again."""
    scene = stage()
    first = offered(scene)
    scene.diary.reject(first.id, "bob", "no")
    scene.diary.reopen("default", scene.now)
    assert elements(offered_now(scene)) == elements(first)


def offered_now(scene: Stage) -> Plan:
    """The newest plan that is up after another lap."""
    name = lap(scene).offered
    return next(one.plan for one in scene.diary.offered("default") if one.plan.id == name)


def test_an_approval_that_runs_out_while_the_writer_looks_is_none() -> None:
    """Consent is asked for again right before the first write."""
    scene = stage(policies=[policy("approve")])
    plan = offered(scene)
    approve(scene, plan, until=scene.now + timedelta(seconds=30))
    writer = scene.writer()
    times = iter([scene.now, *[scene.now + timedelta(seconds=31)] * 99])
    late = replace(writer, clock=lambda: next(times))
    told = late.lap(scene.policies[0], scene.ruled())
    assert told.record is None
    assert "ran out" in told.why_not
    assert scene.counts() == WHOLE


@pytest.mark.parametrize("mode", ["approve", "auto"])
def test_a_rejection_counts_at_the_last_moment(mode: str) -> None:
    """Also in mode auto, also while the writer is looking."""
    scene = stage(policies=[policy(mode)])
    plan = offered(scene)
    approve(scene, plan)
    seeing = scene.traffic.activity

    def meanwhile(*words: Any) -> Any:
        scene.diary.reject(plan.id, "bob", "no")
        return seeing(*words)

    scene.traffic.activity = meanwhile
    told = lap(scene, "writer")
    assert told.record is None
    assert told.why_not == f"{plan.id} was rejected by bob: no"
    assert scene.counts() == WHOLE


def test_a_plan_that_is_withdrawn_meanwhile_is_not_carried_out() -> None:
    """Gone is gone."""
    scene = stage()
    plan = offered(scene)
    seeing = scene.traffic.activity

    def meanwhile(*words: Any) -> Any:
        scene.diary.withdraw(plan.id)
        return seeing(*words)

    scene.traffic.activity = meanwhile
    assert lap(scene, "writer").why_not == f"{plan.id} was withdrawn meanwhile"
    assert scene.counts() == WHOLE


def test_the_writer_clears_on_facts_of_its_own() -> None:
    """What moved since the plan was made is refused; in mode auto the stale plan makes room for a new one."""
    scene = stage()
    stale = offered(scene)
    scene.cluster.edit(BY_NAME["Deployment"], "village", "inn", lambda raw: raw["spec"].update(replicas=7))
    told = lap(scene, "writer")
    assert told.result == "refused"
    assert "moved" in {one.gate for one in told.rehearsal.checked.refusals}
    assert scene.diary.offered("default") == ()
    assert offered(scene).id != stale.id
    assert scene.counts() == {**WHOLE, "inn": 7}


def test_an_approved_plan_that_no_longer_passes_stays_a_persons() -> None:
    """Refused, told, and not thrown away behind the back of who approved it."""
    scene = stage(policies=[policy("approve")])
    plan = offered(scene)
    approve(scene, plan)
    scene.cluster.edit(BY_NAME["Deployment"], "village", "inn", lambda raw: raw["spec"].update(replicas=7))
    assert lap(scene, "writer").result == "refused"
    assert [one.plan.id for one in scene.diary.offered("default")] == [plan.id]


def test_a_plan_is_carried_out_once() -> None:
    """What was begun is never begun again, whoever offers it."""
    scene = stage()
    plan = offered(scene)
    lap(scene, "writer")
    offer = Offer(plan)
    consent = Consent([offer], scene.policies[0])
    assert consent.chosen({plan.id}, scene.now) is None
    assert consent.chosen(set(), scene.now) is offer
    denied = Consent([offer], policy("observe")).missing(offer, scene.now)
    assert denied is not None
    assert denied.code == "only-looks"


def test_an_old_offer_is_made_anew() -> None:
    """The gates take no plan older than a day, so one that waits half a day gives way to a fresh one; an approval
    holds it."""
    scene = stage(policies=[policy("approve")])
    first = offered(scene)
    scene.cluster.advance(scene.now + STALE)
    assert offered(scene).id == first.id
    scene.cluster.advance(scene.now + timedelta(minutes=1))
    second = offered(scene)
    assert second.id != first.id
    approve(scene, second, until=scene.now + timedelta(days=3))
    scene.cluster.advance(scene.now + timedelta(days=1))
    assert offered(scene).id == second.id


def test_an_offer_that_would_not_be_made_any_more_is_withdrawn() -> None:
    """Nothing is left to take, so nothing waits; a person's approval and a gate's passing no leave it where it is."""
    scene = stage(policies=[policy("approve")])
    plan = offered(scene)
    scene.policies = [policy("approve", observation={"cycles": {"atLeast": 3}})]
    assert lap(scene).result == "refused"
    assert [one.plan.id for one in scene.diary.offered("default")] == [plan.id]
    scene.policies = [policy("approve", budget={one: {"spare": "900%"} for one in ("cpu", "memory", "proxyConfig")})]
    approve(scene, plan)
    assert lap(scene).offered == plan.id
    scene.pass_seconds(3601)
    assert (lap(scene).offered, scene.diary.offered("default")) == ("", ())


def test_while_a_policy_cannot_be_understood_nothing_new_is_taken() -> None:
    """Neither drafted nor carried out: it may claim any workload."""
    scene = stage()
    plan = offered(scene)
    paused = Ruled(tuple(scene.policies), paused="PruningPolicy x cannot be read")
    told = scene.writer().lap(scene.policies[0], paused)
    assert (told.record, told.why_not) == (None, "PruningPolicy x cannot be read")
    assert scene.counts() == WHOLE
    scene.diary.withdraw(plan.id)
    assert scene.reader().lap(scene.policies[0], paused).offered == ""


def test_what_was_ordered_back_comes_back_without_prometheus() -> None:
    """The order is in the journal, the objects say the rest; what nobody ordered stays."""
    scene = stage()
    offered(scene)
    (record,) = [lap(scene, "writer").record]
    change = next(one for one in record.plan.changes if "inn" in one.workload)
    index = record.plan.changes.index(change)
    scene.pass_seconds(60)
    scene.diary.judge(record.id, [Judgement(index=index, verdict="Regrow", at=scene.now, why="errors")])
    scene.traffic.down = "Prometheus does not answer"
    told = lap(scene, "writer")
    assert (told.failure, told.record.plan.purpose) == ("Prometheus does not answer", "regrow")
    assert scene.counts() == {**PRUNED, "inn": 6}
    assert lap(scene, "writer").record is None


def test_floors_and_pins_are_mirrored_where_somebody_acts() -> None:
    """One Protection a workload, with microglia's labels; the reader does not take them for people's words."""
    scene = stage()

    def annotate(raw: Any) -> None:
        raw["metadata"].setdefault("annotations", {})["microglia.dev/protect"] = "the fair is on"

    scene.cluster.edit(BY_NAME["Deployment"], "village", "inn", annotate)
    told = lap(scene)
    found = {raw["spec"]["targets"][0]["name"]: raw for raw in scene.objects("Protection")}
    assert set(found) == {"gate", "inn", "mill"}
    assert found["inn"]["spec"] == {
        "targets": [{"kind": "Deployment", "name": "inn"}],
        "level": "never",
        "reason": "annotated: the fair is on",
    }
    assert found["gate"]["spec"]["level"] == "floor"
    assert 2 <= found["gate"]["spec"]["minReplicas"] < 6
    assert all(MIRRORED.items() <= labels_of(raw).items() for raw in found.values())
    assert look(scene.cluster).of("Protection") == ()
    assert wanted(told.rehearsal).keys() == {("village", f"microglia-{name}") for name in found}


def test_a_rollout_of_the_same_name_has_a_mirror_of_its_own() -> None:
    """A Rollout often bears the name of the Deployment that it took over: neither takes the other's floor."""
    result = lap(stage()).rehearsal
    grounds, rollout = result.grounds, WorkloadId("village", "inn", "Rollout")
    inn = grounds.topology.workloads[WorkloadId("village", "inn")]
    topology = replace(grounds.topology, workloads={**grounds.topology.workloads, rollout: inn})
    selection = replace(grounds.selection, targets={**grounds.selection.targets, rollout: 6})
    scores = replace(grounds.scores, replicas={**grounds.scores.replicas, rollout: grounds.scores.replicas[inn.id]})
    both = wanted(replace(result, grounds=replace(grounds, topology=topology, selection=selection, scores=scores)))
    kinds = {name: raw["spec"]["targets"][0]["kind"] for (_, name), raw in both.items() if "inn" in name}
    assert kinds == {"microglia-inn": "Deployment", "microglia-inn.rollout": "Rollout"}


def test_a_mirror_is_brought_up_and_taken_away() -> None:
    """It follows what was computed; another lap writes nothing; without a writer there is nothing to hold."""
    scene = stage()
    result = lap(scene).rehearsal
    bodies = wanted(result)
    assert mirror(scene.cluster, scene.cluster, "default", bodies) == 0
    place = ("village", "microglia-inn")
    higher = {**bodies, place: {**bodies[place], "spec": {**bodies[place]["spec"], "minReplicas": 6}}}
    assert mirror(scene.cluster, scene.cluster, "default", higher) == 1
    assert scene.cluster.read(BY_NAME["Protection"], *place)["spec"]["minReplicas"] == 6
    scene.policies = [policy("observe")]
    lap(scene)
    assert scene.objects("Protection") == []


def test_a_persons_protection_is_nobodys_mirror() -> None:
    """Only what carries both labels is touched; of a policy that is gone everything of ours goes."""
    scene = stage()
    body = {
        "apiVersion": "microglia.dev/v1alpha1",
        "kind": "Protection",
        "metadata": {"namespace": "village", "name": "mine", "labels": {"app.kubernetes.io/managed-by": "microglia"}},
        "spec": {"targets": [{"kind": "Deployment", "name": "inn"}], "reason": "fair"},
    }
    scene.cluster.create(BY_NAME["Protection"], body)
    lap(scene)
    assert len(scene.objects("Protection")) == 4
    assert sweep(scene.cluster, scene.cluster, ["default"]) == 0
    scene.reader().tidy(Ruled((policy("auto", "another"),)))
    assert [raw["metadata"]["name"] for raw in scene.objects("Protection")] == ["mine"]


def test_a_conflict_over_a_mirror_is_left_for_the_next_lap() -> None:
    """Somebody else was quicker: nothing is counted as written."""
    scene = stage()
    bodies = wanted(lap(scene).rehearsal)
    gone = next(iter(bodies))

    def remove(number: int, what: str) -> None:
        scene.cluster.before_write = None
        scene.cluster.delete(BY_NAME["Protection"], {"kind": "Protection", **scene.objects("Protection")[0]})

    scene.cluster.before_write = remove
    changed = {gone: {**bodies[gone], "spec": {**bodies[gone]["spec"], "reason": "other"}}}
    assert mirror(scene.cluster, scene.cluster, "default", {**bodies, **changed}) == 0


def test_a_cluster_without_the_crds_has_no_mirror() -> None:
    """Nothing to hold it in; the lap goes on."""
    scene = stage()
    reader = scene.reader()

    class Bare:
        def __getattr__(self, name: str) -> Any:
            return getattr(scene.cluster, name)

        def objects(self, kind: Any) -> Any:
            if kind.name == "Protection":
                raise AbsentError("no such kind")
            return scene.cluster.objects(kind)

    bare = replace(reader, world=replace(reader.world, cluster=Bare()))
    assert bare.lap(scene.policies[0], scene.ruled()).offered
    bare.tidy(scene.ruled())
    assert scene.objects("Protection") == []


def test_ties_between_policies_are_told_to_both() -> None:
    """Each names both, and neither touches what both claim."""
    scene = stage(policies=[policy("auto", "one"), policy("auto", "two")])
    told = lap(scene)
    assert len(told.conflicts) == 1
    assert "policies one and two claim" in told.conflicts[0]
    assert told.rehearsal.plan.changes == ()


def test_a_forbidden_write_is_told_and_not_tried_again_in_this_lap() -> None:
    """The rest of the plan is skipped, the record says why."""
    scene = stage()
    offered(scene)

    def forbid(number: int, what: str) -> None:
        if what.startswith("scale"):
            raise ForbiddenError("deployments/scale is forbidden")

    scene.cluster.before_write = forbid
    record = lap(scene, "writer").record
    assert [step.state for step in record.steps] == ["failed", "skipped", "skipped"]
    assert scene.counts() == WHOLE


def test_only_deployments_with_copies_are_mirrored() -> None:
    """Nothing else is ever scaled, and nothing can be taken where nothing is."""
    cluster = MemoryCluster(load("boutique"))
    cluster.advance(cluster.now + timedelta(days=15, hours=1))
    scene = Stage(cluster, MemoryTraffic(cluster))
    cluster.edit(BY_NAME["Deployment"], "boutique", "adservice", lambda raw: raw["spec"].update(replicas=0))
    names = {name for _, name in wanted(lap(scene).rehearsal)}
    assert "microglia-cartservice" in names
    assert not {"microglia-redis-cart", "microglia-adservice"} & names
