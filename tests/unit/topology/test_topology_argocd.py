"""Argo CD: whoever ignores the count and respects that may be acted beside; else it says which line is missing."""

from typing import Any

import pytest

from microglia.model.ids import WorkloadId
from microglia.topology.build import build
from microglia.topology.nodes import Owner
from tests.factories import Json, deployment, snapshot, thing

TRACKED = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}}
ENTRY = {"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}
RESPECT = ["CreateNamespace=true", "RespectIgnoreDifferences=true"]


def application(*entries: Any, options: list[str] | None = None, name: str = "shop", namespace: str = "argocd") -> Json:
    """An Application as its CRD has it."""
    spec: Json = {"destination": {"namespace": "shop"}, "syncPolicy": {"automated": {"selfHeal": True}}}
    if entries:
        spec["ignoreDifferences"] = list(entries)
    if options is not None:
        spec["syncPolicy"]["syncOptions"] = options
    return thing("Application", name, namespace, spec=spec)


def owner(*others: Json, **parts: Any) -> Owner:
    found = build(snapshot(deployment("cart", **(parts or TRACKED)), *others))
    return found.workloads[WorkloadId("shop", "cart")].owner


@pytest.mark.parametrize(
    "entry",
    [
        ENTRY,
        {**ENTRY, "kind": "*", "group": "*"},
        {**ENTRY, "name": "cart", "namespace": "shop"},
        {"group": "apps", "kind": "Deployment", "jqPathExpressions": [".spec.replicas"]},
        {"group": "apps", "kind": "Deployment", "managedFieldsManagers": ["microglia"]},
    ],
)
def test_a_count_that_is_ignored_and_respected_may_be_written(entry: Json) -> None:
    """The owner is still named, with the entry that leaves the count alone."""
    found = owner(application({"group": "", "kind": "Secret"}, entry, options=RESPECT))
    assert (found.code, found.act) == ("argocd", True)
    assert found.evidence == (
        "Application argocd/shop leaves the count alone: spec.ignoreDifferences[1], RespectIgnoreDifferences=true"
    )


LINE = "{group: apps, kind: Deployment, jsonPointers: [/spec/replicas]} in spec.ignoreDifferences"
OPTION = "RespectIgnoreDifferences=true in spec.syncPolicy.syncOptions"


@pytest.mark.parametrize(
    ("raw", "needs"),
    [
        (application(), f"{LINE} and {OPTION}"),
        (application(ENTRY), OPTION),
        (application(ENTRY, options=["CreateNamespace=true"]), OPTION),
        (application(options=RESPECT), LINE),
        (application({**ENTRY, "group": ""}, options=RESPECT), LINE),
        (application({"kind": "Deployment", "jsonPointers": ["/spec/replicas"]}, options=RESPECT), LINE),
        (application({**ENTRY, "kind": "StatefulSet"}, options=RESPECT), LINE),
        (application({**ENTRY, "name": "web"}, options=RESPECT), LINE),
        (application({**ENTRY, "namespace": "other"}, options=RESPECT), LINE),
        (application({**ENTRY, "jsonPointers": ["/spec/template"]}, options=RESPECT), LINE),
    ],
)
def test_the_missing_line_is_told(raw: Json, needs: str) -> None:
    """Proposed, not touched; and exactly what the Application would need to allow it."""
    found = owner(raw)
    assert (found.code, found.act, found.declared) == ("argocd", False, True)
    assert found.remedy == (
        "change it there; microglia propose writes the patch; or allow microglia to act: Application argocd/shop needs "
        f"{needs}"
    )


def test_an_application_outside_of_argos_namespace_is_found() -> None:
    """Its tracking ids carry the namespace too."""
    there = application(ENTRY, options=RESPECT, namespace="team")
    marks = {"annotations": {"argocd.argoproj.io/tracking-id": "team_shop:apps/Deployment:shop/cart"}}
    assert owner(there, **marks).act
    assert owner(there, labels={"argocd.argoproj.io/instance": "shop"}).act


def test_an_application_that_is_not_here_or_not_alone_says_nothing() -> None:
    """A hub cluster may hold it; two of one name cannot be told apart."""
    allowing = application(ENTRY, options=RESPECT)
    for others in (
        (),
        (application(ENTRY, options=RESPECT, name="other"),),
        (allowing, {**application(namespace="b")}),
    ):
        found = owner(*others)
        assert (found.act, found.remedy) == (False, "change it there; microglia propose writes the patch")


def test_a_scaler_comes_before_an_application() -> None:
    """Who ignores the count because an autoscaler sets it has not given it to us."""
    scaler = thing("HorizontalPodAutoscaler", "h", spec={"scaleTargetRef": {"kind": "Deployment", "name": "cart"}})
    found = owner(application(ENTRY, options=RESPECT), scaler)
    assert (found.code, found.act, found.declared) == ("hpa", False, False)
    assert found.remedy == "spec.minReplicas is 1: it goes as low as it may by itself"
