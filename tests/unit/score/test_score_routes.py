"""Routes: who may reach what, who does, what that is worth."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from microglia.model.activity import UNKNOWN_PEER, Edge
from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import BlindSpot
from microglia.policy.schema import Criticality, PolicySpec, Retention
from microglia.score import score
from microglia.score.routes import rate_bound
from microglia.score.scores import Evidence, RouteScore
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.topology.nodes import Reach
from tests import factories
from tests.unit.score.worlds import Spec, calls, host, world

HOURS = factories.WINDOW.hours
LEAD = "calls to the host lead is not known"
GRANT = "grant that: microglia doctor --rbac | kubectl apply -f -"
WEB = Spec("web", 4, sent=10, series={"sent": np.ones(HOURS)})
CART, DESK = Spec("cart", rps=10), Spec("desk")
CLIENT = WorkloadId("shop", "web")


def _routes(topology: Topology, policy: PolicySpec | None = None, client: WorkloadId = CLIENT) -> dict[str, RouteScore]:
    """Every route of ``client`` by host."""
    found = score(topology, policy or PolicySpec()).routes
    return {name: route for route in found if route.client == client for name in route.hosts}


def _doubt(topology: Topology, name: str = "desk") -> str:
    found = _routes(topology)[host(name)]
    assert found.judged.evidence is Evidence.UNKNOWN
    return found.judged.why


@pytest.mark.parametrize(("requests", "hours"), [(0, 336), (1, 336), (100, 20), (7.5, 10)])
def test_the_value_is_the_upper_bound_of_the_rate(requests: float, hours: float) -> None:
    """chi2.ppf(0.95, 2k + 2) / (2T), checked against the distribution itself."""
    assert rate_bound(requests, hours) == pytest.approx(stats.chi2.ppf(0.95, 2 * requests + 2) / (2 * hours))


def test_less_than_an_hour_counts_as_one() -> None:
    """A client whose hours are not known does not get an infinite rate."""
    assert rate_bound(0, 0) == rate_bound(0, 1) == pytest.approx(2.9957, rel=1e-4)


def test_a_called_host_is_used_and_stands_alone() -> None:
    """100 requests in 336 hours of its client's own activity, 4 pods, one port."""
    found = _routes(world(WEB, CART, DESK, edges=calls(("web", "cart"))))[host("cart")]
    assert (found.judged.evidence, found.hosts, found.namespace) == (Evidence.USED, (host("cart"),), "shop")
    assert (found.requests, found.hours, found.cost) == (100, 336, 4 * 74_000)
    assert found.value == rate_bound(100, 336)


def test_hosts_never_called_form_one_class() -> None:
    """Equal coverage, criticality and cost in one namespace: one class with the worth of each."""
    topology = world(WEB, CART, DESK, Spec("far", namespace="other"), edges=calls(("web", "cart")))
    found = _routes(topology)
    assert found[host("desk")].hosts == (host("desk"), host("web"))
    assert found[host("far", "other")].hosts == (host("far", "other"),)
    assert found[host("desk")].judged.evidence is Evidence.IDLE
    assert "336 h in which its client sent" in found[host("desk")].judged.why
    assert found[host("desk")].value == rate_bound(0, 336)


def test_a_host_of_another_cost_is_another_class() -> None:
    """Two ports cost twice."""
    two = factories.service("two", ports=[{"port": 1}, {"port": 2}])
    found = _routes(world(WEB, DESK, more=[two], edges=calls()))
    assert found[host("two")].hosts == (host("two"),)
    assert found[host("two")].cost == 2 * found[host("desk")].cost


def test_routes_are_sorted_by_client_namespace_and_host() -> None:
    """Same world, same order."""
    topology = world(
        WEB, CART, DESK, Spec("aaa", namespace="zoo"), Spec("far", namespace="other"), edges=calls(("web", "cart"))
    )
    found = score(topology, PolicySpec()).routes
    keys = [(route.client, route.namespace, route.hosts[0]) for route in found]
    assert keys == sorted(keys)
    assert len({(route.client, name) for route in found for name in route.hosts}) == 25


