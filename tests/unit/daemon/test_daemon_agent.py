"""The loop: every policy in turn, what passes and what does not, and what people read afterwards."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from microglia.act.lease import Lease, LockedError, Terms
from microglia.daemon.leader import Election
from microglia.daemon.metrics import ending
from microglia.daemon.policies import Ruled, documents_in, ruled
from microglia.daemon.schedule import Schedule
from microglia.daemon.telling import conditions, happenings, remark, saying
from microglia.daemon.told import Told
from microglia.lifecycle.states import Phase, State
from microglia.model.kinds import BY_NAME
from microglia.model.ports import ConflictError, ForbiddenError, GoneError, UnreadableError
from microglia.policy.schema import PruningPolicy
from tests.unit.daemon.stage import Hand, policy, stage


def document(name: str = "shop", **spec: Any) -> dict[str, Any]:
    """A PruningPolicy as the cluster gives it."""
    return {
        "apiVersion": "microglia.dev/v1alpha1",
        "kind": "PruningPolicy",
        "metadata": {"name": name, "uid": "u", "generation": 3},
        "spec": spec,
    }


def test_without_policies_the_built_in_one_only_observes() -> None:
    """Nobody is pruned by an agent that nobody told to."""
    found = ruled([])
    assert found.policies == (PruningPolicy(),)
    assert found.policies[0].spec.actuation.mode == "observe"


def test_a_broken_policy_stops_its_own_scope_alone() -> None:
    """It keeps its claim, gets no laps, and says what is wrong; the wider one does not inherit its workloads."""
    wide = document("wide", scope={"namespaces": {"include": ["*"]}})
    narrow = document("narrow", scope={"namespaces": {"include": ["village"]}}, pace={"rounds": "many"})
    found = ruled([(narrow, ""), (wide, "")])
    assert [one.metadata.name for one in found.policies] == ["narrow", "wide"]
    assert [one.metadata.name for one in found.sound] == ["wide"]
    assert found.policies[0].spec.scope.namespaces.include == ("village",)
    assert found.policies[0].spec.actuation.mode == "observe"
    assert "rounds" in found.broken["narrow"]
    assert found.paused == ""
    scene = stage()
    reader = scene.reader()
    told = reader.lap(found.sound[0], found)
    assert not any(one.namespace == "village" for one in told.rehearsal.grounds.selection.targets)


def test_a_policy_without_a_readable_scope_stops_everybody() -> None:
    """It may claim any workload; nothing is taken until it is corrected, and it is named."""
    found = ruled([(document("odd", scope={"namespaces": 7}), ""), (document("wide"), "")])
    assert [one.metadata.name for one in found.sound] == ["wide"]
    assert found.paused.startswith("PruningPolicy odd cannot be read (")


def test_files_are_read_like_objects(tmp_path: Path) -> None:
    """Folders too, as a ConfigMap is mounted; a file that is no YAML stops everybody and is named."""
    (tmp_path / "..2026").mkdir()
    body = json.dumps(document("shop"))
    (tmp_path / "..2026" / "shop.yaml").write_text(body)
    (tmp_path / "shop.yaml").write_text(body)
    (tmp_path / "protect.yml").write_text(
        "apiVersion: microglia.dev/v1alpha1\nkind: Protection\nmetadata: {name: a, namespace: b}\n"
        "spec: {targets: [{kind: Deployment, name: c}], reason: d}\n"
    )
    found = ruled(documents_in([tmp_path]))
    assert [one.metadata.name for one in found.sound] == ["shop"]
    assert (len(found.protections), found.paused) == (1, "")
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "list.yaml").write_text("- a")
    found = ruled(documents_in([tmp_path, tmp_path / "missing.yaml"]))
    for name in ("broken.yaml", "list.yaml", "missing.yaml"):
        assert name in found.paused


def test_one_name_twice_is_an_error_of_both() -> None:
    """Which one counts is nobody's guess: the name gets no laps."""
    found = ruled([(document("shop"), "a.yaml"), (document("shop"), "b.yaml")])
    assert found.sound == ()
    assert found.broken["shop"].startswith("b.yaml: is defined twice")


