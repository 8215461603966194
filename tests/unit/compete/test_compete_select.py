"""The competition of a structure: what is forced in, what the spare buys, who is spared, who is undecided."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from microglia.compete import select
from microglia.compete.prices import Losers
from microglia.compete.selection import Account, Selection
from microglia.model.ids import ObjectRef, WorkloadId
from microglia.policy.schema import (
    Budget,
    Limit,
    PolicySpec,
    Resource,
    Retention,
    Scope,
    Weak,
    WeakReplicas,
    WeakRoutes,
)
from microglia.protect.ledger import Guarded, Level, Protection, ledger, route, workload
from microglia.score import score
from microglia.score.scores import Evidence, Hold, Judged, ReplicaScore, RouteScore, Scores
from microglia.topology.graph import Topology
from tests import factories
from tests.unit.score.worlds import Spec, calls, host, world

A, B, C = (WorkloadId("shop", name) for name in "abc")
ONE = {"cpu": 1.0, "memory": 0.0, "replicas": 1.0, "money": 0.0}


@cache
def _world() -> Topology:
    """Three workloads in scope, one in a system namespace and one that somebody asked to ignore."""
    ignored = {"annotations": {"microglia.dev/ignore": "true"}}
    specs = (*(Spec(name) for name in "abc"), Spec("dns", namespace="kube-system"), Spec("odd", parts=ignored))
    return world(*specs)


def _replicas(target: WorkloadId, current: int, need: int | None, *falls: float, **parts: Any) -> ReplicaScore:
    """``falls`` are what each copy above ``need`` is worth, the lowest first."""
    above = [sum(falls[i:]) for i in range(len(falls))]
    risk = [1000.0] * (current - len(falls)) + above + [0.0]
    return factories.replica_score(target, current, need, risk=tuple(risk), **{"unit": ONE, **parts})


def _route(client: WorkloadId, *names: str, evidence: str = "IDLE", **parts: float) -> RouteScore:
    judged = Judged(Evidence(evidence), 1.0, "because")
    hosts = tuple(host(name) for name in names)
    requests = 0.0 if evidence != "USED" else 50.0
    facts = {"requests": requests, "hours": 336.0, "value": 0.01, "cost": 100.0, **parts}
    return RouteScore(client, "shop", hosts, judged, **facts)


def _policy(elements: tuple = ("Replica", "Route"), weak: Weak | None = None, **limits: Limit | None) -> PolicySpec:
    budget = {"cpu": None, "memory": None, "proxy_config": None, **limits}
    retention = Retention(weak=weak or Weak())
    return PolicySpec(budget=Budget(**budget), scope=Scope(elements=elements), retention=retention)


SPARE = Limit(spare=0.2)


def _select(
    scored: Iterable[ReplicaScore] = (), routes: Iterable[RouteScore] = (), held: Iterable[Guarded] = (),
    policy: PolicySpec | None = None,
) -> Selection:  # fmt: skip
    scores = factories.scores(*scored, routes=routes)
    return select(scores, ledger(held), _world(), policy or _policy(cpu=SPARE))


def _account(found: Selection, resource: Resource = "cpu") -> Account:
    (one,) = [account for account in found.accounts if account.resource == resource]
    return one


def _protection(level: Level = Level.PIN, floor: int = 0, *, blind: bool = False, rule: str = "rule") -> Protection:
    return Protection(rule, level, floor, "because", ObjectRef("Deployment", "shop", "a"), "field", "value", blind)


def _targets(found: Selection) -> Mapping[str, int]:
    return {one.name: count for one, count in found.targets.items()}


def test_the_spare_goes_to_whom_it_serves_most() -> None:
    """10 cores are load-bearing, so 2 are spare: they go to the two copies worth most, wherever they are."""
    found = _select([_replicas(A, 7, 5, 9.0, 2.0), _replicas(B, 8, 5, 8.0, 1.0, 0.5)])
    assert _targets(found) == {"a": 6, "b": 6}
    account = _account(found)
    assert (account.load_bearing, account.budget, account.kept, account.present, account.excess) == (10, 12, 12, 15, 3)
    assert found.value == 17
    assert found.gap == pytest.approx(0, abs=1e-5)
    assert not found.lean


def test_a_loser_is_told_who_it_lost_to() -> None:
    """Its value over priced cost, and the last winner above it."""
    found = _select([_replicas(A, 7, 5, 9.0, 2.0), _replicas(B, 8, 5, 8.0, 1.0, 0.5)])
    lost = {one.element.id: one for one in found.yielded}
    assert list(lost) == ["replica:shop/a:6-7", "replica:shop/b:6-7", "replica:shop/b:7-8"]
    assert {one.lost_to for one in found.yielded} == {"replica:shop/b:5-6"}
    price = _account(found).price
    assert 2 - 1e-5 <= price <= 8
    assert lost["replica:shop/a:6-7"].density == pytest.approx(2 / price, rel=1e-6)
    assert lost["replica:shop/b:7-8"].element.value == 0.5
    assert lost["replica:shop/b:7-8"].element.cost == (1, 0, 0, 1, 0)


def test_losers_are_equal_by_what_they_say() -> None:
    """Two selections of the same world have equal losers, with one hash."""
    one, two = (_select([_replicas(A, 7, 5, 9.0, 2.0), _replicas(B, 8, 5, 8.0, 1.0, 0.5)]) for _ in range(2))
    assert one.yielded == two.yielded
    assert hash(one.yielded) == hash(two.yielded)


def test_where_nobody_won_nobody_is_named() -> None:
    """No spare at all: the step lost to no one."""
    found = _select([_replicas(A, 3, 2, 9.0)], policy=_policy(cpu=Limit(spare=0.0)))
    assert [one.lost_to for one in found.yielded] == [None]


def test_a_budget_finer_than_kubernetes_counts_is_none() -> None:
    """A rounding error of a limit is no room and no shortage."""
    for limit in (5 + 1e-12, 5 - 1e-12):
        found = _select([_replicas(A, 6, 5, 1.0)], policy=_policy(cpu=Limit(limit=limit)))
        assert (_targets(found), _account(found).short, _account(found).held_up_by) == ({"a": 5}, 0, ())


def test_a_structure_within_its_spare_is_lean() -> None:
    """6 over 5 are exactly 20 %."""
    found = _select([_replicas(A, 6, 5, 0.0)])
    assert (found.lean, found.yielded, _account(found).excess) == (True, (), 0)


def test_what_no_budget_names_is_not_scarce() -> None:
    """Without a budget nothing competes for anything."""
    found = _select([_replicas(A, 9, 2, *[1.0] * 7)], [_route(A, "b")], policy=_policy())
    assert (found.lean, found.accounts, found.cut) == (True, (), ())


def test_worthless_steps_are_kept_last_by_id() -> None:
    """Room for two: the first workload's, at price 0."""
    found = _select([_replicas(A, 7, 5, 0.0, 0.0), _replicas(B, 7, 5, 0.0, 0.0)])
    assert _targets(found) == {"a": 7, "b": 5}
    assert _account(found).price == 0
    assert {one.lost_to for one in found.yielded} == {"replica:shop/a:6-7"}


