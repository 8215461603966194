"""One workload with all its arithmetic."""

from dataclasses import replace

import pytest

from microglia.compete.selection import Account, Element, Yielded
from microglia.model.ids import ObjectRef
from microglia.plan.change import ScaleChange
from microglia.policy.schema import PolicySpec, Retention, Weak, WeakReplicas
from microglia.protect.ledger import Level, Protection, route, workload
from microglia.report.explain import explain_text
from microglia.score.scores import Capacity, Hold
from tests.autoscaling import WORKS, hpa, lowering
from tests.factories import deployment, nodes, replica_score, running, snapshot
from tests.planning import grounds, host, plan, scaled, selection, step_lost, wid
from tests.planning import route as scored
from tests.planning import route_lost as lost
from tests.unit.report.answers import flat, note

CART = deployment("cart", replicas=5)
SEEN = snapshot(*nodes(), *running(CART))
SPEC = PolicySpec()
TRACKED = "argocd.argoproj.io/tracking-id"
LEASE = Protection("lease", Level.FLOOR, 2, "it leads", ObjectRef("Lease", "shop", "cart"), "spec.holder", "cart-1")
PINNED = Protection("mirror", Level.PIN, 0, "a mirror", ObjectRef("VirtualService", "shop", "v"), "spec.http", "")


def text_of(score=None, chosen=None, made=None, **parts):
    """The screen for shop/cart."""
    score = score or replica_score(wid("cart"), 5, 3)
    decision = grounds(SEEN, chosen or selection({"cart": 5}), score, **parts)
    return explain_text(wid("cart"), decision, made or plan(), SPEC)


def test_the_head_says_who_it_is_and_who_owns_its_count():
    """Zones with their pods, and the owner."""
    assert text_of().startswith(
        "shop/cart, Deployment, 5 replicas (2 in a + 2 in b + 1 in c); its count is owned by itself\n"
    )


def test_a_workload_out_of_scope_is_told_so():
    """Nothing is decided about what the policy does not select."""
    decision = grounds(SEEN, selection({}))
    text = explain_text(wid("cart"), decision, plan(), SPEC)
    assert "Scope      not selected by the policy's scope: nothing is decided about it" in text
    assert "Protected  by no rule" in text
    with pytest.raises(KeyError):
        explain_text(wid("nobody"), decision, plan(), SPEC)


def test_owners_and_pods_without_a_zone_are_named():
    """Somebody else's count, and a node that carries no zone."""
    owned = deployment(
        "cart", replicas=1, annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}
    )
    seen = snapshot(*running(owned, on=("node-x",)))
    text = flat(explain_text(wid("cart"), grounds(seen, selection({})), plan(), SPEC))
    assert "1 replica (1 in an unknown zone); its count is owned by Argo CD application shop" in text
    assert ": change it there; microglia propose writes the patch" in flat(text)
    bare = flat(explain_text(wid("cart"), grounds(snapshot(owned), selection({})), plan(), SPEC))
    assert "(no pods)" in bare


def test_evidence_demand_capacity_and_need_stand_with_their_numbers():
    """Each line carries the figures that it is made of."""
    capacity = Capacity(100.0, "declared", 1.0, 36.0, "declared 100 rps")
    text = text_of(
        replica_score(wid("cart"), 5, 3, peak=180.0, peak_at=3, capacity=capacity, arithmetic="need 3: least k")
    )
    assert "Evidence   USED, coverage 100 %: seen all along" in text
    assert "Demand     peak 180 requests per second in the hour of Mon 15 Jun 14:00 UTC" in text
    assert "Capacity   declared 100 rps; 36 rps of it seen in good health" in text
    assert "Need       3: least k" in text


def test_an_unknown_capacity_says_why():
    """Without arithmetic, what is missing; without a peak, no demand."""
    capacity = Capacity(None, "no CPU was seen", 1.0, 0.0, "")
    text = text_of(replica_score(wid("cart"), 5, None, peak_at=-1, capacity=capacity))
    assert "Capacity   no CPU was seen\n" in text
    assert "Demand" not in text
    assert "Need  " not in text
    assert "need not known, protections 0, policy 2" in text


