"""What holds of whole laps, whatever the mesh is."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from microglia.compete.selection import Element, Selection
from microglia.cycle import Rehearsal
from microglia.model.activity import Activity, ContainerActivity, WorkloadActivity
from microglia.model.ids import WorkloadId
from microglia.model.kinds import BY_NAME, KINDS, Kind
from microglia.model.objects import Raw
from microglia.model.ports import ClusterFacts
from microglia.model.snapshot import Source
from microglia.model.window import Window
from microglia.plan.change import ScaleChange
from microglia.plan.document import Plan
from microglia.policy.schema import RESOURCES as ALL
from microglia.policy.schema import PruningPolicy
from microglia.verify.clear import Cleared
from microglia.world.schema import World
from tests.properties import plain
from tests.properties.playing import Play
from tests.properties.worlds import MARK, POLICIES, RESOURCES, SPACE, called_by, host, least, meshes, pinned, policy

pytestmark = pytest.mark.timeout(120)


def careful(examples: int) -> settings:
    """The same meshes in every run. A mesh is small as it is: to shrink one would play thousands of laps."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
    )


def test_what_is_protected_is_never_selected() -> None:
    """No change of any lap touches what its description pins, goes below a floor, or hides a host that is called or
    protected; nor what the lap's own ledger holds."""
    seen: Counter[str] = Counter()

    @given(meshes(), POLICIES)
    @careful(80)
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


class Shuffled:
    """The same cluster, that lists its objects and writes their fields in any order."""

    def __init__(self, play: Play, dice: random.Random) -> None:
        self._cluster = play.cluster
        self._dice = dice

    def facts(self) -> ClusterFacts:
        return self._cluster.facts()

    def objects(self, kind: Kind) -> Sequence[Raw]:
        found = [self._mixed(raw) for raw in self._cluster.objects(kind)]
        self._dice.shuffle(found)
        return found

    def _mixed(self, value: Any) -> Any:
        if isinstance(value, dict):
            keys = list(value)
            self._dice.shuffle(keys)
            return {key: self._mixed(value[key]) for key in keys}
        return [self._mixed(item) for item in value] if isinstance(value, list) else value


class Seen:
    """The same metrics, looked at through ``eyes``."""

    def __init__(self, play: Play, eyes: Callable[[Activity], Activity]) -> None:
        self._traffic = play.traffic
        self._eyes = eyes

    def describe(self, facts: ClusterFacts, now: datetime) -> Source:
        return self._traffic.describe(facts, now)

    def activity(self, objects: Mapping[str, Sequence[Raw]], window: Window, now: datetime) -> Activity:
        return self._eyes(self._traffic.activity(objects, window, now))


@given(meshes(), POLICIES, st.randoms(use_true_random=False))
@careful(20)
def test_the_order_of_the_input_does_not_matter(world: World, rules: PruningPolicy, dice: random.Random) -> None:
    """Objects listed and written in any order: the same plan, to the last digit of its digest. Workloads and
    containers told in any order: the same plan, but for the digest of what was read."""
    play = Play(world)
    plan = play.rehearse(rules).plan
    assert play.rehearse(rules, play.look(rules, Shuffled(play, dice))).plan.digest == plan.digest
    turned = play.rehearse(rules, play.look(rules, traffic=Seen(play, lambda seen: _turned(seen, dice)))).plan
    assert _unsigned(turned) == _unsigned(plan)


def _unsigned(plan: Plan) -> str:
    return plan.model_copy(update={"snapshot_digest": ""}).digest


def _turned(activity: Activity, dice: random.Random) -> Activity:
    workloads, containers = activity.workloads, activity.containers
    order, rows = list(range(len(workloads.keys))), list(range(len(containers.keys)))
    dice.shuffle(order)
    dice.shuffle(rows)
    arrays = {
        field.name: value[order]
        for field in fields(WorkloadActivity)
        if isinstance(value := getattr(workloads, field.name), np.ndarray)
    }
    hosts = list(activity.hosts.items())
    dice.shuffle(hosts)
    return replace(
        activity,
        workloads=replace(workloads, keys=tuple(workloads.keys[row] for row in order), **arrays),
        containers=ContainerActivity(tuple(containers.keys[row] for row in rows), containers.cpu[rows]),
        hosts=dict(hosts),
    )


MEDDLING = st.lists(st.tuples(st.sampled_from(["raise", "remake", "own", "delete"]), st.integers(0, 6)), max_size=3)


def test_what_was_applied_and_restored_is_never_less() -> None:
    """After a restore no count is below the one from before the first lap, or what people made of it since; what was
    deleted, made anew or taken over is left to its people; no Sidecar of ours is left."""
    seen: Counter[str] = Counter()

    @given(meshes(), POLICIES, MEDDLING)
    @careful(70)
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
    assert seen["given"] > 40
    assert min(seen[how] for how in ("raise", "remake", "own", "delete")) > 2


def _meddle(play: Play, how: str, number: int) -> str:
    """A person does something to a Deployment; returns its name, empty where there is none."""
    name = f"{SPACE}/w{number}"
    raw, kind = play.deployment(name), BY_NAME["Deployment"]
    if raw is None:
        return ""
    if how == "raise":
        play.cluster.edit(
            kind, *name.split("/"), lambda found: found["spec"].update(replicas=raw["spec"]["replicas"] + 2)
        )
    elif how == "own":
        mark = {"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:{name}"}
        play.cluster.edit(
            kind, *name.split("/"), lambda found: found["metadata"].setdefault("annotations", {}).update(mark)
        )
    else:
        play.cluster.delete(kind, raw)
    if how == "remake":
        kept = {key: raw["metadata"].get(key, {}) for key in ("name", "namespace", "labels", "annotations")}
        play.cluster.create(kind, {"metadata": kept, "spec": dict(raw["spec"])})
    return name


