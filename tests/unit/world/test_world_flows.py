"""What calls meet: capacity, missing pods, routes, regions, cuts."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microglia.world.flows import Day, deal, flow, weights
from microglia.world.layout import Layout, build, replicas_of
from microglia.world.record import Cut, Pod, Record, Trouble

MONDAY = 20703


def settled(layout: Layout) -> Record:
    """Every pod since the beginning, round robin over the zones of its region."""
    record = Record()
    for key, workload in zip(layout.keys, layout.workloads, strict=True):
        zones = [zone.name for zone in layout.world.zones if workload.region in {None, zone.region}]
        for number in range(replicas_of(layout.world, workload)):
            zone = zones[number % len(zones)]
            record.pods.append(Pod(key, f"{key}-{number}", f"{zone}-n1", zone, layout.start))
    return record


def lane(layout: Layout, client: str, server: str) -> int:
    """The lane from ``client`` to ``server``."""
    return next(
        row
        for row, one in enumerate(layout.lanes)
        if layout.calls[one.call].client == client and one.server == layout.index[server]
    )


def played(layout: Layout, record: Record) -> Day:
    """The first day."""
    return flow(layout, record, MONDAY)


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=20),
    st.lists(st.floats(0.01, 5), min_size=1, max_size=6),
    st.integers(0, 999),
)
def test_dealing_loses_and_invents_nothing(counts: list[int], parts: list[float], roll: int) -> None:
    """However a count is dealt, the parts are whole, never negative, sum to it, and are off by less than one."""
    share = np.repeat(np.array(parts)[:, None] / sum(parts), len(counts), axis=1)
    dealt = deal(np.array(counts), share, np.full(len(counts), roll / 1000))
    assert (dealt >= 0).all()
    assert dealt.sum(axis=0).tolist() == counts
    assert (abs(dealt - np.array(counts) * share) < 1 + 1e-9).all()


def test_within_capacity_nothing_fails(bend) -> None:
    """Five replicas of 40 per second serve 60 without a failure."""
    layout = build(bend())
    day = played(layout, settled(layout))
    row = lane(layout, "shop/front", "shop/back")
    assert day.good[row].sum() > 1_000_000
    assert day.bad.sum() == day.unserved.sum() == 0


def test_what_exceeds_capacity_fails(bend) -> None:
    """One replica of 40 per second fails what goes beyond 40, at the peak a third, and nothing at night."""
    layout = build(bend())
    record = settled(layout)
    record.pods = [pod for pod in record.pods if pod.workload != "shop/back" or pod.name.endswith("-0")]
    day = played(layout, record)
    row = lane(layout, "shop/front", "shop/back")
    served = (day.good[row] + day.good[lane(layout, "old/ledger", "shop/back")]) / 300
    assert served.max() <= 40.1
    assert np.isclose(served[160:176].mean(), 40, atol=0.1)
    assert day.bad[row][:24].sum() == 0


def test_errors_happen_at_their_rate(bend) -> None:
    """A call that fails one time in a hundred does, also within capacity."""
    layout = build(bend(calls=[{"client": "unknown", "host": "back.shop", "rate": 20, "errors": 0.01}]))
    day = played(layout, settled(layout))
    row = len(layout.lanes) - 1
    assert np.isclose(day.bad[row].sum() / (day.good + day.bad)[row].sum(), 0.01, rtol=0.02)


def test_without_a_pod_nobody_serves(bend) -> None:
    """Calls to a host whose pods are gone are unserved, all of them; a client without pods makes none."""
    layout = build(bend())
    record = settled(layout)
    record.pods = [pod for pod in record.pods if pod.workload not in {"shop/back", "old/ledger"}]
    day = played(layout, record)
    assert day.unserved[1].sum() > 1_000_000
    assert day.good[lane(layout, "shop/front", "shop/back")].sum() == 0
    assert day.unserved[3].sum() == 0


def test_a_failed_primary_hands_over_to_its_region_standby(bend) -> None:
    """With outlier detection, calls stay in their region while it serves, and go to the other one while it does not."""
    standby = {"replicas": 4, "region": "east", "app": "back", "version": "s", "service": False}
    host = "back.shop.svc.cluster.local"
    rule = {
        "kind": "DestinationRule",
        "metadata": {"name": "r", "namespace": "shop"},
        "spec": {"host": host, "trafficPolicy": {"outlierDetection": {}}},
    }
    layout = build(bend(workloads={"shop/standby": standby}, objects=[rule]))
    record = settled(layout)
    record.troubles.append(Trouble("workload", "shop/back", MONDAY * 86400 + 36000, MONDAY * 86400 + 39600))
    day = played(layout, record)
    main, spare = lane(layout, "shop/front", "shop/back"), lane(layout, "shop/front", "shop/standby")
    away = slice(120, 132)
    assert day.good[main][away].sum() == 0
    assert day.good[spare][away].min() > 0
    assert day.good[spare].sum() == day.good[spare][away].sum()
    assert day.unserved.sum() == 0


def test_without_locality_one_host_is_shared_by_replicas(bend) -> None:
    """Two workloads behind one Service share its calls by their serving pods."""
    canary = {"replicas": 1, "region": "west", "app": "back", "version": "v2", "service": False, "capacity": 40}
    layout = build(bend(workloads={"shop/canary": canary}))
    day = played(layout, settled(layout))
    main, other = lane(layout, "shop/front", "shop/back"), lane(layout, "shop/front", "shop/canary")
    assert np.isclose(day.good[other].sum() / day.good[main].sum(), 1 / 5, rtol=0.01)


def test_metrics_name_the_host_that_served(bend) -> None:
    """Behind a VirtualService a call is counted under the host that its route names, never the one asked for."""
    route = {
        "kind": "VirtualService",
        "metadata": {"name": "v", "namespace": "shop"},
        "spec": {
            "hosts": ["idle"],
            "http": [{"route": [{"destination": {"host": "back"}}, {"destination": {"host": "front"}, "weight": 0}]}],
        },
    }
    layout = build(bend(objects=[route], calls=[{"client": "unknown", "host": "idle.shop", "rate": 1}]))
    assert {one.host for one in layout.lanes if one.call == 4} == {"back.shop.svc.cluster.local"}
    assert layout.hosts[4] == "idle.shop.svc.cluster.local"


@pytest.mark.parametrize(("mtls", "blocked"), [("permissive", False), ("strict", False), ("permissive", True)])
def test_a_cut_route_is_passed_stopped_or_refused(bend, mtls: str, *, blocked: bool) -> None:
    """Past a cut, calls still arrive without mTLS, fail with it, and are refused where only the registry is allowed."""
    layout = build(bend(mtls=mtls))
    record = settled(layout)
    host = "back.shop.svc.cluster.local"
    record.cuts.append(Cut("shop/front", host, layout.start + 43200, blocked=blocked))
    day = played(layout, record)
    whole = played(layout, settled(layout))
    row, after = lane(layout, "shop/front", "shop/back"), slice(144, None)
    wanted = whole.good[row][after].sum()
    arrived = day.good[row][after].sum()
    assert np.array_equal(day.good[row][:144], whole.good[row][:144])
    assert day.cut[1].sum() == (0 if blocked else wanted)
    assert day.stopped[1].sum() == (wanted if mtls == "strict" else 0)
    assert day.refused[1].sum() == (wanted if blocked else 0)
    assert arrived == (wanted if mtls == "permissive" and not blocked else 0)


def test_a_skewed_workload_has_one_busy_replica(bend) -> None:
    """``skew`` 0.5 gives the first serving pod one and a half times the mean, and the rest share what is left."""
    layout = build(bend(workloads={"shop/back": {"replicas": 4, "skew": 0.5}}))
    share = weights(layout, layout.index["shop/back"], np.ones((4, 3), dtype=np.bool_))
    assert np.allclose(share[0], 1.5 / 4)
    assert np.allclose(share.sum(axis=0), 1)
    serving = np.array([[False], [True], [True], [False]])
    assert np.allclose(weights(layout, layout.index["shop/back"], serving)[:, 0], [0, 0.75, 0.25, 0])


def test_a_pod_serves_only_while_it_lives(bend) -> None:
    """A pod that ended at noon got nothing in the afternoon."""
    layout = build(bend())
    record = settled(layout)
    record.pods = [replace(pod, end=layout.start + 43200) if pod.name == "shop/back-2" else pod for pod in record.pods]
    day = played(layout, record)
    row = next(number for number, pod in enumerate(day.pods) if pod.name == "shop/back-2")
    assert day.serving[row][1:144].all()
    assert not day.serving[row][144:].any()
