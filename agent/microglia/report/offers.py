"""Plans that wait for a person: which, for what, and what has been said about them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from microglia.plan.approval import Offer
from microglia.plan.document import Plan
from microglia.report.amounts import saving
from microglia.report.data import plain
from microglia.report.plans import changes_text
from microglia.report.table import count, paragraph, table

_STAGES = {
    "waiting": "waits for approval",
    "approved": "approved by {by} until {until}",
    "expired": "the approval by {by} ran out at {until}",
    "void": "the approval by {by} names another digest",
}


def offers_text(offers: Sequence[Offer], now: datetime) -> str:
    """Every plan that is up, newest first, and what to say to the first that waits."""
    newest = list(reversed(offers))
    rows = [(one.plan.id, one.plan.structure, count(len(one.plan.changes), "change"), _stands(one, now))
            for one in newest]  # fmt: skip
    lines = [f"{count(len(offers), 'plan')} up:", table(("PLAN", "POLICY", "CHANGES", "STANDS"), rows)]
    open_ones = [one.plan for one in newest if one.stage(now) in ("waiting", "expired", "void")]
    waiting = next((plan.id for plan in open_ones if plan.way == "cluster"), None)
    by_git = next((plan.id for plan in open_ones if plan.way == "git"), None)
    if waiting is not None:
        lines.append(f"microglia approve {waiting}      microglia reject {waiting} --why TEXT")
    if by_git is not None:
        lines.append(f"microglia propose {by_git} --repo PATH")
    return "\n".join(lines)


def offers_data(offers: Sequence[Offer], now: datetime) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {"id": one.plan.id, "way": one.plan.way, "digest": one.plan.digest, "stage": one.stage(now),
         "changes": len(one.plan.changes), "approval": plain(one.approval), "rejected": one.rejected}
        for one in offers
    ]  # fmt: skip


def asked_text(plan: Plan, currency: str) -> str:
    """What a person is asked to approve: every change, what it saves, and which plan it is."""
    made = f"{plan.id}, made {plan.made_at:%d %b %H:%M} UTC under policy {plan.policy}; digest {plan.digest}"
    parts = [paragraph(made), changes_text(plan, everything=True)]
    if plan.purpose == "prune":
        parts.append(paragraph(f"Saves {saving(plan.saving, currency)}."))
    return "\n\n".join([*parts, *(paragraph(f"Warning: {warning}") for warning in plan.warnings)])


def _stands(offer: Offer, now: datetime) -> str:
    if offer.rejected is not None:
        return f"rejected by {offer.rejected}"
    said = offer.approval
    if offer.plan.way == "git":
        return "is for Git, which owns what it changes"
    by, until = (said.by, f"{said.until:%d %b %H:%M} UTC") if said is not None else ("", "")
    return _STAGES[offer.stage(now)].format(by=by, until=until)
