"""What is only ever proposed: what nobody can need goes, and every doubt keeps it and says why."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from microglia.model.activity import EdgeActivity
from microglia.model.ids import WorkloadId
from microglia.model.objects import BlindSpot
from microglia.plan.change import rare_digest
from microglia.plan.rare import Rare, rare
from microglia.policy.schema import PruningPolicy
from microglia.protect.ledger import Level, Protection, ledger
from microglia.protect.ledger import route as keeping
from microglia.score.scores import Scores
from microglia.topology.build import build
from tests.factories import deployment, edges, pod, running, service, snapshot, thing
from tests.planning import host, route, wid

OLD = service("old")
WEB = running(deployment("web"))
RECENT = {"creationTimestamp": "2026-06-20T00:00:00Z"}
SLICE: dict[str, Any] = {"labels": {"kubernetes.io/service-name": "old"}}
BY_SERVICE = {"ownerReferences": [{"kind": "Service", "name": "old", "uid": "u"}]}
RULES: list[dict[str, Any]] = [
    {"match": [{"uri": {"prefix": "/cart"}}], "route": [{"destination": {"host": "cart"}}]},
    {"route": [{"destination": {"host": "web"}}]},
    {"match": [{"uri": {"prefix": "/old"}}], "route": [{"destination": {"host": "old"}}]},
]


def policy(name: str = "default", **spec: Any) -> PruningPolicy:
    return PruningPolicy.model_validate({"metadata": {"name": name}, "spec": spec})


def look(*raws: Any, routes: Any = None, calls: EdgeActivity | None = None, **parts: Any) -> Rare:
    """The decision on these objects, and one client that never called the old Service unless told otherwise."""
    scored = Scores({}, (route("web", host("old"), host("cart")),) if routes is None else routes)
    held = ledger(parts.pop("protections", ()))
    said, all_of = parts.pop("policy", policy()), parts.pop("policies", ())
    return rare(build(snapshot(*raws, calls=calls, **parts)), scored, held, said, all_of)


def kept(found: Rare) -> str:
    """Why the one thing that looked alike is kept."""
    assert found.changes == ()
    (note,) = found.kept
    return note.why


def routing(rules: Any = RULES, **parts: Any) -> dict[str, Any]:
    hosts = parts.pop("hosts", ["shop.example.org"])
    return thing("VirtualService", "front", spec={"hosts": hosts, "http": rules}, **parts)


def test_an_orphan_service_is_proposed_with_its_evidence() -> None:
    """Nothing selected, nothing behind, nobody names it, every client silent: it costs its clients' proxies memory."""
    (change,) = look(OLD, *WEB, thing("EndpointSlice", "old-1", metadata={**SLICE, **BY_SERVICE})).changes
    assert (change.workload, change.uid, change.digest) == ("Service/shop/old", "Service-shop-old", rare_digest(OLD))
    assert (change.before, change.after, change.items) == ({"selector": {"app": "old"}}, None, ())
    assert change.saving.proxy_config == 10.0
    assert "selects no pod and no workload (app=old)" in change.why.sentence
    assert "1 client sent nothing" in change.why.sentence
    assert (change.id, change.element) == (WorkloadId("shop", "old", "Service"), "object:Service/shop/old")
    assert (change.widens, change.what) == (False, "the whole object")


@pytest.mark.parametrize(
    "raws",
    [
        (service("old", type="ExternalName", externalName="db.example.org"),),
        (service("old", clusterIP="None"),),
        (service("old", type="LoadBalancer"),),
        (service("old", type="NodePort"),),
        (service("old", externalIPs=["203.0.113.1"]),),
        (service("old", selector={}),),
        (service("old", selector={"app": "web"}),),
        (OLD, deployment("cold", replicas=0, pod_labels={"app": "old"})),
        (OLD, thing("EndpointSlice", "old-1", metadata=SLICE | BY_SERVICE, endpoints=[{"targetRef": {"name": "p"}}])),
        (OLD, thing("EndpointSlice", "by-hand", **SLICE)),
        (OLD, pod("lone", labels={"app": "old"})),
        (OLD, pod("web-7c-0", owner=("ReplicaSet", "web-5d4f"), labels={"app": "old"})),
    ],
)
def test_what_may_serve_somebody_is_no_orphan(raws: Any) -> None:
    """Entered from outside, answered elsewhere, or with pods, templates or endpoints of whatever origin."""
    assert look(*raws, *WEB) == Rare()


