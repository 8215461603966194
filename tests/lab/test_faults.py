"""Whatever is not told: nothing is pruned that the whole view calls used, needed or protected."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from microglia import cycle
from microglia.model.ids import WorkloadId
from microglia.model.kinds import KINDS
from microglia.model.ports import Cluster, UnreadableError
from microglia.model.window import Window
from microglia.observe.kube import connect
from microglia.observe.look import observe
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.traffic import PrometheusTraffic
from microglia.plan.change import Change, ScaleChange, SidecarChange
from microglia.plan.history import History
from microglia.policy.load import parse
from microglia.policy.schema import PruningPolicy
from microglia.score.scores import Evidence
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.verify.clear import Cleared
from microglia.world.load import load
from microglia.world.schema import Accident
from tests.contract.scene import FOREVER
from tests.lab import Lab
from tests.lab.faults import FAMILIES, Closed, Half, Listed, Missing, Remembered
from tests.lab.stage import Stage, put
from tests.lab.story import WORLDS

pytestmark = pytest.mark.timeout(600)

SEED = int(os.environ.get("FAULTS_SEED", "20261123"))
CASES = 1000
VIEWS = 48
WORLD = load(WORLDS / "faults.yaml")
NOW = WORLD.start + timedelta(days=4, minutes=90)
ACCIDENTS = [
    {"kind": "gap", "day": 2, "start": "11:20", "end": "15:10"},
    {"kind": "gap", "target": "near/db", "day": 3, "start": "01:00", "end": "02:30"},
    {"kind": "envoy", "target": "near/api", "day": 3, "start": "04:00", "end": "06:00"},
    {"kind": "restart", "target": "near/rare", "day": 2, "start": "13:20"},
]
TARGETS = (
    "front-.*", "api-.*", "rare-.*", "db-.*", "ledger-.*", "standby-.*", "report-.*", "one-.*", ".*-[0-9a-m]",
    "(?:a|d|f).*",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Truth:
    """What the whole view says: how many copies must stay, and which hosts each client must see."""

    least: dict[WorkloadId, int]
    hosts: dict[WorkloadId, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A cluster as it was listed, and what its metrics servers tell."""

    cluster: Cluster
    servers: Remembered
    policy: PruningPolicy

    def look(self, cluster: Cluster, half: Half) -> Topology:
        """What can be seen of ``cluster`` through ``half`` of its metrics. Raises UnreadableError."""
        traffic = PrometheusTraffic(half, progress=lambda _: None)
        return build(observe(cluster, traffic, Window.ending(NOW, self.policy.spec.observation.window), NOW))

    def decide(self, topology: Topology) -> cycle.Rehearsal:
        """What a first lap would do."""
        return cycle.rehearse(lambda: topology, History(None, ()), (self.policy,), cycle.Case(self.policy, NOW))


@pytest.fixture(scope="module")
def scene(lab: Lab) -> Iterator[Scene]:
    """One world, and three memories of it: whole, with accidents, and of its last day only."""
    lab.wipe()
    names = {name: f"prometheus-of-faults-{name}" for name in ("whole", "broken", "young")}
    urls = {name: lab.another_prometheus(server, FOREVER) for name, server in names.items()}
    put(lab, WORLD, urls["whole"])
    broken = WORLD.model_copy(update={"accidents": tuple(map(Accident.model_validate, ACCIDENTS))})
    early, late = WORLD.start + timedelta(hours=12), NOW - timedelta(days=1)
    for name, world, since in (("whole", WORLD, early), ("broken", broken, early), ("young", WORLD, late)):
        Stage(lab, world, urls[name]).play(NOW, since=since)
    cluster = Listed.of(connect(kubeconfig=lab.kubeconfig), WORLD.start - timedelta(days=30))
    policy = parse((WORLDS / "faults-policy.yaml").read_bytes(), "faults-policy.yaml").policies[0]
    yield Scene(cluster, Remembered({name: PrometheusServer(url) for name, url in urls.items()}), policy)
    lab.wipe()
    for server in names.values():
        lab.processes.stop(server)