def test_steps_past_nine_stay_in_order() -> None:
    """9 to 10 comes before 10 to 11, though not as text."""
    found = _select([_replicas(A, 12, 9, 0.0, 0.0, 0.0), _replicas(B, 1, 1)])
    assert _targets(found)["a"] == 11
    assert [one.element.id for one in found.yielded] == ["replica:shop/a:11-12"]


def test_need_is_kept_whatever_it_costs() -> None:
    """An absolute limit below the load-bearing cost is reported: by how much, and who holds it up; nothing of it
    goes."""
    found = _select([_replicas(A, 7, 5, 9.0, 2.0), _replicas(B, 3, 3)], policy=_policy(cpu=Limit(limit=6)))
    assert _targets(found) == {"a": 5, "b": 3}
    account = _account(found)
    assert (account.load_bearing, account.budget, account.short, account.held_up_by) == (8, 6, 2, ("shop/a", "shop/b"))


def test_an_absolute_limit_leaves_what_is_not_load_bearing() -> None:
    """9 less 8: room for one copy."""
    found = _select([_replicas(A, 7, 5, 9.0, 2.0), _replicas(B, 3, 3)], policy=_policy(cpu=Limit(limit=9)))
    assert _targets(found) == {"a": 6, "b": 3}
    assert (_account(found).short, _account(found).held_up_by) == (0, ())


def test_a_workload_below_its_need_adds_no_more_than_it_has() -> None:
    """It has 3 of 9: 3 are load-bearing."""
    found = _select([_replicas(A, 3, 9)])
    assert (_targets(found), _account(found).load_bearing) == ({"a": 3}, 3)


