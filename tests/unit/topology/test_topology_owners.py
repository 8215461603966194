"""Who decides the replica count."""

from typing import Any

import pytest

from microglia.model.ids import WorkloadId
from microglia.model.objects import BlindSpot
from microglia.topology.build import build
from microglia.topology.nodes import Owner
from tests.factories import Json, deployment, snapshot, thing

CART = WorkloadId("shop", "cart")
TRACKING = "argocd.argoproj.io/tracking-id"


def owner(*others: Json, **parts: Any) -> Owner:
    return build(snapshot(deployment("cart", **parts), *others)).workloads[CART].owner


def fields(manager: str, operation: str = "Update", subresource: str = "", time: str = "2026-01-01T00:00:10Z") -> Json:
    entry = {"manager": manager, "operation": operation, "subresource": subresource, "time": time}
    return {"generation": 1, "managedFields": [{**entry, "fieldsV1": {"f:spec": {"f:replicas": {}}}}]}


def test_a_plain_deployment_is_free() -> None:
    """Nobody claims the count, so nobody would object."""
    found = owner()
    assert (found.code, found.act) == ("self", True)


@pytest.mark.parametrize(
    ("parts", "code", "name"),
    [
        (
            {"metadata": {"generation": 1, "ownerReferences": [{"kind": "Kafka", "name": "k", "controller": True}]}},
            "operator",
            "Kafka shop/k",
        ),
        ({"annotations": {TRACKING: "shop:apps/Deployment:shop/cart"}}, "argocd", "Argo CD application shop"),
        ({"labels": {"argocd.argoproj.io/instance": "shop"}}, "argocd", "Argo CD application shop"),
        (
            {"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}},
            "flux",
            "Flux Kustomization flux/apps",
        ),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "cart"}}, "flux", "Flux HelmRelease /cart"),
        (
            {
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "r", "meta.helm.sh/release-namespace": "shop"},
            },
            "helm",
            "Helm release shop/r",
        ),
        ({"annotations": {"configmanagement.gke.io/managed": "enabled"}}, "config-sync", "Config Sync"),
        ({"annotations": {"config.k8s.io/owning-inventory": "i"}}, "config-sync", "inventory i"),
        ({"labels": {"app.kubernetes.io/managed-by": "configmanagement.gke.io"}}, "config-sync", "Config Sync"),
        (
            {
                "annotations": {
                    "objectset.rio.cattle.io/owner-gvk": "fleet, Kind=Bundle",
                    "objectset.rio.cattle.io/owner-name": "b",
                }
            },
            "fleet",
            "fleet, Kind=Bundle b",
        ),
        ({"labels": {"addonmanager.kubernetes.io/mode": "Reconcile"}}, "addon-manager", "the addon manager"),
        ({"found": {"appliedReplicas": True}}, "kubectl", "the next kubectl apply"),
        (
            {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"spec":{"replicas":3}}'}},
            "kubectl",
            "the next kubectl apply",
        ),
        ({"labels": {"app.kubernetes.io/managed-by": "cloud-run"}}, "managed-by", "cloud-run"),
        ({"labels": {"app.kubernetes.io/managed-by": "db-operator"}}, "operator", "db-operator"),
        ({"annotations": {"downscaler/uptime": "Mon-Fri 08:00-20:00 UTC"}}, "downscaler", "kube-downscaler"),
        ({"metadata": fields("argocd-controller", "Apply")}, "argocd", "Argo CD"),
        ({"metadata": fields("helm", "Apply")}, "helm", "Helm"),
        ({"metadata": fields("helm-controller", "Apply")}, "flux", "Flux"),
        ({"metadata": fields("HashiCorp")}, "terraform", "Terraform"),
        ({"metadata": fields("kubectl", "Apply")}, "kubectl", "the next kubectl apply"),
        ({"metadata": fields("gokubedownscaler", subresource="scale")}, "downscaler", "kube-downscaler"),
        ({"metadata": fields("spinnaker", time="2026-03-01T00:00:00Z")}, "field-manager", "spinnaker"),
    ],
)
def test_whoever_would_set_the_count_back_is_named(parts: Json, code: str, name: str) -> None:
    """Each mark of the catalogue is found, with the evidence."""
    found = owner(**parts)
    assert (found.code, found.name, found.act) == (code, name, False)
    assert found.evidence


