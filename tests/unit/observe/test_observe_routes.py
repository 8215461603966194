"""Route objects of the Gateway API, as Envoy Gateway's clusters name them: whose calls they carry."""

import pytest

from microglia.observe.dialects import mapping
from microglia.observe.dialects.loading import built_in
from microglia.observe.edges import edge_of
from microglia.observe.names import read_names
from microglia.observe.routes import behind
from tests.factories import deployment, nodes, objects, running, service, thing
from tests.unit.observe.rows import row


def rule(*backends, **more):
    return {"backendRefs": [{"name": one, "port": 80} for one in backends], **more}


def route(kind, name, *rules):
    return thing(kind, name, spec={"rules": list(rules)})


MIRROR = [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "shadow"}}}]
ROUTES = [
    route("HTTPRoute", "web", rule("web"), rule("api", "web"), rule("web", filters=MIRROR)),
    route("HTTPRoute", "far", {"backendRefs": [{"name": "api", "namespace": "other"}, {"name": "web", "weight": 0}]}),
    route("HTTPRoute", "away", {"backendRefs": [{"group": "x.io", "kind": "Bucket", "name": "web"}]}),
    route("TCPRoute", "web", rule("api")),
    route(
        "GRPCRoute",
        "shared",
        {"backendRefs": [{"group": "multicluster.x-k8s.io", "kind": "ServiceImport", "name": "api"}]},
    ),
    route(
        "GRPCRoute",
        "abroad",
        {
            "backendRefs": [
                {"group": "multicluster.x-k8s.io", "kind": "ServiceImport", "namespace": "other", "name": "api"}
            ]
        },
    ),
    route("HTTPRoute", "named", {"backendRefs": [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "b"}]}),
    route("HTTPRoute", "empty"),
]
BACKEND = thing(
    "Backend",
    "b",
    spec={
        "endpoints": [
            {"fqdn": {"hostname": "api.shop.svc.cluster.local", "port": 80}},
            {"ip": {"address": "10.0.0.7", "port": 80}},
            {"ip": {"address": "192.0.2.1", "port": 80}},
            {"unix": {"path": "/run/x"}},
        ]
    },
)
SERVICES = [service("web", clusterIP="10.0.0.7"), service("api"), service("shadow"), service("api", namespace="other")]
NAMES = read_names(objects(*running(deployment("web")), *nodes(), *SERVICES, *ROUTES, BACKEND).kinds)
GATEWAY = next(one for one in built_in() if one.name == "envoy-gateway")
REPORTER = {"namespace": "edge", "pod": "envoy-shop-eg-0a1b2c3d-5d4f8c9b7-abcde"}


@pytest.mark.parametrize(
    ("name", "hosts"),
    [
        ("httproute/shop/web/rule/0", ["web.shop"]),
        ("httproute/shop/web/rule/1", ["api.shop", "web.shop"]),
        ("httproute/shop/web/rule/1/backend/0", ["api.shop", "web.shop"]),
        ("httproute/shop/web/rule/2", ["shadow.shop", "web.shop"]),
        ("httproute/shop/web/rule/2-mirror-0", ["shadow.shop", "web.shop"]),
        ("httproute/shop/web/rule/3", ["api.shop", "shadow.shop", "web.shop"]),
        ("httproute/shop/web/rule/-1", ["api.shop", "shadow.shop", "web.shop"]),
        ("httproute/shop/web", ["api.shop", "shadow.shop", "web.shop"]),
        ("tcproute/shop/web/rule/-1", ["api.shop"]),
        ("httproute/shop/far/rule/0", ["api.other", "web.shop"]),
        ("grpcroute/shop/shared/rule/0", ["api.shop"]),
        ("grpcroute/shop/abroad/rule/0", ["api.other"]),
        ("httproute/shop/named/rule/0", ["api.shop", "web.shop"]),
        ("httproute/shop/away/rule/0", []),
        ("httproute/shop/empty/rule/0", []),
        ("httproute/shop/gone/rule/0", []),
        ("httproute/other/web/rule/0", []),
        ("udproute/shop/web/rule/-1", []),
        ("web", []),
    ],
)
def test_who_stands_behind_a_rule(name, hosts):
    """The Services of the rule that a cluster is named for, mirrors and weight 0 included; without such a rule those of
    the whole route; of a route that is not there nobody."""
    assert list(behind(NAMES.routes, name)) == [f"{host}.svc.cluster.local" for host in hosts]


def told(read, name, arm=0):
    one = row([0], 5, arm=f"envoy-gateway {arm}", envoy_cluster_name=name, **REPORTER)
    return [edge_of(each.labels, NAMES) for each in read([one], GATEWAY, NAMES)]


def test_every_backend_of_a_rule_was_used():
    """Which of them served is not told: each was used."""
    found = told(mapping.signs, "httproute/shop/web/rule/1")
    assert [(edge.client, edge.host, edge.server) for edge in found] == [
        ("edge/envoy-shop-eg-0a1b2c3d", "api.shop.svc.cluster.local", ""),
        ("edge/envoy-shop-eg-0a1b2c3d", "web.shop.svc.cluster.local", "shop/web"),
    ]


def test_volume_of_one_backend_is_its_own():
    """Calls of a rule with one backend are that one's; of several, nobody's: it is known who was used, not how much."""
    (edge,) = told(mapping.volume, "httproute/shop/web/rule/0")
    assert (edge.host, edge.server, edge.protocol) == ("web.shop.svc.cluster.local", "shop/web", "http")
    assert told(mapping.volume, "httproute/shop/web/rule/1") == []


def test_a_route_that_is_gone_tells_nothing():
    """Nobody is used by it, and nobody's volume grows."""
    assert told(mapping.signs, "httproute/shop/gone/rule/0") == []
    assert told(mapping.volume, "httproute/shop/gone/rule/0") == []


def test_what_kinds_of_routes_tell_of_protocols():
    """A GRPCRoute carries gRPC; a TCPRoute connections."""
    assert [edge.protocol for edge in told(mapping.volume, "grpcroute/shop/shared/rule/0")] == ["grpc"]
    assert [edge.protocol for edge in told(mapping.volume, "tcproute/shop/web/rule/-1", arm=1)] == ["tcp"]


def test_backends_merged_by_service():
    """A cluster that is named for a Service is that Service's, whatever routes lead to it."""
    for name in ("service/other/api/80", "service/other/api/80/http"):
        assert [edge.host for edge in told(mapping.signs, name)] == ["api.other.svc.cluster.local"]
