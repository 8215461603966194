"""What a command works with: policies, a way to look, the journal; and, for those that act, hands."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import typer

from microglia.act.apply import Conduct
from microglia.cli.errors import MistakeError
from microglia.cycle import Case, Rehearsal, World, carry_out, rehearse
from microglia.plan.approval import Offer, rejections
from microglia.plan.document import Plan, Way
from microglia.plan.history import History, Record
from microglia.policy.digest import policy_digest
from microglia.policy.schema import PruningPolicy
from microglia.policy.scope import ties
from microglia.report.plans import View
from microglia.store.files import StoreError
from microglia.store.plans import Plans
from microglia.topology.graph import Topology
from microglia.undo import give_back

_log = logging.getLogger("microglia.lap")


@dataclass(frozen=True, slots=True)
class Desk:
    """A rehearsal's tools, of the moment ``now``. ``live`` is False for a snapshot file; ``origin`` says where the
    policies came from; ``again`` gives the same of a later moment; ``claims`` are all policies that claim workloads, if
    more than get laps; ``up`` are the plans that wait, ``says``
    gives what an agent last said about a structure."""

    live: bool
    cluster_name: str
    policies: tuple[PruningPolicy, ...]
    origin: str
    now: datetime
    see: Callable[[PruningPolicy], Topology]
    past: Callable[[str], History]
    records: Callable[[], Sequence[Record]]
    plans: Plans
    again: Callable[[], "Desk"]
    claims: tuple[PruningPolicy, ...] = ()
    up: Callable[[], Sequence[Offer]] = tuple
    says: Callable[[str], str] = lambda _: ""

    def rehearse(self, policy: PruningPolicy, given: Plan | None = None, way: Way = "cluster") -> Rehearsal:
        """Decide everything for one structure; nothing is changed."""
        history = self.past(policy.metadata.name)
        mine = [one for one in self.up() if one.plan.structure == policy.metadata.name]
        noes = rejections(mine, policy_digest(policy), self.now)
        case = Case(policy, self.now, given, way=way, rejected=noes)
        result = rehearse(lambda: self.see(policy), history, self.claims or self.policies, case)
        if policy is self.policies[0]:
            for tie in ties(self.claims or self.policies, result.grounds.topology):
                typer.echo(tie, err=True)
        _log.info("%s: %s", result.plan.id, ", ".join(f"{name} {took:.2f} s" for name, took in result.seconds.items()))
        return result

    def applied(self, plan: Plan) -> Record | None:
        """What the journal tells of ``plan``, if anything of it was done."""
        return next((record for record in self.records() if record.id == plan.id and record.done()), None)

    def policy_of(self, plan: Plan) -> PruningPolicy:
        """The policy in force for ``plan``'s structure."""
        for policy in self.policies:
            if policy.metadata.name == plan.structure:
                return policy
        names = ", ".join(policy.metadata.name for policy in self.policies)
        raise MistakeError(
            f"{plan.id} was made under policy {plan.structure}, and in force here: {names} ({self.origin});"
            " give the same --policy as for the plan"
        )

    def plan(self, which: str) -> Plan:
        """The saved plan ``which`` (an id or a file), else the one that is up in the cluster. Raises StoreError."""
        try:
            return self.plans.load(which)
        except StoreError:
            for offer in self.up():
                if which in (offer.plan.id, offer.plan.id.removeprefix("plan-")):
                    return offer.plan
            raise

    def label(self, policy: PruningPolicy) -> str:
        """``default (built in)``, ``team-a (policies/team-a.yaml)``."""
        return f"{policy.metadata.name} ({self.origin})"

    def view(self, policy: PruningPolicy, *, everything: bool) -> View:
        """How a plan under ``policy`` is to be shown."""
        source: Literal["cluster", "snapshot"] = "cluster" if self.live else "snapshot"
        return View(everything, source, policy.spec.prices.currency, self.label(policy))


@dataclass(frozen=True, slots=True)
class Hands:
    """What acting adds: the world to write to, and how to go about it."""

    world: World
    conduct: Conduct
    cluster_name: str
    now: datetime

    def carry_out(self, rehearsal: Rehearsal) -> Record | None:
        """Do what was cleared, and remember the phase."""
        return carry_out(rehearsal, self.world, self.conduct)

    def restorable(self, which: str | None) -> list[Record]:
        """The pruning plans not given back yet, newest first; just ``which`` when it is named."""
        records = [record for record in reversed(self.world.journal.records()) if record.plan.purpose == "prune"]
        if which is None:
            return [record for record in records if record.done() and not record.restored_by]
        found = [record for record in records if which in (record.id, record.id.removeprefix("plan-"))]
        if not found:
            raise MistakeError(f"no plan {which} in this journal; see what can be undone with: microglia restore")
        return found

    def known(self, structure: str) -> None:
        """Raises MistakeError for a structure of which the journal knows nothing."""
        history = self.world.journal.history(structure)
        if history.state is None and not history.records:
            names = sorted({record.plan.structure for record in self.world.journal.records()})
            known = f"; the journal knows {', '.join(names)}" if names else ""
            raise MistakeError(f"nothing was done under policy {structure}, so there is nothing to reopen{known}")

    def give_back(self, records: Sequence[Record]) -> bool:
        """Undo plans, newest first, each structure on its own; whether all of it is back."""
        whole = True
        for structure in sorted({record.plan.structure for record in records}):
            own = [record for record in records if record.plan.structure == structure]
            done = give_back(own, self.world, self.conduct)
            for note in (*done.plan.held, *done.left):
                self.conduct.say(f"{note.subject}, {note.what}: {note.why}")
            whole = whole and done.whole
        return whole