@pytest.mark.parametrize(
    "raw",
    [
        thing("Ingress", "i", spec={"rules": [{"backend": {"service": {"name": "old"}}}]}),
        thing("VirtualService", "v", spec={"hosts": ["x"], "http": [{"route": [{"destination": {"host": "old"}}]}]}),
        thing("VirtualService", "old", spec={"hosts": ["old"], "http": []}),
        thing("DestinationRule", "d", "other", spec={"host": "old.shop.svc.cluster.local"}),
        thing("HTTPRoute", "h", "other", spec={"rules": [{"backendRefs": [{"name": "old", "namespace": "shop"}]}]}),
        thing("ServiceEntry", "s", spec={"hosts": ["a.example"], "endpoints": [{"address": "old.shop.svc"}]}),
        thing("ValidatingWebhookConfiguration", "w", "",
              webhooks=[{"clientConfig": {"service": {"namespace": "shop", "name": "old"}}}]),
        thing("APIService", "a", "", spec={"service": {"namespace": "shop", "name": "old"}}),
        thing("CustomResourceDefinition", "c", "",
              spec={"conversion": {"webhook": {"clientConfig": {"service": {"namespace": "shop", "name": "old"}}}}}),
        thing("Protection", "p", spec={"targets": [{"kind": "Service", "name": "old"}], "reason": "r"}),
        service("alias", type="ExternalName", externalName="old.shop.svc.cluster.local"),
        thing("Job", "j", spec={"template": {}}, found={"hosts": ["old.shop.svc.cluster.local"]}),
    ],
)  # fmt: skip
def test_whoever_names_a_service_keeps_it(raw: Any) -> None:
    """Routes, hooks, aliases, protections and templates, in its namespace or any other."""
    told = kept(look(OLD, *WEB, raw))
    assert told.endswith("names it")
    assert raw["metadata"]["name"] in told


def test_a_wildcard_that_leads_its_callers_on_names_it_too() -> None:
    """Calls to it may be served elsewhere, and then it is their address."""
    rule = {"route": [{"destination": {"host": "web"}}]}
    raw = thing("VirtualService", "all", spec={"hosts": ["*.shop.svc.cluster.local"], "http": [rule]})
    assert kept(look(OLD, *WEB, service("web"), raw)) == "VirtualService shop/all names it"


@pytest.mark.parametrize(
    "raw",
    [
        thing("ConfigMap", "c", data={"text": "the old cart is gone"}),
        thing("HTTPRoute", "h", "other", spec={"rules": [{"backendRefs": [{"name": "old"}]}]}),
        service("web", labels={"app": "old"}),
        thing("Sidecar", "s", labels={"app.kubernetes.io/managed-by": "microglia"},
              spec={"egress": [{"hosts": ["~shop/old.shop.svc.cluster.local"]}]}),
        thing("Application", "a", spec={}, status={"resources": [{"name": "old", "namespace": "shop"}]}),
        thing("HorizontalPodAutoscaler", "h", status={"name": "old"}),
    ],
)  # fmt: skip
def test_what_only_sounds_like_its_name_does_not_keep_it(raw: Any) -> None:
    """Prose, labels, a neighbour namespace's own name, our own cuts, and lists of everything there is."""
    found = look(OLD, *WEB, raw)
    assert [change.workload for change in found.changes] == ["Service/shop/old"]