def test_the_last_copy_never_competes() -> None:
    """Idle, no floor: one is load-bearing; a workload at zero stays there."""
    found = _select([_replicas(A, 3, 0, 0.0, 0.0, evidence="IDLE"), _replicas(B, 0, 0)])
    assert _targets(found) == {"a": 1, "b": 0}
    assert _account(found).load_bearing == 1


def test_a_floor_of_a_rule_is_load_bearing() -> None:
    """Need 2, floor 4 of 5: four are charged and one competes."""
    held = [workload(A, _protection(Level.FLOOR, 4))]
    found = _select([_replicas(A, 5, 2, 0.0, 0.0, 0.0)], held=held)
    assert (_targets(found), _account(found).load_bearing) == ({"a": 4}, 4)


def test_what_a_rule_pins_is_outside_a_relative_budget() -> None:
    """Neither in its base nor charged: B's ten cores make no room for A, and take none."""
    held = [workload(B, _protection())]
    found = _select([_replicas(A, 7, 5, 1.0, 1.0), _replicas(B, 10, 1)], held=held)
    assert _targets(found) == {"a": 6, "b": 10}
    account = _account(found)
    assert (account.load_bearing, account.outside, account.budget) == (5, 10, 6)
    assert (account.kept, account.present) == (16, 17)


def test_what_a_rule_pins_is_charged_to_an_absolute_one() -> None:
    """It does take of what there is."""
    held = [workload(B, _protection())]
    policy = _policy(cpu=Limit(limit=16))
    found = _select([_replicas(A, 7, 5, 1.0, 1.0), _replicas(B, 10, 1)], held=held, policy=policy)
    assert _targets(found) == {"a": 6, "b": 10}
    assert (_account(found).load_bearing, _account(found).outside) == (15, 0)


@pytest.mark.parametrize(
    ("score", "held"),
    [
        (_replicas(B, 10, None, evidence="UNKNOWN"), []),
        (_replicas(B, 10, 0, holds=("capacity",)), []),
        (_replicas(B, 10, 0), [workload(B, _protection(blind=True))]),
    ],
    ids=["unknown", "capacity", "blind"],
)
def test_what_could_not_be_seen_widens_a_relative_budget(score: ReplicaScore, held: list[Guarded]) -> None:
    """It is in the base and charged: 20 % of 15 make room for three. An absolute one is not charged with it."""
    other = _replicas(A, 9, 5, 4.0, 3.0, 2.0, 1.0)
    found = _select([other, score], held=held)
    assert _targets(found) == {"a": 8, "b": 10}
    assert (_account(found).load_bearing, _account(found).budget) == (15, 18)
    absolute = _select([other, score], held=held, policy=_policy(cpu=Limit(limit=8)))
    bearing = 0 if score.need is None else 1
    assert _targets(absolute) == {"a": 8 - bearing, "b": 10}
    assert _account(absolute).outside == 10 - bearing


@pytest.mark.parametrize("code", ["unhealthy", "not-request-driven", "no-count"])
def test_what_was_seen_to_forbid_pruning_pins_like_a_rule(code: str) -> None:
    """Outside a relative budget, at its present count."""
    found = _select([_replicas(A, 5, 2, 0.0, 0.0, 0.0, holds=(code,))])
    assert _targets(found) == {"a": 5}
    assert (_account(found).load_bearing, _account(found).outside) == (0, 5)


def test_a_memory_hold_is_a_floor() -> None:
    """Load-bearing up to it, and what lies above competes."""
    score = replace(_replicas(A, 6, 2, 0.0, 0.0, 0.0, 0.0), holds=(Hold("memory", 5, "why"),))
    found = _select([score])
    assert (_targets(found), _account(found).load_bearing) == ({"a": 6}, 5)


def test_stretch_does_not_change_the_target() -> None:
    """It holds one step, not where the path leads."""
    score = replace(_replicas(A, 6, 2, 0.0, 0.0, 0.0, 0.0), holds=(Hold("stretch", 5, "why"),))
    assert _targets(_select([score])) == {"a": 2}


def test_weakly_used_replicas_compete_where_the_policy_says_so() -> None:
    """Below need, down to the stated risk: 0.9 of five is allowed at 1 per hour, none at 0.4."""
    score = replace(_replicas(A, 8, 7, 0.2), risk=(1000, 1000, 1000, 1000, 1000, 0.9, 0.5, 0.2, 0.0))
    for at_risk, target in ((1.0, 6), (0.4, 8)):
        weak = Weak(replicas=WeakReplicas(at_risk=at_risk))
        assert _targets(_select([score], policy=_policy(weak=weak, cpu=SPARE))) == {"a": target}


