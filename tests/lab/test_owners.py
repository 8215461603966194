"""Beside Argo CD and Flux on a real API server: what is theirs is proposed; what Argo CD leaves alone is pruned."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from microglia.model.window import floor_hour
from microglia.plan.history import Record
from microglia.world.load import load, moved
from tests.lab import Lab
from tests.lab.person import Person, Said
from tests.lab.stage import put
from tests.lab.story import LEAD, WORLDS, counts

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_ENTRY = {
    "type": "object",
    "required": ["kind"],
    "properties": {
        **{name: {"type": "string"} for name in ("group", "kind", "name", "namespace")},
        **{
            name: {"type": "array", "items": {"type": "string"}}
            for name in ("jsonPointers", "jqPathExpressions", "managedFieldsManagers")
        },
    },
}
_POLICY = {
    "type": "object",
    "properties": {"automated": _OPEN, "syncOptions": {"type": "array", "items": {"type": "string"}}},
}
_SPEC = {
    "type": "object",
    "required": ["destination", "project"],
    "properties": {
        "destination": _OPEN,
        "project": {"type": "string"},
        "source": _OPEN,
        "ignoreDifferences": {"type": "array", "items": _ENTRY},
        "syncPolicy": _POLICY,
    },
}
APPLICATIONS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "applications.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {"kind": "Application", "plural": "applications", "singular": "application"},
        "versions": [
            {
                "name": "v1alpha1", "served": True, "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC, "status": _OPEN}}},
            }
        ],
    },
}  # fmt: skip
"""The fields of Argo CD's own definition that say how far it goes."""
IGNORED = [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]
MANIFEST = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: {count}   # agreed in spring
"""


@dataclass(slots=True)
class Days:
    """What was said, by name, the counts after it, and what the journal told in the end."""

    person: Person
    lab: Lab
    said: dict[str, Said] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    records: tuple[Record, ...] = ()

    def hear(self, name: str, *command: str) -> Said:
        self.said[name] = self.person.types(*command)
        self.counts[name] = counts(self.lab)
        return self.said[name]


def application(name: str, *, leaves: bool) -> dict[str, Any]:
    policy: dict[str, Any] = {"automated": {"prune": True, "selfHeal": True}}
    spec: dict[str, Any] = {"project": "default", "destination": {"namespace": "job"}, "syncPolicy": policy}
    if leaves:
        spec |= {"ignoreDifferences": IGNORED}
        policy["syncOptions"] = ["RespectIgnoreDifferences=true"]
    metadata = {"name": name, "namespace": "argocd"}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata, "spec": spec}


def mark(lab: Lab, name: str, **metadata: dict[str, str]) -> None:
    lab.api.patch(f"/apis/apps/v1/namespaces/job/deployments/{name}", {"metadata": metadata})


def tracked(application: str, name: str) -> dict[str, str]:
    return {"argocd.argoproj.io/tracking-id": f"{application}:apps/Deployment:job/{name}"}


def repository(folder: Path) -> Path:
    """Plain manifests for Argo CD, a Kustomize folder for Flux."""
    files = {
        "argo/report.yaml": MANIFEST.format(name="report", count=4),
        "flux/base/small.yaml": MANIFEST.format(name="small", count=5),
        "flux/base/kustomization.yaml": "resources: [small.yaml]\n",
        "flux/prod/kustomization.yaml": "namespace: job\nresources:\n- ../base\n",
        "flux/test/kustomization.yaml": "namespace: test\nresources:\n- ../base\n",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "state"]):
        identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
        subprocess.run(["git", "-C", folder, *identity, *words], check=True)
    for key, value in (("user.name", "Ann"), ("user.email", "ann@example.org")):
        subprocess.run(["git", "-C", folder, "config", key, value], check=True)
    return folder


@pytest.fixture(scope="module")
def days(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Days:
    """Looked at, applied, proposed, merged by hand as Argo CD and Flux would, looked at again."""
    now, folder, name = datetime.now(UTC), tmp_path_factory.mktemp("owners"), "prometheus-of-owners"
    prometheus = lab.another_prometheus(name)
    stage = put(lab, moved(load(WORLDS / "job.yaml"), floor_hour(now) - LEAD), prometheus)
    stage.play(now)
    lab.apply([APPLICATIONS, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}])
    lab.apply([application("strict", leaves=False), application("lenient", leaves=True)])
    mark(lab, "report", annotations=tracked("strict", "report"))
    mark(lab, "api", annotations=tracked("lenient", "api"))
    flux = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}
    mark(lab, "small", labels=flux)
    repo = repository(folder / "repo")
    person = Person(lab.kubeconfig, prometheus, WORLDS / "job-policy.yaml", folder / "state")
    told = Days(person, lab)
    told.hear("plan", "plan", "--all")
    told.hear("apply", "apply", person.plans(), "--yes")
    told.hear("propose", "propose", "--repo", str(repo), "--out", "prune")
    told.said["branch"] = shown(repo, "prune")
    for one, count in (("report", 3), ("small", 4)):
        lab.api.patch(f"/apis/apps/v1/namespaces/job/deployments/{one}", {"spec": {"replicas": count}})
    lab.wait_ready()
    told.hear("status", "status")
    uid = lab.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    told.records = person.journal(uid)
    told.hear("restore", "restore", told.records[-1].id, "--yes")
    lab.wipe()
    lab.processes.stop(name)
    return told


def shown(repo: Path, branch: str) -> Said:
    """The files of a branch, one after the other."""
    listed = subprocess.run(
        ["git", "-C", repo, "ls-tree", "-r", "--name-only", branch], capture_output=True, check=True
    )
    names = listed.stdout.decode().split()
    texts = [
        subprocess.run(["git", "-C", repo, "show", f"{branch}:{one}"], capture_output=True, check=True) for one in names
    ]
    return Said(0, "".join(f"# {one}\n{text.stdout.decode()}" for one, text in zip(names, texts, strict=True)), "")


def test_what_is_theirs_is_held_with_the_line_that_would_allow_it(days: Days) -> None:
    """Named with the evidence; Argo CD with the missing lines, Flux with the proposal alone."""
    words = days.said["plan"].words
    assert "Argo CD application strict owns its count" in words
    assert "Application argocd/strict needs {group: apps, kind: Deployment, jsonPointers: [/spec/replicas]}" in words
    assert "RespectIgnoreDifferences=true in spec.syncPolicy.syncOptions" in words
    assert "Flux Kustomization flux-system/apps owns its count" in words


def test_what_argo_leaves_alone_is_pruned_beside_it(days: Days) -> None:
    """The Application ignores the count and respects that: it is written like anybody's; the strict ones are not."""
    assert days.said["apply"].code == 0, days.said["apply"].words
    before, after = days.counts["plan"], days.counts["apply"]
    assert before["job/api"] - after["job/api"] == 1
    assert (after["job/report"], after["job/small"]) == (before["job/report"], before["job/small"]) == (4, 5)