def test_a_broken_policy_is_told_once_and_kept_in_its_status() -> None:
    """Condition, event and metric; the other policy has its lap all the same."""
    scene = stage()
    broken = ruled([(document("bad", pace={"rounds": "x"}, scope={"namespaces": {"include": ["x"]}}), "")])
    agent = scene.agent("reader")
    good = policy("observe")
    agent.policies = lambda: type(broken)((*broken.policies, good), broken.broken)
    agent.round()
    agent.round()
    condition = scene.diary.condition("bad", "Accepted")
    assert (condition.status, condition.reason) == ("False", "Invalid")
    assert "microglia policy validate" in condition.message
    assert [found["reason"] for found in scene.objects("Event") if found["regarding"]["name"] == "bad"] == ["Invalid"]
    assert scene.diary.condition("default", "Accepted").status == "True"
    assert agent.pulse.ready().why.startswith("neither")
    assert agent.voice.metrics.policy_valid.labels("bad")._value.get() == 0


@pytest.mark.parametrize(
    "error",
    [
        UnreadableError("Prometheus does not answer"),
        ForbiddenError("deployments is forbidden"),
        ConflictError("moved"),
        GoneError("gone"),
        LockedError("ann is acting on this cluster"),
        OSError("no space left on device"),
    ],
)
def test_what_the_world_may_do_is_said_and_passes(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """The lap failed, and says why in log, condition, event and metric; the loop goes on, the next lap is well."""
    scene = stage(policies=[policy("observe")])
    agent = scene.agent("reader")
    duty = agent.duty

    class Failing:
        def lap(self, *words: Any) -> Told:
            raise error

    agent.duty = Failing()
    with caplog.at_level(logging.WARNING):
        agent.round()
    assert str(error) in caplog.text
    condition = scene.diary.condition("default", "Observed")
    assert (condition.status, condition.message) == ("False", str(error))
    assert [found["reason"] for found in scene.objects("Event")] == ["LapFailed"]
    assert agent.voice.metrics.laps.labels("default", "failed")._value.get() == 1
    agent.pulse.leads()
    assert (agent.pulse.alive().well, agent.pulse.ready().well) == (True, False)
    agent.duty = duty
    agent.round()
    assert scene.diary.condition("default", "Observed").status == "True"
    assert agent.pulse.ready().well


def test_a_mistake_of_ours_ends_the_process() -> None:
    """What nobody foresaw is not swallowed: the process starts again, and the journal is settled."""
    scene = stage()
    agent = scene.agent("reader")

    class Broken:
        def lap(self, *words: Any) -> Told:
            raise KeyError("typo")

    agent.duty = Broken()
    with pytest.raises(KeyError):
        agent.round()


def test_policies_that_cannot_be_read_are_no_policies(caplog: pytest.LogCaptureFixture) -> None:
    """No lap on a guess: the round is left out, and the loop is alive but not ready."""
    scene = stage()
    agent = scene.agent("reader")

    def down() -> Any:
        raise UnreadableError("the API server does not answer")

    agent.policies = down
    with caplog.at_level(logging.WARNING):
        agent.round()
    assert "the policies cannot be read" in caplog.text
    assert (agent.pulse.alive().well, agent.pulse.ready().well) == (True, False)
    assert scene.diary.said == {}


def test_a_status_that_cannot_be_written_does_not_stop_the_lap(caplog: pytest.LogCaptureFixture) -> None:
    """Nor does a mirror that cannot be tidied up."""
    scene = stage(policies=[policy("observe")])
    agent = scene.agent("reader")

    def refuse(*words: Any) -> Any:
        raise ForbiddenError("pruningpolicies/status is forbidden")

    scene.diary.remark = refuse
    agent.after = refuse
    with caplog.at_level(logging.WARNING):
        agent.round()
    assert caplog.text.count("pruningpolicies/status is forbidden") == 2
    assert agent.voice.metrics.laps.labels("default", "cleared")._value.get() == 1


def test_told_to_stop_no_further_policy_is_begun() -> None:
    """The lap under way ends; the next policy's is left out."""
    scene = stage(policies=[policy("observe", "one"), policy("observe", "two")])
    agent = scene.agent("reader")
    duty, hand = agent.duty, Hand(scene)

    class Stopping:
        def lap(self, *words: Any) -> Told:
            scene.stopping = "stopped by SIGTERM"
            return duty.lap(*words)

    agent.duty = Stopping()
    with scene.locked() as held:
        agent.round(held)
    assert set(scene.diary.said) == {"one"}
    assert hand.waited == []


def test_sigterm_in_the_middle_of_a_plan_ends_it_cleanly() -> None:
    """The write under way is finished and recorded, the rest is skipped with the reason, the record is closed."""
    scene = stage()
    reader, writer = scene.agent("reader"), scene.agent("writer")
    reader.round()

    def stop(number: int, what: str) -> None:
        if what.startswith("scale"):
            scene.stopping = "stopped by SIGTERM"

    scene.cluster.before_write = stop
    writer.round()
    (record,) = scene.diary.records()
    assert [step.state for step in record.steps] == ["done", "skipped", "skipped"]
    assert record.steps[1].message == "stopped by SIGTERM"
    assert record.finished is not None
    assert sorted(scene.counts().values()) == [2, 5, 6, 6]


def test_the_status_tells_what_goes_on_and_why_no_more() -> None:
    """Each mode has its sentence."""
    said = {}
    for mode in ("observe", "propose", "approve", "auto"):
        scene = stage(policies=[policy(mode)])
        scene.agent("reader").round()
        said[mode] = scene.diary.said["default"]
        plan = next((one.plan.id for one in scene.diary.offered("default")), "")
        said[mode] = said[mode].replace(plan, "PLAN") if plan else said[mode]
    assert said == {
        "observe": "Pruning, round 1 of 5: 3 changes planned; mode observe only looks",
        "propose": "Pruning, round 1 of 5: PLAN is up; mode propose never acts, you may: microglia apply PLAN",
        "approve": "Pruning, round 1 of 5: PLAN waits for approval: microglia approve PLAN",
        "auto": "Pruning, round 1 of 5: PLAN is up; the writer carries it out",
    }


def test_conditions_follow_the_conventions() -> None:
    """A type each, a reason of one word, and the time of the last change of status."""
    scene = stage()
    reader, writer = scene.agent("reader"), scene.agent("writer")
    reader.round()
    writer.round()
    began = scene.now
    found = {one.type: (one.status, one.reason) for one in scene.diary.conditions["default"]}
    assert found == {
        "Accepted": ("True", "Valid"),
        "Observed": ("True", "Whole"),
        "Cleared": ("True", "Passed"),
        "Representative": ("True", "Seen"),
        "Hardened": ("False", "Pruning"),
        "Acting": ("True", "AllWritten"),
        "WriterObserved": ("True", "Whole"),
        "Harmed": ("False", "NoHarm"),
    }
    scene.pass_seconds(600)
    reader.round()
    writer.round()
    assert scene.diary.condition("default", "Observed").last_transition_time <= began
    assert scene.diary.condition("default", "Acting").status == "False"
    assert scene.diary.condition("default", "Acting").last_transition_time == scene.now


def test_refusals_and_blind_spots_are_told() -> None:
    """Which gate, about whom, and the way out; which kind could not be read."""
    scene = stage(policies=[policy("observe", observation={"cycles": {"atLeast": 3}})])
    scene.cluster.forbidden = frozenset({"PodDisruptionBudget"})
    told = scene.reader().lap(scene.policies[0], scene.ruled())
    found = {one.type: one for one in conditions(told)}
    assert (found["Observed"].status, found["Observed"].reason) == ("True", "Partly")
    assert "PodDisruptionBudget" in found["Observed"].message
    assert told.result == "refused"
    assert (found["Cleared"].status, found["Cleared"].reason) == ("False", "Phase")
    assert (found["Representative"].status, found["Representative"].reason) == ("False", "WeeklyCycle")
    assert "of 14 days seen" in found["Representative"].message
    assert "gate phase refuses" in saying(told)
    assert [one.reason for one in happenings(told)] == ["Refused"]


def test_a_writer_that_waits_leaves_the_readers_sentence() -> None:
    """It only speaks of what it did or met."""
    scene = stage(policies=[policy("approve")])
    scene.agent("reader").round()
    before = scene.diary.said["default"]
    told = scene.writer().lap(scene.policies[0], scene.ruled())
    assert (remark(told).saying, remark(told).lapped) == ("", None)
    scene.agent("writer").round()
    assert scene.diary.said["default"] == before
    assert scene.diary.condition("default", "Acting").message.endswith("is not approved; approve it: microglia approve "
        + scene.diary.offered("default")[0].plan.id)  # fmt: skip


def test_a_policy_that_may_claim_anything_is_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """Each round says why nothing is planned."""
    scene = stage()
    agent = scene.agent("reader")
    agent.policies = lambda: Ruled(tuple(scene.policies), paused="PruningPolicy odd cannot be read")
    with caplog.at_level(logging.ERROR):
        agent.round()
    assert "nothing is planned: PruningPolicy odd cannot be read" in caplog.text
    assert scene.diary.offered("default") == ()


def test_what_rings_is_told_and_ends_the_pause(caplog: pytest.LogCaptureFixture) -> None:
    """The next lap begins at once, and the log says why."""
    scene = stage(policies=[policy("observe")])
    agent, hand = scene.agent("reader"), Hand(scene)
    hand.ring("pruningpolicies shop changed")
    hand.meanwhile = lambda: setattr(scene, "stopping", "stopped by SIGTERM")
    lease = Lease(scene.cluster, "default", "ann", lambda: scene.now, Terms(name="microglia-reader"))
    election = Election(lease, scene.time, Hand(scene), agent.pulse, lambda: scene.stopping)
    with caplog.at_level(logging.INFO):
        agent.run(election, Schedule(5.0, 0.0, lambda: 0.5), hand)
    assert "goes on at once: pruningpolicies shop changed" in caplog.text
    assert agent._laps == 2


def test_another_phase_is_an_event() -> None:
    """From which to which, told by who keeps it."""
    scene = stage(policies=[policy("observe")])
    scene.diary.save(State("default", Phase.EXPOSING, scene.now))
    told = scene.reader().lap(scene.policies[0], scene.ruled())
    assert [(one.reason, one.note) for one in happenings(told)] == [("Pruning", "from Exposing to Pruning")]


def test_sigterm_in_a_lap_ends_the_loop_without_a_pause() -> None:
    """The lap that is under way is the last."""
    scene = stage(policies=[policy("observe")])
    agent, hand = scene.agent("reader"), Hand(scene)
    agent.after = lambda ruled: setattr(scene, "stopping", "stopped by SIGTERM")
    lease = Lease(scene.cluster, "default", "ann", lambda: scene.now, Terms(name="microglia-reader"))
    election = Election(lease, scene.time, Hand(scene), agent.pulse, lambda: scene.stopping)
    agent.run(election, Schedule(5.0, 0.0, lambda: 0.5), hand)
    assert (agent._laps, hand.waited) == (1, [])


def test_what_was_given_back_without_metrics_is_told() -> None:
    """The lap failed, and yet something came back: both are events."""
    scene = stage()
    scene.reader().lap(scene.policies[0], scene.ruled())
    record = scene.writer().lap(scene.policies[0], scene.ruled()).record
    told = Told("writer", scene.policies[0], scene.now, failure="Prometheus does not answer", record=record)
    assert [one.reason for one in happenings(told)] == ["LapFailed", "Pruned"]
    assert (remark(told).saying, remark(told).reason) == ("Prometheus does not answer", "LapFailed")
    assert conditions(told)[0].status == "True"


def test_what_cannot_be_done_is_told_with_its_gate() -> None:
    """A writer whose plan no longer passes says which gate refused it; one that failed says why."""
    scene = stage()
    scene.reader().lap(scene.policies[0], scene.ruled())
    scene.cluster.edit(BY_NAME["Deployment"], "village", "inn", lambda raw: raw["spec"].update(replicas=7))
    told = scene.writer().lap(scene.policies[0], scene.ruled())
    (acting, seen, harmed) = conditions(told)
    assert (seen.type, seen.reason) == ("WriterObserved", "Whole")
    assert (acting.type, acting.status, acting.reason) == ("Acting", "False", "Moved")
    assert (harmed.type, harmed.status) == ("Harmed", "False")
    failed = Told("writer", scene.policies[0], scene.now, failure="ann is acting on this cluster")
    assert [(one.reason, one.message) for one in conditions(failed)] == [("Failed", "ann is acting on this cluster")]


def test_journal_records_are_named_by_their_end() -> None:
    """Open, done, partial, nothing or restored."""
    scene = stage()
    scene.reader().lap(scene.policies[0], scene.ruled())
    record = scene.writer().lap(scene.policies[0], scene.ruled()).record
    failed = tuple(one.model_copy(update={"state": "failed"}) for one in record.steps)
    ends = [
        record.model_copy(update={"finished": None}),
        record,
        record.model_copy(update={"steps": (record.steps[0], *failed[1:])}),
        record.model_copy(update={"steps": failed}),
        record.model_copy(update={"restored_by": ("plan-2",)}),
    ]
    assert [ending(one) for one in ends] == ["open", "done", "partial", "nothing", "restored"]


@pytest.mark.parametrize(
    ("mode", "word"),
    [("observe", "OnlyLooks"), ("propose", "WaitsForYou"), ("approve", "WaitsForApproval"), ("auto", "WaitsForWriter")],
)
def test_a_word_says_why_no_more_goes_on(mode: str, word: str) -> None:
    """For a column of kubectl; the reader also says when it looked."""
    scene = stage(policies=[policy(mode)])
    told = scene.reader().lap(scene.policies[0], scene.ruled())
    assert (remark(told).reason, remark(told).lapped) == (word, scene.now)


def test_words_for_what_was_done_what_waits_and_what_is_refused() -> None:
    """One each, and the gate by its name."""
    scene = stage()
    scene.reader().lap(scene.policies[0], scene.ruled())
    assert remark(scene.writer().lap(scene.policies[0], scene.ruled())).reason == "Pruned"
    watched = scene.reader().lap(scene.policies[0], scene.ruled())
    assert remark(watched).reason in ("UnderWatch", "WaitsForWriter")
    scene = stage(policies=[policy(observation={"cycles": {"atLeast": 3}})])
    assert remark(scene.reader().lap(scene.policies[0], scene.ruled())).reason == "GatePhase"
    paused = Ruled(tuple(scene.policies), paused="PruningPolicy x cannot be read")
    lean = {one: {"spare": "900%"} for one in ("cpu", "memory", "proxyConfig")}
    scene = stage(policies=[policy("auto", budget=lean)])
    assert remark(scene.reader().lap(scene.policies[0], scene.ruled())).reason == "NothingToTake"
    assert remark(scene.reader().lap(scene.policies[0], paused)).reason == "Paused"


def test_a_blind_writer_says_so_in_conditions_and_log(caplog: pytest.LogCaptureFixture) -> None:
    """By its own eyes, whatever the reader sees: once in the log, and again when it changes."""
    scene = stage()
    scene.reader().lap(scene.policies[0], scene.ruled())
    writer = scene.agent("writer")
    writer.round()
    assert scene.diary.condition("default", "WriterObserved").reason == "Whole"
    listed = scene.cluster.objects

    def blind(kind: Any) -> Any:
        if kind.name == "HorizontalPodAutoscaler":
            raise UnreadableError("horizontalpodautoscalers is forbidden")
        return listed(kind)

    scene.cluster.objects = blind
    with caplog.at_level(logging.WARNING, logger="microglia"):
        writer.round()
        writer.round()
    seen = scene.diary.condition("default", "WriterObserved")
    assert (seen.status, seen.reason) == ("True", "Partly")
    assert "horizontalpodautoscalers is forbidden" in seen.message
    said = [one for one in caplog.messages if "not everything can be read" in one]
    assert len(said) == 1
    assert "horizontalpodautoscalers is forbidden" in said[0]
