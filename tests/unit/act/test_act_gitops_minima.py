"""Minima of autoscalers in files: the autoscaler's own manifest, patch or overlay, never the Deployment's count."""

from typing import Any

from microglia.act.gitops.files import Hints
from tests.autoscaling import hpa, lowering, scaled_object
from tests.factories import deployment
from tests.unit.act.checkouts import CART, placed

HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: cart}
  minReplicas: 5   # for the sale
  maxReplicas: 20
"""
KEDA = """\
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: cart, namespace: shop}
spec: {scaleTargetRef: {name: cart}, minReplicaCount: 5}
"""
OPEN = HPA.replace(", namespace: shop", "")
BASE = "resources: [hpa.yaml]\n"
PROD = "namespace: shop\nresources: [../../base]\n"
STAGING = "namespace: staging\nresources: [../../base]\n"
CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: cart\nversion: 1.0.0\n",
    "chart/values.yaml": "replicaCount: 5\nleast: 5\n",
    "chart/templates/cart.yaml": CART.replace("replicas: 5", "replicas: {{ .Values.replicaCount }}"),
}
CHANGE = lowering(deployment("cart", replicas=5), hpa(), 4)


def test_the_manifest_of_the_autoscaler_is_edited() -> None:
    """One number, and not the count of the same size beside it."""
    files = {"cart.yaml": f"{CART}---\n{HPA}"}
    (found,) = placed(files, CHANGE)
    assert found.reason == ""
    assert files["cart.yaml"] == f"{CART}---\n{HPA}".replace("minReplicas: 5", "minReplicas: 4")
    scaled = {"cart.yaml": f"{CART}---\n{KEDA}"}
    placed(scaled, lowering(deployment("cart", replicas=5), scaled_object(), 4))
    assert scaled["cart.yaml"] == f"{CART}---\n{KEDA}".replace("minReplicaCount: 5", "minReplicaCount: 4")


def test_a_shared_base_gets_a_patch_of_the_autoscaler() -> None:
    """In the overlay, with the autoscaler's own version and kind; an entry in replicas says nothing of a minimum."""
    overlay = {"overlays/prod/kustomization.yaml": f"{PROD}replicas: [{{name: cart, count: 5}}]\n"}
    files = {"base/kustomization.yaml": BASE, "base/hpa.yaml": OPEN, **overlay}
    files["overlays/staging/kustomization.yaml"] = STAGING
    (found,) = placed(files, CHANGE)
    assert found.reason == ""
    assert files["overlays/prod/microglia/horizontalpodautoscaler-cart.yaml"] == (
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: cart\nspec:\n  minReplicas: 4\n"
    )
    assert "count: 5" in files["overlays/prod/kustomization.yaml"]


def test_a_patch_that_sets_the_minimum_is_edited() -> None:
    """By path, in a file of its own."""
    patch = "- {op: replace, path: /spec/minReplicas, value: 5}\n"
    prod = f"{PROD}patches: [{{target: {{kind: HorizontalPodAutoscaler, name: cart}}, path: least.yaml}}]\n"
    files = {"base/kustomization.yaml": BASE, "base/hpa.yaml": OPEN.replace("minReplicas: 5", "minReplicas: 2")}
    files |= {"overlays/prod/kustomization.yaml": prod, "overlays/prod/least.yaml": patch}
    placed(files, CHANGE)
    assert files["overlays/prod/least.yaml"] == patch.replace("value: 5", "value: 4")


def test_a_number_that_is_left_out_or_differs_has_no_place() -> None:
    """It is not kept in Git, or Git and cluster do not agree."""
    (bare,) = placed({"hpa.yaml": HPA.replace("  minReplicas: 5   # for the sale\n", "")}, CHANGE)
    assert "leaves spec.minReplicas out" in bare.reason
    assert "kubectl edit changes it, or write minReplicas: 5 there first" in bare.reason
    (other,) = placed({"hpa.yaml": HPA.replace("minReplicas: 5", "minReplicas: 6")}, CHANGE)
    assert "says 6, the cluster has 5" in other.reason


def test_a_charts_count_is_never_taken_for_a_minimum() -> None:
    """Which value holds the minimum people say; the count of the same size is left alone."""
    marks: dict[str, Any] = {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "cart"},
    }
    files = dict(CHART)
    (found,) = placed(files, CHANGE, **marks)
    assert found.edits == ()
    assert "--values-path shop/cart=FILE:PATH.TO.COUNT" in found.reason
    (named,) = placed(files, CHANGE, hints=Hints(values={"shop/cart": ("chart/values.yaml", ("least",))}), **marks)
    assert named.reason == ""
    assert files["chart/values.yaml"] == "replicaCount: 5\nleast: 4\n"
