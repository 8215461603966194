"""What is kept of an object, and above all what is not."""

import json

import pytest

from microglia.observe.found import found_hosts
from microglia.observe.trim import trimmed
from microglia.topology.claims.applied import APPLIED
from tests.factories import deployment, thing

SECRET = "hunter2"
SPEC = {
    "containers": [
        {
            "name": "app",
            "image": "shop/app:1",
            "command": ["run", "--password", SECRET],
            "args": ["--upstream=http://cart:7070/x"],
            "env": [{"name": "DB", "value": SECRET}, {"name": "URL", "value": "grpc://ledger.payments:50051"}],
            "resources": {"requests": {"cpu": "1"}},
            "readinessProbe": {"exec": {"command": [SECRET]}},
        }
    ],
    "initContainers": [{"name": "proxy", "restartPolicy": "Always", "args": [SECRET], "resources": {}}],
    "volumes": [
        {"name": "data", "persistentVolumeClaim": {"claimName": "disk"}},
        {"name": "conf", "secret": {"secretName": SECRET}},
    ],
    "nodeSelector": {"size": "big"},
    "affinity": {},
}


def test_values_never_get_through():
    """No argument, environment value, probe command or secret name is kept; the hosts among them are."""
    raw = trimmed("Deployment", deployment("web", pod=SPEC))
    assert SECRET not in json.dumps(raw)
    assert raw["found"]["hosts"] == ["cart.shop.svc.cluster.local", "ledger.payments.svc.cluster.local"]


def test_what_placement_and_size_need_is_kept():
    """Resources, sidecars, claims, probes (that there are any) and placement rules stay."""
    spec = trimmed("Deployment", deployment("web", pod=SPEC))["spec"]["template"]["spec"]
    assert spec["containers"] == [
        {"name": "app", "image": "shop/app:1", "resources": {"requests": {"cpu": "1"}}, "readinessProbe": {}}
    ]
    assert spec["initContainers"] == [{"name": "proxy", "restartPolicy": "Always"}]
    assert spec["volumes"] == [
        {"name": "data", "persistentVolumeClaim": {"claimName": "disk"}},
        {"name": "conf", "secret": {}},
    ]
    assert spec["nodeSelector"] == {"size": "big"}
    assert "affinity" not in spec


def test_the_workload_itself_stays_whole():
    """Replicas, selector, status and template labels are what decisions read."""
    whole = deployment("web", replicas=7)
    raw = trimmed("Deployment", whole)
    assert raw["spec"]["replicas"] == 7
    assert raw["spec"]["selector"] == whole["spec"]["selector"]
    assert raw["status"] == whole["status"]
    assert raw["spec"]["template"]["metadata"]["labels"] == {"app": "web"}


def test_the_last_applied_content_leaves_only_whether_it_counts():
    """Kubectl's annotation is dropped; that it sets replicas is kept."""
    key = "kubectl.kubernetes.io/last-applied-configuration"
    raw = trimmed("Deployment", deployment("web", annotations={key: '{"spec":{"replicas":3}}', "keep": "me"}))
    assert raw["metadata"]["annotations"] == {"keep": "me"}
    assert raw["found"]["appliedReplicas"] is True
    quiet = trimmed("Deployment", deployment("web", annotations={key: '{"spec":{}}'}))
    assert "appliedReplicas" not in quiet["found"]
    assert "annotations" not in quiet["metadata"]


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ('{"spec": {"replicas": 3}}', True),
        ('{"spec":{"template":{"replicas":3}}}', False),
        ('{"metadata":{"annotations":{"note":"\\"replicas\\":"}},"spec":{}}', False),
        ('"replicas" and then something broken', True),
        ('["replicas"]', True),
    ],
)
def test_only_the_field_itself_counts_and_what_cannot_be_read_counts_too(text: str, *, sets: bool):
    """A word elsewhere in the content sets nothing; content that is no object may set anything."""
    raw = trimmed("Deployment", deployment("web", annotations={APPLIED: text}))
    assert ("appliedReplicas" in raw["found"]) is sets


