"""Backends that nobody can be served by: proposed only beside others that answer, and never for their silence alone."""

from typing import Any

import pytest

from microglia.model.activity import EdgeActivity
from microglia.plan.change import rare_digest
from microglia.plan.rare import Rare, rare
from microglia.policy.schema import PruningPolicy
from microglia.protect.ledger import Level, Protection, ledger
from microglia.protect.ledger import route as keeping
from microglia.score.scores import Scores
from microglia.topology.build import build
from tests.factories import deployment, edges, running, service, snapshot, thing
from tests.planning import host, route

WEB = (*running(deployment("web")), service("web"))
OLD = service("old")
TAKEN = {"parents": [{"controllerName": "example.org/gate", "conditions": [{"type": "Accepted", "status": "True"}]}]}
RECENT = {"creationTimestamp": "2026-06-20T00:00:00Z"}
REF = next(iter(build(snapshot(*WEB)).workloads.values())).ref


def istio(*backends: tuple[str, int | None], **parts: Any) -> dict[str, Any]:
    """A VirtualService with one rule to these hosts by weight."""
    listed = [
        {"destination": {"host": name}} | ({} if weight is None else {"weight": weight}) for name, weight in backends
    ]
    before = parts.pop("before", [])
    return thing("VirtualService", "front", spec={"hosts": ["x.example.org"], "http": [*before, {"route": listed}]},
                 **parts)  # fmt: skip


def gateway(*backends: Any, kind: str = "HTTPRoute", **parts: Any) -> dict[str, Any]:
    """A route with one rule to these Services."""
    parts = {"status": TAKEN, **parts}
    return thing(kind, "front", spec={"parentRefs": [{"name": "gate"}], "rules": [{"backendRefs": list(backends)}]},
                 **parts)  # fmt: skip


def look(*raws: Any, routes: Any = None, calls: EdgeActivity | None = None, **parts: Any) -> Rare:
    scored = Scores({}, (route("web", host("old"), host("older")),) if routes is None else routes)
    topology = build(snapshot(*raws, *WEB, calls=calls, **parts.pop("seen", {})))
    return rare(topology, scored, ledger(parts.pop("protections", ())), PruningPolicy())


def kept(found: Rare, kind: str = "VirtualService") -> str:
    """Why the route is kept as it is; the Service, which the route names, is kept in any case."""
    assert found.changes == ()
    (told,) = [note.why for note in found.kept if note.subject == f"{kind}/shop/front"]
    return told


SPLIT = istio(("web", 90), ("old", 10))


def test_an_empty_backend_beside_one_that_answers_is_proposed() -> None:
    """Its share would fail there; the others keep their weights, the other rules are not touched."""
    rules = [{"match": [{"port": 81}], "route": [{"destination": {"host": "web"}}]}]
    raw = istio(("old", 10), ("web", 60), ("web", 30), before=rules)
    (change,) = look(raw, OLD).changes
    assert (change.workload, change.uid, change.digest) == (
        "VirtualService/shop/front", "VirtualService-shop-front", rare_digest(raw),
    )  # fmt: skip
    assert (change.rule, change.items, change.what) == (1, (0,), "1 backend")
    assert change.before == {"http": raw["spec"]["http"]}
    assert change.after is not None
    assert change.after["http"][0] == rules[0]
    assert change.after["http"][1] == {"route": raw["spec"]["http"][1]["route"][1:]}
    assert change.why.sentence == (
        f"spec.http[1].route[0] sends 10 of 100 requests to {host('old')}, which selects no pod and has no endpoints,"
        " and to which 1 client sent nothing in the whole window; the other backends of the rule take over, their"
        " weights stay"
    )


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_gateway_routes_count_a_missing_weight_as_one(kind: str) -> None:
    """All empty ones of a rule go together."""
    raw = gateway({"name": "old"}, {"name": "web", "weight": 3}, {"name": "older", "weight": 4}, kind=kind)
    (change,) = look(raw, OLD, service("older")).changes
    assert (change.workload, change.rule, change.items) == (f"{kind}/shop/front", 0, (0, 2))
    assert change.after == {"rules": [{"backendRefs": [{"name": "web", "weight": 3}]}]}
    assert change.what == "2 backends"
    assert "spec.rules[0].backendRefs[0] sends 1 of 8 requests" in change.why.sentence


@pytest.mark.parametrize(
    "raw",
    [
        istio(("web", 100), ("old", 0)),
        istio(("web", 100), ("old", None)),
        istio(("old", None)),
        gateway({"name": "web"}, {"name": "old", "weight": 0}),
        gateway({"name": "old"}),
        gateway({"name": "web"}, {"name": "old", "kind": "Backend", "group": "example.org"}),
        gateway({"name": "web"}, {"name": "nowhere"}),
    ],
)
def test_standbys_and_lone_backends_are_no_candidates(raw: Any) -> None:
    """Weight 0 is somebody's standby, a rule keeps its last backend, and what is no Service here is not judged."""
    assert [change.workload for change in look(raw, OLD).changes if change.workload.startswith(raw["kind"])] == []
    assert [note for note in look(raw, OLD).kept if note.subject.startswith(raw["kind"])] == []


def test_a_backend_that_answers_is_never_proposed() -> None:
    """However silent it was: its rule would send it its share, sooner or later."""
    answering = (*running(deployment("old")), OLD)
    few = edges(("shop/gate", host("web"), ""), requests=100.0)
    assert look(SPLIT, *answering) == Rare()
    assert look(SPLIT, *answering, calls=few) == Rare()


