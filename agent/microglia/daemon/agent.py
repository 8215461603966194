"""The loop: every policy in turn, then a pause, until told to stop or until another leads."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from microglia.act.lease import LockedError
from microglia.act.lock import Held, Time
from microglia.daemon.bell import Waiting
from microglia.daemon.events import Events, Happening
from microglia.daemon.health import Pulse
from microglia.daemon.leader import Election, LeaseLostError
from microglia.daemon.logs import lap_of
from microglia.daemon.metrics import Metrics
from microglia.daemon.policies import Ruled
from microglia.daemon.schedule import Schedule
from microglia.daemon.telling import guarded, happenings, rejected, remark, saying, unseen
from microglia.daemon.told import Role, Told
from microglia.model.ports import ConflictError, ForbiddenError, GoneError, UnreadableError
from microglia.plan.status import Remark
from microglia.policy.schema import API_VERSION, PruningPolicy

_log = logging.getLogger("microglia.agent")
PASSING: Final = (UnreadableError, ForbiddenError, ConflictError, GoneError, LockedError, OSError)
"""What the world may do to a lap: it is said, and the next lap tries again. Anything else ends the process."""

REST: Final = 5.0
"""Seconds before a second round in a row that somebody rang for; each further one waits twice as long."""


class Duty(Protocol):
    """What a role does in one lap."""

    def lap(self, policy: PruningPolicy, ruled: Ruled) -> Told:
        """One lap of one policy; may raise what is in ``PASSING``."""
        ...


class Bulletin(Protocol):
    """Where people read how a policy fares."""

    def remark(self, structure: str, remark: Remark) -> None:
        """Set the sentence (an empty one leaves what is there), and join these conditions to those that are there.
        Raises what is in ``PASSING``."""
        ...


class Watchman(Protocol):
    """Looks after what is in force under policies that get no laps."""

    def found(self, ruled: Ruled) -> Sequence[PruningPolicy]:
        """A policy to guard by for each of them; may raise what is in ``PASSING``."""
        ...

    def lap(self, policy: PruningPolicy, ruled: Ruled) -> Told:
        """Guard alone; may raise what is in ``PASSING``."""
        ...


@dataclass(frozen=True, slots=True)
class Voice:
    """Everything that tells people."""

    metrics: Metrics
    events: Events
    bulletin: Bulletin


@dataclass(slots=True)
class Agent:
    """One role of one process. ``policies`` reads those in force anew; ``after`` tidies up when every policy had
    its lap; ``stop`` says why to end; ``watchman`` guards what no policy in force is about any more."""

    role: Role
    duty: Duty
    policies: Callable[[], Ruled]
    after: Callable[[Ruled], None] | None
    voice: Voice
    pulse: Pulse
    time: Time
    stop: Callable[[], str | None]
    watchman: Watchman | None = None
    _laps: int = 0
    _known: frozenset[str] = frozenset()
    _left: frozenset[str] = frozenset()
    _failing: dict[str, str] = field(default_factory=dict)
    _blind: dict[str, str] = field(default_factory=dict)

    def run(self, election: Election, schedule: Schedule, bell: Waiting) -> None:
        """Lead, and go round until told to stop. Raises LeaseLostError when another leads."""
        with election.won() as held:
            if held is None:
                _log.info("ends without having led: %s", self.stop())
                return
            self.voice.metrics.leader.set(1)
            rung = 0
            while not self._over(held):
                self.round(held)
                if self._over(held):
                    break
                rung = self._rest(held, schedule.pause(), bell, rung)
            self.voice.metrics.leader.set(0)
            lost = held.lost()
        if lost:
            raise LeaseLostError(f"{lost}; this process ends, and starts again as a standby")
        _log.info("ends: %s", self.stop())

    def round(self, held: Held | None = None) -> None:
        """One lap of every policy. The process is of use once a round did not fail for every one of them."""
        self.pulse.beat()
        try:
            ruled = self.policies()
        except PASSING as failure:
            _log.warning("the policies cannot be read: %s", failure)
            return
        self._broken(ruled)
        failures = []
        for policy in ruled.sound:
            if held is not None and self._over(held):
                return
            self._laps += 1
            with lap_of(policy.metadata.name, self._laps, self.time.now()):
                failures.append(self._one(policy, ruled))
            self.pulse.beat()
        try:
            if self.after is not None:
                self.after(ruled)
        except PASSING as failure:
            _log.warning("not tidied up: %s", failure)
        orphans = self._orphans(ruled, held)
        self._forget(frozenset(one.metadata.name for one in ruled.policies) | orphans)
        if not failures or not all(failures):
            self.pulse.lapped()

    def _orphans(self, ruled: Ruled, held: Held | None) -> frozenset[str]:
        try:
            found = self.watchman.found(ruled) if self.watchman is not None else ()
        except PASSING as failure:
            _log.warning("whether cuts are left without a policy cannot be told: %s", failure)
            return self._left
        for policy in found:
            if held is not None and self._over(held):
                break
            self._laps += 1
            with lap_of(policy.metadata.name, self._laps, self.time.now()):
                self._guarded(policy, ruled)
            self.pulse.beat()
        names = frozenset(one.metadata.name for one in found)
        for done in sorted(self._left - names):
            self.voice.metrics.forget(done)
        self._left = names
        return names

    def _guarded(self, policy: PruningPolicy, ruled: Ruled) -> None:
        name = policy.metadata.name
        try:
            told = self.watchman.lap(policy, ruled) if self.watchman is not None else None
        except PASSING as failure:
            told = Told(self.role, policy, self.time.now(), failure=str(failure) or type(failure).__name__)
        if told is None:
            return
        if told.history is not None:
            self.voice.metrics.orphan(name, told.history, told.verdicts)
        if told.record is not None:
            self.voice.metrics.written(told.record)
        if told.failure:
            self.voice.metrics.laps.labels(name, told.result).inc()
        _log.warning(saying(told), extra={"result": told.result, "role": self.role})
        for happening in happenings(told):
            self.voice.events.tell(_reference(name), happening)
        if name in ruled.broken:
            self._publish(name, guarded(told))

    def _rest(self, held: Held, pause: float, bell: Waiting, rung: int) -> int:
        """Wait for the next round; returns how many in a row were rung for. The first goes on at once. The others wait
        ever longer: what a round itself writes rings too."""
        found = bell.wait(pause)
        for why in found:
            _log.info("goes on at once: %s" if not rung else "goes on after a rest: %s", why)
        rest = min(REST * 2.0 ** (min(rung, 10) - 1), pause) if found and rung else 0.0
        end = self.time.ticks() + rest
        while not self._over(held) and (left := end - self.time.ticks()) > 0:
            bell.wait(left)
        return rung + 1 if found else 0

    def _over(self, held: Held) -> bool:
        return bool(self.stop() or held.lost())

    def _one(self, policy: PruningPolicy, ruled: Ruled) -> str:
        try:
            told = self.duty.lap(policy, ruled)
        except PASSING as failure:
            told = Told(self.role, policy, self.time.now(), failure=str(failure) or type(failure).__name__)
        self._measure(told)
        level = logging.WARNING if told.failure else logging.INFO
        _log.log(level, saying(told), extra={"result": told.result, "role": self.role, **_steps(told)})
        self._blindness(policy.metadata.name, unseen(told))
        for happening in happenings(told):
            self.voice.events.tell(_reference(policy.metadata.name), happening)
        self._publish(policy.metadata.name, remark(told))
        return told.failure

    def _blindness(self, name: str, blind: str) -> None:
        # Said when it begins and when it changes; the conditions and the metric say that it lasts.
        if blind and self._blind.get(name) != blind:
            _log.warning("not everything can be read, and what cannot be is left alone: %s", blind)
        self._blind[name] = blind

    def _measure(self, told: Told) -> None:
        name, metrics = told.policy.metadata.name, self.voice.metrics
        metrics.laps.labels(name, told.result).inc()
        metrics.policy_valid.labels(name).set(1)
        if told.rehearsal is not None:
            metrics.decided(told.rehearsal)
            if told.role == "reader":
                metrics.owed.labels(name).set(len(told.owed))
        if told.record is not None:
            metrics.written(told.record)
        if not told.failure:
            metrics.lap_end.labels(name).set(self.time.now().timestamp())

    def _broken(self, ruled: Ruled) -> None:
        if ruled.paused:
            _log.error("nothing is planned: %s", ruled.paused)
        for name in sorted(ruled.broken):
            self.voice.metrics.policy_valid.labels(name).set(0)
            said = ruled.broken[name]
            if self._failing.get(name) != said:
                _log.error("policy %s cannot be read, its scope is left alone: %s", name, said)
                self.voice.events.tell(_reference(name), Happening("Invalid", "Read", said, "Warning"))
            self._publish(name, rejected(said, self.time.now()))
        self._failing = dict(ruled.broken)

    def _publish(self, name: str, found: Remark) -> None:
        try:
            self.voice.bulletin.remark(name, found)
        except PASSING as failure:
            _log.warning("the status of policy %s was not written: %s", name, failure)

    def _forget(self, names: frozenset[str]) -> None:
        for gone in sorted(self._known - names):
            self.voice.metrics.forget(gone)
        self._known = names


def _reference(name: str) -> Mapping[str, str]:
    return {"apiVersion": API_VERSION, "kind": "PruningPolicy", "name": name}


def _steps(told: Told) -> dict[str, object]:
    found = told.rehearsal
    if found is None:
        return {}
    seconds = {name: round(took, 3) for name, took in found.seconds.items()}
    return {"plan": found.plan.id, "changes": len(found.plan.changes), "seconds": seconds}
