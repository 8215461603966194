"""The real Helm on the chart: rendered, linted, installed into the lab and taken out again."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.lab.errors import LabError

CHART = Path(__file__).parents[2] / "helm" / "microglia"
RELEASE, NAMESPACE = "microglia", "microglia-system"
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Helm:
    """Runs ``helm`` with files of its own in ``home``; ``kubeconfig`` is only needed to install."""

    command: Path
    home: Path
    kubeconfig: Path | None = None

    def lint(self, values: Values) -> str:
        """What ``helm lint --strict`` says; raises LabError when it objects."""
        return self._run("lint", "--strict", str(CHART), *self._values(values))

    def template(self, values: Values) -> list[dict[str, Any]]:
        """Every object that the chart renders with ``values``, its CRDs left out; raises LabError when it refuses."""
        text = self._run("template", RELEASE, str(CHART), "--namespace", NAMESPACE, *self._values(values))
        return [document for document in YAML(typ="safe", pure=True).load_all(text) if document]

    def install(self, values: Values) -> str:
        """Install (or upgrade) the release and return what NOTES.txt says; raises LabError."""
        arguments = ("upgrade", "--install", RELEASE, str(CHART), "--namespace", NAMESPACE, "--create-namespace")
        return self._run(*arguments, *self._values(values))

    def upgrade(self, release: str, chart: Path, namespace: str, *arguments: str) -> str:
        """Install or upgrade any other release as people do; raises LabError with what Helm says."""
        return self._run("upgrade", "--install", release, str(chart), "--namespace", namespace, *arguments)

    def uninstall(self, *arguments: str) -> str:
        """Take the release out; raises LabError."""
        return self._run("uninstall", RELEASE, "--namespace", NAMESPACE, *arguments)

    def probe(self) -> str:
        """Run the release's tests and return what Helm says of them; raises LabError when one fails."""
        return self._run("test", RELEASE, "--namespace", NAMESPACE, "--timeout", "90s")

    def hooks(self) -> list[dict[str, Any]]:
        """The hooks that Helm keeps with the release."""
        text = self._run("get", "hooks", RELEASE, "--namespace", NAMESPACE)
        return [document for document in YAML(typ="safe", pure=True).load_all(text) if document]

    def _values(self, values: Values) -> Sequence[str]:
        # JSON is YAML: what a person writes into a values file, without quoting rules of a command line.
        path = self.home / "values.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
        return ("--values", str(path))

    def _run(self, *arguments: str) -> str:
        homes = {f"HELM_{name}_HOME": str(self.home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        given = {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}
        argv = [str(self.command), *arguments]
        done = subprocess.run(
            argv, env={**os.environ, **homes, **given}, capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode != 0:
            raise LabError(f"helm {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout
