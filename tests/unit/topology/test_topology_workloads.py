"""Controllers joined with their pods, their requests and the state of their rollout."""

from datetime import datetime

import pytest

from microglia.model.ids import WorkloadId
from microglia.model.objects import BlindSpot
from microglia.topology.build import build
from microglia.topology.nodes import Workload
from tests.factories import BORN, Json, deployment, node, nodes, pod, running, service, snapshot, stateful_set, thing

CART = WorkloadId("shop", "cart")


def cart(*raws: Json) -> Workload:
    return build(snapshot(*nodes(), *raws)).workloads[CART]


def test_a_deployment_is_joined_with_its_pods_through_their_replica_set() -> None:
    """Pods, zones, readiness, requests with the injected proxy, and found hosts are all there."""
    raw = deployment("cart", found={"hosts": ["b.shop.svc.cluster.local", "a.shop.svc.cluster.local"]})
    found = cart(*running(raw))
    assert [(one.name, one.node, one.zone) for one in found.pods] == [
        ("cart-5d4f-0", "node-a", "a"),
        ("cart-5d4f-1", "node-b", "b"),
        ("cart-5d4f-2", "node-c", "c"),
    ]
    assert (found.replicas, found.ready, found.meshed, found.uid) == (3, 3, True, "Deployment-shop-cart")
    assert [(one.name, one.cpu, one.sidecar) for one in found.containers] == [
        ("app", 0.5, False),
        ("istio-proxy", 0.1, True),
    ]
    assert (found.cpu, found.memory) == (0.6, 384 * 2**20)
    assert found.hosts == ("a.shop.svc.cluster.local", "b.shop.svc.cluster.local")
    assert found.created == datetime.fromisoformat(BORN)
    assert found.in_flight is None


def test_a_native_sidecar_counts_as_the_mesh_proxy() -> None:
    """A proxy among the init containers that restart always is running; other init containers are not."""
    raw = deployment("cart", replicas=1)
    proxy = {"name": "istio-proxy", "restartPolicy": "Always", "resources": {"limits": {"cpu": "1", "memory": "64Mi"}}}
    spec = {"initContainers": [{"name": "istio-init"}, proxy]}
    found = cart(
        *running(raw, meshed=False)[:2], pod("cart-5d4f-0", owner=("ReplicaSet", "cart-5d4f"), spec=spec, meshed=False)
    )
    assert found.meshed
    assert [(one.name, one.cpu, one.memory_limit) for one in found.containers] == [
        ("app", 0.5, 0.0),
        ("istio-proxy", 1.0, 64 * 2**20),
    ]


def test_ended_and_leaving_pods_do_not_count() -> None:
    """Only pods that live and stay are copies."""
    owner = ("ReplicaSet", "cart-5d4f")
    gone = pod("cart-5d4f-x", owner=owner, status={"phase": "Failed"})
    leaving = pod("cart-5d4f-y", owner=owner, metadata={"deletionTimestamp": BORN, "ownerReferences": []})
    assert len(cart(*running(deployment("cart")), gone, leaving).pods) == 3


def test_a_pod_that_is_not_ready_is_a_copy_that_does_not_serve() -> None:
    """Readiness, restarts and deletion cost are read from the pod; a cost that is no number counts as none."""
    condition = {"type": "Ready", "status": "False", "lastTransitionTime": BORN}
    scheduled = {"type": "PodScheduled", "status": "True"}
    owner = ("ReplicaSet", "cart-5d4f")
    restarts = [{"name": "app", "restartCount": 3}, {"name": "istio-proxy", "restartCount": 1}]
    cost = "controller.kubernetes.io/pod-deletion-cost"
    waiting = {"conditions": [scheduled, condition], "containerStatuses": restarts}
    found = cart(
        *running(deployment("cart", replicas=1))[:2],
        pod(
            "cart-5d4f-0",
            owner=owner,
            status=waiting,
            annotations={cost: "-100"},
        ),
        pod("cart-5d4f-1", owner=owner, status={"conditions": []}, annotations={cost: "much"}),
        pod("cart-5d4f-2", owner=owner),
    )
    assert [(one.ready, one.restarts, one.cost, one.ready_since is None) for one in found.pods] == [
        (False, 4, -100, True),
        (False, 0, 0, True),
        (True, 0, 0, False),
    ]
    assert found.ready == 1


