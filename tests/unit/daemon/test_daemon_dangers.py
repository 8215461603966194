"""What must not go wrong where several hands meet: people, the reader, the writer and the API server."""

import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from microglia.act.lease import Lease, Terms
from microglia.daemon.agent import REST
from microglia.daemon.events import Events, Happening
from microglia.daemon.leader import Election
from microglia.daemon.mirror import mirror, sweep, wanted
from microglia.daemon.policies import Ruled, ruled
from microglia.daemon.schedule import Schedule
from microglia.lifecycle.states import Phase, Shield, State
from microglia.model.ports import ForbiddenError, UnreadableError
from microglia.plan.history import Step
from tests.unit.daemon.stage import Hand, Stage, policy, stage

WHOLE = {"istiod": 2, "gate": 6, "inn": 6, "mill": 6}


def document(name: str, **spec: Any) -> dict[str, Any]:
    """A PruningPolicy as somebody wrote it."""
    return {
        "apiVersion": "microglia.dev/v1alpha1",
        "kind": "PruningPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def lap(scene: Stage, role: str = "reader") -> Any:
    """One lap of the first policy."""
    duty = scene.reader() if role == "reader" else scene.writer()
    return duty.lap(scene.policies[0], scene.ruled())


def while_looking(scene: Stage, happens: Callable[[], object]) -> None:
    """``happens`` whenever somebody asks for the metrics."""
    traffic: Any = scene.traffic
    seeing = traffic.activity

    def meanwhile(*words: Any) -> Any:
        happens()
        return seeing(*words)

    traffic.activity = meanwhile


def test_the_reader_closes_nobodys_record() -> None:
    """In mode propose a person may be writing: what looks interrupted is not settled under their hands."""
    scene = stage(policies=[policy("auto")])
    plan = lap(scene).rehearsal.plan
    scene.diary.begin(plan, scene.now)
    scene.diary.step(plan.id, Step(index=0, state="writing", at=scene.now))
    scene.policies = [policy("propose")]
    lap(scene)
    record = scene.diary.book[plan.id]
    assert record.finished is None
    assert [step.state for step in record.steps] == ["writing", *["pending"] * (len(plan.changes) - 1)]


@pytest.mark.parametrize("mode", ["observe", "propose"])
def test_the_reader_overwrites_nobodys_memory(mode: str) -> None:
    """A person acted while it looked: the shield that they got out of it stays."""
    scene = stage(policies=[policy(mode)])
    shield = Shield("replica:village/inn", scene.now, "it hurt")
    acted = State("default", Phase.PRUNING, scene.now, round=1, shields=(shield,))
    while_looking(scene, lambda: scene.diary.save(acted))
    lap(scene)
    assert scene.diary.states["default"] == acted


@pytest.mark.parametrize("mode", ["observe", "propose", "approve"])
def test_a_policy_is_a_brake_while_the_writer_looks(mode: str) -> None:
    """Whoever changes the mode during a long look stops the plan that was about to run."""
    scene = stage()
    before = scene.ruled()
    scene.reader().lap(scene.policies[0], before)
    while_looking(scene, lambda: setattr(scene, "policies", [policy(mode)]))
    told = scene.writer().lap(policy("auto"), before)
    assert told.record is None
    assert told.why_not == "a policy was changed meanwhile; the next lap looks anew"
    assert scene.counts() == WHOLE


def test_a_policy_is_a_brake_in_the_middle_of_a_plan() -> None:
    """The write under way is the last one; what is done is in the record, the rest was not begun."""
    scene = stage()
    lap(scene)
    cluster: Any = scene.cluster
    scaling = cluster.scale

    def scale(*asked: Any) -> Any:
        scene.policies = [policy("observe")]
        return scaling(*asked)

    cluster.scale = scale
    told = lap(scene, "writer")
    assert [step.state for step in told.record.steps] == ["done", "skipped", "skipped"]
    assert told.record.steps[1].message == "a policy was changed meanwhile; the next lap looks anew"
    assert sorted(scene.counts().values()) == [2, 5, 6, 6]


@pytest.mark.parametrize("error", [UnreadableError("down"), ForbiddenError("no"), OSError("disk")])
def test_without_the_policies_nothing_is_taken(error: Exception) -> None:
    """Whether the brake was pulled cannot be known."""
    scene = stage()
    before = scene.ruled()
    scene.reader().lap(scene.policies[0], before)
    writer = scene.writer()

    def unread() -> Ruled:
        raise error

    told = type(writer)(writer.world, writer.offers, unread, writer.locked, writer.stop, writer.clock, writer.say).lap(
        policy("auto"), before
    )
    assert told.why_not == f"whether the policies still say so cannot be read: {error}"
    assert scene.counts() == WHOLE


def test_labels_of_a_policy_are_no_brake() -> None:
    """Somebody who annotates a policy changes nothing of what it says."""
    plain, marked = policy(), policy().model_copy(update={"metadata": policy("auto", "default").metadata})
    marked = marked.model_copy(update={"metadata": marked.metadata.model_copy(update={"labels": {"a": "b"}})})
    assert Ruled((plain,)).says == Ruled((marked,)).says
    assert Ruled((plain,)).says != Ruled((plain,), paused="x").says


def test_floors_stay_while_a_policy_cannot_be_read() -> None:
    """It may be there still: its floors are nobody's leftovers."""
    scene = stage()
    scene.reader().lap(scene.policies[0], scene.ruled())
    held = len(scene.objects("Protection"))
    scene.reader().tidy(Ruled((), paused="a file cannot be read"))
    assert len(scene.objects("Protection")) == held > 0


def test_one_refused_floor_does_not_cost_the_others_theirs() -> None:
    """A namespace that is going away takes no new object: the rest is mirrored, and the refusal is told."""
    scene = stage()
    refused: list[str] = []

    def forbid(number: int, what: str) -> None:
        if not refused:
            refused.append(what)
            raise ForbiddenError("namespace is being terminated")

    scene.cluster.before_write = forbid
    with pytest.raises(ForbiddenError, match="being terminated"):
        lap(scene)
    assert len(scene.objects("Protection")) == 2


def test_two_long_names_do_not_share_their_floors() -> None:
    """A label holds 63 characters; what it cannot hold tells the names apart all the same, and stays."""
    first, second = ("a-policy-of-a-very-long-name-" * 3 + end for end in ("one", "two"))
    scene = stage(policies=[policy("auto", first)])
    bodies = wanted(lap(scene).rehearsal)
    assert len(scene.objects("Protection")) == len(bodies) > 0
    assert mirror(scene.cluster, scene.cluster, first, bodies) == 0
    assert mirror(scene.cluster, scene.cluster, second, {}) == 0
    assert sweep(scene.cluster, scene.cluster, [first, second]) == 0
    assert sweep(scene.cluster, scene.cluster, [second]) == len(bodies)


def test_of_one_name_twice_nobody_inherits_the_workloads() -> None:
    """Both scopes stay claimed, in either order, whatever is wrong with one of them."""
    east = document("shop", scope={"namespaces": {"include": ["east"]}})
    west = document("shop", scope={"namespaces": {"include": ["west"]}})
    odd = document("shop", scope={"namespaces": {"include": ["west"]}}, pace={"rounds": "x"})
    for pair in ((east, west), (east, odd), (odd, east)):
        found = ruled([(one, "") for one in pair])
        assert found.sound == ()
        claimed = {name for one in found.policies for name in one.spec.scope.namespaces.include}
        assert claimed == {"east", "west"}


@pytest.mark.parametrize("spec", [{"scop": {"namespaces": {"include": ["pay"]}}}, "all of it", ["x"]])
def test_a_misspelt_scope_is_no_wide_one(spec: Any) -> None:
    """Which workloads it meant is not known, so nobody may take any."""
    odd = {**document("pay"), "spec": spec}
    found = ruled([(odd, ""), (document("wide", scope={"namespaces": {"include": ["p*"]}}), "")])
    assert found.paused.startswith("PruningPolicy pay cannot be read (")


@pytest.mark.parametrize("spec", [{"pace": {"rounds": "x"}}, {"budgett": {}}])
def test_a_broken_policy_for_everything_claims_everything(spec: dict[str, Any]) -> None:
    """Without a scope, and with no word that looks like one, it is the widest: nobody else is stopped."""
    found = ruled([(document("odd", **spec), "")])
    assert found.paused == ""
    assert [one.spec.scope.namespaces.include for one in found.policies] == [("*",)]


def rounds(rings: int, pause: float = 60.0) -> list[float]:
    """The pauses between rounds each of which rings for the next, ``rings`` times."""
    scene = stage(policies=[policy("observe")])
    agent, hand = scene.agent("reader"), Hand(scene)
    starts: list[float] = []

    def after(found: Ruled) -> None:
        starts.append(scene.now.timestamp())
        if len(starts) <= rings:
            hand.ring("pruningplans plan-1 changed")
        else:
            scene.stopping = "stopped by SIGTERM"

    agent.after = after
    agent.duty = type("Idle", (), {"lap": lambda self, *words: (_ for _ in ()).throw(OSError("nothing"))})()
    lease = Lease(scene.cluster, "default", "ann", lambda: scene.now, Terms(9e3, 9e3, 1.0, "microglia-reader"))
    election = Election(lease, scene.time, Hand(scene), agent.pulse, lambda: scene.stopping)
    agent.run(election, Schedule(pause, 0.0, lambda: 0.5), hand)
    return [later - earlier for earlier, later in pairwise(starts)]


def test_rounds_that_ring_for_the_next_are_no_storm() -> None:
    """The first ring is answered at once, each further one in a row later, at most after the usual pause."""
    assert rounds(6) == [0, REST, 2 * REST, 4 * REST, 8 * REST, 60]


def test_a_rest_ends_when_told_to_stop() -> None:
    """SIGTERM waits for no rest."""
    scene = stage(policies=[policy("observe")])
    agent, hand = scene.agent("reader"), Hand(scene)
    hand.ring("pruningplans plan-1 changed")
    hand.meanwhile = lambda: setattr(scene, "stopping", "stopped by SIGTERM")
    lease = Lease(scene.cluster, "default", "ann", lambda: scene.now, Terms(name="microglia-reader"))
    election = Election(lease, scene.time, Hand(scene), agent.pulse, lambda: scene.stopping)
    with election.won() as held:
        assert held is not None
        assert agent._rest(held, 60.0, hand, 3) == 4
    assert hand.waited == [60.0, 4 * REST]


def test_a_series_whose_event_was_not_written_begins_anew(caplog: pytest.LogCaptureFixture) -> None:
    """Refused once is not refused for ever: the next time it is written as a new one."""
    scene = stage()

    def forbid(number: int, what: str) -> None:
        raise ForbiddenError("events is forbidden")

    events = Events(scene.cluster, "reader", "pod-1", lambda: scene.now)
    scene.cluster.before_write = forbid
    with caplog.at_level(logging.WARNING):
        events.tell({"name": "default"}, Happening("Offered", "Plan", "one"))
    assert scene.objects("Event") == []
    scene.cluster.before_write = None
    events.tell({"name": "default"}, Happening("Offered", "Plan", "one"))
    assert [found["note"] for found in scene.objects("Event")] == ["one"]


def test_no_policy_gets_more_than_the_agent_was_installed_for() -> None:
    """Each mode is cut down to the agent's own; what may do less stays so, and nothing else of a policy moves."""
    modes = ("observe", "propose", "approve", "auto")
    told = {most: [Ruled((policy(one),)).at_most(most).policies[0] for one in modes] for most in modes}
    assert [one.spec.actuation.mode for one in told["observe"]] == ["observe"] * 4
    assert [one.spec.actuation.mode for one in told["approve"]] == ["observe", "propose", "approve", "approve"]
    assert told["auto"] == [policy(one) for one in modes]
    assert told["propose"][3] == policy("propose")
