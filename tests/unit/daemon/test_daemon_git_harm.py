"""What was merged and hurts: nobody writes what Git owns, so its inverse is offered for Git, and people are told."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from microglia.act.gitops.files import Hints
from microglia.act.gitops.git import Repository
from microglia.act.gitops.proposing import Place, note, propose
from microglia.cycle import Case, look, past, rehearse, remember
from microglia.daemon.agent import Agent
from microglia.daemon.policies import Ruled
from microglia.daemon.telling import conditions, saying
from microglia.model.kinds import BY_NAME
from microglia.plan.document import Plan
from microglia.plan.history import Record
from microglia.plan.standing import standing
from microglia.verify.clear import Proposable
from microglia.world.record import Trouble
from tests.unit.act.checkouts import checkout, contents_of, git
from tests.unit.daemon.stage import Stage
from tests.unit.daemon.test_daemon_delivery import command, names, up, village

NAMES = ("gate", "inn", "mill")
HOUR = 3600


def manifest(name: str) -> str:
    return f"kind: Deployment\nmetadata:\n  name: {name}\n  namespace: village\nspec:\n  replicas: 6   # as ever\n"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    """Where the village is written down."""
    return checkout(tmp_path / "repo", {f"{name}.yaml": manifest(name) for name in NAMES})


def counts(repo: Repository) -> dict[str, int]:
    """What Git says."""
    return {name: contents_of((repo.root / f"{name}.yaml").read_text())["spec"]["replicas"] for name in NAMES}


def proposing(scene: Stage, repo: Repository, plan: Plan) -> Path:
    """``microglia propose PLAN``; returns the folder with the patches."""
    world, now, policy = scene.world(), scene.now, scene.policies[0]
    history = past(world, "default", now)
    case = Case(policy, now, given=plan, way="git")
    result = rehearse(lambda: look(world, policy, now, (), history), history, scene.policies, case)
    remember(result, scene.diary, now)
    assert isinstance(result.checked, Proposable), result.checked
    folder = repo.root.parent / result.plan.id
    target = Place(repo, f"microglia/{result.plan.id}", folder, Hints())
    outcome = propose(result.checked, result.grounds.topology, target, "EUR")
    note(result.checked, outcome, scene.diary, now)
    return folder


def merge(scene: Stage, repo: Repository, plan: Record) -> None:
    """Somebody merges it, and Argo CD delivers what Git says."""
    git(repo.root, "merge", "-q", "--ff-only", f"microglia/{plan.id}")
    for name, count in counts(repo).items():

        def deliver(raw: dict[str, Any], count: int = count) -> None:
            raw["spec"]["replicas"] = count

        scene.cluster.edit(BY_NAME["Deployment"], "village", name, deliver)
    scene.pass_seconds(600)


def strike(scene: Stage) -> datetime:
    """From the second full hour on, for two days, the inn does not serve."""
    bad = (scene.now + timedelta(hours=2)).replace(minute=0, second=0)
    scene.cluster.strike(Trouble("workload", "village/inn", bad.timestamp(), (bad + timedelta(days=2)).timestamp()))
    return bad


def newest(scene: Stage) -> Record:
    return scene.diary.records()[-1]


def owed(agent: Agent) -> float:
    found: float = agent.voice.metrics.owed.labels("default")._value.get()
    return found


def events(scene: Stage, reason: str) -> list[str]:
    return [one["note"] for one in scene.objects("Event") if one["reason"] == reason]


def merged_and_hurt(repo: Repository, mode: str) -> tuple[Stage, Agent]:
    """Proposed, merged, rolled out, recognised; then the inn fails, and three hours are read."""
    scene = village(mode, *NAMES)
    reader = scene.agent("reader")
    reader.round()
    proposing(scene, repo, up(scene)["git"])
    merge(scene, repo, newest(scene))
    agents = [reader] if mode == "propose" else [scene.agent("writer"), reader]
    for agent in agents:
        agent.round()
    assert {step.state for step in newest(scene).steps} == {"done"}
    assert all(step.message.startswith("by Git: it has ") for step in newest(scene).steps)
    assert (owed(reader), events(scene, "GitMustChange")) == (0.0, [])
    scene.cluster.advance(strike(scene) + timedelta(hours=3))
    for agent in agents:
        agent.round()
    return scene, reader


def test_harm_after_a_merge_goes_back_the_way_it_came(repo: Repository) -> None:
    """From the verdict to the second merge: offered, told by every channel, shielded, proposed with a text of its own,
    waited for, recognised, and settled."""
    scene, reader = merged_and_hurt(repo, "propose")
    pruned, before = newest(scene), scene.counts()
    assert counts(repo)["inn"] < 6
    plan = up(scene)["git"]
    assert (plan.purpose, plan.way) == ("regrow", "git")
    assert "inn" in names(plan)
    assert all(change.widens for change in plan.changes)
    assert {change.id.name: change.after for change in plan.changes}["inn"] == 6
    said = f"only Git can give it back, now: {command(plan)}"
    assert scene.diary.said["default"].endswith(said)
    harmed = scene.diary.condition("default", "Harmed")
    assert (harmed.status, harmed.reason) == ("True", "Regrow")
    assert harmed.message.endswith(said)
    assert "microglia restore" not in harmed.message
    assert events(scene, "Harm")
    assert all(told.endswith(said) for told in events(scene, "GitMustChange"))
    assert owed(reader) == len(plan.changes)
    assert "village/inn" in {shield.element for shield in scene.diary.states["default"].shields}
    assert scene.counts() == before

    folder = proposing(scene, repo, plan)
    text = (folder / "pull-request.md").read_text()
    assert text.startswith("# Give back ")
    assert "village/inn: 5 -> 6 replicas" in text
    assert "## Harm" in text
    assert "can be merged at once" in text
    assert pruned.verdict(names(pruned.plan).index("inn")) is not None
    scene.pass_seconds(600)
    reader.round()
    assert "git" not in up(scene)
    assert scene.diary.said["default"].endswith("merge what was proposed, or revert the commit that took it, now")
    assert owed(reader) == len(plan.changes)

    merge(scene, repo, newest(scene))
    assert counts(repo)["inn"] == scene.counts()["inn"] == 6
    reader.round()
    assert [step.message for step in newest(scene).steps] == ["by Git: it has 6 replicas"] * len(plan.changes)
    history = scene.diary.history("default")
    assert "replica:village/inn" not in {one.change.element for one in standing(history)}
    assert owed(reader) == 0.0
    assert scene.diary.condition("default", "Harmed").status == "False"
    assert "village/inn" in {shield.element for shield in scene.diary.states["default"].shields}
    assert "inn" not in [name for one in up(scene).values() for name in names(one)]


def test_the_order_outlives_the_harm(repo: Repository) -> None:
    """A merge takes its time: while the shield lasts, and it is not back, nothing else is asked of Git, and it is
    still said to be owed where this lap saw no harm."""
    scene, reader = merged_and_hurt(repo, "propose")
    first = up(scene)["git"]
    scene.cluster.advance(scene.now + timedelta(days=3))
    reader.round()
    plan = up(scene)["git"]
    assert plan.purpose == "regrow"
    assert "inn" in names(plan)
    assert set(names(plan)) >= set(names(first))
    assert owed(reader) >= 1.0
    assert scene.diary.condition("default", "Harmed").status == "True"
    told = scene.reader().lap(scene.policies[0], scene.ruled())
    assert told.rehearsal is not None
    calm = replace(told, rehearsal=replace(told.rehearsal, verdicts=()))
    (harmed,) = (one for one in conditions(calm) if one.type == "Harmed")
    assert (harmed.status, harmed.reason) == ("True", "Owed")
    assert harmed.message.endswith(command(plan))
    assert saying(calm).endswith(command(plan))


@pytest.mark.parametrize("mode", ["approve", "auto"])
def test_a_writer_leaves_it_to_git_and_says_so(repo: Repository, mode: str) -> None:
    """It writes nothing; the reader's offer is what both of them point to."""
    scene, reader = merged_and_hurt(repo, mode)
    before, writer = scene.counts(), scene.agent("writer")
    plan = up(scene)["git"]
    assert plan.purpose == "regrow"
    scene.pass_seconds(600)
    writer.round()
    assert scene.counts() == before
    harmed = scene.diary.condition("default", "Harmed")
    assert harmed.message.endswith(command(plan))
    assert scene.diary.said["default"].endswith(command(plan))
    assert owed(reader) == len(plan.changes)
    assert [record.plan.purpose for record in scene.diary.records()] == ["prune"]