def test_hidden_replica_sets_do_not_hide_their_deployment() -> None:
    """The hash that a pod carries leads to the Deployment when no ReplicaSet can be listed."""
    raw, _, *pods = running(deployment("cart"))
    assert len(cart(raw, *pods).pods) == 3


def test_pods_of_an_unlisted_controller_make_a_workload_of_its_kind() -> None:
    """What an operator controls is seen by its pods, with their labels but not their hashes."""
    labels = {"cnpg.io/cluster": "db", "controller-revision-hash": "1"}
    found = build(snapshot(pod("db-1", owner=("Cluster", "db"), labels=labels), pod("db-2", owner=("Cluster", "db"))))
    one = found.workloads[WorkloadId("shop", "db", "Cluster")]
    assert (one.replicas, one.uid, one.pod_labels) == (2, "u", {"cnpg.io/cluster": "db"})
    assert (one.owner.code, one.owner.name) == ("operator", "Cluster shop/db")
    assert found.by_key("shop/db") is one


def test_jobs_belong_to_their_cron_job_and_lone_ones_to_themselves() -> None:
    """Metrics know the pods of a CronJob under its name; so do we."""
    reference = {"kind": "CronJob", "name": "report", "controller": True}
    template = {"metadata": {"labels": {"job": "report"}}, "spec": {"containers": [{"name": "app"}]}}
    cron = thing("CronJob", "report", spec={"jobTemplate": {"spec": {"template": template}}})
    found = build(
        snapshot(
            cron,
            thing("Job", "report-1", metadata={"ownerReferences": [reference]}),
            thing("Job", "once", spec={"template": template}),
            thing("ReplicaSet", "old", spec={"replicas": 2}),
            pod("report-1-x", owner=("Job", "report-1")),
            pod("lonely", labels={"a": "b"}),
            pod("etcd", owner=("Node", "node-a")),
        )
    )
    assert [str(one) for one in found.workloads] == [
        "Pod/shop/etcd",
        "Pod/shop/lonely",
        "ReplicaSet/shop/old",
        "Job/shop/once",
        "CronJob/shop/report",
    ]
    assert found.workloads[WorkloadId("shop", "report", "CronJob")].pod_labels == {"job": "report"}
    assert found.workloads[WorkloadId("shop", "lonely", "Pod")].pod_labels == {"a": "b"}
    assert found.workloads[WorkloadId("shop", "old", "ReplicaSet")].replicas == 2


def test_two_kinds_of_one_name_are_ambiguous() -> None:
    """Metrics cannot tell them apart, so neither gets a row."""
    found = build(snapshot(deployment("db"), stateful_set("db"), deployment("cart")))
    assert found.ambiguous == {"shop/db"}
    assert found.rows == {CART: 0}
    assert found.by_key("shop/db") is None
    assert found.by_key("shop/cart") is found.workloads[CART]
    assert found.by_key("shop/nobody") is None


def test_blind_pods_leave_the_status_to_speak() -> None:
    """Where pods cannot be listed, readiness is what the controller says."""
    found = build(snapshot(deployment("cart"), faults=[BlindSpot("Pod", "forbidden")])).workloads[CART]
    assert (found.ready, found.pods, found.meshed) == (3, (), False)


def test_requests_fall_back_to_what_the_pod_was_given() -> None:
    """A limit stands for a missing request, the pod's own for a missing template's, and nonsense for nothing."""
    raw = deployment("cart", replicas=1, requests={"cpu": "a lot"})
    given = [{"name": "app", "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}}]
    found = cart(*running(raw)[:2], pod("cart-5d4f-0", owner=("ReplicaSet", "cart-5d4f"), spec={"containers": given}))
    assert (found.cpu, found.memory, found.containers[0].memory_limit) == (0.0, 2**30, 2**31)


def test_zones_are_those_that_have_nodes() -> None:
    """A node without a zone label is known and in none."""
    found = build(snapshot(node("n1", "b"), node("n2", "a"), node("n3", None)))
    assert found.zones == ("a", "b")
    assert found.nodes == {"n1": "b", "n2": "a", "n3": None}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"spec": {"paused": True}}, "it is paused (spec.paused: true)"),
        ({"status": {"observedGeneration": 0}}, "its controller has not acted on the last change"),
        (
            {"status": {"conditions": [{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}]}},
            "condition Progressing: ReplicaSetUpdated",
        ),
        (
            {
                "status": {
                    "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]
                }
            },
            "ProgressDeadlineExceeded",
        ),
        ({"status": {"updatedReplicas": 1}}, "status.updatedReplicas is 1, not 3"),
        ({"status": {"availableReplicas": 2}}, "status.availableReplicas is 2, not 3"),
        ({"status": {"replicas": 4}}, "status.replicas is 4, not 3"),
        ({"metadata": {"generation": 1, "deletionTimestamp": BORN}}, f"being deleted since {BORN}"),
    ],
)
def test_a_change_under_way_is_seen(change: Json, says: str) -> None:
    """Each sign of a rollout is enough, and is quoted."""
    assert says in (cart(deployment("cart", **change)).in_flight or "at rest")