def test_theirs_is_proposed_and_nothing_is_touched(days: Days) -> None:
    """A plain number for Argo CD, a patch in Flux's overlay; the cluster stays as it was."""
    assert days.said["propose"].code == 0, days.said["propose"].words
    assert days.counts["propose"] == days.counts["apply"]
    branch = days.said["branch"].out
    assert f"# argo/report.yaml\n{MANIFEST.format(name='report', count=3)}" in branch
    assert f"# flux/base/small.yaml\n{MANIFEST.format(name='small', count=5)}" in branch
    assert "# flux/prod/microglia/deployment-small.yaml\n" in branch
    assert "  name: small\nspec:\n  replicas: 4\n" in branch


def test_a_merge_is_recognised_and_watched(days: Days) -> None:
    """The receipt says by Git; both are under watch, and given back by Git too."""
    proposal = next(record for record in days.records if record.plan.way == "git")
    done = {proposal.plan.changes[index].workload: proposal.steps[index].message for index in proposal.done()}
    assert done == {"job/report": "by Git: it has 3 replicas", "job/small": "by Git: it has 4 replicas"}
    assert f"WATCHED, OF {proposal.id}" in days.said["status"].out
    assert days.said["restore"].code == 1
    assert "microglia propose writes the patch" in days.said["restore"].words
    assert days.counts["restore"] == days.counts["status"]
