"""Sidecars in the form of an allow-list: what they leave out, and what widens them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from microglia.model.objects import BlindSpot, Raw
from microglia.plan.allowlist import lately_shown, leavable, namespaces, release
from microglia.plan.desk import Desk, desk
from microglia.plan.draft import draft, widening
from microglia.plan.history import History
from microglia.plan.inverse import Taken, giving_back
from microglia.plan.routes import hide, hiding, upkeep
from microglia.plan.sidecar import Allowed, allowed, body, edited, hidden, plain, whole, widened
from microglia.policy.naming import Metadata
from microglia.policy.schema import PolicySpec, PruningPolicy, RouteForm
from microglia.topology.build import build
from tests.factories import NOW, SOURCE, deployment, edges, running, service, snapshot, thing
from tests.planning import cut, grounds, host, own, plan, pruning, record, route, route_lost, selection, wid

FAR, NEAR, FAIR = (host(name, "depot") for name in ("far", "near", "fair"))
STALL, ADS = host("stall", "market"), host("ads")
KNOWN = ("default", "depot", "istio-system", "kube-system", "market", "shop")
SERVICES = [service("far", "depot"), service("near", "depot"), service("stall", "market"), service("ads")]
LISTING = PolicySpec(routes=RouteForm(form="allowList"))
OLD = replace(SOURCE, istiod=("1.29.1",))
ROUTES = [route("search", FAR, NEAR), route("search", STALL, cost=7.0), route("search", ADS)]


def client(revision: str = "4") -> list[Any]:
    """``shop/search`` in one release."""
    return running(deployment("search", annotations={"deployment.kubernetes.io/revision": revision}))


def table(*raws: Raw, losing: list[Any] | None = None, **parts: Any) -> Desk:
    """A desk with ``search`` and Services in three namespaces; ``raws`` come on top."""
    losing = ROUTES if losing is None else losing
    chosen = selection({"search": 3}, losing, yielded=[route_lost(one) for one in losing])
    seen = snapshot(
        *parts.pop("base", client()), *SERVICES, *raws, source=parts.pop("source", SOURCE),
        faults=parts.pop("faults", ()), calls=parts.pop("calls", None),
    )  # fmt: skip
    spec, way = parts.pop("spec", LISTING), parts.pop("way", "cluster")
    return desk(grounds(seen, chosen, **parts), pruning(), spec, way)


def listed(*hosts: str, names: tuple[str, ...] = ("default", "istio-system", "kube-system", "market", "shop")) -> Any:
    """Ours, as the server keeps it, for release 4."""
    found = body(wid("search"), {"app": "search"}, hosts, Allowed(names, "4"))
    assert found is not None
    found["metadata"] |= {"uid": "sidecar-uid", "resourceVersion": "7"}
    return found


OURS = listed(FAR, NEAR)


def test_whole_namespaces_are_the_pieces() -> None:
    """Namespaces of which everything lost go, each in one piece; the client's own stays."""
    (candidate,), held = hiding(table())
    assert held == []
    assert [(run.count, run.cost) for run in candidate.runs] == [(1, {"proxyConfig": 20.0}), (1, {"proxyConfig": 7.0})]
    change = hide(table(), wid("search"), 2)
    assert change.cut == (FAR, NEAR, STALL)
    assert change.after is not None
    assert change.after["spec"]["egress"] == [{"hosts": ["default/*", "istio-system/*", "kube-system/*", "shop/*"]}]
    assert hidden(change.after) == (FAR, NEAR, STALL)
    assert change.why.sentence.endswith("; an allow-list leaves out depot, market")
    assert change.saving.proxy_config == 27.0
    assert hide(table(), wid("search"), 1).cut == (FAR, NEAR)


