"""The minimum of an autoscaler: whose it is, whether it may be lowered now, and what it aims at."""

from typing import Any

import pytest

from microglia.model.ids import WorkloadId
from microglia.topology.build import build
from microglia.topology.levers import aims_at
from microglia.topology.nodes import Lever, Owner
from tests.autoscaling import WORKS, Json, hpa, made_by_keda, per_second, scaled_object
from tests.factories import deployment, snapshot, stateful_set, thing

CART = WorkloadId("shop", "cart")
PAUSED = "autoscaling.keda.sh/paused"
OWNS_LEAST: Json = {"fieldsV1": {"f:spec": {"f:minReplicas": {}}}}
OWNS_MOST: Json = {"fieldsV1": {"f:spec": {"f:maxReplicas": {}}}}
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def owner(*others: Json, **parts: Any) -> Owner:
    return build(snapshot(deployment("cart", **parts), *others)).workloads[CART].owner


def lever(*others: Json, **parts: Any) -> Lever:
    found = owner(*others, **parts).lever
    assert found is not None
    return found


def test_a_working_autoscaler_of_nobody_else_is_lowered() -> None:
    """It scales, nobody writes its minimum back: that minimum is the way, and the count stays the autoscaler's."""
    found = lever(hpa(least=5))
    assert (str(found.ref), found.field, found.least, found.stuck) == (
        "HorizontalPodAutoscaler shop/cart", "spec.minReplicas", 5, "",
    )  # fmt: skip
    assert (found.owner.code, owner(hpa()).act, owner(hpa()).verdict) == ("self", False, "lower")


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ({"AbleToScale": "True", "ScalingActive": "False"}, "ScalingActive False, WhyScalingActive"),
        ({"AbleToScale": "False", "ScalingActive": "True"}, "AbleToScale False, WhyAbleToScale"),
        ({"AbleToScale": "Unknown", "ScalingActive": "True"}, "AbleToScale Unknown"),
        ({"AbleToScale": "True"}, "does not say ScalingActive"),
        ({}, "does not say AbleToScale"),
    ],
)
def test_an_autoscaler_that_does_not_work_keeps_its_minimum(says: dict[str, str], told: str) -> None:
    """What would not add copies when they are needed is not relied upon."""
    assert told in lever(hpa(says=says)).stuck
    assert owner(hpa(says=says)).verdict == "refuse"


@pytest.mark.parametrize("least", [None, 0, 1])
def test_there_is_nothing_below_one(least: int | None) -> None:
    """A minimum of one, or none written, is as low as it goes."""
    assert owner(hpa(least=least)).verdict == "refuse"


@pytest.mark.parametrize(
    ("marks", "code", "verdict"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "web:autoscaling/HorizontalPodAutoscaler:shop/cart"}},
         "argocd", "propose"),
        ({"annotations": {"meta.helm.sh/release-name": "web"}, "labels": {"app.kubernetes.io/managed-by": "Helm"}},
         "helm", "propose"),
        ({"annotations": {APPLIED: '{"spec":{"minReplicas":5}}'}}, "kubectl", "propose"),
        ({"annotations": {APPLIED: '{"spec":{"maxReplicas":5}}'}}, "self", "lower"),
        ({"managedFields": [{"manager": "kubectl", "operation": "Apply", **OWNS_LEAST}]},
         "kubectl", "propose"),
        ({"managedFields": [{"manager": "tuner", "operation": "Apply", **OWNS_LEAST}]},
         "field-manager", "refuse"),
        ({"managedFields": [{"manager": "tuner", "operation": "Apply", **OWNS_MOST}]},
         "self", "lower"),
        ({"labels": {"app.kubernetes.io/managed-by": "acme-operator"}}, "operator", "refuse"),
        ({"ownerReferences": [{"kind": "App", "name": "a", "controller": True, "uid": "a"}]}, "operator", "refuse"),
    ],
)  # fmt: skip
def test_whoever_writes_the_minimum_back_is_asked(marks: Json, code: str, verdict: str) -> None:
    """Who claims the minimum decides: files get a proposal, programs are left alone, other fields do not matter."""
    found = owner(hpa(**marks))
    assert found.lever is not None
    assert (found.lever.owner.code, found.verdict) == (code, verdict)


