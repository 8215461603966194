"""One acting microglia per cluster."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from microglia.act.lease import Lease, LockedError, Terms
from microglia.act.lock import Held, Place, Time, hold, identity
from microglia.model.ports import ConflictError, ForbiddenError, GoneError, UnreadableError
from tests.unit.act.clocks import Clock
from tests.unit.act.filed_cluster import FiledCluster

KEY = "Lease/default/microglia"


@pytest.fixture
def cluster(tmp_path: Path) -> FiledCluster:
    return FiledCluster(tmp_path / "cluster.json")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place("default", tmp_path / "uid" / "act.lock")


def lease(cluster: FiledCluster, clock: Clock, who: str = "ann@laptop") -> Lease:
    return Lease(cluster, "default", who, clock.now)


def spec(cluster: FiledCluster) -> dict[str, Any]:
    found: dict[str, Any] = cluster.load()[KEY]["spec"]
    return found


def never(sentence: str) -> None:
    raise AssertionError(f"nothing to watch: {sentence}")


def test_the_lock_is_a_lease_while_it_is_held(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """User, host and process, 15 seconds, times as Kubernetes writes them; let go at the end."""
    with hold(cluster, place, never, clock.time) as held:
        assert held.lost() is None
        assert spec(cluster) == {
            "holderIdentity": identity(),
            "leaseDurationSeconds": 15,
            "acquireTime": "2026-06-29T12:00:00.000000Z",
            "renewTime": "2026-06-29T12:00:00.000000Z",
            "leaseTransitions": 0,
        }
        assert re.fullmatch(r".+@.+ \(process \d+, [0-9a-f]{12}\)", identity())
    assert (spec(cluster)["holderIdentity"], spec(cluster)["leaseDurationSeconds"]) == ("", 1)


def test_it_is_let_go_also_after_a_failure(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """An error in the block does not leave the lock behind."""
    with pytest.raises(ValueError, match="mine"), hold(cluster, place, never, clock.time):
        raise ValueError("mine")
    assert spec(cluster)["holderIdentity"] == ""


def test_a_held_lock_names_the_holder_and_since_when(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """The second one is refused at once while the first renews."""
    lease(cluster, clock).take(never)
    clock.seconds = 10
    with pytest.raises(LockedError, match=r"ann@laptop is acting on this cluster since 2026-06-29T12:00:00\.000000Z"):
        lease(cluster, clock, "bob@desk").take(never)
    with pytest.raises(LockedError, match="Lease default/microglia"), hold(cluster, place, never, clock.time):
        raise AssertionError("not held")


def test_a_released_lock_is_taken_at_once(cluster: FiledCluster, clock: Clock) -> None:
    """No watching; the transition is counted."""
    first = lease(cluster, clock)
    first.take(never)
    first.release()
    lease(cluster, clock, "bob@desk").take(never)
    assert (spec(cluster)["holderIdentity"], spec(cluster)["leaseTransitions"]) == ("bob@desk", 1)


def test_a_dead_holders_lock_is_taken_after_watching_it(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """Expired by our clock and not renewed while we watched."""
    lease(cluster, clock).take(never)
    clock.seconds = 60
    said: list[str] = []
    with hold(cluster, place, said.append, clock.time):
        assert spec(cluster)["holderIdentity"] == identity()
        assert clock.seconds == 76
    assert len(said) == 1
    assert said[0].startswith("the lease of ann@laptop was last renewed at 2026-06-29T12:00:00.000000Z; watching it")


@pytest.mark.parametrize("when", ["", "nonsense"])
def test_a_lease_without_a_time_is_watched_too(cluster: FiledCluster, clock: Clock, when: str) -> None:
    """Unreadable times decide nothing; watching does."""
    lease(cluster, clock).take(never)
    cluster.edit("Lease", "default", "microglia", lambda raw: raw["spec"].update(renewTime=when))
    watched: list[str] = []
    lease(cluster, clock, "bob@desk").take(watched.append)
    assert len(watched) == 1
    assert spec(cluster)["holderIdentity"] == "bob@desk"


def test_a_holder_with_another_clock_is_not_robbed(cluster: FiledCluster, clock: Clock) -> None:
    """It looks expired to us, but moves while we watch: it is alive."""
    slow = lease(cluster, clock)
    slow.take(never)
    clock.seconds = 3600

    def watch(sentence: str) -> None:
        cluster.edit("Lease", "default", "microglia", lambda raw: raw["spec"].update(renewTime="2026-06-29T12:00:20Z"))

    with pytest.raises(LockedError, match="ann@laptop"):
        lease(cluster, clock, "bob@desk").take(watch)


def test_ones_own_lease_is_taken_at_once(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """A release that the API server never heard of does not make the same process wait for itself."""
    lease(cluster, clock, identity()).take(never)
    clock.seconds = 3
    with hold(cluster, place, never, clock.time) as held:
        assert held.lost() is None
        assert (spec(cluster)["holderIdentity"], spec(cluster)["acquireTime"][11:19]) == (identity(), "12:00:03")
        assert clock.seconds == 3
    assert spec(cluster)["holderIdentity"] == ""


def test_the_same_pod_started_again_is_somebody_else() -> None:
    """Host and process are the same in every life of a container; the drawn number is not."""
    ask = "from microglia.act import lock; lock.os.getpid = lambda: 1; print(lock.identity())"
    one, two = (subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout
                for _ in range(2))  # fmt: skip
    assert one != two
    assert one.rpartition(", ")[0] == two.rpartition(", ")[0]


def test_without_a_file_a_forbidden_lease_is_no_lock(cluster: FiledCluster, clock: Clock) -> None:
    """In the cluster nothing stands in for the Lease: the block does not run, and it says what to grant."""

    def cold(verb: str, what: str) -> None:
        raise ForbiddenError("leases is forbidden")

    cluster.hook = cold
    with (
        pytest.raises(LockedError, match=r"nothing is written without the lock.*grant get, create and update"),
        hold(cluster, Place("default", None), never, clock.time),
    ):
        raise AssertionError("not held")
    cluster.hook = lambda verb, what: None
    with hold(cluster, Place("default", None), never, clock.time) as held:
        assert held.lost() is None


def test_a_lease_deleted_while_watched_is_made_anew(cluster: FiledCluster, clock: Clock) -> None:
    """Nobody holds it any more."""
    lease(cluster, clock).take(never)
    clock.seconds = 60
    lease(cluster, clock, "bob@desk").take(lambda _: cluster.remove("Lease", "default", "microglia"))
    assert spec(cluster)["holderIdentity"] == "bob@desk"


def test_only_the_holder_lets_go(cluster: FiledCluster, clock: Clock) -> None:
    """Releasing what another holds by now, or what is gone, writes nothing."""
    mine = lease(cluster, clock)
    mine.release()
    lease(cluster, clock, "eve@desk").take(never)
    mine.release()
    assert spec(cluster)["holderIdentity"] == "eve@desk"


@pytest.mark.parametrize("verb", ["create", "replace"])
def test_somebody_was_faster(cluster: FiledCluster, clock: Clock, verb: str) -> None:
    """Between our read and our write another took it: refused with their name."""
    if verb == "replace":
        first = lease(cluster, clock)
        first.take(never)
        first.release()

    def hook(seen: str, what: str) -> None:
        if seen == verb:
            cluster.hook = lambda verb, what: None
            lease(cluster, clock, "eve@desk").take(never)

    cluster.hook = hook
    with pytest.raises(LockedError, match="eve@desk"):
        lease(cluster, clock).take(never)


def test_a_missing_namespace_is_said(cluster: FiledCluster, clock: Clock) -> None:
    """With the flag that names another."""

    def hook(verb: str, what: str) -> None:
        if verb == "create":
            raise GoneError("namespaces not found")

    cluster.hook = hook
    with pytest.raises(LockedError, match=r"namespace default does not exist.*--lease-namespace"):
        lease(cluster, clock).take(never)


def test_renewing_keeps_it(cluster: FiledCluster, clock: Clock) -> None:
    """The renewal is written, the time of acquisition stays."""
    mine = lease(cluster, clock)
    mine.take(never)
    held = Held(mine, clock.time)
    held.renewed()
    clock.seconds = 5
    assert held.renew() == Terms().renew
    assert (spec(cluster)["renewTime"], spec(cluster)["acquireTime"]) == (
        "2026-06-29T12:00:05.000000Z",
        "2026-06-29T12:00:00.000000Z",
    )
    clock.seconds = 14
    assert held.lost() is None


@pytest.mark.parametrize("error", [UnreadableError("down"), ForbiddenError("no")])
def test_a_lock_that_cannot_be_renewed_is_lost_in_time(cluster: FiledCluster, clock: Clock, error: Exception) -> None:
    """Lost after 10 s, five before others may take it; found again when a renewal succeeds."""
    mine = lease(cluster, clock)
    mine.take(never)
    held = Held(mine, clock.time)
    held.renewed()

    def hook(verb: str, what: str) -> None:
        raise error

    cluster.hook = hook
    assert held.renew() == Terms().retry
    clock.seconds = 10
    assert held.lost() is None
    clock.seconds = 11
    assert held.lost() == "the lock was lost: its Lease could not be renewed for 11 s"
    cluster.hook = lambda verb, what: None
    assert held.renew() == Terms().renew
    assert held.lost() is None


@pytest.mark.parametrize("how", ["taken", "deleted", "conflict"])
def test_a_lock_that_another_took_is_lost_for_good(cluster: FiledCluster, clock: Clock, how: str) -> None:
    """It is not fought for."""
    mine = lease(cluster, clock)
    mine.take(never)
    held = Held(mine, clock.time)
    held.renewed()

    def hook(verb: str, what: str) -> None:
        if verb == "replace":
            raise ConflictError("moved")

    match how:
        case "taken":
            cluster.edit("Lease", "default", "microglia", lambda raw: raw["spec"].update(holderIdentity="eve@desk"))
        case "deleted":
            cluster.remove("Lease", "default", "microglia")
        case _:
            cluster.hook = hook
    assert held.renew() == Terms().renew
    assert held.lost() == "the lock was lost: somebody else took or deleted its Lease"
    cluster.hook = never_called
    held.renew()


def never_called(verb: str, what: str) -> None:
    raise AssertionError("a lost lease is left alone")


def test_sleeping_machines_lose_the_lock(cluster: FiledCluster, clock: Clock) -> None:
    """A steady clock may stand still while a laptop sleeps; the wall clock does not."""
    wall = [0.0]
    held = Held(lease(cluster, clock), Time(clock.now, lambda: 0.0, lambda: wall[0], clock.sleep))
    held.renewed()
    wall[0] = 3600.0
    assert held.lost() is not None


def test_the_renewing_thread_renews_until_it_ends(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """It writes while the block runs, and no more afterwards."""
    at_once = replace(place, terms=Terms(deadline=0.0))
    with hold(cluster, at_once, never, clock.time):
        renewed = [False]

        def hook(verb: str, what: str) -> None:
            renewed[0] = renewed[0] or verb == "after replace"

        cluster.hook = hook
        while not renewed[0]:
            clock.seconds += 0.001
    log = list(cluster.log)
    assert log[-1] == f"replace {KEY}"
    assert spec(cluster)["holderIdentity"] == ""


def test_a_lock_that_cannot_be_released_is_said(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """The work is done; the next one only waits a little."""
    said: list[str] = []

    def hook(verb: str, what: str) -> None:
        raise UnreadableError("down")

    with hold(cluster, place, said.append, clock.time):
        cluster.hook = hook
    assert said == ["the lock was not released: down; it runs out in 15 s"]


def test_where_leases_are_forbidden_a_file_is_locked(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """It is said what that is worth and what to grant; a second one is refused with the first one's name."""

    def hook(verb: str, what: str) -> None:
        raise ForbiddenError("leases is forbidden")

    cluster.hook = hook
    said: list[str] = []
    with hold(cluster, place, said.append, clock.time) as held:
        assert held.lost() is None
        assert held.renew() == Terms().renew
        words = re.escape(f"{identity()} since 2026-06-29T12:00:00+00:00 is acting on this cluster (lock {place.file})")
        with pytest.raises(LockedError, match=words), hold(cluster, place, said.append, clock.time):
            raise AssertionError("not held")
    assert "taking a local lock, which keeps apart only people on this machine" in said[0]
    assert "Grant get, create and update on leases" in said[0]
    with hold(cluster, place, said.append, clock.time) as again:
        assert again.lost() is None


