"""Rules of Gateway API routes that lose every tie: dead only where an earlier rule has each of their matches."""

from typing import Any

import numpy as np
import pytest

from microglia.model.activity import EdgeActivity
from microglia.model.objects import BlindSpot
from microglia.plan.rare import Rare, rare
from microglia.policy.schema import PruningPolicy
from microglia.protect.ledger import ledger
from microglia.score.scores import Scores
from microglia.topology.build import build
from tests.factories import deployment, edges, running, service, snapshot, thing
from tests.planning import host

WEB = (*running(deployment("web")), *running(deployment("old")), service("web"), service("old"))
TAKEN = {"parents": [{"controllerName": "example.org/gate", "conditions": [{"type": "Accepted", "status": "True"}]}]}
CART = {"path": {"type": "PathPrefix", "value": "/cart"}}


def rule(*matches: Any, to: str = "web", **parts: Any) -> dict[str, Any]:
    """One that sends these matches (none: everything) to one backend."""
    said = {"matches": list(matches)} if matches else {}
    return {**said, "backendRefs": [{"name": to, "port": 80}], **parts}


def routing(*rules: Any, kind: str = "HTTPRoute", **parts: Any) -> dict[str, Any]:
    parts = {"status": TAKEN, **parts}
    return thing(kind, "front", spec={"parentRefs": [{"name": "gate"}], "rules": list(rules)}, **parts)


def look(*raws: Any, calls: EdgeActivity | None = None, **parts: Any) -> Rare:
    topology = build(snapshot(*raws, *WEB, calls=calls, **parts))
    return rare(topology, Scores({}, ()), ledger(()), PruningPolicy())


def dead(*rules: Any, kind: str = "HTTPRoute") -> tuple[int, ...]:
    """The places of the rules that would go."""
    found = look(routing(*rules, kind=kind))
    assert found.kept == ()
    return found.changes[0].items if found.changes else ()


def kept(found: Rare) -> str:
    assert found.changes == ()
    (note,) = found.kept
    return note.why


def test_a_rule_whose_matches_all_come_before_is_proposed() -> None:
    """The first of equal matches wins, so the later rule is never chosen; its evidence names the winner."""
    rules = [rule(CART), rule(), rule(CART, to="old"), rule({"method": "GET"})]
    (change,) = look(routing(*rules)).changes
    assert (change.workload, change.items, change.rule) == ("HTTPRoute/shop/front", (2,), None)
    assert (change.before, change.after) == ({"rules": rules}, {"rules": [rules[0], rules[1], rules[3]]})
    assert change.why.sentence == (
        "spec.rules[2] can never match: spec.rules[0] before has every match of it, and the first in the list wins"
    )
    assert change.what == "1 rule"


def test_matches_may_be_won_by_several_rules() -> None:
    """Each by its own; all of them are named, and all dead rules go together."""
    other = {"method": "GET"}
    (change,) = look(routing(rule(CART), rule(other), rule(other, CART, to="old"), rule(CART))).changes
    assert change.items == (2, 3)
    assert "spec.rules[2] can never match: spec.rules[0] and spec.rules[1] before" in change.why.sentence


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((), ({"path": {"type": "PathPrefix", "value": "/"}},)),
        (({},), ()),
        (({"path": {"value": "/a"}},), ({"path": {"type": "PathPrefix", "value": "/a"}},)),
        (
            ({"headers": [{"name": "X-A", "value": "1"}, {"name": "b", "value": "2", "type": "Exact"}]},),
            ({"headers": [{"name": "B", "value": "2"}, {"name": "x-a", "value": "1", "type": "Exact"}]},),
        ),
        (
            ({"queryParams": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},),
            ({"queryParams": [{"name": "b", "value": "2"}, {"name": "a", "value": "1", "type": "Exact"}]},),
        ),
    ],
)
def test_defaults_and_orders_are_one_spelling(first: Any, second: Any) -> None:
    """What is left out means what the API server fills in; a header's name has no case, a list no order."""
    assert dead(rule(*first), rule(*second)) == (1,)
    assert dead(rule(*second), rule(*first)) == (1,)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"path": {"value": "/"}}, {"path": {"value": "/cart"}}),
        ({"path": {"type": "Exact", "value": "/a"}}, {"path": {"value": "/a"}}),
        ({"path": {"value": "/a/"}}, {"path": {"value": "/a"}}),
        ({"method": "GET"}, {"method": "POST"}),
        ({"headers": [{"name": "a", "value": "1"}]}, {"headers": [{"name": "a", "value": "2"}]}),
        ({"headers": [{"name": "a", "value": "1"}]},
         {"headers": [{"name": "a", "value": "1", "type": "RegularExpression"}]}),
        ({"queryParams": [{"name": "a", "value": "1"}]}, {"queryParams": [{"name": "A", "value": "1"}]}),
        ({"headers": [{"name": "a", "value": "1"}]}, {"queryParams": [{"name": "a", "value": "1"}]}),
    ],
)  # fmt: skip
def test_matches_that_differ_shadow_nothing(first: Any, second: Any) -> None:
    """A broader one before least of all: the more specific match wins wherever it stands."""
    assert look(routing(rule(first), rule(second))) == Rare()
    assert look(routing(rule(second), rule(first))) == Rare()


@pytest.mark.parametrize(
    "match",
    [
        {"path": {"type": "RegularExpression", "value": "/a.*"}},
        {"headers": [{"name": "a", "value": "1"}, {"name": "A", "value": "2"}]},
        {"queryParams": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]},
        {"cookies": [{"name": "a"}]},
    ],
)
def test_what_is_not_laid_down_is_never_equal(match: Any) -> None:
    """Ranks that are the implementation's own, names listed twice, and what the API may come to know."""
    assert look(routing(rule(match), rule(match))) == Rare()
    assert look(routing(rule(CART), rule(CART, match))) == Rare()


