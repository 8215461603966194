"""What holds of whole laps, whatever the mesh is."""

import random
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from microglia.cycle import Rehearsal
from microglia.model.ids import WorkloadId
from microglia.model.kinds import BY_NAME
from microglia.plan.change import ScaleChange
from microglia.plan.document import Plan
from microglia.policy.schema import PruningPolicy
from microglia.world.schema import World
from tests.properties import plain
from tests.properties.careful import careful
from tests.properties.eyes import Seen, Shuffled, turned
from tests.properties.playing import Play
from tests.properties.worlds import MARK, POLICIES, SPACE, called_by, host, least, meshes, pinned, policy, standing

pytestmark = pytest.mark.timeout(180)


def test_what_is_protected_is_never_selected() -> None:
    """No change of any lap touches what its description pins, goes below a floor, or hides a host that is called or
    protected; nor what the lap's own ledger holds."""
    seen: Counter[str] = Counter()

    @given(meshes(), POLICIES)
    @careful(50)
    def holds(world: World, rules: PruningPolicy) -> None:
        with TemporaryDirectory() as folder:
            for lap in Play(world, Path(folder)).laps(rules, 2):
                _unprotected(world, lap.rehearsal)
                seen.update(type(change).__name__ for change in lap.rehearsal.plan.changes)

    holds()
    assert seen["ScaleChange"] > 50
    assert seen["SidecarChange"] > 10


def _unprotected(world: World, rehearsal: Rehearsal) -> None:
    held, ledger = pinned(world), rehearsal.grounds.protections
    shut = {host(name) for name in held if f"{MARK}protect" in world.workloads[name].annotations}
    for name, count in rehearsal.plan.targets.items():
        replicas = rehearsal.grounds.topology.workloads[WorkloadId.parse(name)].replicas
        known = name.removeprefix("StatefulSet/")
        assert count >= min(replicas, least(world, known))
        # What an autoscaler owns has an aim as well, for its people.
        assert known not in held or world.workloads[known].hpa or count == replicas
    for change in rehearsal.plan.changes:
        if isinstance(change, ScaleChange):
            assert change.workload not in held
            assert change.after >= min(change.before, least(world, change.workload))
            assert change.after >= ledger.floor(change.id, change.before)
        else:
            assert host(change.workload) not in shut
            assert not set(change.cut) & (shut | called_by(world, change.workload))
            assert not any(ledger.of_route(change.id, one) for one in change.cut)


@given(meshes(), POLICIES, st.randoms(use_true_random=False))
@careful(20)
def test_the_order_of_the_input_does_not_matter(world: World, rules: PruningPolicy, dice: random.Random) -> None:
    """Objects listed and written in any order: the same plan, to the last digit of its digest. Workloads and
    containers told in any order: the same plan, but for the digest of what was read."""
    play = Play(world)
    plan = play.rehearse(rules).plan
    assert play.rehearse(rules, play.look(rules, Shuffled(play, dice))).plan.digest == plan.digest
    other = play.rehearse(rules, play.look(rules, traffic=Seen(play, lambda seen: turned(seen, dice)))).plan
    assert _unsigned(other) == _unsigned(plan)


def _unsigned(plan: Plan) -> str:
    return plan.model_copy(update={"snapshot_digest": ""}).digest


MEDDLING = st.lists(st.tuples(st.sampled_from(["raise", "remake", "own", "delete"]), st.integers(0, 6)), max_size=3)


def test_what_was_applied_and_restored_is_never_less() -> None:
    """After a restore no count is below the one from before the first lap, or what people made of it since; what was
    deleted, made anew or taken over is left to its people; no Sidecar of ours is left."""
    seen: Counter[str] = Counter()

    @given(meshes(), POLICIES, MEDDLING)
    @careful(40)
    def holds(world: World, rules: PruningPolicy, meddling: list[tuple[str, int]]) -> None:
        with TemporaryDirectory() as folder:
            play = Play(world, Path(folder))
            first = play.counts()
            records = [lap.record for lap in play.laps(rules, 2) if lap.record]
            touched = {name: how for how, number in meddling if (name := _meddle(play, how, number))}
            before = play.counts()
            if not records:
                return
            given_back = play.give_back(records[::-1])
            after = play.counts()
            for name, count in after.items():
                assert count >= before[name]
                assert count == before[name] if touched.get(name) in ("remake", "own") else count >= first[name]
            gone = first.keys() - after.keys()
            left = {raw["metadata"]["name"].removeprefix("microglia-") for raw in play.sidecars()}
            assert {f"{SPACE}/{name}" for name in left} <= gone
            assert given_back.whole or set(touched.values()) & {"remake", "own", "delete"}
            seen.update(given=sum(after[name] > before[name] for name in after))
            seen.update(touched.values())

    holds()
    assert seen["given"] > 20
    assert min(seen[how] for how in ("raise", "remake", "own", "delete")) > 1


def _meddle(play: Play, how: str, number: int) -> str:
    """A person does something to a Deployment; returns its name, empty where there is none."""
    name = f"{SPACE}/w{number}"
    raw, kind = play.deployment(name), BY_NAME["Deployment"]
    if raw is None:
        return ""
    if how == "raise":
        more = {"replicas": raw["spec"]["replicas"] + 2}
        play.cluster.edit(kind, SPACE, f"w{number}", lambda found: found["spec"].update(more))
    elif how == "own":
        mark = {"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:{name}"}
        play.cluster.edit(
            kind, SPACE, f"w{number}", lambda found: found["metadata"].setdefault("annotations", {}).update(mark)
        )
    else:
        play.cluster.delete(kind, raw)
    if how == "remake":
        kept = {key: raw["metadata"].get(key, {}) for key in ("name", "namespace", "labels", "annotations")}
        play.cluster.create(kind, {"metadata": kept, "spec": dict(raw["spec"])})
    return name


def test_no_failure_gets_worse_than_allowed() -> None:
    """After every applied lap, lose each zone, node, primary and its Service once: the survivors carry as much of the
    recorded peaks as those of the first structure did, or as need promises."""
    seen: Counter[str] = Counter()

    @given(meshes(), POLICIES)
    @example(standing(), policy(cpu={"spare": 0.0}))
    @careful(30)
    def holds(world: World, rules: PruningPolicy) -> None:
        with TemporaryDirectory() as folder:
            play = Play(world, Path(folder))
            first = plain.structure(play.cluster)
            for _ in range(3):
                (lap,) = play.laps(rules, 1)
                assert plain.worse(world, play.cluster, first, lap.rehearsal.grounds.topology.activity) == []
                seen.update(applied=lap.record is not None)

    holds()
    assert seen["applied"] > 20
