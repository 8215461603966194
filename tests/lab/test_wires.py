"""The wire across a cut route: a real call through a real Envoy to a host that is hidden from it, and what follows."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from tests.lab.binaries import ensure_mesh
from tests.lab.proxy import Istiod
from tests.lab.street import IDLE, Street, Wires

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def wires(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Wires:
    """Cut, call under both policies of outbound traffic, and two laps later."""
    binaries, home = ensure_mesh(print), tmp_path_factory.mktemp("wires")
    try:
        street = Street(lab, home)
        street.lap(0)
        (home / "walled").mkdir()
        istiod = Istiod(lab, binaries, home)
        street.calls(istiod, "open", "allow_any")
        istiod.close()
        istiod = Istiod(lab, binaries, home / "walled", "REGISTRY_ONLY")
        street.calls(istiod, "walled", "block_all")
        street.lap(3)
        for client in ("open", "walled", "calm"):
            street.sees(istiod, client)
        street.lap(4)
        return street.seen
    finally:
        for name in ("envoy-of-open", "envoy-of-walled", "envoy-of-calm", "istiod", f"prometheus-of-{home.name}"):
            lab.processes.stop(name)
        lab.wipe()


def test_a_call_to_a_hidden_host_is_counted_by_a_proxy(wires: Wires) -> None:
    """ALLOW_ANY passes it through, where nothing tells an Envoy of the lab the address that was meant; REGISTRY_ONLY
    answers it with a 502 of its own, which no cluster counts."""
    assert wires.cut(0).keys() == {"open", "walled", "calm"}
    assert all({*IDLE} <= {*cut} for cut in wires.cut(0).values())
    assert wires.rose("open") == {'envoy_cluster_upstream_cx_none_healthy{cluster_name="PassthroughCluster"}'}
    assert wires.replies["walled"] == 502
    prefix = 'envoy_http_rq_direct_response{http_conn_manager_prefix="outbound_'
    assert any(one.startswith(prefix) for one in wires.rose("walled"))
    assert not any("Cluster" in one for one in wires.rose("walled"))


def test_one_hit_shows_every_hidden_host_again(wires: Wires) -> None:
    """Nobody can tell which host was meant: the next lap gives all of them back, to these two clients alone, and the
    proxies have their clusters again."""
    lap = wires.laps[3]
    assert lap.rehearsal.plan.purpose == "regrow"
    why = {one.element: one.why for one in lap.rehearsal.verdicts if one.verdict == "Regrow"}
    assert sorted(name.rpartition("/")[2] for name in why) == ["open", "walled"]
    assert "calls to PassthroughCluster since" in next(text for name, text in why.items() if "open" in name)
    assert "calls to BlackHoleCluster since" in next(text for name, text in why.items() if "walled" in name)
    assert lap.record is not None
    assert {step.state for step in lap.record.steps} == {"done"}
    assert {*IDLE} <= wires.hosts["open"] & wires.hosts["walled"]
    assert not {*IDLE} & wires.hosts["calm"]


def test_what_was_hit_is_left_alone(wires: Wires) -> None:
    """The routes are shielded for two windows, and the lap after hides none of them again."""
    state = wires.laps[3].rehearsal.state
    shielded = {(one.element.split()[0].rpartition("/")[2], one.element.split()[-1]) for one in state.shields}
    assert {(client, host) for client in ("open", "walled") for host in IDLE} <= shielded
    assert not {client for client, _ in shielded} & {"calm"}
    spans = {one.until - wires.laps[3].rehearsal.plan.made_at for one in state.shields}
    assert spans == {2 * wires.laps[3].rehearsal.policy.spec.observation.window}
    assert wires.cut(4) == {}