@pytest.mark.parametrize(("requests", "odd"), [(179.0, False), (180.0, True)])
def test_a_promise_that_was_not_kept_is_told(requests: float, *, odd: bool) -> None:
    """Nine requests to its sibling promise it one: twenty that never came are no chance."""
    calls = edges(("shop/gate", host("web"), ""), requests=requests)
    for behind in ((OLD,), (*running(deployment("old")), OLD)):
        found = look(SPLIT, *behind, calls=calls)
        if odd:
            assert kept(found) == (
                f"spec.http[0] promises {host('old')} 10 of 100 requests, about 20 in the window, and none was seen:"
                " the rule is not in force, or its metrics are hidden; find out which before anybody takes it out"
            )
        else:
            assert [change.what for change in found.changes] == ["1 backend"] * (len(behind) == 1)


def test_one_call_is_a_call() -> None:
    """Nothing answered it, and people should know why; but a promise kept contradicts nothing."""
    calls = edges(("shop/web", host("old"), ""), ("shop/gate", host("web"), ""), requests=500.0)
    assert kept(look(SPLIT, OLD, calls=calls)).startswith("calls to it were seen, though nothing answers them")


@pytest.mark.parametrize(
    ("raw", "more", "why"),
    [
        (istio(("old", 10), ("older", 90)), (service("older"),), "no other backend of spec.http[0] is known to answer"),
        (istio(("old", 10), ("nowhere", 90)), (), "no other backend of spec.http[0] is known to answer"),
        (istio(("old", 10), ("far", 90)), (service("far", type="ExternalName", externalName="db.example.org"),),
         "no other backend of spec.http[0] is known to answer"),
        (istio(("old", 100), ("web", 0)), (), "no other backend of spec.http[0] is known to answer"),
        (istio(("old", 10), ("web", 90), metadata=RECENT), (), "it was made within the window, so somebody may"),
        (istio(("old", 10), ("web", 90), annotations={"microglia.dev/protect": "x"}), (), "is marked microglia.dev"),
        (SPLIT, (thing("Canary", "front", spec={}),), "Canary shop/front steers it"),
        (SPLIT, (thing("ServiceExport", "web", "data"),), "the mesh spans clusters"),
        (SPLIT, (thing("DestinationRule", "d", spec={"host": "old"}),), "DestinationRule shop/d names"),
        (SPLIT, (thing("Protection", "p", spec={"targets": [{"kind": "Service", "name": "old"}], "reason": "r"}),),
         "Protection shop/p names"),
    ],
)  # fmt: skip
def test_whoever_may_want_the_backend_keeps_it(raw: Any, more: Any, why: str) -> None:
    """Nothing would be mended, somebody is at work, or somebody else names it."""
    assert why in kept(look(raw, OLD, *more))


def test_two_routes_that_name_it_keep_it_both() -> None:
    """One after the other would be half a move; people see both."""
    other = istio(("web", 90), ("old", 10))
    other["metadata"] = other["metadata"] | {"name": "side", "uid": "side"}
    found = look(SPLIT, other, OLD)
    assert found.changes == ()
    told = {note.subject: note.why for note in found.kept}
    assert told["VirtualService/shop/front"] == f"VirtualService shop/side names {host('old')} too"
    assert told["VirtualService/shop/side"] == f"VirtualService shop/front names {host('old')} too"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"routes": ()}, "no client with a sidecar sees it"),
        ({"routes": (route("web", host("old"), evidence="UNKNOWN"),)}, "whether shop/web needs it is not known"),
        ({"calls": edges(("shop/pay", "PassthroughCluster", ""))}, "shop/pay sent calls that nobody can attribute"),
    ],
)
def test_unknown_is_never_proposed(parts: Any, why: str) -> None:
    """The same proof of silence as for a Service."""
    assert why in kept(look(SPLIT, OLD, **parts))


def test_the_ledger_and_the_age_of_the_service_count() -> None:
    """A pin on the host by whatever rule; a Service that was only just made waits for its pods."""
    pin = Protection("failover", Level.PIN, 0, "takes over for web", REF, "f", "v")
    assert kept(look(SPLIT, OLD, protections=[keeping(pin, host=host("old"))])) == (
        "failover keeps calls of shop/web to it: takes over for web"
    )
    assert "it was made within the window; wait" in kept(look(SPLIT, service("old", metadata=RECENT)))


def test_a_gateway_route_must_be_in_force_and_plain() -> None:
    """As its parents say; a backend with filters does more than be called."""
    parts = ({"name": "web"}, {"name": "old"})
    told = kept(look(gateway(*parts, status={}), OLD), "HTTPRoute")
    assert told.startswith("no gateway or mesh says in its status that it took the route")
    filtered = {"name": "old", "filters": [{"requestMirror": {"backendRef": {"name": "web"}}}]}
    told = kept(look(gateway({"name": "web"}, filtered), OLD), "HTTPRoute")
    assert told == "spec.rules[0] does more with its requests than send them there (filters)"


def test_one_thing_of_a_route_goes_at_a_time() -> None:
    """Dead rules first: the backend's place is looked up again afterwards."""
    raw = istio(("old", 10), ("web", 90))
    raw["spec"]["http"].append({"route": [{"destination": {"host": "web"}}]})
    (change,) = look(raw, OLD).changes
    assert (change.rule, change.items, change.what) == (None, (1,), "1 rule")
    twice = istio(("old", 10), ("web", 90), before=[{"match": [{"port": 81}], **SPLIT["spec"]["http"][0]}])
    (change,) = look(twice, OLD).changes
    assert (change.rule, change.items) == (0, (1,))
