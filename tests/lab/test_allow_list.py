"""Routes cut by an allow-list, on a real istiod and a real Envoy: whole namespaces go, and what is new comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from microglia.plan.sidecar import allowed
from tests.lab import Lab
from tests.lab.binaries import ensure_mesh
from tests.lab.proxy import Istiod
from tests.lab.street import ATTIC, Street, Wires

pytestmark = pytest.mark.timeout(300)
CLIENTS = ("calm", "open", "walled")
LATE = "late.attic.svc.cluster.local"


@pytest.fixture(scope="module")
def listed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wires]:
    """Cut, a Service that comes later, and the laps after."""
    binaries, home = ensure_mesh(print), tmp_path_factory.mktemp("listed")
    try:
        street = Street(lab, home, "allowList")
        istiod = Istiod(lab, binaries, home)
        street.sees(istiod, "calm", "before")
        street.lap(0)
        street.sees(istiod, "calm", "cut")
        lab.apply([street.service("attic", "late")])
        street.sees(istiod, "calm", "late")
        street.lap(1)
        street.sees(istiod, "calm", "widened")
        street.lap(2)
        yield street.seen
    finally:
        for name in ("envoy-of-calm", "istiod", "prometheus-of-wires"):
            lab.processes.stop(name)
        lab.wipe()


def test_only_whole_namespaces_are_left_out(listed: Wires) -> None:
    """One in which everything is idle goes; one with a host that is called stays, its idle hosts with it."""
    (change, *_) = listed.laps[0].rehearsal.plan.changes
    assert listed.cut(0) == dict.fromkeys(CLIENTS, ATTIC)
    assert change.kind == "sidecar"
    assert allowed(change.after) is not None
    assert {*ATTIC} <= listed.hosts["before"]
    assert listed.hosts["before"] - listed.hosts["cut"] == {*ATTIC}


def test_what_is_new_there_is_shown_before_anything_else(listed: Wires) -> None:
    """An allow-list hides a Service that did not exist: the next lap does nothing but show its namespace again, and
    the lap after takes nothing back."""
    assert LATE not in listed.hosts["late"]
    lap = listed.laps[1]
    assert lap.record is not None
    assert {step.state for step in lap.record.steps} == {"done"}
    plan = lap.rehearsal.plan
    assert [(one.element, one.widens) for one in plan.changes] == [(f"routes:shop/{name}", True) for name in CLIENTS]
    assert listed.hosts["widened"] == listed.hosts["before"] | {LATE}
    assert listed.cut(2) == {}
