"""What was done before: receipts, verdicts and the state, as the journal keeps them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from microglia.lifecycle.states import State
from microglia.plan.document import Plan
from microglia.policy.fields import Strict

RECORD_FORMAT = 1


class Step(Strict):
    """What became of one change of a plan.

    pending: not begun. writing: begun, and nobody knows yet whether it happened. done, failed (nothing was written),
    surprise (the world was not as expected), skipped (an earlier surprise stopped the plan), undone (taken back within
    the same plan because the placement came out worse than planned). proposed: files for it lie in Git, and whether
    they were merged is not known.
    """

    index: int
    state: Literal["pending", "writing", "done", "failed", "surprise", "skipped", "undone", "proposed"] = "pending"
    at: datetime | None = None
    message: str = ""
    placement: dict[str, int] = {}


class Judgement(Strict):
    """Guard's word on one change. ``figures`` are the numbers behind it."""

    index: int
    verdict: Literal["Keep", "Wait", "Regrow"]
    at: datetime
    why: str
    figures: dict[str, float] = {}


class Record(Strict):
    """One plan in the journal with its receipt and its verdicts, newest judgement last."""

    format: int = RECORD_FORMAT
    plan: Plan
    started: datetime
    finished: datetime | None = None
    steps: tuple[Step, ...]
    judgements: tuple[Judgement, ...] = ()
    restored_by: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The plan's id."""
        return self.plan.id

    def done(self) -> tuple[int, ...]:
        """Indices of changes that really happened."""
        return tuple(step.index for step in self.steps if step.state == "done")

    def verdict(self, index: int) -> Judgement | None:
        """The newest judgement of change ``index``."""
        return next((one for one in reversed(self.judgements) if one.index == index), None)


@dataclass(frozen=True, slots=True)
class History:
    """One structure's settled past: ``records`` oldest first; ``state`` None before the first lap.

    ``surprises`` are sentences about writes in flight at a crash that turned out neither before nor after.
    ``reopened`` is when a person last asked for it.
    """

    state: State | None
    records: tuple[Record, ...]
    surprises: tuple[str, ...] = ()
    reopened: datetime | None = None
