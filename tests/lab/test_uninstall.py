"""The real Helm tests a release and takes it out: its hooks run, and what people need afterwards stays."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests.lab import Lab, LabError
from tests.lab.api import ApiError
from tests.lab.crew import ROLES
from tests.lab.helming import NAMESPACE, RELEASE
from tests.lab.release import PLANS, POLICY, Release

pytestmark = pytest.mark.timeout(300)

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WITHIN = 60.0


@pytest.fixture
def release(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Installed in mode auto, to be given back on uninstall; one plan was carried out."""
    made = Release(lab, tmp_path_factory.mktemp("uninstall"))
    try:
        for role in ROLES:
            made.engage(role)[0].round()
        assert len(made.done()) == 1
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("sees", [True, False])
def test_helm_test_runs_the_doctor(release: Release, *, sees: bool) -> None:
    """Helm makes the pod of the test and waits for its end. A kubelet is what the lab lacks: its place is taken by
    running the container of the very pod that Helm made, and by writing its exit code into the pod's status."""
    if not sees:
        release.ward.stop("good")
    with _watching(partial(_play, release)):
        if sees:
            assert "Phase:          Succeeded" in release.helm.probe()
        else:
            with pytest.raises(LabError, match="helm test"):
                release.helm.probe()


def test_helm_uninstall_runs_the_hook_and_leaves_journal_and_workloads(release: Release) -> None:
    """The hook's Job exists and is done before anything goes. The lab marks its pod as done without running it, so the
    workloads stay as pruned; the CRDs, the policy and the plans stay, and from them everything is given back."""
    pruned, plans = release.ward.counts(), _names(release.lab, PLANS)
    assert pruned != release.before
    (hook,) = [one for one in release.helm.hooks() if one["kind"] == "Job"]
    assert hook["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
    version = release.lab.api.get(JOBS)["metadata"]["resourceVersion"]
    release.helm.uninstall()
    (done, *_) = [one for one in _events(release.lab, JOBS, version) if _complete(one["object"])]
    assert done["object"]["metadata"]["name"] == hook["metadata"]["name"]
    (container,) = done["object"]["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["restore", "--all", "--yes", "--uninstall"]
    gone = [one for one in _events(release.lab, DEPLOYMENTS, version) if one["type"] == "DELETED"]
    assert {one["object"]["metadata"]["name"] for one in gone} >= {f"{RELEASE}-writer"}
    assert all(_version(done) < _version(one) for one in gone), "an agent went before the hook was done"
    assert hook["metadata"]["name"] not in _names(release.lab, JOBS)
    assert release.ward.counts() == pruned
    assert _names(release.lab, PLANS) == plans
    assert release.lab.api.get(POLICY)["status"]["phase"] == "Pruning"
    assert {f"{one}.microglia.dev" for one in ("pruningplans", "pruningpolicies", "protections")} <= set(
        _names(release.lab, CRDS)
    )
    said = release.ward.good.types("restore", "--all", "--yes")
    assert said.code == 0, said.err
    assert release.ward.counts() == release.before


@contextmanager
def _watching(look: Any) -> Iterator[None]:
    """Do ``look`` over and over while the block runs; what it raises is raised at the end of the block."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(0.05):
            look()

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(loop)
        try:
            yield
        finally:
            ended.set()
        found.result()


def _events(lab: Lab, path: str, version: str) -> list[dict[str, Any]]:
    """Everything that happened to the objects of a kind since ``version``, in order."""
    asked = {"watch": "true", "resourceVersion": version, "timeoutSeconds": "3"}
    with lab.api.session.get(f"{lab.api.url}{path}", params=asked, stream=True, timeout=30) as reply:
        return [json.loads(line) for line in reply.iter_lines() if line]


def _complete(job: dict[str, Any]) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any((one["type"], one["status"]) == ("Complete", "True") for one in conditions)


def _version(event: dict[str, Any]) -> int:
    return int(event["object"]["metadata"]["resourceVersion"])


def _play(release: Release) -> None:
    path = f"{PODS}/{RELEASE}-doctor"
    try:
        pod = release.lab.api.get(path)
    except ApiError:
        return
    if pod.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return
    name = f"doctor-{pod['metadata']['uid'][:8]}"
    if name in release.hosted.started:
        return
    spec = {**pod["spec"], "containers": [dict(one) for one in pod["spec"]["containers"]]}
    code = release.hosted.start(name, spec).process.wait(60)
    release.lab.api.patch(f"{path}/status", {"status": {"phase": "Succeeded" if code == 0 else "Failed"}})


def _names(lab: Lab, path: str) -> list[str]:
    return sorted(one["metadata"]["name"] for one in lab.api.get(path)["items"])
