"""The writer's lap: judge, give back at once what hurt, and carry out what was consented to, on facts of its own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime

from microglia.act.apply import Conduct
from microglia.act.lock import Held
from microglia.cycle import Case, Rehearsal, World, carry_out, look, owed_by_git, past, rehearse
from microglia.daemon.consent import ACTING, Consent
from microglia.daemon.policies import Ruled
from microglia.daemon.told import Told
from microglia.model.ports import ForbiddenError, UnreadableError
from microglia.plan.approval import Denial, Offer
from microglia.plan.history import History
from microglia.plan.ports import Offers
from microglia.policy.schema import PruningPolicy
from microglia.undo import regrow_ordered
from microglia.verify.clear import Refused


@dataclass(frozen=True, slots=True)
class Writer:
    """What the writer works with. ``policies`` reads those in force anew; ``locked`` holds the lock that people's
    commands take too, for one lap; ``stop`` is asked before every write; ``say`` is told each step. ``own`` are the
    user names of the agent itself, whose approval of a plan is none."""

    world: World
    offers: Offers
    policies: Callable[[], Ruled]
    locked: Callable[[], AbstractContextManager[Held]]
    stop: Callable[[], str | None]
    clock: Callable[[], datetime]
    say: Callable[[str], None]
    own: frozenset[str] = frozenset()

    def lap(self, policy: PruningPolicy, ruled: Ruled) -> Told:
        """Settle, judge, give back, and carry out one consented plan. Raises UnreadableError, ForbiddenError,
        LockedError and OSError."""
        now, mode = self.clock(), policy.spec.actuation.mode
        if mode not in ACTING:
            return Told(role="writer", policy=policy, at=now, why_not=f"mode {mode} never acts")
        with self.locked() as held:
            history = past(self.world, policy.metadata.name, now)
            before = history.state.phase if history.state else None
            offer = None if ruled.paused else self._chosen(policy, history, now)
            case = Case(policy, now, given=offer.plan if offer else None, drafts=False)
            conduct = Conduct(self.clock, lambda: self.stop() or held.lost(), self.say)
            try:
                result = rehearse(
                    lambda: look(self.world, policy, now, ruled.protections, history), history, ruled.policies, case
                )
            except UnreadableError as blind:
                # What was ordered back needs no metrics to come back.
                back = regrow_ordered(self.world, history, policy, conduct)
                return Told("writer", policy, now, failure=str(blind), record=back, before=before)
            changed_mind = self._unconsented(offer, result) or self._braked(result, ruled)
            record = None
            if not changed_mind:
                careful = replace(conduct, stop=lambda: conduct.stop() or self._braked(result, ruled))
                record = carry_out(result, self.world, careful)
                self._drop(offer, result)
        denied = None if changed_mind or ruled.paused else self._waits(policy, offer, now)
        why = changed_mind or ruled.paused or (denied.why if denied else "no plan is up" if offer is None else "")
        debt = owed_by_git(result, now)
        return Told(
            role="writer",
            policy=policy,
            at=now,
            rehearsal=result,
            record=record,
            proposed=self._for_git(policy) if debt else "",
            owed=debt.elements if debt else (),
            why_not=why,
            code=denied.code if denied else "",
            before=before,
        )

    def _for_git(self, policy: PruningPolicy) -> str:
        """The plan by which Git gives back, where the reader put one up."""
        up = (one.plan for one in self.offers.offered(policy.metadata.name) if one.rejected is None)
        return next((plan.id for plan in up if (plan.way, plan.purpose) == ("git", "regrow")), "")

    def _chosen(self, policy: PruningPolicy, history: History, now: datetime) -> Offer | None:
        begun = {record.id for record in history.records}
        return self._consent(policy).chosen(begun, now)

    def _consent(self, policy: PruningPolicy) -> Consent:
        return Consent(self.offers.offered(policy.metadata.name), policy, self.own)

    def _unconsented(self, offer: Offer | None, result: Rehearsal) -> str:
        # Looking takes its time: consent is asked for again right before the first write.
        if offer is None or result.plan.id != offer.plan.id:
            return ""
        consent = self._consent(result.policy)
        again = next((one for one in consent.offers if one.plan.id == offer.plan.id), None)
        if again is None:
            return f"{offer.plan.id} was withdrawn meanwhile"
        denied = consent.missing(again, self.clock())
        return denied.why if denied else ""

    def _braked(self, result: Rehearsal, ruled: Ruled) -> str:
        # A policy is people's brake: from its change on nothing more is taken on what it said before.
        if result.plan.purpose != "prune" or not result.plan.changes:
            return ""
        try:
            fresh = self.policies()
        except (UnreadableError, ForbiddenError, OSError) as failure:
            return f"whether the policies still say so cannot be read: {failure}"
        return "" if fresh.says == ruled.says else "a policy was changed meanwhile; the next lap looks anew"

    def _drop(self, offer: Offer | None, result: Rehearsal) -> None:
        """In mode auto a plan that no longer passes makes room for a new one; an approval stays a person's to take
        back."""
        refused = isinstance(result.checked, Refused) and offer is not None and result.plan.id == offer.plan.id
        if refused and offer is not None and result.policy.spec.actuation.mode == "auto":
            self.offers.withdraw(offer.plan.id)

    def _waits(self, policy: PruningPolicy, offer: Offer | None, now: datetime) -> Denial | None:
        return None if offer is not None else self._consent(policy).waits(now)
