"""Conditions as the API conventions have them: what holds of an object, since when, why, and in words."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from microglia.policy.fields import Strict, Text

Status = Literal["True", "False", "Unknown"]
LONGEST = 1024
"""Characters of a condition's message; the conventions allow more, people do not read them."""


class Condition(Strict):
    """``reason`` is one word for machines, ``message`` a sentence for people. ``observed_generation`` is the object's
    generation that it speaks of; None where it speaks of none."""

    type: Text
    status: Status
    reason: str = Field(pattern="^[A-Z][A-Za-z0-9]*$")
    message: str = Field(default="", max_length=LONGEST)
    last_transition_time: AwareDatetime
    observed_generation: int | None = None


def condition(name: str, status: Status, reason: str, message: str, at: datetime) -> Condition:
    """A condition that came to hold at ``at``. A message that is too long is cut."""
    text = message if len(message) <= LONGEST else f"{message[: LONGEST - 3]}..."
    return Condition(type=name, status=status, reason=reason, message=text, last_transition_time=at)


def joined(old: Iterable[Condition], new: Iterable[Condition]) -> tuple[Condition, ...]:
    """``new`` over ``old``, by type: sorted, and with the time of the last change of status, not of the last look."""
    known = {one.type: one for one in old}
    for one in new:
        before = known.get(one.type)
        same = before is not None and before.status == one.status
        since = before.last_transition_time if before is not None and same else one.last_transition_time
        known[one.type] = one.model_copy(update={"last_transition_time": since})
    return tuple(known[name] for name in sorted(known))
