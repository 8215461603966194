"""Services, and what a call to a host may reach."""

import pytest

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import BlindSpot
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.topology.hosts import covered
from tests.factories import Json, deployment, running, service, snapshot, thing


def fqdn(name: str, namespace: str = "shop") -> str:
    return f"{name}.{namespace}.svc.cluster.local"


def virtual(name: str, hosts: list[str], http: list[Json], **spec: object) -> Json:
    return thing("VirtualService", name, spec={"hosts": hosts, "http": http, **spec})


def to(host: str, **more: object) -> Json:
    return {"route": [{"destination": {"host": host, **more}}]}


BASE = [deployment(name) for name in "abc"] + [service(name) for name in "abc"]


def world(*raws: Json) -> Topology:
    return build(snapshot(*BASE, *raws))


def test_a_service_stands_for_what_its_selector_or_its_endpoints_hold() -> None:
    """A Service without selector is known by its EndpointSlices; both together are one list."""
    slices = [
        thing(
            "EndpointSlice", "manual-x", labels={"kubernetes.io/service-name": "manual"},
            endpoints=[{"targetRef": {"kind": "Pod", "name": "a-5d4f-0"}}, {"targetRef": {"name": "gone"}}, {}],
        )
    ]  # fmt: skip
    found = build(
        snapshot(*running(deployment("a")), deployment("b"), service("b"), service("manual", selector={}), *slices)
    )
    assert found.services[fqdn("manual")].workloads == (WorkloadId("shop", "a"),)
    assert found.services[fqdn("b")].workloads == (WorkloadId("shop", "b"),)
    assert found.reach[fqdn("b")].hosts == (fqdn("b"),)


def test_headless_and_external_services_say_so() -> None:
    """A headless Service has no address of its own; an ExternalName is another name."""
    found = world(
        service("peers", selector={"app": "a"}, clusterIP="None"),
        service("alias", selector={}, type="ExternalName", externalName=fqdn("a")),
        service("bank", selector={}, type="ExternalName", externalName="api.bank.example"),
        service("broken", selector={}, type="ExternalName", externalName=fqdn("nobody")),
    )
    assert found.services[fqdn("peers")].headless
    assert found.services[fqdn("a")].external_name is None
    assert found.reach[fqdn("alias")].hosts == (fqdn("alias"), fqdn("a"))
    assert found.reach[fqdn("alias")].workloads == (WorkloadId("shop", "a"),)
    assert found.reach[fqdn("alias")].via == (ObjectRef("Service", "shop", "alias"),)
    assert found.reach[fqdn("bank")].known
    assert not found.reach[fqdn("broken")].known


def test_subsets_cost_clusters() -> None:
    """Ports and subsets by host, with the DestinationRule's host made whole; Envoy has no cluster for a UDP port."""
    rule = thing("DestinationRule", "a", spec={"host": "a", "subsets": [{"name": "v1"}, {"name": "v2"}]})
    ports = [{"port": 80}, {"port": 81}, {"port": 53, "protocol": "UDP"}]
    found = world(rule, service("two", selector={"app": "a"}, ports=ports))
    counts = {name: (found.services[fqdn(name)].ports, found.services[fqdn(name)].subsets) for name in ("a", "two")}
    assert counts == {"a": (1, 2), "two": (2, 0)}


@pytest.mark.parametrize("protocol", ["http", "tcp", "tls"])
def test_every_protocol_of_a_virtual_service_leads_on(protocol: str) -> None:
    """The host that is asked for inherits what its routes may serve."""
    raw = thing("VirtualService", "a", spec={"hosts": ["a"], protocol: [to("b.shop"), to("c.shop.svc")]})
    reach = world(raw).reach[fqdn("a")]
    assert reach.hosts == (fqdn("a"), fqdn("b"), fqdn("c"))
    assert reach.workloads == tuple(WorkloadId("shop", name) for name in "abc")
    assert (reach.known, reach.via) == (True, (ObjectRef("VirtualService", "shop", "a"),))


def test_mirrors_and_delegates_lead_on() -> None:
    """Mirrored requests and delegated routes are served elsewhere too; loops end."""
    root = virtual("a", ["a"], [{"delegate": {"name": "inner"}}, {"delegate": {"name": "inner", "namespace": "shop"}}])
    inner = virtual("inner", [], [{"mirror": {"host": "b"}, "mirrors": [{"destination": {"host": "c"}}], **to("a")}])
    assert world(root, inner).reach[fqdn("a")].hosts == (fqdn("a"), fqdn("b"), fqdn("c"))