PROXY = _policy(proxy_config=SPARE)


def test_used_and_unknown_routes_never_compete() -> None:
    """They are load-bearing: 10 hosts of 100 bytes make room for two of the idle ones, the first by name."""
    used = [_route(A, f"u{i}", evidence="USED") for i in range(5)]
    unknown = _route(A, "v", "w", "x", "y", "z", evidence="UNKNOWN")
    found = _select(routes=[*used, unknown, _route(A, "b", "c", "d", "e")], policy=PROXY)
    (cut,) = found.cut
    assert cut.hosts == (host("d"), host("e"))
    (lost,) = found.yielded
    assert lost.element.id == f"route:shop/a:shop:{host('d')}"
    assert lost.element.hosts == cut.hosts
    assert (lost.element.value, lost.element.cost) == (0.02, (0, 0, 200, 0, 0))
    assert lost.lost_to == f"route:shop/a:shop:{host('b')}"
    assert (_account(found, "proxyConfig").load_bearing, _account(found, "proxyConfig").kept) == (1000, 1200)


def test_weakly_used_routes_compete_where_the_policy_says_so() -> None:
    """One request in 336 hours is at most 0.014 per hour."""
    once = _route(A, "b", evidence="USED", requests=1.0)
    for below, cut in ((0.02, 1), (0.01, 0)):
        weak = Weak(routes=WeakRoutes(below=below))
        assert len(_select(routes=[once], policy=_policy(weak=weak, proxy_config=SPARE)).cut) == cut


def test_replicas_and_routes_do_not_compete_with_each_other() -> None:
    """Each asks for what the other does not take: the loser lost to its own kind."""
    policy = _policy(cpu=SPARE, proxy_config=Limit(spare=1.0))
    routes = [_route(A, "u", evidence="USED"), _route(A, "b", value=0.5), _route(A, "c", value=0.4, cost=101.0)]
    found = _select([_replicas(A, 7, 5, 9.0, 2.0)], routes, policy=policy)
    assert [one.lost_to for one in found.yielded] == ["replica:shop/a:5-6", f"route:shop/a:shop:{host('b')}"]


@pytest.mark.parametrize(
    ("guarded", "outside"),
    [
        (route(_protection(), client=A), 300),
        (route(_protection(), host=host("c")), 100),
        (route(_protection(), client=A, host=host("c")), 100),
    ],
    ids=["client", "host", "route"],
)
def test_protected_routes_are_never_cut(guarded: Guarded, outside: float) -> None:
    """By their client, their host or one by one; the rest of the class yields."""
    found = _select(routes=[_route(A, "b", "c", "d")], held=[guarded], policy=PROXY)
    cut = {name for one in found.cut for name in one.hosts}
    assert host("c") not in cut
    assert len(cut) == 3 - outside / 100
    assert _account(found, "proxyConfig").outside == outside


def test_routes_protected_for_want_of_sight_widen_the_budget() -> None:
    """Five blind ones make room for one of the others."""
    names = ("p", "q", "r", "s", "t")
    held = [route(_protection(blind=True), host=host(name)) for name in names]
    found = _select(routes=[_route(A, "b", "c", *names)], held=held, policy=PROXY)
    assert [one.hosts for one in found.cut] == [(host("c"),)]
    assert _account(found, "proxyConfig").load_bearing == 500
    alone = [route(_protection(blind=True), client=A)]
    assert _select(routes=[_route(A, "b", "c")], held=alone, policy=PROXY).lean


def test_a_host_that_stands_alone_is_protected_alone() -> None:
    """A client that calls the protected host keeps it for its use; the rest of that class is not held by it."""
    topology = world(Spec("a", sent=10, series={"sent": 1.0}), Spec("b"), Spec("c"), edges=calls(("a", "b")))
    found = select(score(topology, PROXY), ledger([route(_protection(), host=host("b"))]), topology, PROXY)
    assert [(one.client, one.hosts) for one in found.cut] == [(A, (host("a"), host("c")))]
    assert _account(found, "proxyConfig").outside == 3 * 5 * 74_000


def test_losers_are_a_sequence_like_any_other() -> None:
    """Replica steps first; one by one, in slices and all together; equal to what they hold."""
    routes = [_route(A, "u", evidence="USED"), _route(A, "b"), _route(A, "c")]
    lost = _select([_replicas(A, 7, 5, 9.0, 2.0)], routes, policy=_policy(cpu=SPARE, proxy_config=SPARE)).yielded
    everyone = tuple(lost)
    assert [one.element.kind for one in everyone] == ["replica", "route", "route"]
    assert isinstance(lost, Losers)
    assert lost.replicas == 1
    assert (lost[0], lost[-1], tuple(lost[1:])) == (everyone[0], everyone[2], everyone[1:])
    assert lost == everyone
    assert lost != everyone[1:]
    assert lost != 3
    assert hash(lost) == hash(everyone)


def test_a_used_route_needs_no_eyes() -> None:
    """Blindness about a used route changes nothing about its charge; a rule takes it out of the budget."""
    used = _route(A, "b", evidence="USED")
    absolute = _policy(proxy_config=Limit(limit=50))
    blind = _select(routes=[used], held=[route(_protection(blind=True), host=host("b"))], policy=absolute)
    assert _account(blind, "proxyConfig").short == 50
    ruled = _select(routes=[used], held=[route(_protection(), host=host("b"))], policy=PROXY)
    assert (_account(ruled, "proxyConfig").load_bearing, _account(ruled, "proxyConfig").outside) == (0, 100)


def test_a_rule_outweighs_want_of_sight() -> None:
    """Both on one host: outside the budget. Part of a class by each: each part by its own."""
    both = [route(_protection(), host=host("b")), route(_protection(blind=True, rule="eyes"), host=host("b"))]
    found = _select(routes=[_route(A, "b")], held=both, policy=PROXY)
    assert _account(found, "proxyConfig").outside == 100
    mixed = [route(_protection(), host=host("b")), route(_protection(blind=True), client=A)]
    found = _select(routes=[_route(A, "b", "c")], held=mixed, policy=PROXY)
    assert (_account(found, "proxyConfig").outside, _account(found, "proxyConfig").load_bearing) == (100, 100)


def test_spared_says_what_would_have_gone() -> None:
    """Without its pin the standby would lose four of five; the protections that hold it are named."""
    pin = _protection(rule="standby")
    low = _protection(Level.FLOOR, 1, rule="small")
    held = [workload(A, pin), workload(A, low)]
    found = _select([_replicas(A, 5, 0, 0.0, 0.0, 0.0, 0.0, evidence="IDLE")], held=held)
    (one,) = found.spared
    assert (one.subject, one.would, one.protections) == ("shop/a", "5 -> 1 replica", (pin,))


def test_what_would_have_kept_anyway_is_not_spared() -> None:
    """A protection on what is needed all the same spares nothing."""
    found = _select([_replicas(A, 5, 5)], held=[workload(A, _protection())])
    assert found.spared == ()


def test_a_target_moved_by_others_is_not_spared() -> None:
    """Unpinned, B's base would make other room for A: A itself is not protected and is not listed."""
    held = [workload(B, _protection(Level.FLOOR, 5))]
    found = _select([_replicas(A, 6, 5, 1.0), _replicas(B, 5, 1, *[9.0] * 4)], held=held)
    assert {one.subject for one in found.spared} <= {"shop/b"}


def test_spared_routes_are_told_per_client() -> None:
    """Which would have been cut, and everything that holds them; many are counted."""
    by_client = route(_protection(rule="client"), client=A)
    found = _select(routes=[_route(A, "b", "c", "d", "e", "f")], held=[by_client], policy=PROXY)
    (one,) = found.spared
    assert one.subject == f"shop/a -> {host('b')}, {host('c')}, {host('d')} and 2 more"
    assert (one.would, [each.rule for each in one.protections]) == ("5 routes cut", ["client"])


def test_spared_routes_by_host_and_one_by_one() -> None:
    """Only those that are protected are named."""
    held = [
        route(_protection(rule="host"), host=host("b")),
        route(_protection(rule="one"), client=A, host=host("c")),
    ]
    routes = [_route(A, "b", "c", "d"), _route(B, "b", "d"), _route(C, "d")]
    found = _select(routes=routes, held=held, policy=PROXY)
    assert [(one.subject, one.would) for one in found.spared] == [
        (f"shop/a -> {host('b')}, {host('c')}", "2 routes cut"),
        (f"shop/b -> {host('b')}", "1 route cut"),
    ]
    assert [each.rule for each in found.spared[0].protections] == ["host", "one"]
    assert [one.hosts for one in found.cut] == [(host("d"),)] * 3