@pytest.mark.parametrize(
    "parts",
    [
        {"annotations": {TRACKING: "shop:apps/Deployment:shop/other"}},
        {"annotations": {"meta.helm.sh/release-name": "r"}},
        {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
        {"labels": {"app.kubernetes.io/managed-by": "microglia"}},
        {"labels": {"addonmanager.kubernetes.io/mode": "EnsureExists"}},
        {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"spec":{}}'}},
        {"annotations": {"configmanagement.gke.io/managed": "disabled"}},
        {"metadata": fields("OpenAPI-Generator")},
        {"metadata": fields("kubectl", subresource="scale", time="2026-03-01T00:00:00Z")},
        {"metadata": fields("kube-controller-manager", subresource="scale", time="2026-03-01T00:00:00Z")},
        {"metadata": fields("microglia", "Apply")},
        {"metadata": {"generation": 1, "managedFields": [{"manager": "argocd", "fieldsV1": {"f:status": {}}}]}},
        {"metadata": {"generation": 1, "ownerReferences": [{"kind": "Kafka", "name": "k"}]}},
    ],
)
def test_a_copied_or_spent_mark_is_no_owner(parts: Json) -> None:
    """A tracking id of another object, a person's kubectl scale or the creator's entry hold nobody back."""
    assert owner(**parts).code == "self"


@pytest.mark.parametrize(
    ("other", "code", "name"),
    [
        (
            thing("HorizontalPodAutoscaler", "h", spec={"scaleTargetRef": {"kind": "Deployment", "name": "cart"}}),
            "hpa",
            "HorizontalPodAutoscaler shop/h",
        ),
        (
            thing(
                "HorizontalPodAutoscaler", "keda-hpa-s", labels={"scaledobject.keda.sh/name": "s"},
                spec={"scaleTargetRef": {"kind": "Deployment", "name": "cart"}},
            ),
            "keda",
            "ScaledObject shop/s",
        ),
        (thing("ScaledObject", "s", spec={"scaleTargetRef": {"name": "cart"}}), "keda", "ScaledObject shop/s"),
        (thing("Rollout", "r", spec={"workloadRef": {"name": "cart"}}), "argo-rollouts", "Rollout shop/r"),
        (thing("Canary", "cart", spec={"targetRef": {"name": "cart"}}), "flagger", "Canary shop/cart"),
        (thing("SleepInfo", "s", spec={}), "kube-green", "SleepInfo shop/s"),
        (thing("Namespace", "shop", "", annotations={"downscaler/downtime": "Sat"}), "downscaler", "kube-downscaler"),
    ],
)  # fmt: skip
def test_scalers_own_what_they_name(other: Json, code: str, name: str) -> None:
    """Autoscalers, progressive delivery and sleep schedules come before GitOps marks."""
    found = owner(other, annotations={TRACKING: "shop:apps/Deployment:shop/cart"})
    assert (found.code, found.name, found.act) == (code, name, False)


def test_flagger_owns_the_primary_as_well() -> None:
    """The copy that serves is generated, and scaled by Flagger's own autoscaler reference."""
    canary = thing("Canary", "cart", spec={"targetRef": {"kind": "Deployment", "name": "cart"}})
    found = build(snapshot(deployment("cart-primary"), canary, thing("Rollout", "r", spec={})))
    assert found.workloads[WorkloadId("shop", "cart-primary")].owner.code == "flagger"


def test_a_scaler_elsewhere_owns_nothing_here() -> None:
    """An autoscaler of another namespace or name is somebody else's."""
    target = {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}}
    found = owner(thing("HorizontalPodAutoscaler", "h", "other", spec=target), thing("Namespace", "shop", ""))
    assert found.code == "self"


def test_when_scalers_cannot_be_read_the_owner_is_unknown() -> None:
    """Not seeing autoscalers is no proof that there are none."""
    blind = [BlindSpot("HorizontalPodAutoscaler", "forbidden")]
    found = build(snapshot(deployment("cart"), faults=blind)).workloads[CART].owner
    assert (found.code, found.act) == ("unknown", False)
    assert "HorizontalPodAutoscaler could not be read" in found.evidence