def test_routes_are_equal_by_what_they_say() -> None:
    """Scored twice, the routes of one world are equal, with one hash."""
    one, two = (score(world(Spec("web", sent=100)), PolicySpec()).routes for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)


def test_only_meshed_clients_have_routes() -> None:
    """Without a sidecar there is no configuration to save."""
    topology = world(WEB, replace(DESK, meshed=False))
    assert {route.client.name for route in score(topology, PolicySpec()).routes} == {"web"}


def test_only_hours_in_which_the_client_sent_count() -> None:
    """Half of the window active: 3 / 168."""
    sent = (np.arange(HOURS) % 2 == 0).astype(float)
    found = _routes(world(replace(WEB, series={"sent": sent}), DESK))[host("desk")]
    assert (found.hours, found.value) == (168, rate_bound(0, 168))


def test_a_client_that_called_nothing_proves_nothing() -> None:
    """A standby's silence towards a host is no evidence."""
    assert "the client itself called nothing" in _doubt(world(replace(WEB, series={"sent": 0.0}), DESK))


def test_a_client_whose_own_silence_is_not_proven_proves_nothing() -> None:
    """Lost heartbeats of the client make its routes UNKNOWN; a call that was seen is a call all the same."""
    topology = world(replace(WEB, series={"sent": 1.0, "seen": 0.9}), CART, DESK, edges=calls(("web", "cart")))
    assert "its reporters were heard" in _doubt(topology)
    assert _routes(topology)[host("cart")].judged.evidence is Evidence.USED


def test_lost_heartbeats_behind_the_host_prove_nothing() -> None:
    """Its own sidecars could have seen the call too; workloads without a sidecar have no such reporter."""
    seen = np.ones(HOURS)
    seen[0] = 0
    for series in ({"seen": 0.95}, {"seen": seen}):
        assert "heard in too little" in _doubt(world(WEB, replace(DESK, series=series)))
    bare = world(WEB, replace(DESK, meshed=False, series={"seen": 0.0}))
    assert _routes(bare)[host("desk")].judged.evidence is Evidence.IDLE


@pytest.mark.parametrize("born", [None, factories.WINDOW.start.timestamp() + 1])
def test_a_host_must_have_existed_all_along(born: float | None) -> None:
    """Younger than the window, or of unknown age."""
    topology = world(WEB, DESK)
    hosts = {name: first for name, first in topology.activity.hosts.items() if name != host("desk")}
    if born is not None:
        hosts[host("desk")] = born
    activity = replace(topology.activity, hosts=hosts)
    young = replace(topology, snapshot=replace(topology.snapshot, activity=activity))
    assert "host existed throughout" in _doubt(young)


def test_a_host_that_somebody_unknown_calls_is_unknown() -> None:
    """A caller whom no reporter could name may be anybody."""
    edges = factories.edges((UNKNOWN_PEER, host("desk"), "shop/desk"))
    assert "whom no reporter could name" in _doubt(world(WEB, DESK, edges=edges))


def test_a_call_without_a_sign_is_none() -> None:
    """An edge that was known before and not used now."""
    edges = replace(calls(("web", "desk")), used=np.zeros(1, dtype=bool))
    assert _routes(world(WEB, DESK, edges=edges))[host("desk")].judged.evidence is Evidence.IDLE


def test_a_stream_without_a_finished_request_is_use() -> None:
    """Bytes moved: USED, though nothing was counted; its volume is unknown, so none is assumed."""
    one = np.ones(1, dtype=bool)
    edges = replace(calls(("web", "desk"), requests=np.nan), used=~one, flowing=one)
    found = _routes(world(WEB, DESK, edges=edges))[host("desk")]
    assert (found.judged.evidence, found.requests) == (Evidence.USED, 0)


def _reviews(*, known: bool = True) -> Topology:
    """``reviews`` is asked for and routed to ``reviews-primary``, which serves."""
    routed = {
        "hosts": ["reviews"],
        "http": [{"route": [{"destination": {"host": "reviews-primary" if known else "gone"}}]}],
    }
    service = factories.thing("VirtualService", "reviews", spec=routed)
    return world(
        WEB, Spec("reviews"), Spec("reviews-primary"), DESK, more=[service], edges=calls(("web", "reviews-primary"))
    )