def test_methods_of_grpc_are_matched_by_their_own_rules() -> None:
    """Service and method, exactly; none of them is every call; HTTP's fields mean nothing here."""
    pay = {"method": {"service": "shop.Pay", "method": "Charge"}}
    assert dead(rule(pay), rule({"method": {"type": "Exact", **pay["method"]}}), kind="GRPCRoute") == (1,)
    assert dead(rule(), rule({}), kind="GRPCRoute") == (1,)
    assert dead(rule(pay), rule({"method": {"service": "shop.Pay"}}), kind="GRPCRoute") == ()
    vague = {"method": {"type": "RegularExpression", "service": "shop.*"}}
    assert dead(rule(vague), rule(vague), kind="GRPCRoute") == ()
    assert dead(rule(CART), rule(CART), kind="GRPCRoute") == ()


def test_the_first_rule_is_never_dead() -> None:
    """A route always keeps one."""
    assert dead(rule()) == ()
    assert dead() == ()
    assert dead(rule(), rule(), rule()) == (1, 2)


def parent(*conditions: tuple[str, str], **parts: Any) -> dict[str, Any]:
    said = [{"type": kind, "status": status, **parts} for kind, status in conditions]
    return {"parents": [*TAKEN["parents"], {"controllerName": "example.org/other", "conditions": said}]}


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"status": {}}, "no gateway or mesh says in its status that it took the route"),
        ({"status": parent()}, "example.org/other has not accepted it as it is now"),
        ({"status": parent(("Accepted", "False"))}, "example.org/other has not accepted it"),
        ({"status": parent(("Accepted", "True"), observedGeneration=1), "metadata": {"generation": 2}}, "as it is now"),
        ({"status": parent(("Accepted", "True"), ("PartiallyInvalid", "True"))}, "some of its rules are invalid"),
        ({"status": parent(("Accepted", "True"), ("ResolvedRefs", "False"))}, "not all of its references lead"),
        ({"metadata": {"creationTimestamp": "2026-06-20T00:00:00Z"}}, "it was made within the window"),
        ({"annotations": {"microglia.dev/protect": "x"}}, "it is marked microglia.dev/protect: x"),
        ({"metadata": {"ownerReferences": [{"kind": "Canary", "name": "c"}]}}, "Canary c owns it"),
    ],
)
def test_whoever_may_read_it_otherwise_keeps_it(parts: Any, why: str) -> None:
    """An invalid rule may be left out, and then the one behind it serves; people and operators have their say."""
    assert why in kept(look(routing(rule(CART), rule(CART), **parts)))


def test_a_whole_status_is_trusted() -> None:
    """Of this generation, by every parent."""
    status = parent(("Accepted", "True"), ("ResolvedRefs", "True"), ("PartiallyInvalid", "False"), observedGeneration=2)
    assert look(routing(rule(CART), rule(CART), status=status, metadata={"generation": 2})).changes


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (rule(CART, name="spare"), "spec.rules[1] is called spare, and a policy may be attached"),
        (rule(CART, backendRefs=[{"name": "old", "weight": 0}]), "spec.rules[1] holds a backend in waiting"),
        (rule(CART, filters=[{"requestMirror": {"backendRef": {"name": "old"}}}]), "holds a backend in waiting"),
        (rule(CART, backendRefs=[{"name": "old", "filters": [{"requestMirror": {"backendRef": {"name": "a"}}}]}]),
         "holds a backend in waiting"),
    ],
)  # fmt: skip
def test_names_and_standbys_keep_a_rule(second: Any, why: str) -> None:
    """What stands by is put there for later."""
    assert why in kept(look(routing(rule(CART), second)))


def test_calls_to_a_backend_of_a_dead_rule_contradict_it() -> None:
    """Somebody ranks the rules otherwise, or calls it directly: in doubt it stays; a backend it shares proves nothing,
    and neither does an edge without a sign."""
    calls = edges(("shop/gate", host("old"), ""), ("shop/gate", host("web"), ""))
    told = kept(look(routing(rule(CART), rule(CART, to="old")), calls=calls))
    assert told.startswith(f"calls to {host('old')} were seen, and of this route only spec.rules[1] leads there")
    assert look(routing(rule(CART), rule(CART, to="web")), calls=calls).changes
    none = np.zeros(2, dtype=bool)
    still = EdgeActivity(calls.keys, none, calls.requests, calls.failures, calls.last, none)
    assert look(routing(rule(CART), rule(CART, to="old")), calls=still).changes
    foreign = rule(CART, backendRefs=[{"name": "old", "kind": "Backend", "group": "example.org"}])
    assert look(routing(rule(CART), foreign), calls=calls).changes


def test_a_steered_route_is_kept() -> None:
    """A rollout controller moves rules about."""
    told = {"strategy": {"canary": {"trafficRouting": {"plugins": {"gatewayAPI": {"httpRoute": "front"}}}}}}
    assert kept(look(routing(rule(CART), rule(CART)), thing("Rollout", "r", spec=told))) == "Rollout shop/r steers it"


def test_blindness_keeps_dead_rules_too() -> None:
    """Whoever could not be read may steer it."""
    found = look(routing(rule(CART), rule(CART)), faults=[BlindSpot("Rollout", "forbidden")])
    assert "Rollout could not be read" in kept(found)
