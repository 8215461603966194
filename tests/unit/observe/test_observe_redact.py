"""Without names, and yet the same world: everything that referred to something still does."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from microglia.model.activity import Edge
from microglia.model.objects import BlindSpot, at, labels_of, name_of, selects
from microglia.observe.digest import snapshot_digest
from microglia.observe.recorded import load, save
from microglia.observe.redact import redacted
from microglia.topology.build import build
from tests.factories import deployment, edges, nodes, running, service, snapshot, thing

THEIRS = ("ledger", "payments", "acme", "frontier", "stripe", "zone-secret", "10.1.2.3", "topsecret", "hunter2")


@pytest.fixture
def seen():
    ledger = deployment(
        "ledger",
        "payments",
        pod_labels={"app": "ledger", "acme.com/team": "frontier"},
        annotations={
            "acme.com/contact": "topsecret",
            "microglia.dev/protect": "Ask hunter2 first",
            "argocd.argoproj.io/tracking-id": "payments:apps/Deployment:payments/ledger",
        },
        labels={"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/name": "ledger"},
    )
    caller = deployment("frontier", "payments")
    caller["found"] = {"hosts": ["ledger.payments.svc.cluster.local"]}
    raws = [
        *running(ledger),
        *running(caller),
        *nodes(("zone-secret", "zone-b", "zone-c")),
        service("ledger", "payments", clusterIP="10.1.2.3"),
        thing(
            "Namespace",
            "payments",
            "",
            labels={"kubernetes.io/metadata.name": "payments", "istio-injection": "enabled"},
        ),
        thing("Namespace", "kube-system", ""),
        thing("ServiceEntry", "out", "payments", spec={"hosts": ["*.stripe.com"]}),
        thing(
            "Pod",
            "lone",
            "payments",
            spec={"nodeName": "node-zone-secret", "containers": [{"image": "acme/ledger:1"}]},
            status={"podIP": "10.1.2.3"},
        ),
    ]
    calls = edges(
        ("payments/frontier", "ledger.payments.svc.cluster.local", "payments/ledger"),
        ("payments/frontier", "api.stripe.com", ""),
        ("unknown", "PassthroughCluster", ""),
    )
    found = snapshot(*raws, calls=calls, faults=[BlindSpot("Lease", "cannot list leases in payments")])
    order = np.array([1.0, 2.0, 3.0])
    activity = replace(found.activity, edges=replace(calls, requests=order), faults=("payments/ledger: odd",))
    digest = snapshot_digest(found.source, found.objects, activity)
    source = replace(found.source, cluster="uid-acme", cluster_name="acme-prod", prometheus="http://prom.acme.com")
    return replace(found, source=source, activity=activity, digest=digest)


def everything(found):
    activity = found.activity
    return json.dumps(
        [
            asdict(found.source),
            found.objects.kinds,
            [str(fault) for fault in found.blind_spots],
            activity.hosts,
            [asdict(edge) for edge in activity.edges.keys],
            activity.workloads.keys,
            activity.workloads.zones,
            activity.containers.keys,
        ],
        default=str,
    )


def test_no_name_is_left(seen):
    """Namespaces, names, hosts, label values, domains, images, addresses and free text: none of theirs can be read."""
    assert all(word in everything(seen) for word in THEIRS)
    text = everything(redacted(seen))
    assert [word for word in THEIRS if word in text] == []


def test_references_still_match(seen):
    """Selectors select, hosts lead to Services, edges to workloads, nodes to zones."""
    before, after = build(seen), build(redacted(seen))
    assert len(after.workloads) == len(before.workloads)
    assert [len(workload.pods) for workload in after.workloads.values()].count(3) == 2
    target = next(iter(after.services.values()))
    assert [workload.name for workload in target.workloads] == [name_of(redacted(seen).objects.of("Service")[0])]
    hosts = [workload.hosts for workload in after.workloads.values() if workload.hosts]
    assert hosts == [(target.host,)]
    assert target.host.endswith(".svc.cluster.local")
    assert len(after.callers) == len(before.callers)
    assert len(after.zones) == 3
    raw = next(
        raw
        for raw in redacted(seen).objects.of("Deployment")
        if at(raw, "spec", "selector", "matchLabels", "app") != "x"
    )
    assert selects(raw["spec"]["selector"], raw["spec"]["template"]["metadata"]["labels"])


def test_what_rules_read_stays(seen):
    """Words with a meaning stay: Helm, enabled, kube-system, None; and wildcards still match their hosts."""
    found = redacted(seen)
    assert "Helm" in {labels_of(raw).get("app.kubernetes.io/managed-by") for raw in found.objects.of("Deployment")}
    assert {name_of(raw) for raw in found.objects.of("Namespace")} > {"kube-system"}
    assert "enabled" in {labels_of(raw).get("istio-injection") for raw in found.objects.of("Namespace")}
    entry = found.objects.of("ServiceEntry")[0]["spec"]["hosts"][0]
    outside = next(edge.host for edge in found.activity.edges.keys if edge.host.endswith(".com"))
    assert outside.endswith(entry.removeprefix("*"))
    assert "PassthroughCluster" in {edge.host for edge in found.activity.edges.keys}
    assert "unknown" in {edge.client for edge in found.activity.edges.keys}
    marks = at(
        next(raw for raw in found.objects.of("Deployment") if at(raw, "metadata", "annotations")),
        "metadata",
        "annotations",
    )
    assert marks["microglia.dev/protect"] == "redacted"
    application, group, owner = marks["argocd.argoproj.io/tracking-id"].split(":")
    assert (group, owner.split("/")[0]) == ("apps/Deployment", application)


def test_rows_follow_their_names(seen):
    """Keys are sorted again, and every row is still that of its key."""
    found = redacted(seen).activity
    assert list(found.edges.keys) == sorted(found.edges.keys)
    assert list(found.workloads.keys) == sorted(found.workloads.keys)
    rows = dict(zip((edge.host for edge in found.edges.keys), found.edges.requests.tolist(), strict=True))
    before = dict(
        zip((edge.host for edge in seen.activity.edges.keys), seen.activity.edges.requests.tolist(), strict=True)
    )
    assert rows["PassthroughCluster"] == before["PassthroughCluster"]
    assert next(rows[host] for host in rows if host.endswith(".com")) == before["api.stripe.com"]
    assert Edge(*[""] * 4) not in found.edges.keys


def test_it_is_a_snapshot_like_any_other(seen, tmp_path):
    """It has a digest of its own, can be saved and loaded, and is the same each time."""
    found = redacted(seen)
    assert found.digest == snapshot_digest(found.source, found.objects, found.activity) != seen.digest
    assert redacted(seen).digest == found.digest
    save(found, tmp_path / "x")
    assert load(tmp_path / "x").digest == found.digest


def test_what_other_meshes_say_of_failover_is_still_readable():
    """A bug report about a standby must still show that it is one; names in it are hashed all the same."""
    marks = {
        "service.cilium.io/affinity": "remote",
        "consul.hashicorp.com/connect-service-upstreams": "ledger:80",
        "consul.hashicorp.com/service-meta-contact": "hunter2",
        "k8gb.absa.oss/strategy": "failover",
    }
    raw = redacted(snapshot(service("ledger", "payments", annotations=marks))).objects.of("Service")[0]
    found = raw["metadata"]["annotations"]
    assert found["service.cilium.io/affinity"] == "remote"
    assert found["k8gb.absa.oss/strategy"] == "failover"
    assert found["consul.hashicorp.com/connect-service-upstreams"] == f"{name_of(raw)}:80"
    assert "hunter2" not in str(raw)
