"""A Kubernetes Lease as a lock: one record, taken and renewed with its resourceVersion.

Times and rules follow client-go's leader election (lease 15 s, renew deadline 10 s). Election is not fencing: every
write still carries its own preconditions, and a holder that cannot renew in time must stop by itself.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, at
from microglia.model.ports import ConflictError, GoneError, WritableCluster
from microglia.plan.change import MANAGED_BY, MANAGER

NAME = "microglia"
DURATION = 15
"""Seconds that a lease holds without renewal."""
_LEASE = BY_NAME["Lease"]
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds: a lease holds for ``duration`` without renewal, its holder gives up after ``deadline`` of trying, and a
    renewal that nobody answered is tried again after ``retry``. ``name`` is the Lease's."""

    duration: float = float(DURATION)
    deadline: float = 10.0
    retry: float = 2.0
    name: str = NAME

    @property
    def renew(self) -> float:
        """Seconds between renewals: two fit before the deadline."""
        return self.deadline / 2

    @property
    def whole(self) -> int:
        """The duration as the API has it, in whole seconds."""
        return max(1, math.ceil(self.duration))


USUAL = Terms()
"""15, 10 and 2 seconds, as client-go has them."""


class LockedError(Exception):
    """Somebody else holds the lock; the message names the holder and since when."""


@dataclass(slots=True)
class Lease:
    """The Lease that ``terms`` name in ``namespace``, for ``identity``. ``clock`` gives aware UTC times.

    All methods raise UnreadableError and ForbiddenError as WritableCluster does.
    """

    cluster: WritableCluster
    namespace: str
    identity: str
    clock: Callable[[], datetime]
    terms: Terms = USUAL

    def take(self, watch: Callable[[str], None]) -> None:
        """Become the holder. Raises LockedError.

        A lease that looks expired is not taken at once: the holder's clock may differ from ours. ``watch`` is called
        with what to tell people and returns after ``terms.duration`` seconds; only a lease that did not move meanwhile
        is dead.

        A lease that already names ``identity`` is taken without a watch: its release was lost, as when the API server
        restarted in between. That is safe only because an identity belongs to one process and is never used again
        (``lock.identity`` has a number drawn for the process in it; a pod's name and its process number are the same
        after every restart of the container), and because one process holds a lease for one block at a time. Nobody
        else can be meant, and nothing of ours is under way.
        """
        raw = self.cluster.read(_LEASE, self.namespace, self.terms.name)
        if raw is None:
            self._create()
            return
        if _holder(raw) not in ("", self.identity):
            if not self._looks_expired(raw):
                raise self._locked(raw)
            watch(f"the lease of {_holder(raw)} was last renewed at {_renewed(raw)}; "
                  f"watching it for {self.terms.duration:g} s to be sure that nobody holds it")  # fmt: skip
            later = self.cluster.read(_LEASE, self.namespace, self.terms.name)
            if later is None:
                self._create()
                return
            if _renewed(later) != _renewed(raw) or _holder(later) != _holder(raw):
                raise self._locked(later)
            raw = later
        self._write(raw, acquired=True)

    def renew(self) -> bool:
        """Extend it; False when somebody else holds it now, or it was deleted."""
        raw = self.cluster.read(_LEASE, self.namespace, self.terms.name)
        if raw is None or _holder(raw) != self.identity:
            return False
        try:
            self._write(raw, acquired=False)
        except LockedError:
            return False
        return True

    def release(self) -> None:
        """Let go, if it is still ours."""
        raw = self.cluster.read(_LEASE, self.namespace, self.terms.name)
        if raw is not None and _holder(raw) == self.identity:
            self._replace(raw, {**raw["spec"], "holderIdentity": "", "leaseDurationSeconds": 1})

    def leave(self, seconds: int) -> None:
        """Leave it held for ``seconds`` from now without renewal, if it is still ours: then anybody may take it."""
        raw = self.cluster.read(_LEASE, self.namespace, self.terms.name)
        if raw is not None and _holder(raw) == self.identity:
            left = {"renewTime": self._now(), "leaseDurationSeconds": seconds}
            self._replace(raw, {**raw["spec"], **left})

    def _create(self) -> None:
        now = self._now()
        spec = self._held(now, now, 0)
        metadata = {"namespace": self.namespace, "name": self.terms.name, "labels": {MANAGED_BY: MANAGER}}
        body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        try:
            self.cluster.create(_LEASE, body)
        except ConflictError:
            raise self._locked(self.cluster.read(_LEASE, self.namespace, self.terms.name) or body) from None
        except GoneError:
            raise LockedError(
                f"namespace {self.namespace} does not exist, so no Lease can be held there; "
                "name another with --lease-namespace"
            ) from None

    def _write(self, raw: Raw, *, acquired: bool) -> None:
        now = self._now()
        since = now if acquired else at(raw, "spec", "acquireTime", default=now)
        turns = int(at(raw, "spec", "leaseTransitions", default=0)) + int(acquired)
        try:
            self._replace(raw, self._held(since, now, turns))
        except (ConflictError, GoneError):
            raise self._locked(self.cluster.read(_LEASE, self.namespace, self.terms.name) or raw) from None

    def _replace(self, raw: Raw, spec: dict[str, Any]) -> None:
        self.cluster.replace(_LEASE, {**raw, "spec": spec})

    def _held(self, since: str, now: str, turns: int) -> dict[str, Any]:
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self.terms.whole,
            "acquireTime": since,
            "renewTime": now,
            "leaseTransitions": turns,
        }

    def _looks_expired(self, raw: Raw) -> bool:
        try:
            renewed = datetime.fromisoformat(_renewed(raw))
        except ValueError:
            return True
        lasts = float(at(raw, "spec", "leaseDurationSeconds", default=self.terms.whole))
        return (self.clock() - renewed).total_seconds() > lasts

    def _locked(self, raw: Raw) -> LockedError:
        since = at(raw, "spec", "acquireTime", default="an unknown time")
        return LockedError(
            f"{_holder(raw) or 'somebody'} is acting on this cluster since {since} "
            f"(Lease {self.namespace}/{self.terms.name}); wait until that has ended. "
            f"After a crash the lease runs out {self.terms.duration:g} s after its last renewal"
        )

    def _now(self) -> str:
        return self.clock().strftime(_TIME)


def _holder(raw: Raw) -> str:
    return str(at(raw, "spec", "holderIdentity", default=""))


def _renewed(raw: Raw) -> str:
    return str(at(raw, "spec", "renewTime", default=""))