def flowing() -> EdgeActivity:
    """A stream to it that never ended."""
    calls = edges(("shop/web", host("old"), ""))
    return EdgeActivity(calls.keys, np.zeros(1, bool), calls.requests, calls.failures, calls.last, np.ones(1, bool))


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"calls": edges(("shop/web", host("old"), ""))}, "calls to it were seen"),
        ({"calls": flowing()}, "calls to it were seen"),
        ({"routes": ()}, "no client with a sidecar sees it"),
        ({"routes": (route("web", host("old"), evidence="UNKNOWN"),)}, "whether shop/web needs it is not known"),
        ({"routes": (route("web", host("old"), evidence="USED"),)}, "whether shop/web needs it is not known"),
        ({"calls": edges(("shop/pay", "PassthroughCluster", ""))}, "shop/pay sent calls that nobody can attribute"),
    ],
)
def test_only_proven_silence_of_every_client_counts(parts: Any, why: str) -> None:
    """A call, an unknown, or a client that may mean it without naming it keeps a Service."""
    assert why in kept(look(OLD, *WEB, **parts))


def test_the_strays_of_a_client_that_sees_it_are_no_calls_to_it() -> None:
    """Its proxy knows the name, so a call to it would bear it."""
    assert look(OLD, *WEB, calls=edges(("shop/web", "PassthroughCluster", ""))).changes


def test_an_edge_without_a_sign_is_no_call() -> None:
    """It was there once, and moved nothing in the window."""
    calls = flowing()
    still = EdgeActivity(calls.keys, calls.used, calls.requests, calls.failures, calls.last, np.zeros(1, bool))
    assert look(OLD, *WEB, calls=still).changes


def test_who_has_no_sidecar_may_call_unseen() -> None:
    """Unless it belongs to the platform, which calls what objects name."""
    assert "shop/dark may call it unseen" in kept(look(OLD, *WEB, *running(deployment("dark"), meshed=False)))
    assert look(OLD, *WEB, *running(deployment("coredns", "kube-system"), meshed=False)).changes


@pytest.mark.parametrize(
    ("raws", "by"),
    [
        ((thing("ServiceExport", "web", "data"),), "ServiceExport data/web"),
        ((thing("ServiceImport", "web", "data"),), "ServiceImport data/web"),
        ((thing("Namespace", "istio-system", "", labels={"topology.istio.io/network": "n"}),),
         "Namespace istio-system"),
        (running(deployment("gate", "istio-system", pod_labels={"istio": "eastwestgateway"})),
         "Deployment istio-system/gate"),
        (running(deployment("app", pod_labels={"topology.istio.io/network": "n"})), "Deployment shop/app"),
    ],
)  # fmt: skip
def test_a_mesh_of_several_clusters_keeps_what_is_empty_in_one(raws: Any, by: str) -> None:
    """Istio needs the Service here for the endpoints that it has elsewhere."""
    told = kept(look(OLD, *WEB, *raws))
    assert told == f"{by} shows that the mesh spans clusters, and what answers for it in another is not seen here"


def test_namespaces_and_exports_without_a_network_change_nothing() -> None:
    """A label of something else is no sign of another cluster."""
    assert look(OLD, *WEB, thing("Namespace", "shop", "", labels={"istio-injection": "enabled"})).changes


def test_a_protected_route_keeps_its_host() -> None:
    """By rule, with the reason; the blanket over the platform's clients protects no Service, one on a host does."""
    guard = Protection("periodic", Level.PIN, 0, "runs at the end of the year", OLD_REF, "f", "v")
    told = kept(look(OLD, *WEB, protections=[keeping(guard, client=wid("web"))]))
    assert told == "periodic keeps calls of shop/web to it: runs at the end of the year"
    gate = wid("gate", "istio-system")
    seen = (route("web", host("old")), replace_client(gate))
    assert look(OLD, *WEB, routes=seen, protections=[keeping(guard, client=gate)]).changes
    assert "periodic" in kept(look(OLD, *WEB, routes=seen[1:], protections=[keeping(guard, host=host("old"))]))


OLD_REF = build(snapshot(*WEB)).workloads[wid("web")].ref


def replace_client(client: WorkloadId) -> Any:
    """The same silence of another client."""
    return replace(route("web", host("old")), client=client)


def test_a_young_service_is_kept() -> None:
    """Its window has not been seen."""
    assert "made within the window" in kept(look(service("old", metadata=RECENT), *WEB))


