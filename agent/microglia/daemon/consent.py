"""Which of the offered plans may be carried out now."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from microglia.plan.approval import Denial, Offer, by_git, refusal, rejections, untouchable
from microglia.policy.digest import policy_digest
from microglia.policy.schema import PruningPolicy

OFFERING: Final = frozenset({"propose", "approve", "auto"})
"""Modes in which plans are put up."""
ACTING: Final = frozenset({"approve", "auto"})
"""Modes in which the writer writes."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What people said of the plans that are up: ``offers``, oldest first, under ``policy``. ``own`` are the user names
    of the agent itself, whose approval is none."""

    offers: Sequence[Offer]
    policy: PruningPolicy
    own: Collection[str] = ()

    def missing(self, offer: Offer, now: datetime) -> Denial | None:
        """Why the writer may not carry out ``offer``; None when it may, if it clears on fresh facts."""
        mode = self.policy.spec.actuation.mode
        if elsewhere := by_git(offer.plan):
            return Denial("for-git", elsewhere)
        if mode not in ACTING:
            return Denial("only-looks", f"mode {mode} never acts; set spec.actuation.mode to approve or auto")
        if offer.rejected is not None:
            return Denial("rejected", f"{offer.plan.id} was rejected by {offer.rejected}")
        denied = refusal(offer.plan, offer.approval, now, self.own)
        if mode == "approve" or denied is None:
            return denied
        return untouchable(offer.plan, rejections(self.offers, policy_digest(self.policy), now))

    def chosen(self, begun: Collection[str], now: datetime) -> Offer | None:
        """The newest offer that may be carried out and was not begun before."""
        fit = [one for one in self.offers if one.plan.id not in begun and self.missing(one, now) is None]
        return fit[-1] if fit else None

    def waits(self, now: datetime) -> Denial | None:
        """Why the newest offer that may not be carried out may not; None when there is no such. What was rejected
        speaks last: it waits for nobody."""
        ordered = sorted(self.offers, key=lambda one: one.rejected is None)
        found = [self.missing(one, now) for one in ordered]
        return next((one for one in reversed(found) if one is not None), None)
