"""Which of the offered plans may be carried out now."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from microglia.plan.approval import Offer, by_git, refusal
from microglia.policy.schema import PruningPolicy

OFFERING: Final = frozenset({"propose", "approve", "auto"})
"""Modes in which plans are put up."""
ACTING: Final = frozenset({"approve", "auto"})
"""Modes in which the writer writes."""


def why_not(offer: Offer, policy: PruningPolicy, now: datetime) -> str | None:
    """Why the writer may not carry out ``offer`` under ``policy``; None when it may, if it clears on fresh facts."""
    mode = policy.spec.actuation.mode
    if elsewhere := by_git(offer.plan):
        return elsewhere
    if mode not in ACTING:
        return f"mode {mode} never acts; set spec.actuation.mode to approve or auto"
    if offer.rejected is not None:
        return f"{offer.plan.id} was rejected by {offer.rejected}"
    return refusal(offer.plan, offer.approval, now) if mode == "approve" else None


def chosen(offers: Sequence[Offer], begun: Collection[str], policy: PruningPolicy, now: datetime) -> Offer | None:
    """The newest offer that may be carried out and was not begun before; ``offers`` are oldest first."""
    fit = [one for one in offers if one.plan.id not in begun and why_not(one, policy, now) is None]
    return fit[-1] if fit else None
