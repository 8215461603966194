"""Where there is no lab: told by a failing run, or left out on request, but never passed over in silence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lab import LabUnavailable
from tests.lab.binaries import ASSETS, ensure, given

pytestmark = pytest.mark.timeout(120)

ROOT = Path(__file__).resolve().parents[2]
ONE_TEST = "tests/lab/test_lab.py::test_the_api_server_is_ready"


@pytest.fixture
def cut_off(tmp_path: Path) -> dict[str, str]:
    """Settings of a machine with an empty cache and no network."""
    go = {"GOPROXY": "off", "GOMODCACHE": str(tmp_path / "modules")}
    return {"XDG_CACHE_HOME": str(tmp_path), ASSETS: "", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", **go}


def test_what_cannot_be_built_is_named_with_the_way_out(
    cut_off: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says what failed, shows the end of the log, and how to go on without the lab."""
    for name, value in cut_off.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    with pytest.raises(LabUnavailable, match=r"for the lab failed \(code 1\); the end of .*\.log:") as error:
        ensure(said.append)
    assert "make test LAB=0" in str(error.value)
    assert any("for the lab (" in line for line in said)


def test_a_run_without_a_lab_fails(cut_off: dict[str, str]) -> None:
    """Tests that need the lab fail where there is none, and the reason is shown once in full."""
    done = _pytest(ONE_TEST, {**cut_off, "LAB": "1"})
    assert done.returncode == 1
    assert done.stdout.count("make test LAB=0") == 1


def test_a_run_that_leaves_the_lab_out_says_so() -> None:
    """With LAB=0 nothing is started, the other tests run, and the last lines count what was left out."""
    done = _pytest("tests/lab/test_lab.py", {"LAB": "0"})
    assert re.search(
        r"left out by LAB=0: the lab \(real API server and Prometheus\): \d+ tests$", done.stdout, re.MULTILINE
    )
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_binaries_that_are_given_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """KUBEBUILDER_ASSETS comes before anything that was built, for the binaries that are there."""
    (tmp_path / "etcd").touch(mode=0o755)
    (tmp_path / "kubectl").touch(mode=0o644)
    monkeypatch.setenv(ASSETS, str(tmp_path))
    assert given("etcd") == tmp_path / "etcd"
    assert given("kubectl") is None, "not executable"
    assert given("kube-apiserver") is None


def _pytest(what: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", what]
    return subprocess.run(argv, cwd=ROOT, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