def test_the_steps_show_worth_room_and_winner_topmost_first():
    """Value, the cost of the room at the prices, their ratio and who won: all of it can be recomputed."""
    score = replica_score(wid("cart"), 5, 3, risk=(9.0, 8.0, 7.0, 1.0, 0.4, 0.1))
    element = Element("replica:shop/cart:4-5", "replica", wid("cart"), 4, 5, (), 0.3, (0.5, 2.0**30, 0.0, 1.0, 0.0))
    chosen = replace(
        selection({"cart": 3}, yielded=(step_lost("cart", 3, 4), Yielded(element, 0.5, "replica:shop/web:3-5"))),
        accounts=(
            Account("cpu", 10, 0, 12, 12, 14, 2, 0.8),
            Account("memory", 10, 0, 12, 12, 14, 2, 0.2 / 2**30),
        ),
    )
    text = flat(text_of(score, chosen))
    assert "k SURVIVORS y RPS OBSERVED TAIL R(k) 3 2 200 0.00333333 0 1 4 3 300 0.00133333 0 0.4 5 4 400" in text
    assert "5 -> 4: worth 0.3 requests per hour; its room costs 0.5 cpu x 0.8 + 1 Gi x 0.2 = 0.6;" in text
    assert "0.3 / that = 0.5; lost to shop/web 3 -> 5" in text
    assert text.index("5 -> 4: worth") < text.index("4 -> 3: worth")
    assert "4 -> 3: worth 0.1 requests per hour; its room costs 1 cpu x 0.8" in text
    assert "what is left of the spare is too small" in text
    assert "prices: cpu 0.8 requests/h per cpu, memory 0.2 requests/h per Gi" in text


def test_without_prices_there_is_room():
    """Nothing scarce costs nothing; a replica that takes nothing costs nothing."""
    chosen = replace(selection({"cart": 3}, yielded=(step_lost("cart", 3, 4),)), accounts=())
    score = replica_score(wid("cart"), 5, 3, unit={"cpu": 0.0, "replicas": 0.0})
    text = flat(text_of(score, chosen))
    assert "4 -> 3: worth 0.1 requests per hour; its room costs 0; nobody needed the room" in text
    assert "one replica: nothing; prices: all 0, there is room" in text


def test_floors_holds_and_protections_are_all_told():
    """Every reason to keep stands with where it is written; what need says already is not said twice."""
    holds = (Hold("short", 5, "it has 5 replicas and needs 8; need 8: least k"), Hold("memory", 4, "its largest pod"))
    score = replace(replica_score(wid("cart"), 5, 8, arithmetic="need 8: least k"), holds=holds)
    text = flat(text_of(score, protections=[workload(wid("cart"), LEASE), workload(wid("cart"), PINNED)]))
    assert "Floors need 8, protections 5, policy 2" in text
    assert (
        "not below 5 now (short): it has 5 replicas and needs 8 Held not below 4 now (memory): its largest pod" in text
    )
    assert "not below 2 by lease: it leads (Lease shop/cart, spec.holder = cart-1)" in text
    assert "pinned by mirror: a mirror (VirtualService shop/v, spec.http)" in text
    assert "Target 5: nothing to prune" in text


def test_this_lap_names_the_step_and_the_pods():
    """What the present plan takes of it, or why nothing."""
    change = scaled(CART, 5, 4, victims=("cart-5d4f-0",))
    made = plan(change)
    chosen = selection({"cart": 3})
    text = flat(text_of(None, chosen, made))
    assert "Target 5 -> 3 This lap 5 -> 4; cart-5d4f-0 would go" in text
    assert made.id not in text
    bare = ScaleChange.model_validate({**change.model_dump(), "victims": ()})
    assert flat(text_of(None, chosen, plan(bare))).count("would go") == 0
    held = plan(held=(note("default", "pruning", "frozen"), note("shop/cart", "5 -> 3", "held"), note("shop/web")))
    assert "This lap nothing: frozen; held" in flat(text_of(None, chosen, held))
    assert "This lap nothing: microglia plan says why" in flat(
        text_of(None, chosen, plan(scaled(deployment("web"), 3, 2)))
    )


USED = scored("cart", host("ads"), evidence="USED", requests=12345.0, value=40.0, cost=2.0**20)
TCP = scored("cart", host("redis"), evidence="USED", requests=0.0, cost=2.0**20)


def test_used_routes_are_kept_and_listed_by_use():
    """The most used first; what is not counted in requests says so."""
    assert "1 USED, kept: ads.shop (12,345 requests); 1.0 Mi of proxy configuration\n" in text_of(routes=(USED,)) + "\n"
    text = flat(text_of(routes=(TCP, USED)))
    assert "2 USED, kept: ads.shop (12,345 requests), redis.shop (not counted in requests); 1.0 Mi of proxy" in text
    assert "or so each" in text