def test_of_what_helm_applied_that_it_did_and_when_is_kept():
    """A release that sets no count is told by an apply without it; a status entry of anybody goes."""
    entry = {"manager": "helm", "operation": "Apply", "time": "2026-01-01T00:00:00Z"}
    applied = {**entry, "fieldsV1": {"f:spec": {"f:template": {"f:spec": {}}}}}
    kept = trimmed("Deployment", deployment("web", metadata={"managedFields": [applied, {**applied, "manager": "x"}]}))
    assert kept["metadata"]["managedFields"] == [entry]


def test_of_a_helm_release_only_its_word_on_drift_is_kept():
    """Its values may hold secrets."""
    drift = {"mode": "enabled", "ignore": [{"paths": ["/spec/replicas"]}]}
    raw = thing("HelmRelease", "shop", spec={"values": {"password": "p"}, "driftDetection": drift})
    assert trimmed("HelmRelease", raw)["spec"] == {"driftDetection": drift}
    assert trimmed("HelmRelease", thing("HelmRelease", "shop", spec={"values": {}}))["spec"] == {}


def test_only_field_managers_of_the_count_are_kept():
    """Of managedFields the entries that own spec.replicas stay, with when and how."""
    owner = {
        "manager": "helm",
        "operation": "Apply",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}, "f:paused": {}}},
    }
    scale = {
        "manager": "hpa",
        "operation": "Update",
        "subresource": "scale",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    }
    other = {"manager": "x", "operation": "Update", "fieldsV1": {"f:status": {}}}
    raw = trimmed("Deployment", deployment("web", metadata={"managedFields": [owner, other, scale]}))
    replicas = {"f:spec": {"f:replicas": {}}}
    assert raw["metadata"]["managedFields"] == [
        {"manager": "helm", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": replicas},
        {"manager": "hpa", "operation": "Update", "subresource": "scale", "fieldsV1": replicas},
    ]


def test_a_cron_job_keeps_its_schedule_its_hosts_and_its_files():
    """The schedule stays; the template is trimmed; its hosts are found, and the names of the files that it reads."""
    raw = thing(
        "CronJob",
        "report",
        spec={"schedule": "0 3 1 * *", "jobTemplate": {"spec": {"backoffLimit": 2, "template": {"spec": SPEC}}}},
    )
    kept = trimmed("CronJob", raw)
    assert kept["spec"]["schedule"] == "0 3 1 * *"
    assert kept["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 2
    assert SECRET not in json.dumps(kept["spec"])
    assert kept["found"]["files"] == [f"Secret {SECRET}"]
    assert "cart.shop.svc.cluster.local" in kept["found"]["hosts"]


def test_a_pod_keeps_where_and_how_it_is():
    """Node, phase, readiness and restarts stay; environment does not, nor hosts, which its template already has."""
    raw = thing(
        "Pod",
        "web-1",
        spec={**SPEC, "nodeName": "n1"},
        status={
            "phase": "Running",
            "conditions": [
                {"type": "Ready", "status": "True", "lastTransitionTime": "t"},
                {"type": "Initialized", "status": "True"},
            ],
            "containerStatuses": [{"name": "app", "ready": True, "restartCount": 3, "image": "x"}],
        },
    )
    kept = trimmed("Pod", raw)
    assert kept["spec"]["nodeName"] == "n1"
    assert kept["status"]["conditions"] == [{"type": "Ready", "status": "True", "lastTransitionTime": "t"}]
    assert kept["status"]["containerStatuses"] == [{"name": "app", "ready": True, "restartCount": 3}]
    assert SECRET not in json.dumps(kept)
    assert "found" not in kept


def _owned(kind, name, owner="ReplicaSet", **parts):
    reference = {"kind": owner, "name": "web-5d", "uid": "u", "controller": True, "apiVersion": "apps/v1"}
    return thing(kind, name, metadata={"ownerReferences": [{"kind": "Other"}, reference]}, **parts)


def test_a_pod_of_a_listed_controller_keeps_only_where_and_how_it_is():
    """What it is its controller's template says: labels, owner, node, sizes, phase, readiness and restarts stay."""
    container = {"name": "app", "image": "x", "ports": [{"containerPort": 1}], "resources": {"requests": {"cpu": "1"}}}
    proxy = {"name": "istio-proxy", "restartPolicy": "Always", "image": "y"}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "t", "reason": "r"}
    raw = _owned(
        "Pod",
        "web-5d-1",
        spec={"nodeName": "n1", "containers": [container], "initContainers": [proxy], "affinity": {"a": 1}},
        status={
            "phase": "Running", "podIP": "10.0.0.1", "conditions": [ready, {"type": "PodScheduled", "status": "True"}],
            "containerStatuses": [{"name": "app", "restartCount": 3}, {"name": "b", "restartCount": 0}],
        },
    )  # fmt: skip
    raw["metadata"].update(
        labels={"app": "web"}, annotations={"a": "b", "controller.kubernetes.io/pod-deletion-cost": "7"}
    )
    assert trimmed("Pod", raw) == {
        "metadata": {
            "name": "web-5d-1", "namespace": "shop", "labels": {"app": "web"},
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d", "uid": "u", "controller": True}],
            "annotations": {"controller.kubernetes.io/pod-deletion-cost": "7"},
        },
        "spec": {
            "nodeName": "n1", "containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}],
            "initContainers": [{"name": "istio-proxy", "restartPolicy": "Always"}],
        },
        "status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "t"}],
            "containerStatuses": [{"restartCount": 3}, {}],
        },
    }  # fmt: skip


