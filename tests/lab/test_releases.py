"""Beside the real Helm 4: a release that sets a count is left alone and upgrades; one that sets none is pruned."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microglia.model.window import floor_hour
from microglia.world.load import load, moved
from tests.lab import Lab
from tests.lab.errors import LabError
from tests.lab.helming import Helm
from tests.lab.person import Person, Said
from tests.lab.stage import put
from tests.lab.story import LEAD, WORLDS, counts

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

_TAKE = ("--take-ownership", "--force-conflicts")
"""How a release takes over what was there before it."""


@dataclass(slots=True)
class Days:
    """What people and Helm said, by name, and the counts after it."""

    said: dict[str, Said] = field(default_factory=dict)
    helm: dict[str, str] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    managers: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


def chart(lab: Lab, folder: Path, name: str, *, counted: bool) -> Path:
    """A chart of the Deployment ``name`` as it is now; with ``counted`` its values say how many replicas."""
    raw = lab.api.get(f"/apis/apps/v1/namespaces/job/deployments/{name}")
    spec = {key: raw["spec"][key] for key in ("selector", "template")}
    if counted:
        spec["replicas"] = "COUNT"
    marks = {key: value for key, value in raw["metadata"].get("annotations", {}).items() if "kubernetes.io/" not in key}
    metadata = {"name": name, "labels": raw["metadata"].get("labels", {}), "annotations": {**marks, "note": "NOTE"}}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
    text = json.dumps(manifest).replace('"COUNT"', "{{ .Values.replicas }}").replace("NOTE", "{{ .Values.note }}")
    home = folder / name
    (home / "templates").mkdir(parents=True)
    (home / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 1.0.0\n", encoding="utf-8")
    (home / "values.yaml").write_text(f"replicas: {raw['spec']['replicas']}\nnote: first\n", encoding="utf-8")
    (home / "templates" / "deployment.yaml").write_text(text, encoding="utf-8")
    return home


def owning(lab: Lab, name: str) -> set[tuple[str, str]]:
    """Manager and operation of every entry that owns the count."""
    raw = lab.api.get(f"/apis/apps/v1/namespaces/job/deployments/{name}")
    entries = [one for one in raw["metadata"]["managedFields"] if "f:replicas" in one["fieldsV1"].get("f:spec", {})]
    return {(one["manager"], one["operation"]) for one in entries}


@pytest.fixture(scope="module")
def days(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Days]:
    """Two releases take over a Deployment each; looked at, applied, upgraded; then somebody scales by hand."""
    now, folder, name = datetime.now(UTC), tmp_path_factory.mktemp("releases"), "prometheus-of-releases"
    prometheus = lab.another_prometheus(name)
    try:
        put(lab, moved(load(WORLDS / "job.yaml"), floor_hour(now) - LEAD), prometheus).play(now)
        person = Person(lab.kubeconfig, prometheus, WORLDS / "job-policy.yaml", folder / "state")
        yield live(lab, folder, person)
    finally:
        lab.wipe()
        lab.processes.stop(name)


def live(lab: Lab, folder: Path, person: Person) -> Days:
    """Live through it."""
    told, helm = Days(), Helm(lab.binaries.helm, folder / "helm", lab.kubeconfig)
    charts = {one: chart(lab, folder / "charts", one, counted=one == "small") for one in ("small", "api")}
    for one, path in charts.items():
        helm.upgrade(one, path, "job", *_TAKE)
    lab.wait_ready()
    told.counts["before"] = counts(lab)
    told.said["plan"] = person.types("plan", "--all")
    told.said["apply"] = person.types("apply", person.plans(), "--yes")
    told.counts["apply"] = counts(lab)
    told.managers = {one: owning(lab, one) for one in charts}
    for one, path in charts.items():
        told.helm[one] = helm.upgrade(one, path, "job", "--set", "note=second")
    told.counts["upgrade"] = counts(lab)
    told.said["again"] = person.types("plan", "--all")
    uid = lab.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    told.said["restore"] = person.types("restore", person.journal(uid)[-1].id, "--yes")
    told.counts["restore"] = counts(lab)
    lab.api.patch("/apis/apps/v1/namespaces/job/deployments/small/scale", {"spec": {"replicas": 4}})
    with pytest.raises(LabError) as refused:
        helm.upgrade("small", charts["small"], "job", "--set", "note=third")
    told.helm["scaled"] = str(refused.value)
    return told


def test_a_release_that_sets_the_count_is_recognised_and_not_scaled(days: Days) -> None:
    """Named with Helm's own entry and what another count would do."""
    words = days.said["plan"].words
    assert "Helm release job/small owns its count" in words
    assert "metadata.managedFields: helm (Apply) owns spec.replicas" in words
    assert "another count would make the next helm upgrade fail with a conflict" in words
    assert days.said["apply"].code == 0, days.said["apply"].words
    assert days.counts["before"]["job/small"] == days.counts["apply"]["job/small"] == 5
    assert ("helm", "Apply") in days.managers["small"]


def test_helm_upgrades_it_afterwards(days: Days) -> None:
    """Nothing of ours is in the way."""
    assert "has been upgraded" in days.helm["small"]
    assert days.counts["upgrade"]["job/small"] == 5


def test_what_it_is_spared_is_real(days: Days) -> None:
    """Scaled by somebody else, Helm 4 fails with the conflict that the reason names."""
    assert "conflict" in days.helm["scaled"]
    assert ".spec.replicas" in days.helm["scaled"]


def test_a_release_without_a_count_is_pruned_and_upgrades_and_is_given_back(days: Days) -> None:
    """Its apply came after the present owner's write and owns no count: then the count is nobody's in the chart."""
    assert days.counts["before"]["job/api"] - days.counts["apply"]["job/api"] == 1
    assert days.managers["api"] == {("microglia", "Update")}
    assert "has been upgraded" in days.helm["api"]
    assert days.counts["upgrade"]["job/api"] == days.counts["apply"]["job/api"]
    assert "Helm release job/api owns its count" not in days.said["again"].words
    assert days.said["restore"].code == 0, days.said["restore"].words
    assert days.counts["restore"]["job/api"] == days.counts["before"]["job/api"]
