"""Routes cut by an allow-list, on a real istiod and a real Envoy: whole namespaces go, and what is new comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from microglia.act.apply import Conduct
from microglia.plan.history import Record
from microglia.plan.sidecar import allowed
from microglia.undo import regrow_ordered
from tests.lab import Lab
from tests.lab.binaries import ensure_mesh
from tests.lab.proxy import Istiod
from tests.lab.street import ATTIC, Street, Wires
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(300)
CLIENTS = ("calm", "open", "walled")
SIDECARS = "/apis/networking.istio.io/v1/namespaces/shop/sidecars"
LATE = "late.attic.svc.cluster.local"


@pytest.fixture(scope="module")
def listed(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Wires:
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
        return street.seen
    finally:
        for name in ("envoy-of-calm", "istiod", f"prometheus-of-{home.name}"):
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


def test_what_is_new_is_shown_without_metrics(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither Prometheus nor a policy is needed: objects alone tell that something is new, and the list goes. Where
    nothing is new, nothing is written."""
    home = tmp_path_factory.mktemp("unseen")
    try:
        street = Street(lab, home, "allowList")
        street.lap(0)
        now = street.cut_at + timedelta(hours=1)
        conduct = Conduct(clock=lambda: now, stop=lambda: None, say=lambda _: None)
        history = street.world.journal.history(street.policy.metadata.name)
        assert regrow_ordered(street.world, history, street.policy, conduct) is None
        assert len(lab.api.get(SIDECARS)["items"]) == len(CLIENTS)
        lab.apply([street.service("attic", "late")])
        records: list[Record] = []

        def pending() -> str:
            found = regrow_ordered(street.world, history, street.policy, conduct)
            records.extend([found] if found else [])
            return "" if records else "nothing new was seen"

        # The API server may list from a cache that is a moment behind.
        until("the Service is seen", pending, 30.0)
        assert {step.state for step in records[0].steps} == {"done"}
        assert lab.api.get(SIDECARS)["items"] == []
    finally:
        lab.processes.stop(f"prometheus-of-{home.name}")
        lab.wipe()