@pytest.fixture(scope="module")
def truth(scene: Scene) -> Truth:
    """The whole view, of which a good part is used, needed or protected, and a good part is not."""
    half = Half(scene.servers, Missing("whole"), random.Random(0), 0.0)
    topology = scene.look(scene.cluster, half)
    assert topology.snapshot.blind_spots == ()
    found = scene.decide(topology)
    assert isinstance(found.checked, Cleared)
    ledger, scores = found.grounds.protections, found.grounds.scores
    least, hosts = {}, {}
    for target, score in scores.replicas.items():
        current = topology.workloads[target].replicas
        kept = (
            score.judged.evidence is Evidence.UNKNOWN
            or score.need is None
            or any(hold.code == "capacity" for hold in score.holds)
        )
        least[target] = max(current if kept else int(score.need or 0), ledger.floor(target, current))
        hosts[target] = frozenset(
            host
            for route in scores.routes
            if route.client == target
            for host in route.hosts
            if route.judged.evidence is not Evidence.IDLE or ledger.of_route(target, host)
        )
    cut = {change.id.name: change for change in found.plan.changes}
    assert {"report", "front"} <= set(cut)
    assert least[WorkloadId("near", "report")] < 6
    assert least[WorkloadId("near", "pinned")] == 6
    assert "rare.near.svc.cluster.local" in hosts[WorkloadId("near", "front")]
    assert "db.near.svc.cluster.local" in hosts[WorkloadId("near", "api")]
    return Truth(least, hosts)


def test_nothing_is_cut_for_not_being_told_of(scene: Scene, truth: Truth) -> None:
    """Any combination of kinds that may not be read, metrics that are missing and servers that refuse, tell half or
    fall silent. What goes leaves everything standing that the whole view wants."""
    print(f"FAULTS_SEED={SEED}")
    dice = random.Random(SEED)
    views = [_missing(random.Random(f"{SEED} view {number}")) for number in range(VIEWS)]
    ended: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(CASES):
        end, cut = _case(scene, truth, dice.choice(views), f"{SEED} case {number}")
        ended[end] += 1
        wrong += cut
    assert wrong == []
    assert sum(ended.values()) == CASES
    assert min(ended[name] for name in ("unreadable", "nothing", "pruned")) >= 50, ended


def _missing(dice: random.Random) -> Missing:
    """A view of the metrics: the whole of it, or without some families and targets."""
    server = dice.choice(("whole", "whole", "whole", "broken", "young"))
    families = tuple(dice.sample(FAMILIES, dice.choice((0, 0, 1, 1, 1, 2, 3))))
    pods = "|".join(dice.sample(TARGETS, dice.choice((0, 0, 0, 1, 2))))
    return Missing(server, families, pods)


def _case(scene: Scene, truth: Truth, missing: Missing, seed: str) -> tuple[str, list[str]]:
    """How a case ended, and what of it is wrong."""
    dice = random.Random(seed)
    kinds = [kind.name for kind in KINDS]
    needed = [kind.name for kind in KINDS if not kind.optional]
    forbidden = frozenset(dice.sample(kinds, dice.choice((0, 0, 0, 0, 1, 3))))
    absent = frozenset(dice.sample(needed, dice.choice((0,) * 9 + (1,))))
    half = Half(scene.servers, missing, dice, dice.choice((0.0, 0.0, 0.0, 0.0, 0.01, 0.1)))
    told = f"case {seed!r}: {missing}, forbidden {sorted(forbidden)}, absent {sorted(absent)}, {half.chance}"
    try:
        found = scene.decide(scene.look(Closed(scene.cluster, forbidden, absent), half))
    except UnreadableError:
        return "unreadable", []
    if not isinstance(found.checked, Cleared):
        return "refused", []
    changes = found.plan.changes
    return "pruned" if changes else "nothing", [f"{wrong}; {told}" for one in changes for wrong in _wrong(one, truth)]


def _wrong(change: Change, truth: Truth) -> Iterator[str]:
    """What of a change must not be."""
    if isinstance(change, ScaleChange) and change.after < truth.least[change.id]:
        yield f"{change.id} {change.before} -> {change.after} of {truth.least[change.id]}"
    if isinstance(change, SidecarChange) and (lost := truth.hosts[change.id] & {*change.cut}):
        yield f"{change.id} loses {', '.join(sorted(lost))}"
