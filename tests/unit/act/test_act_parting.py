"""The last act of a release: nobody prunes after it, and nobody waits for ever."""

from pathlib import Path
from typing import Any

import pytest

from microglia.act.lease import Lease, LockedError
from microglia.act.lock import Place, hold
from microglia.act.parting import NAME, PATIENCE, STAYS, parting
from microglia.model.ports import ForbiddenError, UnreadableError
from tests.unit.act.clocks import Clock
from tests.unit.act.filed_cluster import FiledCluster

PLACE = Place("default", None)


@pytest.fixture
def cluster(tmp_path: Path) -> FiledCluster:
    return FiledCluster(tmp_path / "cluster.json")


@pytest.fixture
def clock() -> Clock:
    return Clock()


def spec(cluster: FiledCluster) -> dict[str, Any]:
    found: dict[str, Any] = cluster.load()["Lease/default/microglia"]["spec"]
    return found


def writer(cluster: FiledCluster, clock: Clock) -> Lease:
    return Lease(cluster, "default", "writer-1", clock.now)


def never(sentence: str) -> None:
    raise AssertionError(f"nothing to watch: {sentence}")


def test_the_writer_may_not_prune_after_it(cluster: FiledCluster, clock: Clock) -> None:
    """The lock stays held under a name that says why; the writer's lap is refused with that name."""
    said: list[str] = []
    with parting(cluster, PLACE, said.append, clock.time) as held:
        assert held.lost() is None
    assert spec(cluster)["holderIdentity"].startswith(NAME)
    assert spec(cluster)["leaseDurationSeconds"] == STAYS
    clock.seconds = STAYS - 1
    with pytest.raises(LockedError, match=r"helm uninstall by .* is acting on this cluster"):
        writer(cluster, clock).take(never)
    assert said == [f"the lock stays held for {STAYS} s, so that no agent prunes again before it is removed"]


def test_an_agent_installed_anew_is_not_blocked_for_ever(cluster: FiledCluster, clock: Clock) -> None:
    """Once the time is over it takes the lock as it takes a dead holder's."""
    with parting(cluster, PLACE, lambda _: None, clock.time):
        pass
    clock.seconds = STAYS + 1
    said: list[str] = []
    with hold(cluster, PLACE, said.append, clock.time) as held:
        assert held.lost() is None
        assert not spec(cluster)["holderIdentity"].startswith(NAME)
        assert spec(cluster)["leaseDurationSeconds"] == 15
    assert said[0].startswith("the lease of helm uninstall by")


def test_it_waits_for_the_lap_that_is_under_way(cluster: FiledCluster, clock: Clock) -> None:
    """The writer lets go at the end of its lap; then the lock is ours."""
    busy = writer(cluster, clock)
    busy.take(never)

    def lap() -> None:
        if clock.seconds >= 10 and spec(cluster)["holderIdentity"] == busy.identity:
            busy.release()

    clock.meanwhile = lap
    said: list[str] = []
    with parting(cluster, PLACE, said.append, clock.time):
        assert spec(cluster)["holderIdentity"].startswith(NAME)
    assert said[0].startswith("waiting for the lock, at most 120 s: writer-1 is acting on this cluster")
    assert len(said) == 2


def test_giving_back_does_not_depend_on_the_lock(cluster: FiledCluster, clock: Clock) -> None:
    """A writer that never lets go is waited for, and then everything is given back without the lock; that is said."""
    busy = writer(cluster, clock)
    busy.take(never)
    clock.meanwhile = lambda: None if busy.renew() else never("it lost its lock")
    said: list[str] = []
    ran = []
    with parting(cluster, PLACE, said.append, clock.time) as held:
        ran.append(held.lost())
    assert (ran, clock.seconds) == ([None], PATIENCE)
    assert said[-1].startswith("the lock cannot be had: writer-1 is acting on this cluster")
    assert "given back without it" in said[-1]
    assert spec(cluster)["holderIdentity"] == "writer-1"


@pytest.mark.parametrize("error", [ForbiddenError("leases is forbidden"), UnreadableError("down")])
def test_without_leases_it_gives_back_too(cluster: FiledCluster, clock: Clock, error: Exception) -> None:
    """No file of this pod stands in for the lock."""

    def hook(verb: str, what: str) -> None:
        raise error

    cluster.hook = hook
    said: list[str] = []
    with parting(cluster, PLACE, said.append, clock.time) as held:
        assert held.lease is None
    assert said[-1].startswith(f"the lock cannot be had: {error}.")


def test_what_failed_lets_go(cluster: FiledCluster, clock: Clock) -> None:
    """Then the release stays, and its next try must not wait for the one before."""
    with pytest.raises(ValueError, match="left"), parting(cluster, PLACE, never, clock.time):
        raise ValueError("left")
    assert spec(cluster)["holderIdentity"] == ""
