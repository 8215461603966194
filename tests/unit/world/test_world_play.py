"""Weeks played: what a lap may do, what is lost, and how the naive pruner fares."""

from datetime import datetime, timedelta

import pytest

from microglia.model.kinds import BY_NAME
from microglia.world.load import load
from microglia.world.losses import broken, loss
from microglia.world.memory import MemoryCluster
from microglia.world.naive import naive
from microglia.world.play import Drill, naive_play, play
from microglia.world.traffic import MemoryTraffic


def idle_hands(cluster: MemoryCluster, traffic: MemoryTraffic, now: datetime) -> datetime:
    """A lap that does nothing."""
    return now


def test_nothing_is_lost_while_nobody_prunes(bend) -> None:
    """A world left alone loses nothing, week after week, and laps happen when they should."""
    turns = list(play(bend(), idle_hands, weeks=2, every=timedelta(days=7)))
    assert [turn.week for turn in turns] == [1, 2]
    assert [turn.result for turn in turns] == [turn.now for turn in turns]
    assert turns[0].now == bend().start + timedelta(days=15)
    assert turns[0].until == turns[1].now
    assert [turn.loss.lost for turn in turns] == [0, 0]
    assert turns[0].loss.requests > 10_000_000
    assert turns[0].replicas == 12


def test_a_wrong_cut_costs_requests(bend) -> None:
    """A lap that takes too much loses what exceeds the rest's capacity, of that host and no other."""

    def lap(cluster: MemoryCluster, traffic: MemoryTraffic, now: datetime) -> None:
        cluster.scale(cluster.read(BY_NAME["Deployment"], "shop", "back"), 1)

    turn = next(play(bend(), lap, weeks=1, every=timedelta(days=1)))
    assert set(turn.loss.hosts) == {"back.shop.svc.cluster.local"}
    assert 0.01 < turn.loss.share < 0.5
    assert turn.replicas == 8


def test_the_standby_holds_when_the_primary_fails() -> None:
    """In week 6 the shop's ledger fails; its standby answers every call, and one that was pruned away cannot."""
    drill = Drill("payments/ledger", week=1)
    held = next(play(load("shop"), idle_hands, weeks=1, drill=drill))
    assert held.loss.lost == 0

    def lap(cluster: MemoryCluster, traffic: MemoryTraffic, now: datetime) -> None:
        cluster.scale(cluster.read(BY_NAME["Deployment"], "payments", "ledger-standby"), 0)

    fell = next(play(load("shop"), lap, weeks=1, drill=drill))
    assert set(fell.loss.hosts) == {"ledger.payments.svc.cluster.local"}
    assert fell.loss.lost > 500_000


def test_a_drill_of_nobody_is_refused(bend) -> None:
    """A drill names a workload that the world has."""
    with pytest.raises(ValueError, match='no workload "payments/ledger"'):
        next(play(bend(), idle_hands, drill=Drill("payments/ledger")))


def test_the_naive_pruner_takes_the_rare_and_breaks_it() -> None:
    """Least used first takes standby, webhook and monthly invoicing; the first of the month is lost."""
    turns = list(naive_play(load("shop"), [40], every=timedelta(days=14)))
    assert len(turns) == 1
    assert any(line.startswith("payments/ledger-standby 6 -> 0") for line in turns[0].result)
    assert any("nothing answers at platform/policy-webhook" in line for line in turns[0].broken)
    assert any(line.startswith("catalog/importer: no pod is left") for line in turns[0].broken)
    assert turns[0].loss.hosts["invoicing.payments.svc.cluster.local"] > 15_000
    assert turns[0].replicas == 315 - 40


def test_the_naive_pruner_takes_as_many_as_it_is_told(bend) -> None:
    """It takes exactly that many replicas, the idle ones first, and never more than there are."""
    cluster = MemoryCluster(bend(), bend().start + timedelta(days=15))
    traffic = MemoryTraffic(cluster)
    done = naive(cluster, traffic, cluster.now, 3)
    assert done[-1] == "shop/idle 2 -> 0 (0 requests in 14 d)"
    assert sum(pod.end == float("inf") for pod in cluster.record.pods) == 9
    naive(cluster, traffic, cluster.now, 100)
    assert sum(pod.end == float("inf") for pod in cluster.record.pods) == 0


def test_loss_counts_only_what_pruning_can_cause(bend) -> None:
    """Ordinary errors of a healthy server are no loss; a span is counted to the slot."""
    cluster = MemoryCluster(bend(calls=[{"client": "unknown", "host": "back.shop", "rate": 5, "errors": 0.2}]))
    start = cluster.layout.start
    whole = loss(cluster.truth, start, start + 86400)
    halves = [loss(cluster.truth, start + first, start + first + 43200) for first in (0, 43200)]
    assert whole.lost == 0
    assert whole.requests == sum(half.requests for half in halves) > 0
    assert loss(cluster.truth, start - 86400, start).share == 0
    assert broken(cluster) == ()
