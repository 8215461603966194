"""Every row of who may own a count: chains, scalers, sleepers, field managers and those who deliver from files."""

from typing import Any

import pytest

from microglia.model.ids import WorkloadId
from microglia.model.objects import BlindSpot
from microglia.topology.build import build
from microglia.topology.nodes import Owner
from tests.factories import Json, deployment, pod, snapshot, stateful_set, thing

CART = WorkloadId("shop", "cart")
TARGET = {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}}
INSTANCE = {"app.kubernetes.io/instance": "shop"}
TRACKED = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def owner(*others: Json, faults: Any = (), **parts: Any) -> Owner:
    return build(snapshot(deployment("cart", **parts), *others, faults=faults)).workloads[CART].owner


def said(found: Owner) -> tuple[str, str, str]:
    """What it is called, who it is, and what follows."""
    return found.code, found.name, found.verdict


def above(kind: str, version: str, **labels: str) -> Json:
    reference = {"kind": kind, "name": "top", "apiVersion": version, "controller": True, "uid": "u"}
    return {"metadata": {"generation": 1, "ownerReferences": [reference]}, "labels": labels}


def entry(manager: str, operation: str = "Update", **parts: str) -> Json:
    named = {"manager": manager, "operation": operation, "time": "2026-02-01T00:00:00Z", **parts}
    return {**named, "fieldsV1": {"f:spec": {"f:replicas": {}}}}


def written(*entries: Json) -> Json:
    return {"metadata": {"generation": 1, "managedFields": list(entries)}}


@pytest.mark.parametrize(
    ("parts", "code", "name"),
    [
        (above("Kafka", "kafka.strimzi.io/v1"), "operator", "Kafka shop/top"),
        (above("Rollout", "argoproj.io/v1alpha1"), "argo-rollouts", "Rollout shop/top"),
        (above("Workflow", "argoproj.io/v1alpha1"), "operator", "Workflow shop/top"),
        (above("Canary", "flagger.app/v1beta1"), "flagger", "Canary shop/top"),
        (above("UnitedDeployment", "apps.kruise.io/v1alpha1"), "kruise", "UnitedDeployment shop/top"),
        (above("Revision", "serving.knative.dev/v1"), "knative", "Revision shop/top"),
        (
            above("Revision", "serving.knative.dev/v1", **{"serving.knative.dev/service": "s"}),
            "knative",
            "Knative Service shop/s",
        ),
        ({"labels": {"serving.knative.dev/revision": "s-1"}}, "knative", "Revision shop/s-1"),
        (above("Deployment", "apps/v1"), "unknown", "Deployment shop/top"),
        (above("ReplicationController", "v1"), "unknown", "ReplicationController shop/top"),
    ],
)
def test_whatever_stands_above_refuses(parts: Json, code: str, name: str) -> None:
    """The chain is followed to its top, and a top that nobody knows refuses as well."""
    found = owner(thing("HorizontalPodAutoscaler", "h", spec=TARGET), **parts)
    assert said(found) == (code, name, "refuse")
    assert found.evidence
    assert found.remedy


@pytest.mark.parametrize(
    ("kind", "version", "code", "verdict"),
    [
        ("CloneSet", "apps.kruise.io/v1alpha1", "kruise", "refuse"),
        ("CloneSet", "", "kruise", "refuse"),
        ("StatefulSet", "apps.kruise.io/v1beta1", "kruise", "refuse"),
        ("DaemonSet", "apps.kruise.io/v1alpha1", "kruise", "refuse"),
        ("StatefulSet", "apps/v1", "self", "act"),
        ("DaemonSet", "apps/v1", "not-scalable", "refuse"),
        ("Job", "batch/v1", "not-scalable", "refuse"),
        ("Cluster", "postgresql.cnpg.io/v1", "operator", "refuse"),
        ("ReplicationController", "v1", "unknown", "refuse"),
        ("Rollout", "argoproj.io/v1alpha1", "self", "act"),
    ],
)
def test_the_controller_of_pods_is_known_by_its_group(kind: str, version: str, code: str, verdict: str) -> None:
    """OpenKruise has a StatefulSet and a DaemonSet of its own."""
    reference = {"kind": kind, "name": "top", "apiVersion": version, "controller": True, "uid": "u"}
    found = build(snapshot(pod("top-0", metadata={"ownerReferences": [reference]})))
    workload = found.workloads[WorkloadId("shop", "top", kind)]
    assert (workload.owner.code, workload.owner.verdict) == (code, verdict)


