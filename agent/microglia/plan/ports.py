"""What acting needs from the shell."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from microglia.lifecycle.states import State
from microglia.plan.change import Change
from microglia.plan.document import Plan
from microglia.plan.history import History, Judgement, Record, Step


class Writer(Protocol):
    """Carries out one change somewhere: a cluster now, files in Git later."""

    def write(self, change: Change) -> Step:
        """Do it, with its preconditions, and say what became of it (``index`` 0, ``at`` None: the caller fills them).
        Never raises for what the world may do."""
        ...

    def look(self, change: Change) -> Step:
        """Compare the world with the change's before and after: done, pending (still before), surprise, or writing when
        the world cannot be read (``message`` says why). Never raises for what the world may do."""
        ...

    def tidy(self, changes: Sequence[Change]) -> None:
        """Take away what an interrupted write of ``changes`` left behind, such as marks on pods. Never raises."""
        ...


class Journal(Protocol):
    """The memory of what was done. Every method is durable when it returns. Raises OSError when it cannot be."""

    def history(self, structure: str) -> History:
        """The structure's past."""
        ...

    def records(self) -> Sequence[Record]:
        """Every record of this cluster, all structures, oldest first."""
        ...

    def begin(self, plan: Plan, at: datetime) -> None:
        """Open a record with every step pending."""
        ...

    def step(self, plan_id: str, step: Step) -> None:
        """Replace the step of ``step.index``."""
        ...

    def finish(self, plan_id: str, at: datetime) -> None:
        """Close the record."""
        ...

    def judge(self, plan_id: str, judgements: Sequence[Judgement]) -> None:
        """Append judgements."""
        ...

    def restored(self, plan_id: str, by: str) -> None:
        """Note that ``by`` gave back what ``plan_id`` took."""
        ...

    def save(self, state: State) -> None:
        """Replace the structure's state."""
        ...

    def reopen(self, structure: str, at: datetime) -> None:
        """Note that a person reopened the structure."""
        ...
