"""One acting microglia per cluster: by a Lease, or by a local file where Leases are forbidden."""

import fcntl
import getpass
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from microglia.act.lease import USUAL, Lease, LockedError, Terms
from microglia.model.ports import ConflictError, ForbiddenError, GoneError, UnreadableError, WritableCluster


@dataclass(frozen=True, slots=True)
class Place:
    """Where the lock lies: the Lease's namespace and terms, and the file that stands in for it. None: nothing does,
    as in the cluster, where a file of this pod keeps nobody apart."""

    lease_namespace: str
    file: Path | None
    terms: Terms = USUAL


@dataclass(frozen=True, slots=True)
class Time:
    """The clocks of a lock. Two tell elapsed seconds: ``wall`` also counts while the machine sleeps."""

    now: Callable[[], datetime] = lambda: datetime.fromtimestamp(time.time(), UTC)
    ticks: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


_BORN = uuid.uuid4().hex[:12]


def identity() -> str:
    """Who we are to others: user, host, process, and a number drawn when this process began.

    The last is what makes it unique: a container that is started again in its pod has the same host and process.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()} (process {os.getpid()}, {_BORN})"


@dataclass(slots=True)
class Held:
    """A lock that is held. ``lost`` is what ``apply`` asks before every write: it is lost well before others may take
    it."""

    lease: Lease | None
    time: Time
    _renewed: tuple[float, float] = (0.0, 0.0)
    _taken: str = ""
    _left: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def renewed(self) -> None:
        """Note that it was renewed now."""
        self._renewed = self._moment()

    def lost(self) -> str | None:
        """Why it no longer holds, None while it does."""
        if self.lease is None:
            return None
        if self._taken:
            return self._taken
        silent = max(now - then for now, then in zip(self._moment(), self._renewed, strict=True))
        if silent > self.lease.terms.deadline:
            return f"the lock was lost: its Lease could not be renewed for {silent:.0f} s"
        return None

    def renew(self) -> float:
        """Renew once; returns the seconds until the next renewal is due."""
        if self.lease is None or self._taken:
            return USUAL.renew
        terms = self.lease.terms
        # The lease runs from when the renewal was sent, however late the answer comes.
        sent = self._moment()
        try:
            if self.lease.renew():
                self._renewed = sent
                return terms.renew
            self._taken = "the lock was lost: somebody else took or deleted its Lease"
        except (UnreadableError, ForbiddenError):
            return terms.retry
        return terms.renew

    def keep(self) -> None:
        """Renew until ``end``; the body of the renewing thread."""
        pause = self.lease.terms.renew if self.lease else USUAL.renew
        while not self._ended.wait(pause):
            pause = self.renew()

    def end(self) -> None:
        """Stop renewing."""
        self._ended.set()

    def leave(self, seconds: int) -> None:
        """Once the block ends, do not let go: it stays held for ``seconds``."""
        self._left = seconds

    def close(self) -> None:
        """Let go, or leave it held where that was asked for."""
        if self.lease is not None and self._left:
            self.lease.leave(self._left)
        elif self.lease is not None:
            self.lease.release()

    def _moment(self) -> tuple[float, float]:
        return self.time.ticks(), self.time.wall()


@contextmanager
def hold(cluster: WritableCluster, place: Place, say: Callable[[str], None], at: Time | None = None) -> Iterator[Held]:
    """Hold the lock for the block. Raises LockedError when somebody else has it, UnreadableError when nobody answers.

    Where Leases are forbidden this is said, and a lock on a local file is taken: it keeps apart only people on this
    machine. Without such a file LockedError is raised: an API server that has just started refuses for a while what
    it will allow, and whoever may not ask for the lock must not write.
    """
    times = at or Time()
    lease = Lease(cluster, place.lease_namespace, identity(), times.now, place.terms)

    def watch(sentence: str) -> None:
        say(sentence)
        times.sleep(place.terms.duration + 1)

    try:
        lease.take(watch)
    except ForbiddenError as refused:
        if place.file is None:
            raise LockedError(_skipped(place, refused)) from refused
        say(
            f"Leases may not be used in namespace {place.lease_namespace} ({refused}): taking a local lock, which "
            "keeps apart only people on this machine. Grant get, create and update on leases there, or name another "
            "namespace with --lease-namespace"
        )
        with _file_lock(place.file, times.now()):
            yield Held(None, times)
        return
    with renewing(lease, times, say) as held:
        yield held


def _skipped(place: Place, refused: ForbiddenError) -> str:
    return (
        f"Leases may not be used in namespace {place.lease_namespace} ({refused}): nothing is written without "
        "the lock, and the next lap tries again. If that goes on, grant get, create and update on leases there"
    )


@contextmanager
def renewing(lease: Lease, times: Time, say: Callable[[str], None]) -> Iterator[Held]:
    """A lease that was just taken, renewed in the background for the block and let go at its end."""
    held = Held(lease, times)
    held.renewed()
    thread = threading.Thread(target=held.keep, name="lease", daemon=True)
    thread.start()
    try:
        yield held
    finally:
        held.end()
        thread.join(lease.terms.retry)
        _release(lease, held, say)


def _release(lease: Lease, held: Held, say: Callable[[str], None]) -> None:
    try:
        held.close()
    except (ConflictError, GoneError, ForbiddenError, UnreadableError) as failure:
        say(f"the lock was not released: {failure}; it runs out in {lease.terms.duration:g} s")


@contextmanager
def _file_lock(path: Path, now: datetime) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _locked(file):
            file.seek(0)
            raise LockedError(f"{file.read().strip() or 'somebody'} is acting on this cluster (lock {path}); "
                              "wait until that has ended")  # fmt: skip
        file.truncate(0)
        file.write(f"{identity()} since {now.isoformat(timespec='seconds')}")
        file.flush()
        yield
        file.truncate(0)


def _locked(file: IO[str]) -> bool:
    # flock is released by the kernel when the process ends, however it ends; Linux and macOS have it.
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
