"""An Argo Rollout scaled by its own ``/scale`` on a real API server; its controller is played, its pods are real."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from kubernetes import config

from microglia.act.cluster import ApiCluster
from microglia.act.patience import Patience
from microglia.act.write import ClusterWriter
from microglia.model.ids import WorkloadId
from microglia.model.kinds import BY_NAME
from microglia.plan.change import ScaleChange, Why, decision_digest
from microglia.topology.build import build
from tests.factories import snapshot
from tests.lab import Lab
from tests.lab.definitions import definition
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(180)

SPACE, NAME = "rolling", "cart"
ROLLOUTS = f"/apis/argoproj.io/v1alpha1/namespaces/{SPACE}/rollouts"
SETS = f"/apis/apps/v1/namespaces/{SPACE}/replicasets"
PODS = f"/api/v1/namespaces/{SPACE}/pods"
WHY = Why(sentence="one of four is not needed", at_risk=0.0)
MARKS = {"app": NAME, "rollouts-pod-template-hash": "abc"}


@dataclass(frozen=True, slots=True)
class Stand:
    """A Rollout of four, and the controller that keeps its ReplicaSet as it says."""

    lab: Lab
    writer: ClusterWriter

    def raw(self) -> dict[str, Any]:
        """The Rollout now."""
        return self.lab.api.get(f"{ROLLOUTS}/{NAME}")

    def pods(self) -> list[str]:
        """Names of the pods that stay."""
        return sorted(
            raw["metadata"]["name"]
            for raw in self.lab.api.get(PODS)["items"]
            if not raw["metadata"].get("deletionTimestamp")
        )

    def controls(self) -> None:
        """What the Rollout's controller does with a new count: its ReplicaSet gets it, and it says that it has seen."""
        raw = self.raw()
        self.lab.api.patch(f"{SETS}/{NAME}-abc", {"spec": {"replicas": raw["spec"]["replicas"]}})
        self.reports(raw)

    def reports(self, raw: dict[str, Any], **more: Any) -> None:
        """Its status, with the generation as text."""
        status = {
            "observedGeneration": str(raw["metadata"]["generation"]), "phase": "Healthy", "currentPodHash": "abc",
            "stableRS": "abc", "replicas": raw["spec"]["replicas"], **more,
        }  # fmt: skip
        self.lab.api.patch(f"{ROLLOUTS}/{NAME}/status", {"status": status})

    def change(self, after: int, *victims: str) -> ScaleChange:
        """Another count, as a plan says it of the Rollout now."""
        raw = self.raw()
        before, uid = raw["spec"]["replicas"], raw["metadata"]["uid"]
        target = f"Rollout/{SPACE}/{NAME}"
        return ScaleChange(
            workload=target, uid=uid, before=before, after=after, digest=decision_digest(raw), victims=victims, why=WHY
        )


@pytest.fixture(scope="module")
def stand(lab: Lab) -> Iterator[Stand]:
    """Its ReplicaSet is controlled by the real controller, its pods run."""
    lab.wipe()
    kind = BY_NAME["Rollout"]
    template = {
        "metadata": {"labels": MARKS},
        "spec": {"containers": [{"name": "app", "image": "example.invalid/app:1"}]},
    }
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
    lab.apply([space, definition(kind)])
    spec = {"replicas": 4, "selector": {"matchLabels": {"app": NAME}}, "template": template, "strategy": {"canary": {}}}
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": NAME, "namespace": SPACE}}
    (made,) = lab.apply([{**body, "spec": spec}])
    owner = {
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": NAME, "uid": made["metadata"]["uid"],
        "controller": True,
    }  # fmt: skip
    metadata = {"name": f"{NAME}-abc", "namespace": SPACE, "labels": MARKS, "ownerReferences": [owner]}
    owned = {"replicas": 4, "selector": {"matchLabels": MARKS}, "template": template}
    lab.apply([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": owned}])
    stand: Stand

    def pause(seconds: float) -> None:
        stand.controls()
        time.sleep(min(seconds, 0.1))

    stand = Stand(
        lab,
        ClusterWriter(
            ApiCluster(config.new_client_from_config(str(lab.kubeconfig))), Patience(sleep=pause, ticks=time.monotonic)
        ),
    )
    until("its pods run", lambda: "" if len(stand.pods()) == 4 else "not yet", 60.0)
    stand.controls()
    yield stand
    lab.wipe()


def test_one_replica_less_and_back(stand: Stand) -> None:
    """The named pod goes, the others stay; giving back raises the count again. Nothing but the count is written."""
    before, victim = stand.raw(), stand.pods()[1]
    step = stand.writer.write(stand.change(3, victim))
    assert (step.state, stand.raw()["spec"]["replicas"]) == ("done", 3), step.message
    assert victim not in stand.pods()
    assert len(stand.pods()) == 3
    stand.controls()
    step = stand.writer.write(stand.change(4))
    assert (step.state, stand.raw()["spec"]) == ("done", before["spec"]), step.message
    stand.controls()
    until("its pods are back", lambda: "" if len(stand.pods()) == 4 else "not yet", 60.0)


def test_somebody_was_quicker(stand: Stand) -> None:
    """A count that changed since is a surprise, and stays."""
    change = stand.change(3)
    stand.lab.api.patch(f"{ROLLOUTS}/{NAME}", {"spec": {"replicas": 5}})
    stand.reports(stand.raw())
    step = stand.writer.write(change)
    assert (step.state, stand.raw()["spec"]["replicas"]) == ("surprise", 5)
    stand.lab.api.patch(f"{ROLLOUTS}/{NAME}", {"spec": {"replicas": 4}})
    stand.controls()


@pytest.mark.parametrize("status", [{"phase": "Progressing"}, {"currentPodHash": "def"}, {"abort": True}])
def test_during_a_rollout_it_is_in_flight(stand: Stand, status: dict[str, Any]) -> None:
    """Half-way, aborted or on another hash: it is not at rest, and so not decided about."""
    stand.reports(stand.raw(), **status)
    raw = stand.raw()
    found = build(snapshot(raw)).workloads[WorkloadId(SPACE, NAME, "Rollout")]
    assert found.in_flight
    gone = dict.fromkeys(status)
    stand.lab.api.patch(f"{ROLLOUTS}/{NAME}/status", {"status": gone})
    stand.reports(raw)
    assert build(snapshot(stand.raw())).workloads[WorkloadId(SPACE, NAME, "Rollout")].in_flight is None
