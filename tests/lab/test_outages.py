"""Servers go away while the agents do their laps: they stay, say what they skipped, take nothing, and go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.lab import Lab
from tests.lab.processes import Child
from tests.lab.release import POLICY, Release
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(300)

WITHIN = 150.0
"""Longer than a Lease: a lock that could not be released runs out first."""
SETTINGS = {
    "MICROGLIA_INTERVAL": "0.5",
    # A machine under load may take longer than the usual fifteen seconds to bring an API server up again.
    "MICROGLIA_LEASE_DURATION": "90",
    "MICROGLIA_LEASE_DEADLINE": "80",
    "MICROGLIA_LEASE_RETRY": "1",
}
FREEZE = 6.0
"""Seconds for which etcd stands still."""


class Watched:
    """Reader and writer at work; everything that can be given was given, and is under watch."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.children = {role: release.agent(role, **SETTINGS) for role in ("reader", "writer")}
        until("a plan is carried out", lambda: "" if release.done() else "no plan is Done", WITHIN)
        self.counts = release.ward.counts()

    def laps(self, role: str) -> list[dict[str, Any]]:
        """What the agent said at the end of each lap."""
        return [line for line in _lines(self.children[role]) if "result" in line]

    def one_more(self, result: set[str]) -> dict[str, dict[str, Any]]:
        """Both do another lap that ends so; what they said of it."""
        found: dict[str, dict[str, Any]] = {}
        for role in self.children:
            known = len(self.laps(role))
            until(f"the {role} ends a lap with {result}", partial(self._pending, role, known, result), WITHIN)
            found[role] = next(lap for lap in self.laps(role)[known:] if lap["result"] in result)
        return found

    def unharmed(self) -> None:
        """Both still run, and no count moved."""
        assert {role: child.process.poll() for role, child in self.children.items()} == dict.fromkeys(self.children)
        assert self.release.ward.counts() == self.counts

    def observed(self) -> dict[str, Any]:
        """The condition of that type."""
        found = self.release.lab.api.get(POLICY)["status"]["conditions"]
        (one,) = [each for each in found if each["type"] == "Observed"]
        return dict(one)

    def _pending(self, role: str, known: int, result: set[str]) -> str:
        new = self.laps(role)[known:]
        return "" if any(lap["result"] in result for lap in new) else f"{len(new)} other laps"


@pytest.fixture(scope="module")
def watched(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Installed in mode auto, with one plan done."""
    release = Release(lab, tmp_path_factory.mktemp("release"))
    try:
        yield Watched(release)
    finally:
        # A test that failed in the middle may have left the API server on its way up, and tidying up needs it.
        until("the API server is ready", partial(_unready, lab), WITHIN)
        release.close()


WELL = {"cleared", "empty", "refused"}


def test_prometheus_restarts(watched: Watched) -> None:
    """Laps without metrics fail and name the server; the policy says so; with it they are whole again."""
    url = watched.release.ward.good.prometheus
    with watched.release.lab.processes.without(watched.release.ward.server("good")):
        said = watched.one_more({"failed"})
        assert all(lap["level"] == "warning" and url in lap["message"] for lap in said.values())
        until("people can read it", lambda: "" if watched.observed()["status"] == "False" else "Observed", WITHIN)
        assert url in watched.observed()["message"]
        watched.unharmed()
    watched.one_more(WELL)
    until("people can read it", lambda: "" if watched.observed()["status"] == "True" else "not Observed", WITHIN)
    watched.unharmed()


def test_the_api_server_restarts(watched: Watched) -> None:
    """There is nothing to do a lap with, which is said; once it answers, both go on as the same processes."""
    lab = watched.release.lab
    known = {role: len(_lines(child)) for role, child in watched.children.items()}
    with lab.processes.without("kube-apiserver"):
        for role, child in watched.children.items():
            until(f"the {role} says so", partial(_unsaid, child, known[role]), WITHIN)
    until("the API server is ready", partial(_unready, lab), WITHIN)
    assert watched.one_more(WELL).keys() == watched.children.keys()
    watched.unharmed()


def test_etcd_stands_still(watched: Watched) -> None:
    """The API server is there and answers late: no lap is told as done that was not, nobody ends, and laps go on."""
    lab = watched.release.lab
    with lab.processes.frozen("etcd"):
        known = {role: len(watched.laps(role)) for role in watched.children}
        time.sleep(FREEZE)
        during = {role: watched.laps(role)[count:] for role, count in known.items()}
    for laps in during.values():
        # What was under way may still end; a whole lap needs an answer of etcd.
        assert len([lap for lap in laps if lap["result"] in WELL]) <= 1
        assert all(lap["level"] == "warning" for lap in laps if lap["result"] == "failed")
    until("the API server is ready", partial(_unready, lab), WITHIN)
    watched.one_more(WELL)
    watched.unharmed()


def _lines(child: Child) -> list[dict[str, Any]]:
    text = child.log.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _unsaid(child: Child, known: int) -> str:
    words = [line["message"] for line in _lines(child)[known:] if line["level"] in ("warning", "error")]
    return "" if any("the API server of lab does not answer" in word for word in words) else f"only {words}"


def _unready(lab: Lab) -> str:
    try:
        reply = lab.api.session.get(f"{lab.api.url}/readyz", timeout=5.0)
    except OSError as error:
        return str(error)
    return "" if reply.text == "ok" else reply.text
