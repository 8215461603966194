"""What acting needs from the shell."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from microglia.lifecycle.states import State
from microglia.plan.approval import Approval, Offer
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


class Offers(Protocol):
    """Plans that wait for a person's word. Every method is durable when it returns, and raises OSError when it cannot
    be."""

    def offer(self, plan: Plan, at: datetime) -> str:
        """Put ``plan`` up for approval, in place of an older one of its structure and way that has no approval in force
        at ``at``. Where a plan that writes the same is up already, or was rejected, that one stays and nothing is new.
        Returns the id of the plan that is up."""
        ...

    def offered(self, structure: str) -> Sequence[Offer]:
        """The plans of ``structure`` that are up and were not begun, oldest first."""
        ...

    def approve(self, plan_id: str, approval: Approval) -> None:
        """Note an approval; it takes the place of an earlier one or of a rejection. Raises OSError when there is no
        such offer, when ``approval`` names another digest, and when the plan is for Git."""
        ...

    def reject(self, plan_id: str, by: str, why: str) -> None:
        """Note that ``by`` will not have it; it takes the place of an approval. Raises OSError when there is no such
        offer."""
        ...

    def withdraw(self, plan_id: str) -> None:
        """Take an offer away that nobody can use any more; one that is gone already, or was begun, is left alone."""
        ...
