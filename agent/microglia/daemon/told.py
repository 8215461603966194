"""What one lap of one policy came to."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from microglia.cycle import Rehearsal
from microglia.guard.verdict import Verdict
from microglia.lifecycle.states import Phase
from microglia.plan.history import History, Record
from microglia.policy.schema import PruningPolicy
from microglia.verify.clear import Refused

Role = Literal["reader", "writer"]
Result = Literal["cleared", "empty", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Told:
    """``rehearsal`` is None when there was nothing to look for, or ``failure`` says why it could not be. ``record`` is
    what the writer did, ``offered`` the id of the plan that is up and ``proposed`` of that for Git, ``why_not`` why a
    writer that could act did not, with its ``code`` where consent is what is missing.
    ``owed`` are the elements that hurt and that only Git can give back.
    ``before`` is the phase until now. ``conflicts`` are ties with other policies. ``verdicts`` are guard's, on
    ``history``, where there was nothing but guard."""

    role: Role
    policy: PruningPolicy
    at: datetime
    rehearsal: Rehearsal | None = None
    failure: str = ""
    record: Record | None = None
    offered: str = ""
    proposed: str = ""
    owed: tuple[str, ...] = ()
    why_not: str = ""
    code: str = ""
    before: Phase | None = None
    conflicts: tuple[str, ...] = field(default=())
    verdicts: tuple[Verdict, ...] = ()
    history: History | None = None

    @property
    def result(self) -> Result:
        """In one word."""
        if self.rehearsal is None:
            return "failed" if self.failure else "empty"
        if isinstance(self.rehearsal.checked, Refused):
            return "refused"
        return "cleared" if self.rehearsal.plan.changes else "empty"
