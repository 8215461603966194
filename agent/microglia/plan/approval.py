"""Consent to one plan: who gave it, to exactly what, and until when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from microglia.plan.change import Change, ScaleChange
from microglia.plan.document import Plan
from microglia.policy.fields import Strict, Text

Stage = Literal["waiting", "approved", "expired", "void", "rejected"]
"""What became of an offered plan. expired: approved, but not carried out in time. void: the approval names another
digest."""


class Approval(Strict):
    """``by`` agrees to the plan with this digest, to be begun before ``until``."""

    digest: str = Field(pattern="^[0-9a-f]{64}$")
    by: Text
    until: AwareDatetime


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan that waits for a person. ``rejected`` says who will not have it, and why; None where nobody said so."""

    plan: Plan
    approval: Approval | None = None
    rejected: str | None = None

    def stage(self, now: datetime) -> Stage:
        """How it stands."""
        if self.rejected is not None:
            return "rejected"
        if self.approval is None:
            return "waiting"
        if self.approval.digest != self.plan.digest:
            return "void"
        return "expired" if self.approval.until <= now else "approved"


def by_git(plan: Plan) -> str:
    """Why nobody carries ``plan`` out in the cluster, with the way out; empty when somebody may."""
    if plan.way != "git":
        return ""
    return f"{plan.id} changes what Git owns, so it is merged there: microglia propose {plan.id} --repo PATH"


def refusal(plan: Plan, approval: Approval | None, now: datetime) -> str | None:
    """Why ``plan`` may not be carried out on this approval; None when it may."""
    if elsewhere := by_git(plan):
        return elsewhere
    again = f"approve it anew: microglia approve {plan.id}"
    if approval is None:
        return f"{plan.id} is not approved; approve it: microglia approve {plan.id}"
    if approval.digest != plan.digest:
        return (
            f"the approval by {approval.by} is for a plan with digest {approval.digest[:12]}, and that of {plan.id} is "
            f"{plan.digest[:12]}; {again}"
        )
    if approval.until <= now:
        return f"the approval of {plan.id} by {approval.by} ran out at {approval.until:%Y-%m-%d %H:%M} UTC; {again}"
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
    return change.kind, change.workload, change.uid, change.digest, ends