def test_a_tool_that_leaves_counts_alone_still_owns_the_minimum() -> None:
    """``ignoreDifferences`` on /spec/replicas says nothing about /spec/minReplicas."""
    spec = {"ignoreDifferences": [{"group": "*", "kind": "*", "jsonPointers": ["/spec/replicas"]}],
            "syncPolicy": {"syncOptions": ["RespectIgnoreDifferences=true"]}}  # fmt: skip
    tracked = {"argocd.argoproj.io/tracking-id": "web:autoscaling/HorizontalPodAutoscaler:shop/cart"}
    found = owner(hpa(annotations=tracked), thing("Application", "web", "argocd", spec=spec))
    assert found.lever is not None
    assert (found.lever.owner.act, found.verdict) == (False, "propose")


def test_of_keda_the_scaled_object_is_lowered() -> None:
    """Never the autoscaler that KEDA makes, whose conditions count all the same."""
    found = lever(scaled_object(), made_by_keda())
    assert (found.ref.kind, found.field, found.least, found.stuck) == ("ScaledObject", "spec.minReplicaCount", 5, "")
    broken = made_by_keda(says={**WORKS, "ScalingActive": "False"})
    assert "HorizontalPodAutoscaler shop/keda-hpa-cart says ScalingActive False" in lever(scaled_object(), broken).stuck
    assert "no HorizontalPodAutoscaler of ScaledObject shop/cart was seen" in lever(scaled_object()).stuck
    assert owner(made_by_keda()).lever is None


@pytest.mark.parametrize(
    ("key", "value", "stops"),
    [(PAUSED, "true", True), (PAUSED, "false", False), (f"{PAUSED}-replicas", "7", True),
     (f"{PAUSED}-scale-in", "true", True), (f"{PAUSED}-replicas", "false", True)],
)  # fmt: skip
def test_a_paused_scaled_object_keeps_its_minimum(*, key: str, value: str, stops: bool) -> None:
    """Paused in any of KEDA's ways it adds nothing when it is needed."""
    stuck = lever(scaled_object(annotations={key: value}), made_by_keda()).stuck
    assert stuck.startswith("ScaledObject shop/cart is paused") is stops


def test_two_autoscalers_of_one_target_are_left_alone() -> None:
    """The minimum of either says nothing beside the other."""
    assert "HorizontalPodAutoscaler shop/second scales it as well" in lever(hpa(), hpa("second")).stuck
    both = lever(scaled_object(), made_by_keda(), hpa("second"))
    assert "HorizontalPodAutoscaler shop/second scales it as well" in both.stuck


def test_beside_a_sleep_schedule_no_minimum_is_lowered() -> None:
    """A downscaler writes minima as well."""
    found = lever(hpa(), annotations={"downscaler/uptime": "Mon-Fri"})
    assert "kube-downscaler sets counts too (annotation downscaler/uptime" in found.stuck


def test_only_minima_of_deployments_are_lowered() -> None:
    """Copies of a StatefulSet are not interchangeable, whoever scales them."""
    scaler = hpa()
    scaler["spec"]["scaleTargetRef"]["kind"] = "StatefulSet"
    found = build(snapshot(stateful_set("cart"), scaler)).workloads[WorkloadId("shop", "cart", "StatefulSet")].owner
    assert found.lever is not None
    assert found.lever.stuck == "its target is a StatefulSet, and only those of Deployments are lowered"
    assert found.verdict == "refuse"


@pytest.mark.parametrize(
    ("metrics", "rps"),
    [
        ([per_second("http_requests_per_second", "50")], 50.0),
        ([per_second("istio_rps", "500m", "External")], 0.5),
        ([per_second("http_requests_per_second", "50"), per_second("grpc_rps", "20", "Object")], 20.0),
        ([per_second("queue_length", "50")], None),
        ([per_second("http_requests_per_second", "0")], None),
        ([{"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 60}}}], None),
        ([{"type": "Pods", "pods": {"metric": {"name": "x_rps"}, "target": {"type": "Value", "value": "5"}}}], None),
        ([], None),
    ],
)
def test_only_an_average_of_requests_per_second_is_aimed_at(metrics: list[Json], rps: float | None) -> None:
    """By the name of the metric and the form of its target; the lowest of several; anything else tells nothing."""
    assert aims_at(hpa(metrics=metrics)) == rps
    assert lever(hpa(metrics=metrics)).rps == rps