TWO = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(meshes(), st.sampled_from([*RESOURCES, "replicas"]), TWO, st.sampled_from(["spare", "limit"]))
@careful(80)
def test_a_smaller_budget_never_keeps_a_larger_cost(
    world: World, resource: str, shares: Sequence[float], how: str
) -> None:
    """With one scarce resource, less of it keeps no more of it, be it a share to spare or a limit."""
    play = Play(world)
    topology = play.look(policy())
    kept = []
    for share in shares:
        present = play.rehearse(policy(**{resource: {"spare": 9.0}}), topology).grounds.selection.accounts[0].present
        limit = {"spare": share} if how == "spare" else {"limit": f"{share * present:.3f}"}
        kept.append(play.rehearse(policy(**{resource: limit}), topology).grounds.selection.accounts[0].kept)
    assert kept[0] <= kept[1] * (1 + 1e-9) + 1e-6


@given(meshes(), st.lists(TWO, min_size=3, max_size=3))
@careful(80)
def test_smaller_budgets_never_keep_more_value(world: World, shares: list[Sequence[float]]) -> None:
    """With several scarce resources, less of each keeps no more value, within the gap that is certified."""
    play = Play(world)
    topology = play.look(policy())
    small, large = (
        play.rehearse(
            policy(**{name: {"spare": pair[which]} for name, pair in zip(RESOURCES, shares, strict=True)}), topology
        ).grounds.selection
        for which in (0, 1)
    )
    assert small.value <= large.value * (1 + 1e-9) + 1e-9


SPARES = st.sampled_from([0.0, 0.3, 1.0])
NAMED = st.sampled_from([kind.name for kind in KINDS if kind.name != "Namespace"])
BLIND = st.one_of(st.just(set[str]()), st.just(set[str]()), st.sets(NAMED, min_size=1, max_size=2))
DEAF = st.sets(st.integers(0, 6), max_size=5)
COLUMNS = {name: column for column, name in enumerate(ALL)}


def test_more_missing_data_never_prunes_more() -> None:
    """With one scarce resource, and kinds that may not be read or workloads that were not heard for some hours: no more
    of it is given up than with everything, beyond the next element that did not fit; nothing goes that full sight
    protects; and what was not heard stays."""
    seen: Counter[str] = Counter()

    @given(meshes(), st.sampled_from(RESOURCES), SPARES, BLIND, DEAF, st.integers(0, 47))
    @careful(100)
    def holds(world: World, resource: str, spare: float, blind: set[str], deaf: set[int], hour: int) -> None:
        play, rules = Play(world), policy(**{resource: {"spare": spare}})
        whole = play.rehearse(rules)
        play.cluster.forbidden = frozenset(blind)
        names = {f"{SPACE}/w{number}" for number in deaf} & set(world.workloads)
        less = play.rehearse(rules, play.look(rules, traffic=Seen(play, lambda found: _deaf(found, names, hour))))
        excess = [one.grounds.selection.accounts[0].excess for one in (whole, less)]
        assert excess[1] <= excess[0] + _next(less.grounds.selection, COLUMNS[resource]) + 1e-6
        ledger = whole.grounds.protections
        for change in less.plan.changes if isinstance(less.checked, Cleared) else ():
            assert change.workload not in names or not isinstance(change, ScaleChange)
            if isinstance(change, ScaleChange):
                assert change.after >= ledger.floor(change.id, change.before)
            else:
                assert not any(ledger.of_route(change.id, one) for one in change.cut)
        seen.update(less=excess[1] < excess[0] - 1e-6, pruned=excess[1] > 1e-6)

    holds()
    assert seen["less"] > 10
    assert seen["pruned"] > 10


def _next(selection: Selection, column: int) -> float:
    """The cost of the cheapest element that could come next: the lowest step of a workload, a host of a class."""
    costs = [0.0]
    steps: dict[WorkloadId, Element] = {}
    for one in sorted(selection.yielded, key=lambda one: -one.element.low):
        if one.element.kind == "replica":
            steps[one.element.workload] = one.element
        else:
            costs.append(one.element.cost[column] / len(one.element.hosts))
    costs += [one.cost[column] for one in steps.values()]
    return min((cost for cost in costs if cost > 0), default=0.0)


def _deaf(activity: Activity, names: set[str], hour: int) -> Activity:
    """``names`` were not heard from ``hour`` on for six hours: what was measured of them is not known."""
    workloads = activity.workloads
    rows = [row for row, key in enumerate(workloads.keys) if key in names]
    gone = slice(hour, hour + 6)
    arrays = {}
    for field in fields(WorkloadActivity):
        values = getattr(workloads, field.name)
        if isinstance(values, np.ndarray) and values.ndim > 1 and values.dtype != np.bool_:
            arrays[field.name] = values.copy()
            arrays[field.name][rows, ..., gone] = 0 if field.name == "seen" else np.nan
    return replace(activity, workloads=replace(workloads, **arrays))


def test_no_failure_gets_worse_than_allowed() -> None:
    """After every applied lap, lose each zone, node, primary and its Service once: the survivors carry as much of the
    recorded peaks as those of the first structure did, or as need promises."""
    seen: Counter[str] = Counter()

    @given(meshes(), POLICIES)
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
