"""Consent to one plan: who gave it, to exactly what, and until when."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from microglia.plan.change import Change, MinimumChange, ScaleChange
from microglia.plan.document import Plan
from microglia.policy.fields import Strict, Text

Stage = Literal["waiting", "approved", "expired", "void", "rejected"]
"""What became of an offered plan. expired: the approval or the rejection ran out. void: the approval names another
digest."""
Code = Literal["for-git", "only-looks", "rejected", "not-approved", "own-approval", "other-digest", "ran-out"]


class Approval(Strict):
    """``by`` agrees to the plan with this digest, to be begun before ``until``."""

    digest: str = Field(pattern="^[0-9a-f]{64}$")
    by: Text
    until: AwareDatetime


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a plan may not be carried out: a code, and a sentence with the evidence and the way out."""

    code: Code
    why: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan that waits for a person. ``rejected`` says who will not have it, and why; None where nobody said so.
    ``until`` ends the rejection, else a window after the plan was made."""

    plan: Plan
    approval: Approval | None = None
    rejected: str | None = None
    until: datetime | None = None

    @property
    def ends(self) -> datetime:
        """When a rejection holds no more."""
        return self.until or self.plan.made_at + (self.plan.window_end - self.plan.window_start)

    def stage(self, now: datetime) -> Stage:
        """How it stands."""
        if self.rejected is not None:
            return "rejected" if now < self.ends else "expired"
        if self.approval is None:
            return "waiting"
        if self.approval.digest != self.plan.digest:
            return "void"
        return "expired" if self.approval.until <= now else "approved"


def rejections(offers: Iterable[Offer], policy_digest: str, now: datetime) -> dict[str, str]:
    """What nobody may take now, by element, and why: everything in a plan that a person rejected under this very
    policy, until the rejection ends. The newest rejection speaks."""
    found: dict[str, str] = {}
    for one in sorted(offers, key=lambda offer: (offer.plan.made_at, offer.plan.id)):
        if one.stage(now) != "rejected" or one.plan.policy_digest != policy_digest:
            continue
        why = (
            f"{one.plan.id} was rejected by {one.rejected}; holds until {one.ends:%Y-%m-%d %H:%M} UTC, or take it back:"
            f" kubectl delete pruningplan {one.plan.id}, or microglia reopen {one.plan.structure}"
        )
        found |= {change.element: why for change in one.plan.changes if not change.widens}
    return found


def by_git(plan: Plan) -> str:
    """Why nobody carries ``plan`` out in the cluster, with the way out; empty when somebody may."""
    if plan.way != "git":
        return ""
    return f"{plan.id} changes what Git owns, so it is merged there: microglia propose {plan.id} --repo PATH"


def refusal(plan: Plan, approval: Approval | None, now: datetime, own: Collection[str] = ()) -> Denial | None:
    """Why ``plan`` may not be carried out on this approval; None when it may. ``own`` are the user names of the agent
    itself, which may not approve what they made."""
    if elsewhere := by_git(plan):
        return Denial("for-git", elsewhere)
    again = f"approve it anew: microglia approve {plan.id}"
    if approval is None:
        return Denial("not-approved", f"{plan.id} is not approved; approve it: microglia approve {plan.id}")
    if approval.by in own:
        return Denial(
            "own-approval",
            f"{plan.id} is approved by {approval.by}, which is the agent itself; a person must approve it: microglia "
            f"approve {plan.id}, or set spec.actuation.mode to auto",
        )
    if approval.digest != plan.digest:
        return Denial(
            "other-digest",
            f"the approval by {approval.by} is for a plan with digest {approval.digest[:12]}, and that of {plan.id} is "
            f"{plan.digest[:12]}; {again}",
        )
    if approval.until <= now:
        ended = f"{approval.until:%Y-%m-%d %H:%M}"
        return Denial("ran-out", f"the approval of {plan.id} by {approval.by} ran out at {ended} UTC; {again}")
    return None


def untouchable(plan: Plan, held: Mapping[str, str]) -> Denial | None:
    """Why ``plan`` may not be carried out without a person's word: it takes something that ``held`` names."""
    for change in plan.changes:
        if not change.widens and change.element in held:
            return Denial("rejected", f"{plan.id} would take {change.element}, and {held[change.element]}")
    return None


def alike(plan: Plan, other: Plan) -> bool:
    """Whether both would write the same to the same objects, whatever figures speak for it: who was asked about one
    need not be asked about the other."""
    same = [(one.structure, one.purpose, one.policy_digest, one.way) for one in (plan, other)]
    deeds = [[_deed(change) for change in one.changes] for one in (plan, other)]
    return same[0] == same[1] and deeds[0] == deeds[1]


def _deed(change: Change) -> tuple[object, ...]:
    ends = (change.before, change.after)
    if isinstance(change, ScaleChange):
        return change.kind, change.workload, change.uid, change.digest, ends, change.victims, change.expected
    if isinstance(change, MinimumChange):
        return change.kind, change.workload, change.scaler_uid, change.digest, ends, str(change.ref)
    return change.kind, change.workload, change.uid, change.digest, ends