def test_a_pause_of_the_policies_holds_no_giving_back_up(repo: Repository) -> None:
    """A policy that cannot be read stops what takes, not what gives back."""
    scene, _ = merged_and_hurt(repo, "propose")
    plan = up(scene)["git"]
    scene.diary.withdraw(plan.id)
    told = scene.reader().lap(scene.policies[0], Ruled(tuple(scene.policies), paused="a policy cannot be read"))
    assert up(scene)["git"].purpose == "regrow"
    assert told.proposed == up(scene)["git"].id


def test_a_person_may_refuse_to_give_back(repo: Repository) -> None:
    """What was rejected is not put up again, and the words do not name it any more."""
    scene, reader = merged_and_hurt(repo, "propose")
    plan = up(scene)["git"]
    scene.diary.reject(plan.id, "ann", "it was the release")
    scene.pass_seconds(600)
    reader.round()
    assert plan.id not in scene.diary.said["default"]
    assert owed(reader) == len(plan.changes)


def test_a_new_proposal_gives_back_first(repo: Repository) -> None:
    """``microglia propose`` without a plan: while something is owed, and though the harm has paused, it is that; once
    all of it waits for a merge, there is nothing to propose."""
    scene, _ = merged_and_hurt(repo, "propose")
    scene.cluster.advance(scene.now + timedelta(days=3))
    world, policy = scene.world(), scene.policies[0]

    def anew() -> Plan:
        history = past(world, "default", scene.now)
        case = Case(policy, scene.now, way="git")
        return rehearse(lambda: look(world, policy, scene.now, (), history), history, scene.policies, case).plan

    plan = anew()
    assert (plan.purpose, plan.way) == ("regrow", "git")
    assert "inn" in names(plan)
    proposing(scene, repo, plan)
    assert anew().changes == ()