def test_a_silent_server_takes_no_lock(cluster: FiledCluster, clock: Clock, place: Place) -> None:
    """Nobody can say whether the lock is free."""

    def hook(verb: str, what: str) -> None:
        raise UnreadableError("down")

    cluster.hook = hook
    with pytest.raises(UnreadableError, match="down"), hold(cluster, place, never, clock.time):
        raise AssertionError("not held")


def test_a_user_without_a_name_has_an_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container with an unknown uid the number stands for the name."""

    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert identity().startswith("uid-")


def test_terms_are_settings(cluster: FiledCluster, clock: Clock) -> None:
    """Name and times are the caller's; the API takes whole seconds, so a short lease is rounded up."""
    quick = Terms(duration=1.5, deadline=1.0, retry=0.2, name="microglia-writer")
    mine = Lease(cluster, "default", "ann@laptop", clock.now, quick)
    mine.take(never)
    assert cluster.load()["Lease/default/microglia-writer"]["spec"]["leaseDurationSeconds"] == 2
    held = Held(mine, clock.time)
    held.renewed()
    assert held.renew() == 0.5
    clock.seconds = 1.1
    assert held.lost() == "the lock was lost: its Lease could not be renewed for 1 s"


def test_a_late_answer_renews_from_when_it_was_asked(cluster: FiledCluster, clock: Clock) -> None:
    """The server counts from the request, so others may take the lease while the answer is under way."""
    mine = lease(cluster, clock)
    mine.take(never)
    held = Held(mine, clock.time)
    held.renewed()
    clock.seconds = 5
    slow: Any = cluster
    replace = slow.replace

    def late(*words: Any) -> Any:
        written = replace(*words)
        clock.seconds = 19
        return written

    slow.replace = late
    assert held.renew() == Terms().renew
    assert held.lost() == "the lock was lost: its Lease could not be renewed for 14 s"