def test_clients_that_share_a_class_fare_alike() -> None:
    """The same hosts, protected for all alike: each keeps the protected one, and each is spared it."""
    routes = [_route(A, "b", "c"), _route(B, "b", "c")]
    found = _select(routes=routes, held=[route(_protection(), host=host("c"))], policy=PROXY)
    assert [one.hosts for one in found.cut] == [(host("b"),)] * 2
    assert [one.subject for one in found.spared] == [f"shop/a -> {host('c')}", f"shop/b -> {host('c')}"]


def test_a_protected_host_that_would_have_kept_its_place_is_not_spared() -> None:
    """Room for one of three: the first by name, which is the protected one."""
    policy = _policy(proxy_config=Limit(spare=1.0))
    routes = [_route(A, "u", evidence="USED"), _route(A, "b", "c", "d")]
    found = _select(routes=routes, held=[route(_protection(), host=host("b"))], policy=policy)
    assert (found.spared, [one.hosts for one in found.cut]) == ((), [(host("d"),)])


def test_undecided_says_what_would_decide() -> None:
    """UNKNOWN workloads and routes, and capacities that nobody knows; not what a rule pins anyway."""
    unknown = replace(_replicas(A, 3, None, evidence="UNKNOWN"), holds=(Hold("unknown", 3, "enrol it"),))
    capacity = replace(_replicas(B, 3, 1), holds=(Hold("capacity", 3, "declare it"), Hold("stretch", 3, "seen 9")))
    pinned = replace(_replicas(C, 3, None, evidence="UNKNOWN"), holds=(Hold("unknown", 3, "enrol it"),))
    routes = [_route(A, "x", "y", evidence="UNKNOWN"), _route(A, "z", evidence="UNKNOWN"), _route(A, "b")]
    found = _select([unknown, capacity, pinned], routes, [workload(C, _protection())])
    assert [(one.subject, one.missing) for one in found.undecided] == [
        ("shop/a", "enrol it"),
        (f"shop/a -> {host('x')}, {host('y')}, {host('z')}", "because"),
        ("shop/b", "declare it"),
    ]


def test_only_what_the_policy_selects_takes_part() -> None:
    """Excluded namespaces and ignored workloads are neither counted nor pruned; nor is a kind that is not asked for."""
    dns, odd = WorkloadId("kube-system", "dns"), WorkloadId("shop", "odd")
    scored = [_replicas(A, 3, 1, 0.0, 0.0), _replicas(dns, 9, 1), _replicas(odd, 9, 1)]
    routes = [_route(A, "b"), _route(odd, "b"), _route(odd, "c", evidence="UNKNOWN")]
    both = _policy(cpu=SPARE, proxy_config=SPARE)
    found = _select(scored, routes, policy=both)
    assert _targets(found) == {"a": 1}
    assert (_account(found).present, _account(found, "proxyConfig").present) == (3, 100)
    assert found.undecided == ()
    only = _policy(("Route",), cpu=SPARE, proxy_config=SPARE)
    assert (_targets(_select(scored, routes, policy=only)), len(_select(scored, routes, policy=only).cut)) == ({}, 1)
    none = _policy(("Replica",), cpu=SPARE, proxy_config=SPARE)
    assert _select(scored, routes, policy=none).cut == ()


def test_a_workload_without_a_score_has_no_target() -> None:
    """Nothing is said about what was not scored."""
    assert _targets(_select([_replicas(A, 3, 3)])) == {"a": 3}


def test_an_empty_structure_is_lean() -> None:
    """Nothing in, nothing out."""
    found = _select()
    assert (found.lean, found.value, found.bound, found.gap) == (True, 0, 0, 0)
    assert (_account(found).budget, _account(found).excess) == (0, 0)


def test_scores_of_a_structure_may_be_empty() -> None:
    """A Scores without anything is fine too."""
    assert select(Scores({}, ()), ledger(()), _world(), PolicySpec()).targets == {}


def test_every_budget_may_be_named() -> None:
    """Replicas and money bind like any other; accounts come in the order of the resources."""
    unit = {"cpu": 1.0, "memory": 2.0, "replicas": 1.0, "money": 5.0}
    score = _replicas(A, 8, 2, *[1.0] * 6, unit=unit)
    policy = _policy(cpu=Limit(limit=7), memory=Limit(limit=20), replicas=Limit(limit=6), money=Limit(limit=26))
    found = _select([score], policy=policy)
    assert _targets(found) == {"a": 5}
    assert [one.resource for one in found.accounts] == ["cpu", "memory", "replicas", "money"]
    assert (_account(found, "money").kept, _account(found, "money").present) == (25, 40)