def test_what_cannot_be_resolved_is_not_known() -> None:
    """A destination or delegate that does not exist makes the host unknown, not empty."""
    found = world(virtual("a", ["a"], [to("nobody")]), virtual("b", ["b"], [{"delegate": {"name": "nobody"}}]))
    assert not found.reach[fqdn("a")].known
    assert not found.reach[fqdn("b")].known
    assert found.reach[fqdn("c")].known


def test_routes_of_gateways_do_not_lead_sidecars() -> None:
    """A VirtualService bound to gateways only is not seen by workloads."""
    found = world(
        virtual("a", ["a"], [to("b")], gateways=["front"]), virtual("b", ["b"], [to("c")], gateways=["front", "mesh"])
    )
    assert found.reach[fqdn("a")].hosts == (fqdn("a"),)
    assert found.reach[fqdn("b")].hosts == (fqdn("b"), fqdn("c"))


def test_wildcard_hosts_mean_every_host_they_cover() -> None:
    """``*.shop.svc.cluster.local`` is asked for under many names, ``*`` under all."""
    found = world(virtual("all", ["*.shop.svc.cluster.local"], [to("c")]), service("d", "other"))
    assert found.reach[fqdn("a")].hosts == (fqdn("a"), fqdn("c"))
    assert found.reach[fqdn("d", "other")].hosts == (fqdn("d", "other"),)
    assert world(virtual("all", ["*"], [to("c")]), service("d", "other")).reach[fqdn("d", "other")].hosts[1:] == (
        fqdn("c"),
    )


def test_a_pattern_covers_itself_or_what_ends_like_it() -> None:
    """A name means itself; a wildcard never the bare suffix."""
    hosts = ["a.example", "b.example", ".example"]
    assert covered("a.example", hosts) == ["a.example"]
    assert covered("*.example", hosts) == ["a.example", "b.example"]
    assert covered("c.example", hosts) == []


def test_service_entries_are_hosts_too() -> None:
    """Their names, wildcards included, resolve; their selectors pick workloads."""
    entry = thing("ServiceEntry", "bank", spec={"hosts": ["api.bank.example", "*.partner.example"]})
    local = thing("ServiceEntry", "vm", spec={"hosts": ["vm.example"], "workloadSelector": {"labels": {"app": "c"}}})
    found = world(entry, local, virtual("a", ["a"], [to("x.partner.example"), to("api.bank.example")]))
    assert found.reach[fqdn("a")].known
    assert found.reach["vm.example"].workloads == (WorkloadId("shop", "c"),)
    assert found.reach["api.bank.example"].hosts == ("api.bank.example",)


def test_a_virtual_service_may_invent_a_host() -> None:
    """A name that only a VirtualService knows can be called."""
    assert world(virtual("v", ["api.example"], [to("a")])).reach["api.example"].workloads == (WorkloadId("shop", "a"),)


def route(kind: str, *rules: Json, parent: Json | None = None) -> Json:
    parents = [parent or {"kind": "Service", "name": "a"}]
    return thing(kind, "r", spec={"parentRefs": parents, "rules": list(rules)})


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_gateway_api_routes_of_a_service_lead_on(kind: str) -> None:
    """Backends and mirrors, in any namespace."""
    mirror = {"requestMirror": {"backendRef": {"name": "c"}}}
    rule = {"backendRefs": [{"name": "b", "filters": [mirror]}], "filters": [mirror, {"type": "URLRewrite"}]}
    found = world(route(kind, rule, parent={"kind": "Service", "name": "a", "namespace": "shop"}))
    assert found.reach[fqdn("a")].hosts == (fqdn("a"), fqdn("b"), fqdn("c"))
    assert found.reach[fqdn("a")].known


def test_a_backend_of_another_kind_is_not_known() -> None:
    """A ServiceImport may be anywhere; a route of a Gateway leads no sidecar."""
    foreign = {"backendRefs": [{"kind": "ServiceImport", "group": "multicluster.x-k8s.io", "name": "b"}]}
    assert not world(route("HTTPRoute", foreign)).reach[fqdn("a")].known
    assert world(route("HTTPRoute", foreign, parent={"kind": "Gateway", "name": "front"})).reach[fqdn("a")].known


@pytest.mark.parametrize("kind", ["VirtualService", "HTTPRoute", "GRPCRoute"])
def test_unseen_route_objects_make_every_host_unknown(kind: str) -> None:
    """They might lead anywhere."""
    found = build(snapshot(*BASE, faults=[BlindSpot(kind, "forbidden")]))
    assert not any(one.known for one in found.reach.values())
