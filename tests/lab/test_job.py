"""Laps on a real API server and a real Prometheus, until nothing is left to do; and all of it given back."""

from __future__ import annotations

from collections import Counter
from math import ceil

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.plan.change import ScaleChange, SidecarChange
from tests.lab import Lab, oracle
from tests.lab.job import Job, do_the_job

pytestmark = pytest.mark.timeout(600)

DECLARED = {"web": 30.0, "api": 50.0, "small": 200.0, "ledger": 18.0}
LEAST = {"report": 2, "ledger-standby": 3, "guarded": 4}
"""Two of what had two; the need of ``ledger``; one more than its budget's ``minAvailable``."""
UNTOUCHED = {"pinned": 4, "unmeshed": 4, "helmed": 5}


@pytest.fixture(scope="module")
def job(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The job, done once."""
    return do_the_job(lab, tmp_path_factory.mktemp("state"))


def test_it_comes_to_an_end(job: Job) -> None:
    """The last lap plans nothing, watches nothing and has no round left."""
    assert str(job.last.state.phase) == "Hardened"
    assert job.last.plan.changes == ()
    watched = [verdict for verdict in job.last.verdicts if verdict.verdict == "Wait"]
    assert watched == []


def test_every_deployment_ends_where_an_oracle_says(job: Job) -> None:
    """Floor, need, the steps that the spare bought, or the stretch that the plan names: exactly that count is left."""
    expected = {name: _expected(job, name) for name in (*DECLARED, *LEAST)}
    found = {name: job.pruned[f"Deployment/job/{name}"]["spec"]["replicas"] for name in expected}
    assert found == expected
    began = {name: job.before[f"Deployment/job/{name}"]["spec"]["replicas"] for name in expected}
    shrunk = {name for name in found if found[name] < began[name]}
    assert shrunk >= {"web", "api", "small", "report", "ledger-standby", "guarded"}


def test_what_is_protected_is_untouched(job: Job) -> None:
    """Pinned, unmeshed and Helm-owned Deployments, StatefulSets and other namespaces are as they were."""
    for name, count in UNTOUCHED.items():
        assert job.pruned[f"Deployment/job/{name}"]["spec"]["replicas"] == count
    touched = {key for key in job.before if job.pruned[key] != job.before[key]}
    assert touched <= {f"Deployment/job/{name}" for name in (*DECLARED, *LEAST)}
    specs = {
        key: (job.before[key]["spec"] | {"replicas": 0}, job.pruned[key]["spec"] | {"replicas": 0}) for key in touched
    }
    assert all(before == after for before, after in specs.values())


def test_routes_are_cut_by_own_sidecars(job: Job) -> None:
    """Clients that work get a Sidecar that hides what they never called, and nothing that they did call."""
    sidecars = {key: one for key, one in job.pruned.items() if key.startswith("Sidecar/")}
    assert set(sidecars) == {"Sidecar/job/microglia-web", "Sidecar/job/microglia-api"}
    web = sidecars["Sidecar/job/microglia-web"]
    assert web["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "microglia"
    hidden = set(web["spec"]["egress"][0]["hosts"])
    assert "*/*" in hidden
    assert "~extra/one.extra.svc.cluster.local" in hidden
    assert not {"~job/api.job.svc.cluster.local", "~job/small.job.svc.cluster.local"} & hidden
    assert "~job/pinned.job.svc.cluster.local" not in hidden


def test_no_lap_took_more_than_its_caps(job: Job) -> None:
    """One step per workload and at most half of the objects in scope per lap; each step one replica."""
    in_scope = len(job.last.grounds.scores.replicas)
    for lap in job.laps:
        changes = lap.rehearsal.plan.changes
        steps = Counter(change.workload for change in changes if isinstance(change, ScaleChange))
        assert set(steps.values()) <= {1}
        assert len(changes) <= max(1, ceil(in_scope / 2))
        assert all(change.before - change.after == 1 for change in changes if isinstance(change, ScaleChange))


def test_everything_that_was_cleared_was_done(job: Job) -> None:
    """No step met a surprise, and no placement came out worse than planned."""
    steps = [step for lap in job.laps if lap.record for step in lap.record.steps]
    assert [(step.state, step.message) for step in steps if step.state != "done"] == []
    kinds = Counter(type(change) for lap in job.laps for change in lap.rehearsal.plan.changes)
    assert kinds[ScaleChange] > 10
    assert kinds[SidecarChange] >= 2


def test_restoring_gives_everything_back(job: Job) -> None:
    """After ``restore --all`` every spec is what it was before the first lap, and no Sidecar of ours is left."""
    assert job.codes == {"restore": 0, "restore --all --yes": 0, "restore again": 0}
    assert "plans can be undone" in job.said["restore"]
    assert "Everything is back." in job.said["restore --all --yes"]
    assert "Nothing to undo" in job.said["restore again"]
    assert job.restored == job.before


def _expected(job: Job, name: str) -> int:
    grounds = job.last.grounds
    target = WorkloadId("job", name)
    activity = grounds.topology.activity.workloads
    row = activity.keys.index(target.key)
    facts = oracle.Facts(
        capacity=DECLARED.get(name),
        peak=float(np.nanmax(activity.peak[row])),
        cpu_peak=float(np.nanmax(activity.cpu_peak[row])),
        request=0.6,
        skew=_skew(activity.fullest_zone[row], activity.placed[row], activity.rolling[row]),
        least=LEAST.get(name, 2),
    )
    bought = [one.element for one in grounds.selection.yielded if one.element.workload == target]
    assert bought == [] or job.last.plan.held, "what lost and is still there is held by something that the plan names"
    held = [note for note in job.last.plan.held if note.subject == str(target) and "tretch" in note.why]
    present = grounds.topology.workloads[target].replicas
    kept = grounds.selection.targets[target]
    return oracle.count(facts, kept, present if held else 0)


def _skew(fullest: np.ndarray, placed: np.ndarray, rolling: np.ndarray) -> int:
    quiet = ~rolling & np.isfinite(fullest) & np.isfinite(placed)
    return max(0, int(np.max(fullest[quiet] - np.ceil(placed[quiet] / oracle.ZONES), initial=0)))
