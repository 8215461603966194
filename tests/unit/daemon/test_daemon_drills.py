"""Bad days: the leader is killed, a release is bad, or there is only noise."""

import gc
import random
import resource
import threading
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from microglia.act.lease import Lease, Terms
from microglia.daemon.leader import Election
from microglia.daemon.schedule import Schedule
from microglia.daemon.told import Told
from microglia.model.kinds import BY_NAME
from microglia.model.ports import ForbiddenError
from microglia.plan.history import Record
from microglia.world.record import Trouble
from tests.unit.daemon.stage import Fate, Hand, Killed, Stage, policy, stage

DEPLOYMENT = BY_NAME["Deployment"]
BEFORE = {"istiod": 2, "gate": 6, "inn": 6, "mill": 6}
AFTER = {"istiod": 2, "gate": 5, "inn": 5, "mill": 5}
WRITES = frozenset({
    "begin", "step", "finish", "judge", "save", "scale", "annotate_pod", "create", "replace", "delete", "read", "pods",
})  # fmt: skip
"""Calls at which a process may die: everything that writes, the lease too, and every look right before a write."""


def ready() -> Stage:
    """A plan is up, and nothing was done yet."""
    scene = stage()
    scene.reader().lap(scene.policies[0], scene.ruled())
    return scene


def lead(scene: Stage, who: str, fate: Fate | None = None) -> None:
    """A writer's process: it stands for election, leads for one round, and is then told to stop."""
    scene.stopping = None
    cluster, _ = scene.mortal(fate)
    standing, leading = Hand(scene), Hand(scene)
    leading.meanwhile = lambda: setattr(scene, "stopping", "stopped by SIGTERM")
    lease = Lease(cluster, "default", who, lambda: scene.now, Terms(name="microglia-writer"))
    agent = scene.agent("writer", fate)
    election = Election(lease, scene.time, standing, agent.pulse, lambda: scene.stopping)
    agent.run(election, Schedule(1.0, 0.0, lambda: 0.5), leading)


@pytest.fixture(scope="module")
def calls() -> int:
    """How many places to die in the whole life of a leader has."""
    scene, fate = ready(), Fate(counted=WRITES)
    lead(scene, "ann", fate)
    assert scene.counts() == AFTER
    return fate.calls


def as_planned_or_as_before(scene: Stage, record: Record | None) -> None:
    """Every count is one of the two, and the journal knows which."""
    done = {record.plan.changes[index].id.name for index in record.done()} if record else set()
    counts = scene.counts()
    assert counts == {name: AFTER[name] if name in done else BEFORE[name] for name in BEFORE}
    if record is not None:
        assert record.finished is not None
        assert {step.state for step in record.steps} <= {"done", "failed", "skipped"}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("part", range(9))
def test_a_killed_leader_leaves_nothing_half_done(calls: int, part: int) -> None:
    """Killed at ten drawn points: the other one waits until the lease is dead, leads, and settles what was begun; every
    object is as planned or as before, and the journal agrees."""
    draw = random.Random(part)
    first = ready()
    for _ in range(10):
        scene = deepcopy(first)
        with pytest.raises(Killed):
            lead(scene, "ann", Fate(left=draw.randrange(calls), counted=WRITES))
        begun = scene.diary.records()
        if not begun:
            # Nobody was asked yet; a second leader must not carry on from where nothing was begun.
            scene.policies = [policy("approve")]
        lead(scene, "bob")
        assert len(scene.diary.records()) == len(begun)
        as_planned_or_as_before(scene, scene.diary.records()[0] if begun else None)


def test_two_leaders_at_once_do_no_harm() -> None:
    """A second writer that believes it leads, too, meets the preconditions of every write: no count is passed twice."""
    scene = ready()
    second = deepcopy(scene.diary)
    twin = Stage(scene.cluster, scene.traffic, second, scene.policies)
    told: list[Told] = []

    def meanwhile(number: int, what: str) -> None:
        if what.startswith("scale") and not told:
            scene.cluster.before_write = None
            told.append(twin.writer().lap(twin.policies[0], twin.ruled()))

    scene.cluster.before_write = meanwhile
    scene.writer().lap(scene.policies[0], scene.ruled())
    assert told
    assert all(AFTER[name] <= count <= BEFORE[name] for name, count in scene.counts().items())


def undone(scene: Stage) -> list[Record]:
    """Plans that gave back."""
    return [record for record in scene.diary.records() if record.plan.purpose == "regrow"]