def test_routes_are_told_by_what_becomes_of_them():
    """Going, protected, undecided, or worth their room: alike hosts in one line, host by host out of a class."""
    idle = scored("cart", host("a"), host("b"), host("c"), cost=2.0**20)
    gone = scored("cart", host("a"), host("b"), cost=2.0**20)
    unknown = scored("cart", host("u"), evidence="UNKNOWN")
    worthy = scored("cart", host("w"), value=5.0, cost=2.0**20)
    chosen = selection({"cart": 5}, cut=(gone,), yielded=(lost(gone, 0.5, "route:shop/web:data:db"),))
    text = flat(
        text_of(
            None,
            chosen,
            routes=(idle, unknown, worthy),
            protections=[route(PINNED, client=wid("cart"), host=host("c"))],
        )
    )
    assert (
        "2 IDLE: a.shop, b.shop; silent in 336 h of its own activity, so at most 0.009 requests per hour each (95 %),"
        " 1.0 Mi of proxy each; would go; lost to shop/web -> data"
    ) in text
    assert "1 IDLE: c.shop; kept by mirror: a mirror" in text
    assert "1 UNKNOWN: u.shop; kept, undecided: seen all along" in text
    assert "1 IDLE: w.shop; silent in 336 h of its own activity, so at most 5 requests per hour (95 %)," in text
    assert "1.0 Mi of proxy; kept: worth its room" in text


def test_what_holds_a_route_is_told_with_where_it_is_written() -> None:
    """Of the client, of the host, of the one route; what one rule says of many hosts is told once."""
    named = Protection("headless", Level.PIN, 0, "names", ObjectRef("Service", "shop", "a"), "spec.clusterIP", "None")
    like = replace(named, source=ObjectRef("Service", "shop", "b"))
    held = [
        route(LEASE, client=wid("cart")),
        route(named, host=host("a")),
        route(like, host=host("b")),
        route(PINNED, client=wid("cart"), host=host("z")),
        route(PINNED, client=wid("web"), host=host("y")),
        route(named, host=host("x")),
    ]
    text = flat(text_of(None, routes=(scored("cart", host("a"), host("b")),), protections=held))
    assert "Protected by no rule" in text
    assert "Protected every route, by lease: it leads (Lease shop/cart, spec.holder = cart-1)" in text
    names = "names (Service shop/a, spec.clusterIP = None; and 1 place more (microglia map --protected --all))"
    assert f"Protected routes to a.shop, b.shop, by headless: {names}" in text
    assert "Protected route to z.shop, by mirror: a mirror (VirtualService shop/v, spec.http)" in text
    assert "y.shop" not in text
    assert "x.shop" not in text


def test_a_used_route_that_goes_is_called_seldom_used():
    """Where the policy lets weak routes compete, a used one may lose; nobody needed its room."""
    chosen = selection({"cart": 5}, cut=(USED,))
    text = flat(text_of(None, chosen, routes=(USED,)))
    assert (
        "1 USED: ads.shop; seldom called in 336 h of its own activity, so at most 40 requests per hour (95 %)" in text
    )
    assert "would go; nobody needed the room" in text


WEAK = PolicySpec(retention=Retention(weak=Weak(replicas=WeakReplicas(at_risk=1.0))))


def test_what_the_policy_says_of_replicas_below_need_is_told() -> None:
    """How far below need, at what risk, or what keeps need in force."""
    score = replica_score(wid("cart"), 5, 4, risk=(9.0, 8.0, 7.0, 0.75, 0.5, 0.25))
    decision = grounds(SEEN, selection({"cart": 3}), score)
    text = flat(explain_text(wid("cart"), decision, plan(), WEAK))
    assert (
        "Weak 3 replicas, below need, because spec.retention.weak.replicas allows 1 requests/h at risk; at risk 0.75"
        " requests/h"
    ) in text
    assert "R(k) 3 2 200" in text
    firm = grounds(SEEN, selection({"cart": 4}), replace(score, firm=4))
    assert (
        "Weak none below need, though spec.retention.weak.replicas is set: its CPU, or the peak of a zone, needs 4"
        " whatever the requests"
    ) in flat(explain_text(wid("cart"), firm, plan(), WEAK))
    assert "Weak" not in explain_text(wid("cart"), decision, plan(), SPEC)


def test_a_minimum_is_told_as_the_autoscalers() -> None:
    """What microglia would do about the owner, what stands in the way, and what this lap does."""
    raw = deployment("cart", replicas=5)
    for says, told in ((WORKS, "lowers its minimum, where the policy lets it"), ({}, "refuses")):
        seen = snapshot(*running(raw), hpa(says=says))
        text = flat(explain_text(wid("cart"), grounds(seen, selection({})), plan(lowering(raw, hpa(), 4)), SPEC))
        assert f"so microglia {told}: lower spec.minReplicas of HorizontalPodAutoscaler shop/cart, now 5" in text
        assert ("; not now: HorizontalPodAutoscaler shop/cart does not say AbleToScale" in text) is (says == {})
    score, made = replica_score(wid("cart"), 5, 3), plan(lowering(raw, hpa(), 4))
    text = flat(explain_text(wid("cart"), grounds(seen, selection({"cart": 3}), score), made, SPEC))
    assert "5 -> 4 in spec.minReplicas of HorizontalPodAutoscaler shop/cart, which takes them when it likes" in text