def test_a_namespace_with_one_host_that_stays_stays_whole() -> None:
    """One host that did not lose, whatever kept it, keeps its neighbours."""
    (candidate,), _ = hiding(table(losing=[route("search", FAR), route("search", STALL)]))
    assert len(candidate.runs) == 1
    assert hide(table(losing=[route("search", FAR), route("search", STALL)]), wid("search"), 1).cut == (STALL,)
    assert hiding(table(losing=[route("search", FAR)])) == ([], [])


@pytest.mark.parametrize("kind", ["DestinationRule", "HTTPRoute", "ServiceEntry", "VirtualService", "WorkloadEntry"])
def test_a_namespace_that_tells_proxies_how_to_route_stays(kind: str) -> None:
    """What a proxy takes from there may concern hosts that it does call."""
    routing = [thing(kind, "x", "depot"), thing(kind, "x", "else")]
    found = leavable(build(snapshot(*client(), *SERVICES, *routing)), wid("search"), {FAR, NEAR, STALL})
    assert found == (("market", (STALL,)),)


def test_what_every_client_needs_is_never_left_out() -> None:
    """The API server's, DNS's and the mesh's own namespaces, idle or not; and every namespace that exists is named."""
    some = [service("x", name) for name in ("default", "istio-system", "kube-system")]
    topology = build(snapshot(*client(), *SERVICES, *some, thing("Namespace", "empty", "")))
    assert leavable(topology, wid("search"), {*topology.services}) == (("depot", (FAR, NEAR)), ("market", (STALL,)))
    assert namespaces(topology) == tuple(sorted((*KNOWN, "empty")))


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"spec": PolicySpec(), "source": OLD}, "microglia propose offers an allow-list of namespaces"),
        ({"faults": [BlindSpot("Service", "403")]}, "Services cannot be read whole"),
        ({"faults": [BlindSpot("DestinationRule", "403")]}, "DestinationRules cannot be read whole"),
        (
            {"history": History(None, (record(cut("search", shown=(FAR,)), verdicts=["Keep"]),))},
            "hosts were shown to it again on",
        ),
    ],
)
def test_a_client_is_held(parts: dict[str, Any], why: str) -> None:
    """Without leave, without full sight, or after hosts were shown again, nothing is hidden; the reason is told."""
    candidates, held = hiding(table(**parts))
    assert candidates == []
    assert any(why in note.why for note in held)


def test_the_other_form_is_taken_away_first() -> None:
    """A Sidecar is never turned from one form into the other."""
    why = "its Sidecar has the other form (spec.routes.form); microglia restore takes it away first"
    assert [note.why for note in hiding(table(own("search", host("x"))))[1]] == [why]
    assert [note.why for note in hiding(table(OURS, spec=PolicySpec()))[1]] == [why]


def test_an_old_istiod_gets_an_allow_list_as_a_proposal() -> None:
    """For Git it is drafted without being asked for; a newer istiod gets exclusions there."""
    old = table(spec=PolicySpec(), source=OLD, way="git")
    assert len(hiding(old)[0]) == 1
    assert allowed(hide(old, wid("search"), 1).after) is not None
    assert allowed(hide(table(spec=PolicySpec(), way="git"), wid("search"), 1).after) is None


def test_hosts_shown_long_ago_hold_nothing() -> None:
    """The wait is one window, by the newest time that hosts were shown to this client."""
    ago = NOW - timedelta(days=20)
    history = History(None, (record(cut("search", shown=(FAR,)), cut("web", shown=(FAR,)), at=ago),))
    assert lately_shown(history, wid("search"), NOW - timedelta(days=14)) is None
    assert lately_shown(history, wid("search"), NOW - timedelta(days=30)) == ago


def test_nothing_new_leaves_it_as_it_is() -> None:
    """The same Services and the same release: there is nothing to show."""
    assert upkeep(table(OURS)) == ([], [])
    assert not edited(OURS)