def test_a_host_inherits_the_calls_of_what_it_leads_to() -> None:
    """Metrics name the host that served, not the one that was asked for: both are used."""
    found = _routes(_reviews())
    assert found[host("reviews")].judged.evidence is Evidence.USED
    assert found[host("reviews-primary")].judged.evidence is Evidence.USED
    assert found[host("desk")].judged.evidence is Evidence.IDLE


def test_a_host_whose_route_cannot_be_resolved_is_unknown() -> None:
    """Nobody knows where a call to it would have shown."""
    assert "could not be resolved" in _doubt(_reviews(known=False), "reviews")


def test_a_host_that_reached_the_same_workload_is_used() -> None:
    """A second Service before the same pods inherits the calls that they served."""
    alias = factories.service("alias", selector={"app": "cart"})
    found = _routes(world(WEB, CART, more=[alias], edges=calls(("web", "cart"))))
    assert found[host("alias")].judged.evidence is Evidence.USED


def test_a_service_without_a_reach_stands_for_itself() -> None:
    """Where no route object speaks of a host, its own workloads count."""
    topology = replace(world(WEB, CART, edges=calls(("web", "cart"))), reach={})
    assert _routes(topology)[host("cart")].judged.evidence is Evidence.USED


def test_criticality_of_either_end_counts() -> None:
    """The larger of both; hosts of another weight are another class."""
    entries = (Criticality(weight=5, namespaces=("pay",)),)
    topology = world(WEB, DESK, Spec("bank", namespace="pay"))
    found = _routes(topology, PolicySpec(retention=Retention(criticality=entries)))
    assert found[host("bank", "pay")].value == pytest.approx(5 * found[host("desk")].value)
    called = world(WEB, Spec("bank", namespace="pay"), edges=factories.edges(("shop/web", host("bank", "pay"), "")))
    used = _routes(called, PolicySpec(retention=Retention(criticality=entries)))[host("bank", "pay")]
    assert used.value == 5 * rate_bound(100, 336)


def test_the_coverage_of_a_route_is_that_of_its_worse_end() -> None:
    """In whole percent for a class, so that a lost scrape does not break it up."""
    topology = world(replace(WEB, series={"sent": 1.0, "seen": 0.996}), DESK, replace(CART, series={"seen": 0.998}))
    found = _routes(topology)
    assert found[host("desk")].judged.coverage == found[host("web")].judged.coverage == 0.99
    assert found[host("web")].hosts == (host("cart"), host("web"))
    worse = world(
        replace(WEB, series={"sent": 1.0}), replace(DESK, series={"seen": 0.9951}), edges=calls(("web", "desk"))
    )
    assert _routes(worse)[host("desk")].judged.coverage == 0.99


def _sidecar(topology: Topology, *hosts: str, spec: dict | None = None) -> list[str]:
    """The hosts that ``web`` sees under a Sidecar of its own."""
    raw = factories.thing("Sidecar", "web", spec={"egress": [{"hosts": list(hosts)}]} if spec is None else spec)
    objects = replace(topology.objects, kinds={**topology.objects.kinds, "Sidecar": (raw,)})
    scoped = replace(
        topology,
        snapshot=replace(topology.snapshot, objects=objects),
        sidecars={CLIENT: (ObjectRef("Sidecar", "shop", "web"), ObjectRef("Sidecar", "shop", "default"))},
    )
    return sorted(_routes(scoped))


WIDE = world(WEB, DESK, Spec("far", namespace="other"))


@pytest.mark.parametrize(
    ("entries", "seen"),
    [
        (["*/*"], ["desk.shop", "far.other", "web.shop"]),
        (["./*"], ["desk.shop", "web.shop"]),
        (["*/*.op.svc.cluster.local"], []),
        (["other/*"], ["far.other"]),
        (["./desk.shop.svc.cluster.local"], ["desk.shop"]),
        (["*/*.shop.svc.cluster.local"], ["desk.shop", "web.shop"]),
        (["*/*", "~shop/desk.shop.svc.cluster.local"], ["far.other", "web.shop"]),
        (["*/*", "~/desk.shop.svc.cluster.local"], ["far.other", "web.shop"]),
        (["*/*", "~shop/*"], ["far.other"]),
        (["~/*"], []),
        (["~shop/*"], []),
    ],
)
def test_a_client_sees_what_its_sidecar_imports_and_does_not_exclude(entries: list[str], seen: list[str]) -> None:
    """Allow lists, wildcards, and the exclusion form of Istio 1.31; only the most specific Sidecar counts."""
    assert _sidecar(WIDE, *entries) == [f"{name}.svc.cluster.local" for name in seen]


