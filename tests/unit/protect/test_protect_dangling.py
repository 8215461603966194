"""What people wrote to protect something that is not there, in every kind that a rule reads."""

import pytest

from microglia.model.objects import BlindSpot
from microglia.policy.schema import PolicySpec
from microglia.protect.dangling import NAMED, astray
from microglia.protect.rules import RULES
from microglia.topology.build import build
from tests.factories import NOW, Json, deployment, nodes, running, service, snapshot, thing

HOOK = {"clientConfig": {"service": {"namespace": "shop", "name": "gone"}}}
GONE = [{"name": "gone", "weight": 0}]
ENVOY = "gateway.envoyproxy.io"
SPARE = {"fallback": True, "endpoints": [{"fqdn": {"hostname": "gone.shop.svc.cluster.local"}}]}
ZONES = {"localityAwareness": {"crossZone": {"failover": [{"to": {"type": "Any"}}]}}}
PATHS = {"rules": [{"http": {"paths": [{"backend": {"service": {"name": "gone"}}}]}}]}


def notes(*raws: Json, blind: str = "") -> list[tuple[str, str, str]]:
    faults = [BlindSpot(blind, "forbidden")] if blind else []
    topology = build(snapshot(*nodes(), *running(deployment("a")), service("a"), *raws, faults=faults))
    return [(one.rule, one.field, one.value) for one in astray(topology, PolicySpec(), NOW)]


TYPOS = [
    (thing("ValidatingWebhookConfiguration", "w", "", webhooks=[HOOK]), "webhook", "webhooks[0].clientConfig.service"),
    (thing("APIService", "v1.x", "", spec=HOOK["clientConfig"]), "api-service", "spec.service"),
    (
        thing("CustomResourceDefinition", "x", "", spec={"conversion": {"strategy": "Webhook", "webhook": HOOK}}),
        "crd-conversion",
        "spec.conversion.webhook.clientConfig.service",
    ),
    (
        thing("WorkloadEntry", "e", spec={"address": "gone.shop.svc.cluster.local"}),
        "external-endpoints",
        "spec.address",
    ),
    (
        thing("VirtualService", "v", spec={"http": [{"route": [{"destination": {"host": "gone"}, "weight": 0}]}]}),
        "zero-weight",
        "spec.http[0].route[0]",
    ),
    (
        thing("VirtualService", "v", spec={"http": [{"mirror": {"host": "gone"}}]}),
        "mirror",
        "spec.http[0].mirror",
    ),
    (thing("TCPRoute", "r", spec={"rules": [{"backendRefs": GONE}]}), "zero-weight", "spec.rules[0].backendRefs[0]"),
    (
        thing("Namespace", "shop", "", labels={"istio.io/use-waypoint": "gone"}),
        "waypoint",
        "metadata.labels[istio.io/use-waypoint]",
    ),
    (
        thing("Ingress", "i", annotations={"nginx.ingress.kubernetes.io/default-backend": "gone"}),
        "ingress-fallback",
        "metadata.annotations[nginx.ingress.kubernetes.io/default-backend]",
    ),
    (
        thing("TrafficSplit", "s", spec={"service": "a", "backends": [{"service": "gone", "weight": 0}]}),
        "linkerd-failover",
        "spec.backends[0].weight",
    ),
    (
        service("f", selector={}, annotations={"multicluster.linkerd.io/local-discovery": "gone"}),
        "linkerd-multicluster",
        "metadata.annotations[multicluster.linkerd.io/local-discovery]",
    ),
    (
        thing("ServiceResolver", "a", spec={"failover": {"*": {"service": "gone"}}}),
        "consul-failover",
        "spec.failover[*].service",
    ),
    (thing("ServiceSplitter", "gone", spec={"splits": [{"weight": 0}]}), "consul-split", "spec.splits[0].weight"),
    (
        thing("ExportedServices", "default", spec={"services": [{"name": "gone"}]}),
        "consul-exports",
        "spec.services[0].name",
    ),
    (
        thing(
            "MeshLoadBalancingStrategy", "m",
            spec={"to": [{"targetRef": {"kind": "MeshService", "name": "gone"}, "default": ZONES}]},
        ),
        "kuma-failover",
        "spec.to[0].default.localityAwareness.crossZone.failover",
    ),
    (thing("ServiceExport", "gone"), "multicluster-service", "metadata.name"),
    (thing("Backend", "b", spec=SPARE), "envoy-fallback", "spec.endpoints[0].fqdn.hostname"),
    (
        thing("TraefikService", "t", spec={"failover": {"service": {"name": "a"}, "fallback": {"name": "gone"}}}),
        "traefik-service",
        "spec.failover.fallback",
    ),
    (thing("Gslb", "g", spec={"strategy": {"type": "failover"}, "ingress": PATHS}), "gslb", "spec.strategy.type"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "rule", "field"), TYPOS, ids=[f"{raw['kind']}-{rule}" for raw, rule, _ in TYPOS])
def test_a_typo_is_reported_under_the_rule_that_reads_it(raw: Json, rule: str, field: str) -> None:
    """A standby that nobody keeps because of one letter is found before the day on which it is needed."""
    assert [note[:2] for note in notes(raw)] == [(rule, field)]


@pytest.mark.parametrize("raw", [raw for raw, _, _ in TYPOS], ids=[f"{raw['kind']}-{rule}" for raw, rule, _ in TYPOS])
def test_where_services_cannot_be_seen_nothing_is_called_a_typo(raw: Json) -> None:
    """What is hidden may well be there."""
    assert notes(raw, blind="Service") == []


def test_every_kind_with_names_has_its_typo_here() -> None:
    """The list of what is checked and this list grow together, and each code is a rule's."""
    assert {code for code, _ in NAMED} == {rule for _, rule, _ in TYPOS}
    assert {code for code, _ in NAMED} <= {rule.code for rule in RULES}


def test_names_that_are_somebodys_are_not_reported() -> None:
    """Neither are pools of other clusters, addresses outside, nor Services of other providers."""
    raws = [
        thing("ServiceResolver", "far", spec={"failover": {"*": {"service": "far", "datacenters": ["east"]}}}),
        thing("ServiceImport", "far"),
        thing("WorkloadEntry", "six", spec={"address": "2001:db8::1"}),
        thing("WorkloadEntry", "vm", spec={"address": "vm.example"}),
        thing("Backend", "b", spec={"fallback": True, "endpoints": [{"fqdn": {"hostname": "api.example"}}]}),
        thing("TraefikService", "t", spec={"failover": {"service": {"name": "a"}, "fallback": {"name": "x@file"}}}),
        thing("HTTPRoute", "r", spec={"rules": [{"backendRefs": [{"kind": "Other", "name": "x", "weight": 0}]}]}),
        thing("Gslb", "g", spec={"strategy": {"type": "failover"}, "resourceRef": {"kind": "Service", "name": "a"}}),
    ]
    assert notes(*raws) == []


def test_a_group_of_clusters_that_nobody_defined_is_reported() -> None:
    """Unless groups cannot be seen: then it may be there."""
    raw = thing("ServiceResolver", "a", spec={"failover": {"*": {"targets": [{"samenessGroup": "al"}]}}})
    assert notes(raw) == [("consul-failover", "spec.failover[*].targets[0].samenessGroup", "al")]
    assert notes(raw, thing("SamenessGroup", "al", spec={"members": [{"partition": "east"}]})) == []
    assert notes(raw, blind="SamenessGroup") == []
