"""Minima of autoscalers on a real API server with its own controller, which has no metrics and says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from microglia.model.kinds import BY_NAME
from microglia.model.window import floor_hour
from microglia.plan.history import Record
from microglia.world.load import load, moved
from tests.lab import Lab
from tests.lab.definitions import definition
from tests.lab.person import Person, Said
from tests.lab.stage import put
from tests.lab.story import LEAD, WORLDS, counts
from tests.lab.waiting import until

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

HPAS = "/apis/autoscaling/v2/namespaces/job/horizontalpodautoscalers"
SCALED = "/apis/keda.sh/v1alpha1/namespaces/job/scaledobjects"
WORKS = [
    {"type": name, "status": "True", "reason": "Test", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    for name in ("AbleToScale", "ScalingActive")
]
MADE = ("api", "keda-hpa-small")
"""The HorizontalPodAutoscalers; the second is as KEDA makes it."""


@dataclass(slots=True)
class Days:
    """What was said, by name; minima and counts after it; what the journal told in the end."""

    person: Person
    lab: Lab
    said: dict[str, Said] = field(default_factory=dict)
    minima: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    managers: list[dict[str, Any]] = field(default_factory=list)
    records: tuple[Record, ...] = ()

    def hear(self, name: str, *command: str) -> Said:
        self.said[name] = self.person.types(*command)
        own, made = (self.lab.api.get(f"{HPAS}/{one}")["spec"]["minReplicas"] for one in MADE)
        self.minima[name] = (own, self.lab.api.get(f"{SCALED}/small")["spec"]["minReplicaCount"], made)
        self.counts[name] = counts(self.lab)
        return self.said[name]


def hpa(name: str, target: str, least: int, **labels: str) -> dict[str, Any]:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": "job", "labels": labels},
        "spec": {
            "scaleTargetRef": reference,
            "minReplicas": least,
            "maxReplicas": 10,
            "metrics": [{"type": "Resource", "resource": cpu}],
        },
    }


def policy(folder: Path) -> Path:
    """The job's, which also lets minima be written."""
    body = YAML(typ="safe").load((WORLDS / "job-policy.yaml").read_text(encoding="utf-8"))
    body["spec"]["actuation"] = {"replicas": ["Deployment", "HorizontalPodAutoscaler", "ScaledObject"]}
    path = folder / "policy.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(body, file)
    return path


@contextmanager
def working(lab: Lab) -> Iterator[None]:
    """There are metrics, as far as conditions tell: written again whenever the controller says otherwise."""
    ended = threading.Event()

    def say() -> None:
        for name in MADE:
            lab.api.patch(f"{HPAS}/{name}/status", {"status": {"conditions": WORKS}})

    def loop() -> None:
        while not ended.wait(0.1):
            say()

    say()
    with ThreadPoolExecutor(1) as pool:
        told = pool.submit(loop)
        try:
            yield
        finally:
            ended.set()
        told.result()


def spoken(lab: Lab) -> str:
    """Empty once the controller has said of each autoscaler that it sees no metrics."""
    for name in MADE:
        told = lab.api.get(f"{HPAS}/{name}").get("status", {}).get("conditions", [])
        if not any((one["type"], one["status"]) == ("ScalingActive", "False") for one in told):
            return f"{name} says {told}"
    return ""


@pytest.fixture(scope="module")
def days(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Days:
    """Looked at without metrics, then with them; applied, looked at again, given back."""
    now, folder, name = datetime.now(UTC), tmp_path_factory.mktemp("minimum"), "prometheus-of-minimum"
    prometheus = lab.another_prometheus(name)
    stage = put(lab, moved(load(WORLDS / "job.yaml"), floor_hour(now) - LEAD), prometheus)
    stage.play(now)
    lab.apply([definition(BY_NAME["ScaledObject"])])
    scaled = {"scaleTargetRef": {"name": "small"}, "minReplicaCount": 5, "maxReplicaCount": 9}
    metadata = {"name": "small", "namespace": "job"}
    keda = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": scaled}
    mark = {"scaledobject.keda.sh/name": "small"}
    lab.apply([hpa("api", "api", 6), keda, hpa("keda-hpa-small", "small", 5, **mark)])
    until("the autoscalers speak", lambda: spoken(lab), 60.0)
    person = Person(lab.kubeconfig, prometheus, policy(folder), folder / "state")
    told = Days(person, lab)
    told.hear("deaf", "plan", "--all")
    with working(lab):
        told.hear("plan", "plan", "--all")
        told.hear("explain", "explain", "job/api")
        told.hear("apply", "apply", person.plans(), "--yes")
        told.managers = lab.api.get(f"{HPAS}/api")["metadata"]["managedFields"]
        told.hear("again", "explain", "job/api")
    told.hear("status", "status")
    told.records = person.journal(lab.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])
    told.hear("restore", "restore", told.records[-1].id, "--yes")
    lab.wipe()
    lab.processes.stop(name)
    return told


def test_without_metrics_no_minimum_is_lowered(days: Days) -> None:
    """The controller's own word: the condition, its reason and how to see more."""
    words = " ".join(days.said["deaf"].words.split())
    for name in MADE:
        assert f"HorizontalPodAutoscaler job/{name} says ScalingActive False, FailedGetResourceMetric" in words
    assert "job/api: minimum" not in words
    assert days.minima["deaf"] == (6, 5, 5)


def test_the_minimum_is_planned_and_explained(days: Days) -> None:
    """From, to and why; the autoscaler takes the pods when it likes."""
    words = " ".join(days.said["plan"].words.split())
    assert "job/api: minimum 6 5" in words
    assert "job/small: minimum 5 4" in words
    explained = " ".join(days.said["explain"].words.split())
    assert "so microglia lowers its minimum" in explained
    assert "6 -> 5 in spec.minReplicas of HorizontalPodAutoscaler job/api" in explained


def test_one_field_is_written_and_no_count(days: Days) -> None:
    """Of the autoscaler and of the ScaledObject, by microglia's name; what KEDA made is left alone."""
    assert days.said["apply"].code == 0, days.said["apply"].words
    assert days.minima["apply"] == (5, 4, 5)
    before, after = days.counts["plan"], days.counts["apply"]
    assert (after["job/api"], after["job/small"]) == (before["job/api"], before["job/small"]) == (6, 5)
    (mine,) = [one for one in days.managers if one["manager"] == "microglia"]
    assert (mine["operation"], mine["fieldsV1"]["f:spec"]) == ("Update", {"f:minReplicas": {}})


def test_the_next_step_waits_for_its_verdict_and_for_rest(days: Days) -> None:
    """The controller holds what it held, and the step is under watch."""
    words = " ".join(days.said["again"].words.split())
    assert "its autoscaler holds 6, and not its minimum" in words
    assert "job/api 6 -> 5 at least" in " ".join(days.said["status"].out.split())


def test_the_minimum_is_given_back_without_metrics(days: Days) -> None:
    """Whatever the conditions say by then."""
    assert days.said["restore"].code == 0, days.said["restore"].words
    assert days.minima["restore"] == (6, 5, 5)
