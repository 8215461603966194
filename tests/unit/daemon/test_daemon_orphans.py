"""What was cut under a policy that is gone, or that nobody can read any more, is watched like everything else."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from microglia.daemon.policies import Ruled, ruled
from microglia.daemon.told import Role
from microglia.model.ports import UnreadableError
from microglia.plan.history import Judgement
from microglia.world.traffic import MemoryTraffic
from tests.unit.daemon.stage import Stage, policy, stage

WHOLE = {"istiod": 2, "gate": 6, "inn": 6, "mill": 6}
PRUNED = {"istiod": 2, "gate": 5, "inn": 5, "mill": 5}
OTHER = policy("auto", "other", scope={"namespaces": {"include": ["elsewhere"]}})


def pruned() -> Stage:
    """A first plan was carried out under the default policy."""
    scene = stage()
    scene.agent("reader").round()
    scene.agent("writer").round()
    assert scene.counts() == PRUNED
    scene.pass_seconds(60)
    return scene


def ordered_back(scene: Stage, name: str = "inn") -> None:
    """Guard said before that one workload's replica must come back."""
    (record,) = scene.diary.records()
    index = next(index for index, one in enumerate(record.plan.changes) if one.id.name == name)
    scene.diary.judge(record.id, [Judgement(index=index, verdict="Regrow", at=scene.now, why="errors")])


def samples(agent: Any, name: str) -> dict[str, float]:
    """One gauge by structure."""
    gauge = getattr(agent.voice.metrics, name)
    return {one.labels["structure"]: one.value for metric in gauge.collect() for one in metric.samples}


def raw(mode: str | None = None, **spec: Any) -> Mapping[str, Any]:
    """A policy object that cannot be read: a field of it is unknown."""
    body = {"scope": {"namespaces": {"include": ["village"]}}, "pace": {"rounds": "many"}, **spec}
    given = {"actuation": {"mode": mode}} if mode else {}
    return {
        "apiVersion": "microglia.dev/v1alpha1",
        "kind": "PruningPolicy",
        "metadata": {"name": "default"},
        "spec": {**body, **given},
    }


def test_a_deleted_policy_leaves_nobody_unwatched(caplog: pytest.LogCaptureFixture) -> None:
    """Its changes are judged, told in the log and counted; nothing more is taken, and the others have their laps."""
    scene = pruned()
    scene.policies = [OTHER]
    agent = scene.agent("writer")
    with caplog.at_level(logging.WARNING):
        agent.round()
    assert "policy default is gone: nothing more is taken under it, and 3 changes of it in force" in caplog.text
    assert "microglia restore --all" in caplog.text
    (record,) = scene.diary.records()
    assert {one.verdict for one in record.judgements} == {"Wait"}
    assert {one.index for one in record.judgements} == {0, 1, 2}
    assert samples(agent, "orphaned") == {"default": 3}
    assert samples(agent, "watched") == {"other": 0, "default": 3}
    assert scene.counts() == PRUNED


def test_what_hurts_under_a_deleted_policy_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, as an event and in the journal; then nothing of it is left to watch, and nothing is told any more."""
    scene = pruned()
    scene.policies = [OTHER]
    scene.cluster.advance(scene.now + timedelta(hours=9))
    rot(scene, monkeypatch)
    agent = scene.agent("writer")
    agent.round()
    assert scene.counts() == WHOLE
    assert scene.diary.records()[-1].plan.purpose == "regrow"
    reasons = {one["reason"] for one in scene.objects("Event") if one["regarding"]["name"] == "default"}
    assert {"Harm", "Regrown"} <= reasons
    agent.round()
    assert samples(agent, "orphaned") == {}
    assert scene.watchman("writer").found(scene.ruled()) == ()


def rot(scene: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is watched is silent for so long that it is given back."""
    honest = MemoryTraffic.activity

    def silent(self: MemoryTraffic, *words: Any) -> Any:
        found = honest(self, *words)
        seen = found.workloads.seen.copy()
        seen[:, -8:] = 0
        return replace(found, workloads=replace(found.workloads, seen=seen))

    monkeypatch.setattr(MemoryTraffic, "activity", silent)


