"""Answers of verification, as the screens get them."""

from typing import Any

from microglia.plan.document import Note, Plan
from microglia.report.plans import View
from microglia.verify.clear import Cleared
from microglia.verify.verdicts import Proof, Refusal, Refused

VIEW = View(everything=False, source="cluster", currency="USD", policy="default (built in; none given)")
ALL = View(everything=True, source="snapshot", currency="EUR", policy="team (team.yaml)")


def proof(**parts: Any) -> Proof:
    """Of a thousand requests that lost nothing."""
    figures: dict[str, Any] = {
        "requests": 1000.0, "unrouted": 0.0, "over_capacity": 0.0, "failures": {"zone": 3}, "worse": 0, "unseen": 0.002,
    }  # fmt: skip
    return Proof(**{**figures, **parts})


def cleared(plan: Plan, **figures: Any) -> Cleared:
    """Past the lock, as only a test may."""
    made = object.__new__(Cleared)
    for name, value in (("plan", plan), ("proof", proof(**figures)), ("_key", None)):
        object.__setattr__(made, name, value)
    return made


def refused(plan: Plan, *refusals: tuple[str, str, str], **figures: Any) -> Refused:
    """``refusals`` are gate, subject and message."""
    return Refused(plan, tuple(Refusal(*one) for one in refusals), proof(**figures))


def note(subject: str, what: str = "5 -> 3", why: str = "because") -> Note:
    """A line about something that stays."""
    return Note(subject=subject, what=what, why=why)


def flat(text: str) -> str:
    """``text`` without its line breaks and columns."""
    return " ".join(text.split())