@pytest.mark.parametrize(
    ("raws", "shown", "why", "names"),
    [
        ([service("fair", "depot")], (FAIR, FAR, NEAR), f"{FAIR} is new in a namespace that it does not see", "depot"),
        ([service("x", "born")], (host("x", "born"),), "is new in a namespace that it does not see", "born"),
        ([thing("VirtualService", "v", "depot")], (FAR, NEAR), "VirtualService depot/v is new in a namespace", "depot"),
    ],
)
def test_what_is_new_widens_it(raws: list[Raw], shown: tuple[str, ...], why: str, names: str) -> None:
    """A new Service or a new object that routes shows its namespace whole."""
    (change,), _ = upkeep(table(OURS, *raws))
    assert change.shown == shown
    assert why in change.why.sentence
    after = allowed(change.after)
    assert after is None or names in after.namespaces
    assert not set(hidden(change.after)) & set(shown)


def test_a_new_release_of_the_client_shows_everything() -> None:
    """Nobody has seen yet whom it calls."""
    (change,), _ = upkeep(table(OURS, base=client("5")))
    assert (change.shown, change.after) == ((FAR, NEAR), None)
    assert change.why.sentence == "a new release of it runs, and nobody has seen yet whom that calls"


def test_a_host_that_is_used_shows_its_namespace() -> None:
    """Its neighbours come along, because an allow-list knows no single hosts."""
    (change,), _ = upkeep(table(listed(FAR, NEAR, STALL, names=KNOWN[:1]), calls=edges(("shop/search", FAR, ""))))
    assert set(change.shown) >= {FAR, NEAR}


def test_it_is_widened_before_anything_else() -> None:
    """The lap's plan is that alone, though there is more to hide."""
    laid = table(OURS, service("fair", "depot"))
    policy = PruningPolicy(metadata=Metadata(name="default"), spec=LISTING)
    found = widening(laid.grounds, laid.state, policy, NOW, "cluster")
    assert found is not None
    assert [(change.element, change.widens) for change in found.changes] == [("routes:shop/search", True)]
    assert [note.why for note in found.held] == ["they are widened first; the next lap goes on"]
    assert found.changes == draft(laid.grounds, laid.state, policy, NOW).changes
    for quiet in (table(OURS), table(own("search", host("gone")))):
        assert widening(quiet.grounds, quiet.state, policy, NOW, "cluster") is None


def test_it_is_given_back_by_namespaces() -> None:
    """What a cut hid comes back with its neighbours, and the object goes with its last host."""
    topology = build(snapshot(*client(), *SERVICES, listed(FAR, NEAR, STALL)))
    back = giving_back([Taken(cut("search", FAR), "why")], topology.objects, plan(), NOW, "restore")
    (change,) = back.changes
    assert change.kind == "sidecar"
    assert (change.shown, hidden(change.after)) == ((FAR, NEAR), (STALL,))
    assert widened(OURS, [FAR, NEAR]) is None


def test_the_object_reads_back() -> None:
    """Namespaces, hosts and release; edited is whatever is no list of whole namespaces."""
    assert allowed(OURS) == Allowed(("default", "istio-system", "kube-system", "market", "shop"), "4")
    assert (hidden(OURS), whole(OURS, [FAR])) == ((FAR, NEAR), frozenset({FAR, NEAR}))
    assert plain(OURS) == body(wid("search"), {"app": "search"}, [NEAR, FAR], allowed(OURS))
    one = listed(FAR)
    one["spec"]["egress"][0]["hosts"].append("depot/far.depot.svc.cluster.local")
    assert edited(one)
    assert (allowed(None), allowed(own("search", ADS)), whole(own("search", ADS), [ADS])) == (
        None,
        None,
        frozenset({ADS}),
    )
    assert widened(thing("Sidecar", "x"), [FAR]) is None


def test_what_tells_releases_apart() -> None:
    """A Deployment's revision; of other kinds the generation."""
    topology = build(snapshot(*client("9"), *running(deployment("web", metadata={"generation": 3}))))
    assert [release(topology.workloads[wid(name)]) for name in ("search", "web")] == ["9", "generation 3"]
