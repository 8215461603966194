"""One leader per role: a Lease is held for as long as the process lives, and losing it ends the process."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from microglia.act.lease import Lease, LockedError
from microglia.act.lock import Held, Time, renewing
from microglia.daemon.bell import Waiting
from microglia.daemon.health import Pulse
from microglia.model.ports import ForbiddenError, UnreadableError

_log = logging.getLogger("microglia.leader")


class LeaseLostError(Exception):
    """This process leads no more; it must end, for others may act already."""


class _StoppedError(Exception):
    """Somebody asked to stop while a lease was being watched."""


@dataclass(frozen=True, slots=True)
class Election:
    """Stands for ``lease`` until it is won; ``stop`` says why not to go on."""

    lease: Lease
    time: Time
    bell: Waiting
    pulse: Pulse
    stop: Callable[[], str | None]

    @contextmanager
    def won(self) -> Iterator[Held | None]:
        """Lead for the block, and let go at its end; None when told to stop before anything was won."""
        if not self._stand():
            yield None
            return
        _log.info("leads as %s (Lease %s/%s)", self.lease.identity, self.lease.namespace, self.lease.terms.name)
        with renewing(self.lease, self.time, _log.warning) as held:
            self.pulse.leads()
            try:
                yield held
            finally:
                self.pulse.ends()

    def _stand(self) -> bool:
        while not self.stop():
            self.pulse.beat()
            try:
                self.lease.take(self._watch)
            except LockedError as taken:
                self.pulse.follows(str(taken))
            except (UnreadableError, ForbiddenError) as failure:
                _log.warning("no lease yet: %s", failure)
            except _StoppedError:
                return False
            else:
                return True
            self.bell.wait(self.lease.terms.retry)
        return False

    def _watch(self, sentence: str) -> None:
        _log.info(sentence)
        end = self.time.ticks() + self.lease.terms.duration + self.lease.terms.retry
        while self.time.ticks() < end:
            self.bell.wait(min(self.lease.terms.retry, end - self.time.ticks()))
            self.pulse.beat()
            # A watch that was cut short has seen nothing: the lease must not be taken on it.
            if self.stop():
                raise _StoppedError