@pytest.mark.parametrize(
    ("raw", "more", "why"),
    [
        (service("old", annotations={"microglia.dev/protect": "yes"}), (), "it is marked microglia.dev/protect: yes"),
        (service("old", annotations={"microglia.dev/ignore": "true"}), (), "it is marked microglia.dev/ignore: true"),
        (service("old", labels={"kor/used": "true"}), (), "it is marked kor/used: true"),
        (service("old", annotations={"helm.sh/resource-policy": "keep"}), (), "helm.sh/resource-policy"),
        (service("old", annotations={"k8gb.io/x": "y"}), (), "it is marked k8gb.io/x: y"),
        (OLD, (thing("Namespace", "shop", "", annotations={"microglia.dev/protect": "all"}),), "its namespace is"),
        (service("old", metadata={"ownerReferences": [{"kind": "Kafka", "name": "k"}]}), (), "Kafka k owns it"),
    ],
)
def test_marks_and_owners_keep_it(raw: Any, more: Any, why: str) -> None:
    """Ours, those of other tools, those not understood, and an operator's."""
    assert why in kept(look(raw, *WEB, *more))


def test_a_mark_that_does_not_count_protects_nothing() -> None:
    """Other tools' marks have values."""
    assert look(service("old", labels={"kor/used": "false"}), *WEB).changes


@pytest.mark.parametrize(
    "always",
    [
        {"kind": "Service", "namespace": "shop", "name": "o*", "reason": "r"},
        {"kind": "Namespace", "namespace": "*", "name": "shop", "reason": "r"},
    ],
)
def test_the_policy_protects_by_name(always: Any) -> None:
    """The Service itself, or its namespace."""
    told = kept(look(OLD, *WEB, policy=policy(protect={"always": [always]})))
    assert told == "spec.protect.always[0] names it: r"


def test_the_policy_says_where_and_what() -> None:
    """Out of its scope, without routes among its elements, or another policy's: nothing, not even a note."""
    other = {"kind": "Service", "namespace": "shop", "name": "other", "reason": "r"}
    assert look(OLD, *WEB, policy=policy(protect={"always": [other]})).changes
    assert look(OLD, *WEB, policy=policy(scope={"namespaces": {"include": ["data"]}})) == Rare()
    assert look(OLD, *WEB, policy=policy(scope={"namespaces": {"include": ["*"], "exclude": ["shop"]}})) == Rare()
    assert look(OLD, *WEB, policy=policy(scope={"elements": ["Replica"]})) == Rare()
    closer = policy("closer", scope={"namespaces": {"include": ["shop"]}})
    wide = policy(scope={"namespaces": {"include": ["*"]}})
    assert look(OLD, *WEB, policy=wide, policies=[wide, closer]) == Rare()
    assert look(OLD, *WEB, policy=closer, policies=[wide, closer]).changes


def test_the_platform_is_left_alone() -> None:
    """Its Services are nobody's rubbish."""
    raw = service("old", "kube-system")
    everywhere = policy(scope={"namespaces": {"include": ["*"], "exclude": []}})
    found = look(raw, *WEB, routes=(route("web", host("old", "kube-system")),), policy=everywhere)
    assert kept(found) == "it is part of the platform"


def test_blindness_protects_everything() -> None:
    """Whatever could not be read may name it; what hides nothing of the kind does not count."""
    assert "Ingress could not be read" in kept(look(OLD, *WEB, faults=[BlindSpot("Ingress", "forbidden")]))
    assert "nonsense could not be read" in kept(look(OLD, *WEB, faults=[BlindSpot("nonsense", "?")]))
    assert look(OLD, *WEB, faults=[BlindSpot("Node", "forbidden")]).changes


def test_rules_behind_a_catch_all_are_proposed() -> None:
    """Istio makes nothing of them: taking them out changes no answer."""
    (change,) = look(routing(), *WEB).changes
    assert (change.workload, change.items) == ("VirtualService/shop/front", (2,))
    assert (change.before, change.after) == ({"http": RULES}, {"http": RULES[:2]})
    assert change.why.sentence == "spec.http[2] can never match: spec.http[1] before takes every request"
    assert change.what == "1 rule"


