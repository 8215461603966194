"""What holds for every structure, whatever is in it."""

from dataclasses import replace
from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from microglia.compete import select
from microglia.compete.selection import Selection
from microglia.model.ids import ObjectRef, WorkloadId
from microglia.policy.schema import Budget, Limit, PolicySpec
from microglia.protect.ledger import Level, Protection, Protections, ledger, route, workload
from microglia.score.scores import Evidence, Hold, Judged, ReplicaScore, RouteScore, Scores
from microglia.topology.graph import Topology
from tests import factories
from tests.unit.score.worlds import Spec, host, world

NAMES = ("a", "b", "c", "d")
HOSTS = tuple(host(name) for name in ("p", "q", "r", "s"))


@cache
def _world() -> Topology:
    return world(*(Spec(name) for name in NAMES))


@st.composite
def replica_scores(draw: st.DrawFn, name: str) -> ReplicaScore:
    current = draw(st.integers(0, 12))
    falls = draw(st.lists(st.one_of(st.just(0.0), st.floats(0.01, 100)), min_size=current, max_size=current))
    risk = tuple(np.append(np.cumsum(falls[::-1])[::-1], 0.0).tolist())
    evidence = draw(st.sampled_from(["USED", "IDLE", "UNKNOWN"]))
    code = draw(st.sampled_from(["", "", "capacity", "unhealthy", "stretch"]))
    unit = {"cpu": draw(st.sampled_from([0.1, 0.5, 2.0])), "memory": draw(st.floats(0.1, 4)), "replicas": 1.0}
    need = None if evidence == "UNKNOWN" else draw(st.integers(0, 14))
    found = factories.replica_score(WorkloadId("shop", name), current, need, evidence=evidence, risk=risk, unit=unit)
    return replace(found, holds=(Hold(code, current, "why"),)) if code else found


@st.composite
def route_scores(draw: st.DrawFn, name: str) -> RouteScore:
    hosts = tuple(sorted(draw(st.sets(st.sampled_from(HOSTS), min_size=1))))
    evidence = Evidence(draw(st.sampled_from(["USED", "IDLE", "IDLE", "UNKNOWN"])))
    value, cost = draw(st.floats(0.001, 1)), draw(st.floats(1, 100))
    return RouteScore(WorkloadId("shop", name), "x", hosts, Judged(evidence, 1.0, "why"), 0.0, 9.0, value, cost)


@st.composite
def structures(draw: st.DrawFn) -> tuple[Scores, Protections]:
    scores = factories.scores(
        *(draw(replica_scores(name)) for name in NAMES), routes=[draw(route_scores(name)) for name in NAMES]
    )
    held = []
    for name in draw(st.sets(st.sampled_from(NAMES))):
        level = draw(st.sampled_from(list(Level)))
        protection = Protection(
            "rule", level, draw(st.integers(1, 6)), "why", ObjectRef("Pod", "", ""), "", "", draw(st.booleans())
        )
        held.append(workload(WorkloadId("shop", name), protection))
        if draw(st.booleans()):
            held.append(route(protection, host=draw(st.sampled_from(HOSTS))))
    return scores, ledger(held)


SPARES = st.floats(0, 1).map(lambda share: Limit(spare=share))
ABSOLUTES = st.floats(0, 60).map(lambda limit: Limit(limit=limit))
LIMITS = st.one_of(st.none(), SPARES, ABSOLUTES)


def _policy(cpu: Limit | None, memory: Limit | None, proxy: Limit | None) -> PolicySpec:
    return PolicySpec(budget=Budget(cpu=cpu, memory=memory, proxy_config=proxy))


POLICIES = st.builds(_policy, LIMITS, LIMITS, LIMITS)


def _pruned(scores: Scores, found: Selection) -> float:
    """Requests per hour that the selection puts at risk."""
    replicas = sum(
        scores.replicas[one].risk[count] - scores.replicas[one].risk[-1] for one, count in found.targets.items()
    )
    return replicas + sum(one.value * len(one.hosts) for one in found.cut)