def test_a_pod_that_was_just_made_has_little_to_keep():
    """No node, no status, no mark: what is not there stays away."""
    kept = trimmed("Pod", _owned("Pod", "web-5d-1", spec={"containers": [{"name": "app"}]}))
    assert (kept["spec"], kept["status"]) == (
        {"nodeName": "", "containers": [{"name": "app"}]},
        {"phase": "", "conditions": []},
    )
    assert "annotations" not in kept["metadata"]


def test_a_pod_of_an_unlisted_controller_keeps_its_spec():
    """No template is listed that would say what it is."""
    kept = trimmed("Pod", _owned("Pod", "db-1", owner="Cluster", spec={"priorityClassName": "high"}))
    assert kept["spec"]["priorityClassName"] == "high"


def test_a_replica_set_of_a_deployment_is_but_a_link():
    """Pods find their Deployment through it; all else the Deployment says."""
    kept = trimmed("ReplicaSet", _owned("ReplicaSet", "web-5d", owner="Deployment", spec={"replicas": 3}))
    assert kept == {
        "metadata": {
            "name": "web-5d", "namespace": "shop",
            "ownerReferences": [{"kind": "Deployment", "name": "web-5d", "uid": "u", "controller": True}],
        }
    }  # fmt: skip


def test_an_endpoint_slice_of_a_service_is_but_a_link():
    """The Service is found by the label, its pods by their names."""
    label = {"kubernetes.io/service-name": "web"}
    raw = _owned("EndpointSlice", "web-x", owner="Service", endpoints=[{"targetRef": {"name": "p"}, "zone": "a"}])
    raw["metadata"]["labels"] = label
    kept = trimmed("EndpointSlice", raw)
    assert (kept["metadata"]["labels"], kept["endpoints"]) == (label, [{"targetRef": {"name": "p"}}])
    assert "uid" not in kept["metadata"]