def test_without_metrics_what_was_ordered_back_still_comes_back() -> None:
    """A deleted policy and a Prometheus that is down at the same time."""
    scene = pruned()
    ordered_back(scene)
    scene.policies = [OTHER]
    scene.traffic.down = "Prometheus does not answer"
    scene.agent("writer").round()
    assert scene.counts() == {**PRUNED, "inn": 6}


@pytest.mark.parametrize(("mode", "role"), [("auto", "writer"), ("approve", "writer"), ("propose", "reader")])
def test_a_policy_that_cannot_be_read_keeps_its_guard_and_its_mode(mode: str, role: Role) -> None:
    """What of it can be read still counts: the agent that would act guards, with the guard it was given."""
    scene = pruned()
    found = ruled([(raw(mode, guard={"watch": "9h"}), "")])
    roles: tuple[Role, ...] = ("reader", "writer")
    both = {one: scene.watchman(one).found(found) for one in roles}
    (known,) = both.pop(role)
    assert both.popitem()[1] == ()
    assert known.spec.guard.watch == timedelta(hours=9)
    told = scene.watchman(role).lap(known, found)
    assert "policy default cannot be read" in told.why_not
    assert len(told.verdicts) == 3


def test_sections_that_cannot_be_read_are_the_defaults_and_give_back() -> None:
    """A mode that is none may have acted."""
    scene = pruned()
    found = ruled([(raw("bold", guard={"watch": "soon"}), "")])
    (known,) = scene.watchman("writer").found(found)
    assert (known.spec.actuation.mode, known.spec.guard) == ("auto", policy().spec.guard)
    assert scene.watchman("writer").found(found.at_most("propose")) == ()
    (lesser,) = scene.watchman("reader").found(found.at_most("propose"))
    assert lesser.spec.actuation.mode == "propose"


def test_harm_under_a_broken_policy_is_in_its_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody acts, with the command that gives it back; nothing is written to the cluster or to the journal."""
    scene = pruned()
    scene.cluster.advance(scene.now + timedelta(hours=9))
    rot(scene, monkeypatch)
    broken = ruled([(raw("observe"), "")])
    agent = replace(scene.agent("reader"), policies=lambda: broken)
    (record,) = scene.diary.records()
    agent.round()
    harmed = scene.diary.condition("default", "Harmed")
    assert (harmed.status, harmed.reason) == ("True", "Regrow")
    assert f"mode observe never acts, so give it back by hand: microglia restore {record.id}" in harmed.message
    assert scene.diary.condition("default", "Accepted").status == "False"
    assert scene.diary.records() == (record,)
    assert scene.counts() == PRUNED


def test_the_built_in_policy_inherits_nothing() -> None:
    """The last policy was deleted: the built-in one of the same name only looks, and the writer guards on."""
    scene = pruned()
    found = ruled([])
    (known,) = scene.watchman("writer").found(found)
    assert (known.metadata.name, known.spec.actuation.mode) == ("default", "auto")
    assert scene.watchman("writer").found(found.at_most("observe")) == ()


def test_what_has_a_policy_is_no_orphan() -> None:
    """Nor what was given back."""
    scene = pruned()
    assert scene.watchman("writer").found(scene.ruled()) == ()
    gone = Ruled((OTHER,))
    assert [one.metadata.name for one in scene.watchman("writer").found(gone)] == ["default"]


def test_a_journal_that_cannot_be_read_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was known of orphans stays told until it can."""
    scene = pruned()
    scene.policies = [OTHER]
    agent = scene.agent("writer")
    agent.round()

    def unreadable() -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr(scene.diary, "records", unreadable)
    monkeypatch.setattr(scene.diary, "history", lambda name: unreadable())
    with caplog.at_level(logging.WARNING):
        agent.round()
    assert "whether cuts are left without a policy cannot be told: the disk is gone" in caplog.text
    assert samples(agent, "orphaned") == {"default": 3}


def test_a_guard_that_cannot_look_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """The lap of an orphan fails like any other: told, and tried again."""
    scene = pruned()
    scene.policies = [OTHER]
    agent = scene.agent("writer")

    class Blind:
        def found(self, ruled: Ruled) -> Any:
            return [policy()]

        def lap(self, *words: Any) -> Any:
            raise UnreadableError("the API server does not answer")

    agent.watchman = Blind()
    with caplog.at_level(logging.WARNING):
        agent.round()
    assert "the API server does not answer" in caplog.text
