"""A world played for weeks: a lap, then time passes and is judged, again and again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from microglia.world.losses import Loss, broken, loss
from microglia.world.memory import MemoryCluster
from microglia.world.naive import naive
from microglia.world.record import Trouble
from microglia.world.schema import World
from microglia.world.traffic import MemoryTraffic

T = TypeVar("T")
WEEK = timedelta(days=7)
LEAD = timedelta(days=15)
"""What is watched before the first lap: two weeks, and the hour that closes them."""

Lap = Callable[[MemoryCluster, MemoryTraffic, datetime], T]
"""Looks at the world at a moment, may write to it, and returns whatever its caller wants to print."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A primary fails: ``target`` stops serving in week ``week`` (from 1), two days in, at 18:00 UTC, for ``lasts``."""

    target: str
    week: int = 6
    lasts: timedelta = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Turn(Generic[T]):
    """One lap at ``now`` and the time until ``until``: what the lap returned, and what was lost afterwards.

    ``replicas`` of all workloads at the end; ``broken``: what nobody has needed yet and would find missing.
    """

    week: int
    now: datetime
    until: datetime
    result: T
    loss: Loss
    replicas: int
    broken: tuple[str, ...]


def play(
    world: World, lap: Lap[T], *, weeks: int = 8, every: timedelta = WEEK, drill: Drill | None = None
) -> Iterator[Turn[T]]:
    """Watch the world for ``LEAD``, then do a lap ``every`` so often for ``weeks``. Raises ValueError for a drill of
    a workload that the world does not have."""
    cluster = MemoryCluster(world)
    traffic = MemoryTraffic(cluster)
    first = cluster.now + LEAD
    if drill is not None:
        _announce(cluster, drill, first)
    cluster.advance(first)
    while cluster.now < first + weeks * WEEK:
        now = cluster.now
        result = lap(cluster, traffic, now)
        cluster.advance(max(cluster.now, min(now + every, first + weeks * WEEK)))
        yield Turn(
            week=1 + (now - first) // WEEK,
            now=now,
            until=cluster.now,
            result=result,
            loss=loss(cluster.truth, now.timestamp(), cluster.now.timestamp()),
            replicas=replicas(cluster),
            broken=broken(cluster),
        )


def naive_play(
    world: World, takes: Sequence[int], *, every: timedelta = WEEK, drill: Drill | None = None
) -> Iterator[Turn[tuple[str, ...]]]:
    """The same world under the naive pruner, which takes ``takes[i]`` replicas in lap i: what others took, say."""
    left = list(takes)

    def lap(cluster: MemoryCluster, traffic: MemoryTraffic, now: datetime) -> tuple[str, ...]:
        return naive(cluster, traffic, now, left.pop(0) if left else 0)

    weeks = -(-len(takes) * every // WEEK)
    yield from play(world, lap, weeks=weeks, every=every, drill=drill)


def replicas(cluster: MemoryCluster) -> int:
    """Pods that live now."""
    now = cluster.now.timestamp()
    return sum(pod.start <= now < pod.end for pod in cluster.record.pods)


def _announce(cluster: MemoryCluster, drill: Drill, first: datetime) -> None:
    if drill.target not in cluster.layout.index:
        raise ValueError(f'the world {cluster.layout.world.name} has no workload "{drill.target}" that could fail')
    day = (first + (drill.week - 1) * WEEK + timedelta(days=2)).replace(hour=18, minute=0)
    cluster.strike(Trouble("workload", drill.target, day.timestamp(), (day + drill.lasts).timestamp()))
