"""Flux and Helm: what they set back, what they leave alone, and what of that is to be seen."""

from typing import Any

import pytest

from microglia.model.ids import WorkloadId
from microglia.topology.build import build
from microglia.topology.nodes import Owner
from tests.factories import Json, deployment, snapshot, thing

KUSTOMIZE = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
RELEASED = {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"}
HELM = {
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
    "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"},
}


def owner(*others: Json, **parts: Any) -> Owner:
    return build(snapshot(deployment("cart", **parts), *others)).workloads[WorkloadId("shop", "cart")].owner


def entry(manager: str, operation: str, minute: int | None, *, counts: bool = True, **parts: str) -> Json:
    fields: Json = {"fieldsV1": {"f:spec": {"f:replicas": {}}}} if counts else {}
    time = {} if minute is None else {"time": f"2026-02-01T00:{minute:02}:00Z"}
    return {"manager": manager, "operation": operation, **time, **fields, **parts}


@pytest.mark.parametrize(
    ("annotations", "verdict"),
    [
        ({}, "propose"),
        ({"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}, "act"),
        ({"kustomize.toolkit.fluxcd.io/reconcile": "enabled"}, "propose"),
        ({"kustomize.toolkit.fluxcd.io/ssa": "Merge"}, "propose"),
        ({"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"}, "act"),
        ({"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}, "act"),
    ],
)
def test_a_kustomization_owns_what_git_may_set(annotations: Json, verdict: str) -> None:
    """What Git leaves out is not to be seen, so only an object out of Flux's hands is acted on."""
    found = owner(labels=KUSTOMIZE, annotations=annotations)
    assert (found.code, found.name, found.verdict) == ("flux", "Flux Kustomization flux-system/apps", verdict)
    if verdict == "act":
        assert found.evidence.startswith("Flux leaves it alone: annotation kustomize.toolkit.fluxcd.io/")
    else:
        assert found.remedy.startswith("change it there; microglia propose writes the patch; or allow microglia to act")
        assert ("ssa: Merge" in found.evidence) is (annotations.get("kustomize.toolkit.fluxcd.io/ssa") == "Merge")


def release(*ignored: Any, mode: str | None = "enabled", name: str = "web") -> Json:
    drift: Json = {"mode": mode} if mode else {}
    return thing("HelmRelease", name, spec={"driftDetection": {**drift, "ignore": list(ignored)}})


@pytest.mark.parametrize(
    ("ignored", "acts"),
    [
        ({"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}, True),
        ({"paths": ["/spec/replicas"]}, True),
        ({"paths": [""]}, True),
        ({"paths": ["/spec/replicas"], "target": {"kind": "Dep.*", "name": "cart", "namespace": "shop"}}, True),
        ({"paths": ["/spec/replicas"], "target": {"kind": "StatefulSet"}}, False),
        ({"paths": ["/spec/replicas"], "target": {"name": "car"}}, False),
        ({"paths": ["/spec/replicas"], "target": {"name": "("}}, False),
        ({"paths": ["/spec/replicas"], "target": {"labelSelector": "app=cart"}}, False),
        ({"paths": ["/spec/template"]}, False),
        ({}, False),
    ],
)
def test_a_release_of_flux_may_ignore_the_count(ignored: Json, *, acts: bool) -> None:
    """Its target is a set of regular expressions over whole values; what is not understood allows nothing."""
    found = owner(release({"paths": ["/data"]}, ignored), labels=RELEASED)
    assert (found.code, found.act) == ("flux", acts)
    if acts:
        assert found.evidence == "HelmRelease shop/web leaves the count alone: spec.driftDetection.ignore[1]"


@pytest.mark.parametrize(
    ("others", "evidence", "line"),
    [
        ((release(),), "spec.driftDetection.mode: enabled: set back at once", True),
        ((release(mode="warn"),), "spec.driftDetection.mode: warn: set back with its next upgrade", True),
        ((release(mode=None),), "spec.driftDetection.mode: disabled: set back with its next upgrade", True),
        ((release(name="other"),), "label helm.toolkit.fluxcd.io/name: web", False),
    ],
)
def test_a_release_of_flux_is_proposed_to_with_the_line_that_would_allow(
    others: tuple[Json, ...], evidence: str, *, line: bool
) -> None:
    """When it sets the count back, and what it would need; one that is not here says nothing."""
    found = owner(*others, labels=RELEASED)
    assert (found.name, found.verdict) == ("Flux HelmRelease shop/web", "propose")
    assert found.evidence.endswith(evidence)
    assert ("HelmRelease shop/web needs {paths: [/spec/replicas]" in found.remedy) is line


@pytest.mark.parametrize("place", ["annotations", "labels"])
def test_an_object_may_be_taken_out_of_drift_detection(place: str) -> None:
    """Flux reads the mark from either place."""
    mark = {"helm.toolkit.fluxcd.io/driftDetection": "disabled"}
    parts = {"labels": RELEASED, "annotations": mark} if place == "annotations" else {"labels": {**RELEASED, **mark}}
    assert owner(release(), **parts).verdict == "act"


SCALED = entry("kubectl", "Update", 5, subresource="scale")
QUIET = entry("helm", "Apply", 9, counts=False)


@pytest.mark.parametrize(
    ("entries", "verdict", "words"),
    [
        ([], "propose", "applied by the client, as Helm 3 does"),
        ([entry("helm", "Update", 0)], "propose", "applied by the client, as Helm 3 does"),
        ([entry("helm", "Apply", 0)], "propose", "metadata.managedFields: helm (Apply) owns spec.replicas"),
        ([entry("helm", "Apply", 0), SCALED], "propose", "helm (Apply) owns spec.replicas"),
        ([QUIET, SCALED], "act", "Helm release shop/web applied it without spec.replicas"),
        ([entry("helm", "Apply", 5, counts=False), SCALED], "propose", "is not to be seen"),
        ([entry("helm", "Apply", 2, counts=False), SCALED], "propose", "is not to be seen"),
        ([QUIET], "propose", "is not to be seen"),
        ([entry("helm", "Apply", None, counts=False), SCALED], "propose", "is not to be seen"),
        ([QUIET, entry("kubectl", "Update", None)], "propose", "is not to be seen"),
        ([QUIET, entry("microglia", "Update", 30, subresource="scale")], "act", "applied it without spec.replicas"),
        ([QUIET, entry("microglia", "Update", 30)], "propose", "is not to be seen"),
        ([QUIET, entry("terraform", "Update", 1)], "propose", "terraform (Update) owns spec.replicas"),
        ([entry("helm", "Apply", 9, counts=False, subresource="status"), SCALED], "propose", "as Helm 3 does"),
    ],
)
def test_a_release_that_sets_no_count_is_told_by_what_it_applied(entries: Any, verdict: str, words: str) -> None:
    """An apply after the present owner's write that does not own the count does not set it; an earlier one may have
    lost it, and the next upgrade would fail; our own step came after the gate had seen that."""
    found = owner(metadata={"generation": 1, "managedFields": entries}, **HELM)
    assert found.verdict == verdict
    assert words in found.evidence


def test_a_chart_that_sets_the_count_says_what_an_upgrade_would_do() -> None:
    """A conflict; and dropping the field from the chart needs a second owner first."""
    found = owner(metadata={"generation": 1, "managedFields": [entry("helm", "Apply", 0)]}, **HELM)
    assert "another count would make the next helm upgrade fail with a conflict" in found.remedy
    assert found.remedy.endswith("else it falls to 1")


def test_what_kubectl_applied_behind_a_release_counts() -> None:
    """The file that made the object before Helm took it still sets the count."""
    marks = {**HELM["annotations"], "kubectl.kubernetes.io/last-applied-configuration": '{"spec":{"replicas":1}}'}
    fields = {"generation": 1, "managedFields": [QUIET, SCALED]}
    assert owner(metadata=fields, labels=HELM["labels"], annotations=marks).code == "kubectl"