@pytest.mark.parametrize(
    "first",
    [
        {"match": [{"uri": {"prefix": "/"}}], "route": []},
        {"match": [{"uri": {"exact": "/a"}}, {"name": "rest"}], "route": []},
        {"redirect": {"uri": "/"}},
    ],
)
def test_every_way_to_take_all_is_one(first: Any) -> None:
    """A path that begins every path, a condition without conditions among others, no condition at all."""
    (change,) = look(routing([first, *RULES]), *WEB).changes
    assert (change.items, change.what) == ((1, 2, 3), "3 rules")


@pytest.mark.parametrize(
    "first",
    [
        {"delegate": {"name": "d"}},
        {"match": [{"uri": {"prefix": "/"}, "headers": {"x": {"exact": "y"}}}]},
        {"match": [{"gateways": ["mesh"]}]},
        {"match": [{"uri": {"prefix": "/a"}}]},
        {"match": [{"uri": {"regex": ".*"}}]},
        {"match": [{"port": 80}]},
        {"match": [{"sourceLabels": {"app": "web"}}]},
    ],
)
def test_whatever_lets_a_request_pass_shadows_nothing(first: Any) -> None:
    """Conditions, and delegates, which may not match either; when in doubt, it does."""
    assert look(routing([first, RULES[2]]), *WEB) == Rare()


def test_the_last_rule_and_a_missing_destination_are_no_dead_rules() -> None:
    """A catch-all in its place; a rule to nowhere answers 503, which somebody may rely on; a delegate's own list."""
    assert look(routing(RULES[:2]), *WEB) == Rare()
    nowhere = {"route": [{"destination": {"host": "nowhere"}}], "match": [{"port": 1}]}
    assert look(routing([nowhere, RULES[1]])) == Rare()
    assert look(routing(hosts=[]), *WEB) == Rare()
    assert look(routing(RULES[1:2]), *WEB) == Rare()


@pytest.mark.parametrize(
    "parked",
    [
        {"route": [{"destination": {"host": "old"}, "weight": 0}]},
        {"route": [{"destination": {"host": "old"}, "weight": 100}, {"destination": {"host": "older"}}]},
        {"route": [{"destination": {"host": "old"}}], "mirror": {"host": "b"}},
        {"route": [{"destination": {"host": "old"}}], "mirrors": [{"destination": {"host": "b"}}]},
        {"match": [{"port": 1}], "delegate": {"name": "d"}},
    ],
)
def test_destinations_in_waiting_are_kept(parked: Any) -> None:
    """Weight 0, mirrors and delegates are put there for later."""
    assert kept(look(routing([*RULES, parked]), *WEB)).startswith("spec.http[3] holds a destination in waiting")


@pytest.mark.parametrize(
    ("raws", "why"),
    [
        ((routing(metadata=RECENT),), "it was made within the window"),
        ((routing(annotations={"microglia.dev/protect": "x"}),), "it is marked microglia.dev/protect: x"),
        (
            (routing(), thing("Rollout", "r", spec={"strategy": {"canary": {"virtualService": {"name": "front"}}}})),
            "Rollout shop/r steers it",
        ),
        ((routing(), thing("Canary", "front", spec={})), "Canary shop/front steers it"),
    ],
)
def test_whoever_steers_or_marks_a_route_keeps_its_rules(raws: Any, why: str) -> None:
    """A rollout controller moves rules about, and people may still be at work."""
    assert why in kept(look(*raws, *WEB))


def test_the_order_is_that_of_kinds_and_names() -> None:
    """Same world in, same proposal out."""
    seen = (route("web", host("old"), host("ads")),)
    found = look(routing(), OLD, service("ads"), *WEB, routes=seen)
    names = [one.workload for one in found.changes]
    # The route's dead rule still names the old Service: the rule goes first, the Service with a later proposal.
    assert names == ["Service/shop/ads", "VirtualService/shop/front"]
    assert [(note.subject, note.what) for note in found.kept] == [("Service/shop/old", "the whole object stays")]


def test_an_empty_world_has_no_rare_elements() -> None:
    """Nothing there, nothing found."""
    assert look() == Rare()