@pytest.mark.parametrize(
    ("kind", "parts", "kept"),
    [
        (
            "Node",
            {
                "spec": {"unschedulable": True, "podCIDR": "x"},
                "status": {
                    "allocatable": {"cpu": "4"},
                    "images": [1],
                    "conditions": [{"type": "Ready", "status": "True", "x": 1}, {"type": "DiskPressure"}],
                },
            },
            {
                "spec": {"unschedulable": True},
                "status": {"allocatable": {"cpu": "4"}, "conditions": [{"type": "Ready", "status": "True"}]},
            },
        ),
        (
            "ReplicaSet",
            {"spec": {"replicas": 2, "selector": {}, "template": {"x": 1}}, "status": {"replicas": 2, "x": 1}},
            {"spec": {"replicas": 2, "selector": {}}, "status": {"replicas": 2}},
        ),
        ("Lease", {"spec": {"holderIdentity": "a_b", "leaseTransitions": 4}}, {"spec": {"holderIdentity": "a_b"}}),
        (
            "ValidatingWebhookConfiguration",
            {"webhooks": [{"clientConfig": {"caBundle": "x", "service": {"name": "s"}}}]},
            {"webhooks": [{"clientConfig": {"service": {"name": "s"}}}]},
        ),
        (
            "APIService",
            {"spec": {"caBundle": "x", "service": {"name": "s"}}, "status": {}},
            {"spec": {"service": {"name": "s"}}},
        ),
        (
            "CustomResourceDefinition",
            {"spec": {"group": "g", "versions": [1], "conversion": {"webhook": {"caBundle": "x"}}}},
            {"spec": {"group": "g", "conversion": {"webhook": {}}}},
        ),
        (
            "EndpointSlice",
            {
                "addressType": "IPv4",
                "ports": [{"port": 1}],
                "endpoints": [
                    {
                        "addresses": ["10.0.0.1"],
                        "nodeName": "n",
                        "conditions": {"ready": True},
                        "targetRef": {"kind": "Pod", "namespace": "shop", "name": "shop", "uid": "u"},
                    },
                    {"targetRef": {"kind": "Pod", "namespace": "far", "name": "p"}},
                    {"addresses": ["10.0.0.2"]},
                ],
            },
            {"endpoints": [{"targetRef": {"name": "shop"}}, {"targetRef": {"name": "p", "namespace": "far"}}]},
        ),
        ("VirtualService", {"apiVersion": "v1", "spec": {"hosts": ["a"]}}, {"spec": {"hosts": ["a"]}}),
        ("Job", {"spec": {"completions": 1}}, {"spec": {"completions": 1}, "status": {}}),
    ],
)
def test_each_kind_keeps_what_its_readers_read(kind, parts, kept):
    """Kind by kind: exactly these parts beside the metadata."""
    raw = trimmed(kind, thing(kind, "it", **parts))
    assert {key: value for key, value in raw.items() if key != "metadata"} == kept


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("http://cart:8080/items?x=1", ["cart.shop"]),
        ("https://user:pw@ledger.payments/x", ["ledger.payments"]),
        ("ledger.payments.svc", ["ledger.payments"]),
        ("tcp://db.data.svc.cluster.local:5432", ["db.data"]),
        ("db-0.db.data.svc.cluster.local", ["db.data"]),
        ("cart:7070,ledger.payments:50051", ["cart.shop", "ledger.payments"]),
        ("ledger.payments", ["ledger.payments"]),
        ("me@ledger.payments", []),
        ("api.example.com:443", []),
        ("https://api.example.com/v1", []),
        ("10.0.0.1:80", []),
        ("http://127.0.0.1:80", []),
        ("hunter2", []),
        ("version.html", []),
    ],
)
def test_hosts_in_values(text, hosts):
    """Hosts of Services are found in every usual writing; nothing else is."""
    pod = {"containers": [{"env": [{"name": "X", "value": text}, {"name": "Y", "valueFrom": {}}]}]}
    assert found_hosts(pod, "shop", {"payments"}) == [f"{host}.svc.cluster.local" for host in hosts]


def test_of_an_argo_application_only_what_it_leaves_alone_is_kept():
    """Its sources may carry values that are nobody's business."""
    ignored = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
    policy = {"automated": {"selfHeal": True}, "syncOptions": ["RespectIgnoreDifferences=true"]}
    source = {"helm": {"values": f"password: {SECRET}"}}
    raw = trimmed(
        "Application",
        thing("Application", "shop", spec={"source": source, "ignoreDifferences": ignored, "syncPolicy": policy}),
    )
    assert raw["spec"] == {
        "ignoreDifferences": ignored,
        "syncPolicy": {"syncOptions": ["RespectIgnoreDifferences=true"]},
    }
    assert trimmed("Application", thing("Application", "shop", spec={"source": source}))["spec"] == {}