@given(structures(), POLICIES)
@settings(max_examples=30, deadline=None)
def test_what_is_protected_used_or_unknown_is_never_selected(
    structure: tuple[Scores, Protections], policy: PolicySpec
) -> None:
    """No target below a floor, a need or a hold that lasts; no used, unknown or protected route is cut."""
    scores, protections = structure
    found = select(scores, protections, _world(), policy)
    for one, score in scores.replicas.items():
        target = found.targets[one]
        assert protections.floor(one, score.current) <= target <= score.current
        assert target >= (score.current if score.need is None else min(score.need, score.current))
        assert target == score.current or score.holds == () or score.holds[0].code == "stretch"
        assert target >= min(1, score.current)
    for cut in found.cut:
        assert cut.judged.evidence is Evidence.IDLE
        assert not any(protections.of_route(cut.client, name) for name in cut.hosts)


@given(structures(), POLICIES)
@settings(max_examples=30, deadline=None)
def test_every_budget_holds_or_is_reported(structure: tuple[Scores, Protections], policy: PolicySpec) -> None:
    """What is charged stays within the budget; where it cannot, the account says by how much and nothing competes for
    it."""
    found = select(*structure, _world(), policy)
    for account in found.accounts:
        charged = account.kept - account.outside
        assert charged <= (account.budget + account.short) * (1 + 1e-6) + 1e-6
        assert abs(account.present - account.kept - account.excess) < 1e-6
        assert (account.short > 0) == bool(account.held_up_by)
    assert found.lean == (not found.yielded)
    assert found.value <= found.bound * (1 + 1e-6) + 1e-6


@given(structures(), POLICIES, st.permutations(NAMES))
@settings(max_examples=30, deadline=None)
def test_the_order_of_the_input_does_not_matter(
    structure: tuple[Scores, Protections], policy: PolicySpec, order: list[str]
) -> None:
    """The same world in another order is the same selection, to the last digit."""
    scores, protections = structure
    topology = _world()
    shuffled = [WorkloadId("shop", name) for name in order]
    other = replace(topology, workloads={one: topology.workloads[one] for one in shuffled})
    turned = Scores({one: scores.replicas[one] for one in shuffled}, scores.routes)
    assert repr(select(turned, protections, other, policy)) == repr(select(scores, protections, topology, policy))


@given(structures(), POLICIES, st.sampled_from(NAMES))
@settings(max_examples=30, deadline=None)
def test_missing_data_never_prunes_more(structure: tuple[Scores, Protections], policy: PolicySpec, name: str) -> None:
    """A workload that becomes UNKNOWN, with its routes, never raises the pruned value by more than the gap."""
    scores, protections = structure
    one = WorkloadId("shop", name)
    judged = Judged(Evidence.UNKNOWN, 0.0, "not seen")
    score = scores.replicas[one]
    if any(hold.code == "unhealthy" for hold in score.holds):
        return
    blind = replace(score, judged=judged, need=None, holds=(Hold("unknown", score.current, "not seen"),))
    routes = tuple(
        replace(each, judged=judged) if each.client == one and each.judged.evidence is Evidence.IDLE else each
        for each in scores.routes
    )
    less = Scores({**scores.replicas, one: blind}, routes)
    before = select(scores, protections, _world(), policy)
    after = select(less, protections, _world(), policy)
    assert _pruned(less, after) <= _pruned(scores, before) + (after.bound - after.value) + 1e-6 * (1 + before.bound)


@given(structures(), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_a_smaller_spare_never_keeps_more_of_its_resource(
    structure: tuple[Scores, Protections], one: float, other: float
) -> None:
    """With one budget, less spare keeps no more of it."""
    kept = []
    for share in sorted((one, other)):
        policy = PolicySpec(budget=Budget(cpu=Limit(spare=share), memory=None, proxy_config=None))
        kept.append(select(*structure, _world(), policy).accounts[0].kept)
    assert kept[0] <= kept[1] * (1 + 1e-6) + 1e-6