def strike(scene: Stage) -> datetime:
    """From the second full hour after now on, for two days, the inn does not serve; when that begins."""
    bad = (scene.now + timedelta(hours=2)).replace(minute=0, second=0)
    scene.cluster.strike(Trouble("workload", "village/inn", bad.timestamp(), (bad + timedelta(days=2)).timestamp()))
    return bad


@pytest.mark.timeout(60)
def test_a_bad_release_is_undone_within_one_watch_interval() -> None:
    """During the watch a touched workload begins to fail: its count comes back, it is shielded, the round steps back,
    events and metrics say so."""
    scene = ready()
    writer = scene.agent("writer")
    writer.round()
    assert scene.counts() == AFTER
    bad, every = strike(scene), timedelta(minutes=20)
    scene.cluster.advance(bad)
    while not undone(scene):
        assert scene.now < bad + scene.policies[0].spec.guard.watch + every, "one watch interval has passed"
        writer.round()
        scene.pass_seconds(every.total_seconds())
    assert scene.counts()["inn"] == BEFORE["inn"]
    state = scene.diary.states["default"]
    assert "village/inn" in {shield.element for shield in state.shields}
    assert state.why == "something hurt: the round steps back"
    assert {"Harm", "Regrown"} <= {found["reason"] for found in scene.objects("Event")}
    harmed = scene.diary.condition("default", "Harmed")
    assert (harmed.status, harmed.reason) == ("True", "Regrow")
    assert "hurt and must come back" in scene.diary.said["default"]
    metrics = writer.voice.metrics
    back = len(undone(scene)[0].plan.changes)
    assert metrics.regrown.labels("default", "scale")._value.get() == back
    assert metrics.harms.labels("default", "scale")._value.get() == back
    writer.round()
    assert metrics.harms.labels("default", "scale")._value.get() == back
    assert scene.diary.condition("default", "Harmed").status == "False"


def test_harm_that_cannot_be_given_back_is_told_every_time_and_counted_once() -> None:
    """The API server refuses the write: the order stands, the next lap tries again."""
    scene = ready()
    writer = scene.agent("writer")
    writer.round()
    scene.cluster.advance(strike(scene) + timedelta(hours=3))

    def forbid(number: int, what: str) -> None:
        if what.startswith("scale"):
            raise ForbiddenError("deployments/scale is forbidden")

    scene.cluster.before_write = forbid
    writer.round()
    counted = writer.voice.metrics.harms.labels("default", "scale")._value.get()
    assert counted >= 1
    scene.pass_seconds(600)
    writer.round()
    assert writer.voice.metrics.harms.labels("default", "scale")._value.get() == counted
    assert scene.counts() == AFTER
    acting = scene.diary.condition("default", "Acting")
    assert (acting.status, acting.reason) == ("False", "Failed")
    scene.cluster.before_write = None
    scene.pass_seconds(600)
    writer.round()
    assert scene.counts()["inn"] == BEFORE["inn"]


def test_a_mode_that_only_looks_says_how_to_give_back_by_hand() -> None:
    """Somebody set the mode back while a prune was under watch: the harm is seen and told, and nothing is written."""
    scene = ready()
    scene.agent("writer").round()
    (record,) = scene.diary.records()
    scene.policies = [policy("propose")]
    scene.cluster.advance(strike(scene) + timedelta(hours=3))
    reader = scene.agent("reader")
    reader.round()
    scene.agent("writer").round()
    assert scene.counts() == AFTER
    harmed = scene.diary.condition("default", "Harmed")
    assert harmed.status == "True"
    assert harmed.message.endswith(f"mode propose never acts, so give it back by hand: microglia restore {record.id}")
    assert "Harm" in {found["reason"] for found in scene.objects("Event")}
    assert {one.verdict for one in scene.diary.records()[0].judgements} >= {"Regrow"}


def resident() -> int:
    """Bytes of memory that this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.timeout(180)
def test_memory_threads_and_files_stay_flat() -> None:
    """Forty hours in a world that people change, a lap every ten minutes: nothing grows by more than a twentieth."""
    scene, draw = stage(), random.Random(3)
    reader, writer = scene.agent("reader"), scene.agent("writer")
    before = None
    for number in range(240):
        (reader if number % 2 == 0 else writer).round()
        scene.pass_seconds(600)
        if number % 30 == 29:
            name, count = draw.choice(["inn", "mill", "gate"]), draw.randint(4, 7)
            scene.cluster.edit(DEPLOYMENT, "village", name, lambda raw, n=count: raw["spec"].update(replicas=n))
        if number == 60:
            before = resident(), threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    assert before is not None
    assert resident() < 1.05 * before[0]
    assert (threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))) == before[1:]
