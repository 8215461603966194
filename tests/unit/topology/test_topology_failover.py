"""Failover between Services as other meshes write it: who stands by for whom."""

from typing import Any

import pytest

from microglia.model.ids import ObjectRef
from microglia.topology.build import build
from microglia.topology.consul import consul_hosts, consul_names
from microglia.topology.traefik import traefik_hosts, traefik_services
from tests.factories import Json, deployment, objects, service, snapshot, thing

NAMES = ("main", "spare", "third")
MARKS = {"failover.linkerd.io/primary-service": "main"}
STEERED = {"failover.linkerd.io/controlled-by": "linkerd-failover"}


def world(*raws: Json) -> list[tuple[str, str, str, str]]:
    """Backup, primary, field and value of every standby; ``third`` has an address."""
    base = [deployment(name) for name in NAMES]
    services = [service("main"), service("spare"), service("third", clusterIP="10.0.0.3", clusterIPs=["10.0.0.3"])]
    found = build(snapshot(*base, *services, *raws)).standbys
    return [(one.backup.name, one.primary.name, one.field, one.value) for one in found]


def split(**parts: Any) -> Json:
    backends = [{"service": "spare", "weight": 0}, {"service": "main", "weight": 1}, {"service": "third", "weight": 0}]
    return thing("TrafficSplit", "s", spec={"service": "front", "backends": backends}, **parts)


def backend(name: str, *endpoints: Json, fallback: bool = False) -> Json:
    return thing("Backend", name, spec={"fallback": fallback, "endpoints": list(endpoints)})


def reference(name: str, kind: str = "Backend") -> Json:
    return {"name": name, "kind": kind, "group": "gateway.envoyproxy.io" if kind == "Backend" else ""}


def test_a_steered_split_has_standbys_of_its_primary() -> None:
    """The annotated one, else the first backend."""
    assert world(split(annotations=MARKS)) == [
        ("spare", "main", "spec.backends[0].service", "spare"),
        ("third", "main", "spec.backends[2].service", "third"),
    ]
    assert world(split(labels=STEERED)) == [
        ("main", "spare", "spec.backends[1].service", "main"),
        ("third", "spare", "spec.backends[2].service", "third"),
    ]


def test_a_split_of_anybody_else_has_none() -> None:
    """A canary is no standby."""
    assert world(split()) == []


def test_a_resolver_names_standbys_of_its_own_service() -> None:
    """By subset, alone or in order; its own name, or other clusters, make none here."""
    failover = {
        "*": {"service": "spare"},
        "v1": {"targets": [{"service": "third"}, {"service": "main", "datacenter": "east"}, {"peer": "west"}]},
        "v2": {"datacenters": ["east"]},
    }
    assert world(thing("ServiceResolver", "main", spec={"failover": failover})) == [
        ("spare", "main", "spec.failover[*].service", "spare"),
        ("third", "main", "spec.failover[v1].targets[0].service", "third"),
    ]


def test_consul_knows_services_by_name_alone() -> None:
    """Without its namespaces, one name is every Service so called; with one it is that; other hosts are none."""
    names = consul_names(["a.one.svc.cluster.local", "a.two.svc.cluster.local", "api.example"])
    assert names == {"a": ("a.one.svc.cluster.local", "a.two.svc.cluster.local")}
    assert consul_hosts(names, {"service": "a"}) == ("a.one.svc.cluster.local", "a.two.svc.cluster.local")
    assert consul_hosts(names, {"namespace": "two"}, "a") == ("a.two.svc.cluster.local",)
    assert consul_hosts(names, {"service": "b"}, "a") == ()


def test_the_fallback_of_a_traefik_service_stands_by() -> None:
    """Also at the end of a chain, which may lead back to itself; half a pair is none."""
    pair = {"failover": {"service": {"name": "main"}, "fallback": {"name": "chain", "kind": "TraefikService"}}}
    chain = {"weighted": {"services": [{"name": "spare"}, {"name": "chain", "kind": "TraefikService"}]}}
    lone = {"failover": {"service": {"name": "main"}}}
    raws = [thing("TraefikService", name, spec=spec) for name, spec in (("p", pair), ("chain", chain), ("l", lone))]
    assert world(*raws) == [("spare", "main", "spec.failover.fallback", "chain")]


def test_a_traefik_service_that_is_not_there_leads_nowhere() -> None:
    """So does one of another provider."""
    mirroring = {"mirroring": {"name": "main", "mirrors": [{"name": "spare"}]}}
    known = traefik_services(objects(thing("TraefikService", "m", spec=mirroring)))
    both = ("main.shop.svc.cluster.local", "spare.shop.svc.cluster.local")
    assert traefik_hosts(known, {"name": "m", "kind": "TraefikService"}, "shop") == both
    assert traefik_hosts(known, {"name": "gone", "kind": "TraefikService"}, "shop") == ()
    assert traefik_hosts(known, {"name": "a", "namespace": "b"}, "shop") == ("a.b.svc.cluster.local",)


@pytest.mark.parametrize(
    "endpoint", [{"fqdn": {"hostname": "third.shop.svc.cluster.local"}}, {"ip": {"address": "10.0.0.3"}}]
)
def test_a_fallback_backend_stands_by_for_the_rest_of_its_rule(endpoint: Json) -> None:
    """By name and by address; for Services and for other Backends."""
    rules = [
        {"backendRefs": [reference("main", "Service"), reference("one"), reference("two")]},
        {"backendRefs": [reference("one")]},
    ]
    raws = [
        backend("one", {"fqdn": {"hostname": "spare.shop.svc.cluster.local"}}, {"unix": {"path": "/x"}}),
        backend("two", endpoint, {"ip": {"address": "192.0.2.1"}}, fallback=True),
        thing("HTTPRoute", "r", spec={"rules": rules}),
        service("none", clusterIP="None"),
    ]
    assert world(*raws) == [
        ("third", "main", "spec.rules[0].backendRefs[2]", "two"),
        ("third", "spare", "spec.rules[0].backendRefs[2]", "two"),
    ]


def test_a_standby_says_which_object_made_it() -> None:
    """People look there first."""
    raws = [deployment(name) for name in NAMES] + [service(name) for name in NAMES]
    (one, *_) = build(snapshot(*raws, split(annotations=MARKS))).standbys
    assert one.source == ObjectRef("TrafficSplit", "shop", "s")