def test_a_finished_rollout_is_at_rest() -> None:
    """The Progressing condition stays for ever; only its reason tells."""
    conditions = [
        {"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ]
    assert cart(deployment("cart", status={"conditions": conditions})).in_flight is None


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (stateful_set("db", status={"currentRevision": "1", "updateRevision": "2"}), "updateRevision 2"),
        (stateful_set("db", status={"availableReplicas": 2}), "status.availableReplicas is 2"),
        (
            thing("DaemonSet", "db", status={"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}),
            "updatedNumberScheduled is 1",
        ),
        (thing("Rollout", "db", status={"currentPodHash": "2", "stableRS": "1"}), "currentPodHash 2, stableRS 1"),
        (thing("Rollout", "db", status={"phase": "Paused"}), "its phase is not Healthy (status.phase: Paused)"),
        (thing("Rollout", "db", status={}), "status.phase: not told"),
        (thing("Rollout", "db", status={"phase": "Healthy", "abort": True}), "aborted (status.abort: true)"),
        (thing("Rollout", "db", spec={"paused": True}, status={"phase": "Healthy"}), "it is paused"),
    ],
)
def test_other_kinds_have_their_own_signs(raw: Json, says: str) -> None:
    """StatefulSets, DaemonSets and Rollouts tell of their changes by their own fields."""
    found = build(snapshot(raw)).workloads[WorkloadId("shop", "db", raw["kind"])]
    assert says in (found.in_flight or "at rest")


@pytest.mark.parametrize("observed", ["7", "6f8c9d"])
def test_argo_rollouts_write_generations_as_text(observed: str) -> None:
    """A text that is no number says nothing; one that is says what it says."""
    raw = thing(
        "Rollout", "db", metadata={"generation": 7}, status={"observedGeneration": observed, "phase": "Healthy"}
    )
    assert build(snapshot(raw)).workloads[WorkloadId("shop", "db", "Rollout")].in_flight is None


def test_kinds_without_rollouts_are_at_rest() -> None:
    """A CronJob has a generation, and nobody who would observe it."""
    raw = thing("CronJob", "report", metadata={"generation": 2})
    assert build(snapshot(raw)).workloads[WorkloadId("shop", "report", "CronJob")].in_flight is None


def test_a_rollout_between_changes_is_at_rest() -> None:
    """Its pods run the stable hash, and it is healthy."""
    status = {"currentPodHash": "1", "stableRS": "1", "phase": "Healthy"}
    raw = thing("Rollout", "db", spec={"replicas": 2}, status=status)
    found = build(snapshot(raw)).workloads[WorkloadId("shop", "db", "Rollout")]
    assert (found.in_flight, found.replicas) == (None, 2)


def test_everything_is_sorted_whatever_the_order_of_the_objects() -> None:
    """The same world in another order gives the same topology."""
    raws = [*nodes(), *running(deployment("b")), *running(deployment("a")), service("b"), service("a")]
    there, back = build(snapshot(*raws)), build(snapshot(*reversed(raws)))
    assert list(there.workloads) == list(back.workloads) == [WorkloadId("shop", "a"), WorkloadId("shop", "b")]
    assert list(there.services) == list(back.services)
    assert [one.name for one in back.workloads[WorkloadId("shop", "a")].pods] == ["a-5d4f-0", "a-5d4f-1", "a-5d4f-2"]