def test_a_replica_set_passes_its_own_controller_on() -> None:
    """Pods of a ReplicaSet belong to what controls it, in its own group."""
    reference = {"kind": "Widget", "name": "top", "apiVersion": "acme.dev/v1", "controller": True, "uid": "w"}
    parent = thing("ReplicaSet", "top-1", metadata={"ownerReferences": [reference]})
    found = build(snapshot(parent, pod("top-1-a", owner=("ReplicaSet", "top-1"))))
    workload = found.workloads[WorkloadId("shop", "top", "Widget")]
    assert (workload.owner.code, workload.uid, workload.raw["apiVersion"]) == ("operator", "w", "acme.dev/v1")


def test_a_static_pod_has_no_count() -> None:
    """The kubelet runs it from a file."""
    reference = {"kind": "Node", "name": "n", "apiVersion": "v1", "controller": True, "uid": "u"}
    found = build(snapshot(pod("proxy", metadata={"ownerReferences": [reference]})))
    static = found.workloads[WorkloadId("shop", "proxy", "Pod")].owner
    assert said(static) == ("not-scalable", "Node shop/n", "refuse")


MINIMUM = {**TARGET, "minReplicas": 3}


@pytest.mark.parametrize(
    ("others", "name", "way_out"),
    [
        (
            (thing("HorizontalPodAutoscaler", "h", spec=MINIMUM),),
            "HorizontalPodAutoscaler shop/h",
            "lower spec.minReplicas of HorizontalPodAutoscaler shop/h, now 3",
        ),
        (
            (thing("HorizontalPodAutoscaler", "h", spec=TARGET),),
            "HorizontalPodAutoscaler shop/h",
            "spec.minReplicas is 1: it goes as low as it may by itself",
        ),
        (
            (thing("HorizontalPodAutoscaler", "h", spec=MINIMUM,
                   labels={"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "f"}),),
            "HorizontalPodAutoscaler shop/h",
            "lower spec.minReplicas of HorizontalPodAutoscaler shop/h, now 3, where Flux Kustomization f/apps sets it",
        ),
        (
            (thing("HorizontalPodAutoscaler", "h", spec=MINIMUM,
                   metadata={"ownerReferences": [{"kind": "App", "name": "a", "controller": True}]}),),
            "HorizontalPodAutoscaler shop/h",
            "lower spec.minReplicas of HorizontalPodAutoscaler shop/h, now 3, where App a sets it",
        ),
        (
            (thing("HorizontalPodAutoscaler", "keda-hpa-s", spec=MINIMUM, labels={"scaledobject.keda.sh/name": "s"}),),
            "ScaledObject shop/s",
            "lower spec.minReplicaCount of ScaledObject shop/s",
        ),
        (
            (thing("HorizontalPodAutoscaler", "keda-hpa-s", spec=MINIMUM,
                   metadata={"ownerReferences": [{"kind": "ScaledObject", "name": "s", "controller": True}]}),),
            "ScaledObject shop/s",
            "lower spec.minReplicaCount of ScaledObject shop/s",
        ),
        (
            (thing("ScaledObject", "s", spec={**TARGET, "minReplicaCount": 2}),
             thing("HorizontalPodAutoscaler", "keda-hpa-s", spec=MINIMUM)),
            "ScaledObject shop/s",
            "lower spec.minReplicaCount of ScaledObject shop/s, now 2",
        ),
        (
            (thing("ScaledObject", "s", spec=TARGET),),
            "ScaledObject shop/s",
            "spec.minReplicaCount is 0: it goes as low as it may by itself",
        ),
    ],
)  # fmt: skip
def test_an_autoscaler_refuses_with_the_minimum_that_may_be_lowered(others: Any, name: str, way_out: str) -> None:
    """Its minimum, what it is now, and who sets that."""
    found = owner(*others, annotations=TRACKED)
    assert (found.name, found.verdict, found.remedy) == (name, "refuse", way_out)


def test_a_paused_scaler_says_so() -> None:
    """KEDA's pause is a person's word."""
    scaler = thing("ScaledObject", "s", spec=TARGET, annotations={"autoscaling.keda.sh/paused-replicas": "2"})
    assert owner(scaler).evidence.endswith("paused at 2 by autoscaling.keda.sh/paused-replicas")


def test_flagger_is_asked_before_the_autoscaler_that_it_copies() -> None:
    """Neither the target nor the serving copy is scaled by hand, nor is the copy's autoscaler."""
    canary = thing("Canary", "c", spec={"targetRef": {"kind": "Deployment", "name": "cart"}})
    copied = {"scaleTargetRef": {"kind": "Deployment", "name": "cart-primary"}}
    scalers = [thing("HorizontalPodAutoscaler", name, spec=spec) for name, spec in (("a", TARGET), ("b", copied))]
    found = build(snapshot(deployment("cart"), deployment("cart-primary"), canary, *scalers)).workloads
    owners = [found[WorkloadId("shop", name)].owner for name in ("cart", "cart-primary")]
    assert [said(one) for one in owners] == [("flagger", "Canary shop/c", "refuse")] * 2
    assert owners[0].remedy == "set spec.autoscalerRef.primaryScalerReplicas of the Canary"


def test_a_vertical_autoscaler_owns_no_count() -> None:
    """It sets requests; that it keeps replicas is a floor, and another rule's."""
    assert owner(thing("VerticalPodAutoscaler", "v", spec={"targetRef": {"name": "cart"}})).code == "self"


@pytest.mark.parametrize(
    ("annotations", "end"),
    [
        ({"downscaler/original-replicas": "4"}, "it is asleep now, and has 4 replicas when awake"),
        ({"downscaler/uptime": "Mon", "downscaler/original-replicas": "-1"}, "Mon on the object; it is awake"),
        ({"downscaler/force-downtime": "true"}, "annotation downscaler/force-downtime: true on the object"),
        ({"downscaler/downtime-replicas": "1"}, "annotation downscaler/downtime-replicas: 1 on the object"),
    ],
)
def test_a_downscaler_says_whether_the_workload_sleeps(annotations: Json, end: str) -> None:
    """-1 is a placeholder: nothing is remembered, so it is awake."""
    found = owner(annotations=annotations)
    assert said(found) == ("downscaler", "kube-downscaler", "refuse")
    assert found.evidence.endswith(end)


@pytest.mark.parametrize(
    ("manager", "code", "verdict"),
    [
        ("keda-operator", "keda", "refuse"),
        ("rollouts-controller", "argo-rollouts", "refuse"),
        ("flagger", "flagger", "refuse"),
        ("kruise-manager", "kruise", "refuse"),
        ("kube-green", "kube-green", "refuse"),
        ("custom-autoscaler", "field-manager", "refuse"),
        ("kube-controller-manager", "argocd", "propose"),
        ("vpa-recommender", "argocd", "propose"),
        ("horizontal-pod-autoscaler", "argocd", "propose"),
        ("argocd-server", "argocd", "propose"),
        ("microglia", "argocd", "propose"),
    ],
)
def test_who_writes_the_scale_subresource_comes_before_files(manager: str, code: str, verdict: str) -> None:
    """Such a program goes on scaling, whatever Git says; a listed autoscaler's trace, a person's and ours are spent."""
    found = owner(**written(entry(manager, subresource="scale")), annotations=TRACKED)
    assert (found.code, found.verdict) == (code, verdict)


@pytest.mark.parametrize(
    ("manager", "operation", "code", "verdict"),
    [
        ("argocd-controller", "Apply", "argocd", "propose"),
        ("kustomize-controller", "Apply", "flux", "propose"),
        ("helm-controller", "Update", "flux", "propose"),
        ("configsync.gke.io", "Apply", "config-sync", "propose"),
        ("fleetagent", "Update", "fleet", "propose"),
        ("deploy@server-1", "Update", "addon-manager", "refuse"),
        ("Pulumi", "Update", "pulumi", "propose"),
        ("kubectl", "Apply", "kubectl", "propose"),
        ("acme", "Apply", "field-manager", "refuse"),
        ("acme", "Update", "field-manager", "refuse"),
        ("kubectl-client-side-apply", "Update", "self", "act"),
        ("kubectl-rollout", "Update", "self", "act"),
    ],
)
def test_a_field_manager_is_known_by_name_and_operation(manager: str, operation: str, code: str, verdict: str) -> None:
    """One that comes from files is proposed to; one that nobody knows refuses."""
    found = owner(**written(entry(manager, operation)))
    assert (found.code, found.verdict) == (code, verdict)


def test_a_field_that_kubectl_applies_by_the_server_is_handed_over_first() -> None:
    """Dropped by its last owner, the count falls to its default."""
    found = owner(**written(entry("kubectl", "Apply")))
    assert found.remedy.endswith("before it is dropped there, else it falls to 1")


@pytest.mark.parametrize(
    ("parts", "code", "verdict"),
    [
        ({"annotations": {"objectset.rio.cattle.io/owner-gvk": "fleet.cattle.io/v1, Kind=Bundle"}}, "fleet", "propose"),
        (
            {"annotations": {"objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon"}},
            "addon-manager",
            "refuse",
        ),
        ({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}, "addon-manager", "refuse"),
        ({"labels": {"addonmanager.kubernetes.io/mode": "EnsureExists"}}, "self", "act"),
        ({"annotations": {"configmanagement.gke.io/managed": "enabled"}}, "config-sync", "propose"),
        ({"annotations": {APPLIED: '{"spec":{"replicas":3}}'}}, "kubectl", "propose"),
        ({"annotations": {APPLIED: '{"spec":{"template":{"replicas":3}}}'}}, "self", "act"),
        ({"annotations": {APPLIED: 'broken "replicas"'}}, "kubectl", "propose"),
        ({"labels": {"app.kubernetes.io/managed-by": "cloud-run"}}, "managed-by", "refuse"),
        ({"labels": {"app.kubernetes.io/managed-by": "db-operator"}}, "operator", "refuse"),
    ],
)
def test_what_is_in_files_is_proposed_and_the_rest_refused(parts: Json, code: str, verdict: str) -> None:
    """A file on a server's disk, an operator and a stranger find no repository."""
    found = owner(**parts)
    assert (found.code, found.verdict) == (code, verdict)


@pytest.mark.parametrize(
    ("tracking", "code"),
    [
        ("shop:apps/Deployment:shop/cart", "argocd"),
        ("shop:extensions/Deployment:shop/cart", "self"),
        ("shop:apps/Deployment:other/cart", "self"),
        ("shop:apps/Deployment:shop/my-cart", "self"),
        (":apps/Deployment:shop/cart", "self"),
    ],
)
def test_a_tracking_id_must_refer_to_the_object_itself(tracking: str, code: str) -> None:
    """Group, kind, namespace and name; a copy of another's is ignored, as Argo CD does."""
    assert owner(annotations={"argocd.argoproj.io/tracking-id": tracking}).code == code


RESPECTED = {
    "ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}],
    "syncPolicy": {"syncOptions": ["RespectIgnoreDifferences=true"]},
}


def test_another_installation_is_proposed_to() -> None:
    """The Application of that name here may be another's: what it allows is not taken for its word."""
    marks = {**TRACKED, "argocd.argoproj.io/installation-id": "hub"}
    found = owner(thing("Application", "shop", "argocd", spec=RESPECTED), annotations=marks)
    assert (found.code, found.verdict) == ("argocd", "propose")
    assert found.remedy.endswith("installation-id: hub may be that of another cluster's Argo CD")


def test_the_label_of_every_chart_counts_where_its_application_is() -> None:
    """By label Argo CD tracks with a label that everybody uses: the Application decides, unseen ones refuse."""
    application = thing("Application", "shop", "argocd", spec={})
    assert owner(labels=INSTANCE).verdict == "act"
    assert owner(thing("Application", "other", "argocd", spec={}), labels=INSTANCE).verdict == "act"
    assert said(owner(application, labels=INSTANCE)) == ("argocd", "Argo CD application shop", "propose")
    assert owner(thing("Application", "shop", "argocd", spec=RESPECTED), labels=INSTANCE).act
    hidden = owner(labels=INSTANCE, faults=[BlindSpot("Application", "forbidden")])
    assert (hidden.code, hidden.verdict) == ("unknown", "refuse")
    assert hidden.remedy == "allow list on applications.argoproj.io"
    assert owner(faults=[BlindSpot("Application", "forbidden")]).verdict == "act"


def test_who_stands_behind_a_lenient_owner_is_still_heard() -> None:
    """Argo CD's own traces are its own; another's refuse."""
    lenient = thing("Application", "shop", "argocd", spec=RESPECTED)
    own = owner(lenient, **written(entry("argocd-controller", "Apply")), annotations={**TRACKED, APPLIED: '"replicas"'})
    assert (own.code, own.verdict) == ("argocd", "act")
    asked = owner(lenient, **written(entry("argocd-server", subresource="scale")), annotations=TRACKED)
    assert (asked.code, asked.verdict) == ("argocd", "act")
    other = owner(lenient, **written(entry("acme", "Apply")), annotations=TRACKED)
    assert (other.code, other.verdict) == ("field-manager", "refuse")


def test_a_stateful_set_is_nobody_elses_by_kind() -> None:
    """It has a count; that it is not scaled is another rule's."""
    found = build(snapshot(stateful_set("db"))).workloads[WorkloadId("shop", "db", "StatefulSet")]
    assert found.owner.code == "self"