def test_a_sidecar_without_egress_hides_nothing() -> None:
    """No entry at all means everything."""
    assert len(_sidecar(WIDE, spec={"ingress": []})) == 3


def test_a_service_may_keep_to_some_namespaces() -> None:
    """exportTo: its own namespace, named ones, or all."""
    for written, seen in ((".", False), ("other, shop", True), ("*", True)):
        raw = factories.service("far", "other", annotations={"networking.istio.io/exportTo": written})
        service = replace(WIDE.services[host("far", "other")], raw=raw)
        topology = replace(WIDE, services={**WIDE.services, host("far", "other"): service})
        assert (host("far", "other") in _routes(topology)) == seen


def test_a_workload_behind_a_host_that_is_gone_is_passed_over() -> None:
    """Reach may name workloads that the topology no longer has."""
    topology = world(WEB, DESK)
    gone = Reach((host("desk"),), (WorkloadId("shop", "gone"),), known=True, via=())
    found = _routes(replace(topology, reach={**topology.reach, host("desk"): gone}))
    assert found[host("desk")].judged.evidence is Evidence.IDLE


def test_a_class_may_be_used_as_a_whole_and_a_called_host_may_be_hidden() -> None:
    """Every host called: no idle class is left. A host that its Sidecar hides is no route, called or not."""
    topology = world(WEB, DESK, edges=calls(("web", "desk"), ("web", "web")))
    assert all(route.judged.evidence is Evidence.USED for route in _routes(topology).values())
    assert _sidecar(topology, "*/*", "~/desk.shop.svc.cluster.local") == [host("web")]


def test_two_clients_may_call_the_same_host() -> None:
    """Each has its own requests."""
    topology = world(WEB, CART, DESK, edges=calls(("web", "desk"), ("cart", "desk")))
    assert _routes(topology)[host("desk")].requests == 100
    assert _routes(topology, client=WorkloadId("shop", "cart"))[host("desk")].requests == 100


def test_scores_can_be_narrowed_to_one_structure() -> None:
    """Only what belongs to its members: replicas, and routes by their client."""
    found = score(world(WEB, DESK), PolicySpec()).within({CLIENT})
    assert set(found.replicas) == {CLIENT}
    assert {route.client for route in found.routes} == {CLIENT}


def test_calls_of_others_do_not_count() -> None:
    """A host is used per client."""
    edges = factories.edges(("shop/other", host("desk"), "shop/desk"), ("shop/web", "example.com", ""))
    assert Edge("shop/web", "example.com", "", "http") in edges.keys
    assert _routes(world(WEB, DESK, edges=edges))[host("desk")].judged.evidence is Evidence.IDLE


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        (
            (BlindSpot("VirtualService", "cannot list virtualservices (forbidden: no)"),),
            f"VirtualService objects may not be listed, so where {LEAD}; {GRANT}",
        ),
        (
            (BlindSpot("HTTPRoute", "answered 500"), BlindSpot("TCPRoute", "403 Forbidden")),
            f"HTTPRoute could not be read: answered 500; TCPRoute objects may not be listed, so where {LEAD}; {GRANT}",
        ),
        (
            (BlindSpot("VirtualService", "answered 500"),),
            "VirtualService could not be read: answered 500, so where calls to the host lead is not known",
        ),
    ],
)
def test_a_list_that_is_not_allowed_is_granted_and_not_repaired(faults: tuple[BlindSpot, ...], told: str) -> None:
    """Which kind could not be read, and what to do about that."""
    topology = world(WEB, CART, DESK, edges=calls(("web", "cart")))
    snapshot = replace(topology.snapshot, objects=replace(topology.snapshot.objects, faults=faults))
    assert _doubt(build(snapshot)) == told
