"""The reader's lap: look, plan, put the plan up, and say what was seen. It writes no workload and no route."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from microglia.cycle import Case, Rehearsal, World, for_git, look, owed_by_git, past, rehearse
from microglia.daemon.consent import ACTING, OFFERING
from microglia.daemon.mirror import mirror, sweep, wanted
from microglia.daemon.policies import Ruled
from microglia.daemon.told import Told
from microglia.model.ports import AbsentError, WritableCluster
from microglia.plan.approval import Offer, rejections
from microglia.plan.document import Way
from microglia.plan.ports import Offers
from microglia.policy.digest import policy_digest
from microglia.policy.schema import PruningPolicy
from microglia.policy.scope import assign
from microglia.store.sketch import Sketch
from microglia.verify.clear import Checked, Refused

STALE: Final = timedelta(hours=12)
"""An offer that nobody approved is made anew when it is this old: the gates take no plan older than a day."""


@dataclass(frozen=True, slots=True)
class Reader:
    """What the reader works with; ``writable`` only ever gets Protections that carry the agent's label."""

    world: World
    offers: Offers
    writable: WritableCluster
    clock: Callable[[], datetime]

    def lap(self, policy: PruningPolicy, ruled: Ruled) -> Told:
        """Rehearse; in modes that offer put the plan up, in modes that act mirror what holds. Raises UnreadableError,
        ForbiddenError and OSError."""
        now, name, mode = self.clock(), policy.metadata.name, policy.spec.actuation.mode
        alone = mode not in ACTING
        # Where no writer runs, what people merged is recognised here, and judged here.
        journal = self.world.journal
        history = past(self.world, name, now, Sketch(journal)) if mode == "propose" else journal.history(name)
        noes = rejections(self.offers.offered(name), policy_digest(policy), now) if mode in OFFERING else {}
        case = Case(policy, now, drafts=not ruled.paused, git=mode in OFFERING, rejected=noes)
        result = rehearse(
            lambda: look(self.world, policy, now, ruled.protections, history), history, ruled.policies, case
        )
        if alone:
            for verdict in result.verdicts if mode == "propose" else ():
                journal.judge(verdict.record, [verdict.judgement(now)])
            # A person may have acted during the look: then what they remember counts, and the next lap goes on from it.
            if journal.history(name).state == history.state:
                journal.save(result.state)
        self._mirror(result)
        debt = owed_by_git(result, now) if mode in OFFERING else None
        asks = mode in OFFERING and (debt is not None or not ruled.paused)
        return Told(
            role="reader",
            policy=policy,
            at=now,
            rehearsal=result,
            offered=self._put_up(policy, result.checked, now) if mode in OFFERING else "",
            proposed=self._put_up(policy, for_git(result, now), now) if asks else "",
            owed=debt.elements if debt else (),
            why_not=ruled.paused,
            before=history.state.phase if history.state else None,
            conflicts=_ties(result, ruled),
        )

    def tidy(self, ruled: Ruled) -> None:
        """Take away what was mirrored for policies that are gone; one that cannot be read may still be there."""
        if ruled.paused:
            return
        try:
            sweep(self.world.cluster, self.writable, [one.metadata.name for one in ruled.policies])
        except AbsentError:
            return

    def _mirror(self, result: Rehearsal) -> None:
        acts = result.policy.spec.actuation.mode in ACTING
        try:
            mirror(self.world.cluster, self.writable, result.policy.metadata.name, wanted(result) if acts else {})
        except AbsentError:
            return

    def _put_up(self, policy: PruningPolicy, checked: Checked, now: datetime) -> str:
        """Of one way: what is up for the other one stays as it is."""
        plan, refused = checked.plan, isinstance(checked, Refused)
        # What gives back in the cluster is the writer's, and waits for nobody.
        offerable = plan.purpose == "prune" or plan.way == "git"
        wanted_now = not refused and bool(plan.changes) and offerable
        for one in self._up(policy, plan.way):
            # A plan that would not be made any more must not wait to be carried out; a gate's no may pass.
            outlived = not refused and not wanted_now
            if one.stage(now) in ("waiting", "expired", "void") and (outlived or now - one.plan.made_at > STALE):
                self.offers.withdraw(one.plan.id)
        if wanted_now:
            self.offers.offer(plan, now)
        waiting = [one.plan.id for one in self._up(policy, plan.way) if one.stage(now) in ("waiting", "approved")]
        return waiting[-1] if waiting else ""

    def _up(self, policy: PruningPolicy, way: Way) -> list[Offer]:
        return [one for one in self.offers.offered(policy.metadata.name) if one.plan.way == way]


def _ties(result: Rehearsal, ruled: Ruled) -> tuple[str, ...]:
    labels = {one: found.labels for one, found in result.grounds.topology.workloads.items()}
    name = result.policy.metadata.name
    # A tie names its policies at the beginning, joined by "and".
    return tuple(tie for tie in assign(ruled.policies, labels).errors if name in tie.partition(" claim ")[0].split(" "))
