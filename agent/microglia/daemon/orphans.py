"""Cuts whose policy is gone or cannot be read: nothing more is taken there, and what was taken is still watched."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from microglia.act.apply import Conduct
from microglia.act.lock import Held
from microglia.cycle import World, past
from microglia.daemon.consent import ACTING
from microglia.daemon.policies import Ruled
from microglia.daemon.told import Role, Told
from microglia.model.ports import UnreadableError
from microglia.plan.history import History, Record
from microglia.plan.standing import standing
from microglia.policy.naming import Metadata
from microglia.policy.schema import Actuation, PolicySpec, PruningPolicy
from microglia.report.table import count
from microglia.undo import regrow_ordered, watched_over


@dataclass(frozen=True, slots=True)
class Orphans:
    """Guards them, in the role that acts where somebody acts, else in the one that looks. ``locked`` holds the lock
    that people's commands take too; ``stop`` is asked before every write; ``say`` is told each step."""

    role: Role
    world: World
    locked: Callable[[], AbstractContextManager[Held]]
    stop: Callable[[], str | None]
    clock: Callable[[], datetime]
    say: Callable[[str], None]

    def found(self, ruled: Ruled) -> tuple[PruningPolicy, ...]:
        """A policy to guard by for each structure that has changes in force and gets no laps, by name: what can still
        be read of its own, else the defaults in the mode of this agent. Raises OSError."""
        # The built-in policy was written by nobody, and only looks: what another of its name took is left alone too.
        alive = set() if ruled.built_in else {one.metadata.name for one in ruled.sound}
        own: dict[str, list[Record]] = {}
        for record in self.world.journal.records():
            own.setdefault(record.plan.structure, []).append(record)
        last = [_last(name, ruled) for name in sorted(set(own) - alive) if standing(History(None, tuple(own[name])))]
        return tuple(one for one in last if (self.role == "writer") == (one.spec.actuation.mode in ACTING))

    def lap(self, policy: PruningPolicy, ruled: Ruled) -> Told:
        """Judge what is in force, and give back what hurt. Raises what a lap may."""
        if self.role == "reader":
            return self._looked(policy, ruled)
        now, name = self.clock(), policy.metadata.name
        with self.locked() as held:
            history = past(self.world, name, now)
            conduct = Conduct(self.clock, lambda: self.stop() or held.lost(), self.say)
            try:
                verdicts, record = watched_over(self.world, history, policy, now, conduct)
            except UnreadableError as blind:
                back = regrow_ordered(self.world, history, policy, conduct)
                return Told("writer", policy, now, failure=str(blind), record=back, history=history)
        return Told(
            "writer",
            policy,
            now,
            record=record,
            why_not=sentence(policy, ruled, history),
            verdicts=verdicts,
            history=history,
        )

    def _looked(self, policy: PruningPolicy, ruled: Ruled) -> Told:
        now = self.clock()
        history = self.world.journal.history(policy.metadata.name)
        verdicts, _ = watched_over(self.world, history, policy, now)
        why = sentence(policy, ruled, history)
        return Told("reader", policy, now, why_not=why, verdicts=verdicts, history=history)


def sentence(policy: PruningPolicy, ruled: Ruled, history: History) -> str:
    """What is the matter with it, in a sentence."""
    name = policy.metadata.name
    matter = "cannot be read" if name in ruled.broken else "is gone"
    left = standing(history)
    kept = sum(not one.watched for one in left)
    return (
        f"policy {name} {matter}: nothing more is taken under it, and {count(len(left), 'change')} of it in force "
        f"({count(kept, 'change')} kept for good) stay guarded; bring the policy back, or give everything back: "
        "microglia restore --all"
    )


def _last(name: str, ruled: Ruled) -> PruningPolicy:
    claims = () if ruled.built_in else ruled.policies
    known = next((one for one in claims if one.metadata.name == name), None)
    spec = PolicySpec(actuation=Actuation(mode=ruled.most))
    return known or PruningPolicy(metadata=Metadata(name=name), spec=spec)
