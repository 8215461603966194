"""The lock for the last act of a release: taken with patience, and left held so that no agent prunes again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from microglia.act.lease import Lease, LockedError
from microglia.act.lock import Held, Place, Time, identity, renewing
from microglia.model.ports import ForbiddenError, UnreadableError, WritableCluster

NAME: Final = "helm uninstall"
"""Begins the holder's name, which the writer tells when it skips its laps."""
PATIENCE: Final = 120.0
"""Seconds for which the lock is asked for: a lap of the writer, or what a crashed one left, ends meanwhile."""
STAYS: Final = 180
"""Seconds for which it stays held afterwards: longer than Helm takes to remove the writer. An agent that is installed
anew meanwhile waits for the rest of it, and no longer."""


@contextmanager
def parting(
    cluster: WritableCluster, place: Place, say: Callable[[str], None], at: Time | None = None
) -> Iterator[Held]:
    """Hold the lock for the block, and leave it held for ``STAYS`` seconds; after a failure of the block it is let go.

    Giving back must not depend on it: where the lock cannot be had within ``PATIENCE`` seconds this is said, and the
    block runs without it. Its writes only widen and carry their own preconditions.
    """
    times = at or Time()
    lease = Lease(cluster, place.lease_namespace, f"{NAME} by {identity()}", times.now, place.terms)
    if why := _missing(lease, times, say):
        say(f"the lock cannot be had: {why}. Everything is given back without it; an agent that still runs could prune "
            "again before it is removed: look afterwards with microglia restore, and repeat it with --all")  # fmt: skip
        yield Held(None, times)
        return
    with renewing(lease, times, say) as held:
        yield held
        held.leave(STAYS)
    say(f"the lock stays held for {STAYS} s, so that no agent prunes again before it is removed")


def _missing(lease: Lease, times: Time, say: Callable[[str], None]) -> str:
    def watch(sentence: str) -> None:
        say(sentence)
        times.sleep(lease.terms.duration + 1)

    end, told = times.ticks() + PATIENCE, ""
    while True:
        try:
            lease.take(watch)
        except (LockedError, ForbiddenError, UnreadableError) as failure:
            why = str(failure)
        else:
            return ""
        if times.ticks() >= end:
            return why
        if not told:
            say(f"waiting for the lock, at most {PATIENCE:g} s: {why}")
            told = why
        times.sleep(lease.terms.retry / 4)
