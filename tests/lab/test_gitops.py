"""Proposals, applied with the programs that would apply them: kubectl kustomize and helm template."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from microglia.plan.change import RemoveChange
from tests.lab.laboratory import Lab
from tests.unit.act import charted, kustomized
from tests.unit.act.checkouts import placed, scaling
from tests.unit.act.routed import dead_rule, empty_backend, files

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


def write(folder: Path, files: dict[str, str]) -> None:
    """Exactly these files, byte for byte."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())


def made(*command: object) -> dict[tuple[str, str], Any]:
    """The objects that a program prints, by kind and name."""
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found = [one for one in YAML(typ="safe", pure=True).load_all(ended.stdout) if one]
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def there_and_back(files: dict[str, str], name: str, build: Callable[[dict[str, str]], Any], marks: Any) -> Any:
    """What is built as it is; with a proposal that takes one replica, which is added again here; and with its
    inverse."""
    old = dict(files)
    before = build(files)
    assert before["Deployment", name]["spec"]["replicas"] == 5
    (found,) = placed(files, scaling(name), **marks)
    assert found.reason == ""
    after = build(files)
    after["Deployment", name]["spec"]["replicas"] += 1
    for edit in reversed(found.edits):
        if edit.before is None:
            del files[edit.path]
        else:
            files[edit.path] = edit.before
    assert files == old
    return before, after, build(files)


@pytest.mark.parametrize("case", kustomized.CASES.values(), ids=kustomized.CASES)
def test_kustomize_makes_the_planned_objects(tmp_path: Path, lab: Lab, case: kustomized.Case) -> None:
    """With kubectl kustomize, on every shape of folder."""

    def build(files: dict[str, str]) -> Any:
        write(tmp_path / "repo", files)
        return made(lab.binaries.kubectl, "kustomize", tmp_path / "repo" / case.folder)

    before, after, back = there_and_back(dict(case.files), case.named, build, {})
    assert before == after == back


@pytest.mark.parametrize("case", charted.CASES.values(), ids=charted.CASES)
def test_helm_renders_the_planned_objects(tmp_path: Path, lab: Lab, case: charted.Case) -> None:
    """With helm template, on every shape of chart and values."""

    def build(files: dict[str, str]) -> Any:
        repo = tmp_path / "repo"
        write(repo, files)
        values = [word for path in case.values for word in ("--values", repo / path)]
        return made(lab.binaries.helm, "template", "cart", repo / case.chart, "--namespace", "shop", *values)

    before, after, back = there_and_back(dict(case.files), case.named, build, case.marks)
    assert before == after == back


def said(rules: list[dict[str, Any]]) -> list[list[str]]:
    """The backends of each rule, by name."""
    return [[one["name"] for one in rule["backendRefs"]] for rule in rules]


@pytest.mark.parametrize("change", [dead_rule(1), empty_backend(1), empty_backend(0, 2)], ids=lambda one: one.what)
def test_kustomize_makes_the_planned_rules(tmp_path: Path, lab: Lab, change: RemoveChange) -> None:
    """What is cut out of a route builds without it, and the inverse builds what was there."""
    there = files()
    old = dict(there)

    def build() -> Any:
        write(tmp_path / "repo", there)
        return made(lab.binaries.kubectl, "kustomize", tmp_path / "repo" / "app")["HTTPRoute", "front"]

    before = build()
    (found,) = placed(there, change)
    assert found.reason == ""
    after = build()
    assert change.after is not None
    assert said(after["spec"]["rules"]) == said(change.after["rules"])
    assert {**after, "spec": None} == {**before, "spec": None}
    for edit in reversed(found.edits):
        there[edit.path] = edit.before or ""
    assert there == old
    assert build() == before
