"""Two journals as one: objects of the cluster, and the files from before it knew them."""

from collections.abc import Sequence
from datetime import datetime

from microglia.lifecycle.states import State
from microglia.plan.document import Plan
from microglia.plan.history import History, Judgement, Record, Step
from microglia.store.journal import FileJournal
from microglia.store.objects import ObjectJournal


class BothJournals:
    """``plan.ports.Journal`` that writes new records to ``newer`` and goes on with those of ``older`` where they lie.

    A record that lies in both is that of ``newer``. A state that only ``older`` knows is in force until one is saved.
    Raises StoreError.
    """

    def __init__(self, newer: ObjectJournal, older: FileJournal) -> None:
        self.newer = newer
        self.older = older

    def history(self, structure: str) -> History:
        """The structure's past, in both."""
        newer, older = self.newer.history(structure), self.older.history(structure)
        moments = [moment for moment in (newer.reopened, older.reopened) if moment is not None]
        return History(
            state=older.state if newer.state is None else newer.state,
            records=_merged(older.records, newer.records),
            surprises=(*newer.surprises, *older.surprises),
            reopened=max(moments, default=None),
        )

    def records(self) -> Sequence[Record]:
        """Every readable record of both, oldest first."""
        return _merged(self.older.records(), self.newer.records())

    def broken(self) -> tuple[str, ...]:
        """A sentence per record that cannot be read."""
        return (*self.newer.broken(), *self.older.broken())

    def begin(self, plan: Plan, at: datetime) -> None:
        """Open a record in the cluster; not beside broken files, and not if the files say that it is in force."""
        self.older.admit(plan)
        self.newer.begin(plan, at)

    def step(self, plan_id: str, step: Step) -> None:
        """Replace the step of ``step.index``."""
        self._of(plan_id).step(plan_id, step)

    def finish(self, plan_id: str, at: datetime) -> None:
        """Close the record."""
        self._of(plan_id).finish(plan_id, at)

    def judge(self, plan_id: str, judgements: Sequence[Judgement]) -> None:
        """Append judgements."""
        self._of(plan_id).judge(plan_id, judgements)

    def restored(self, plan_id: str, by: str) -> None:
        """Note that ``by`` gave back what ``plan_id`` took."""
        self._of(plan_id).restored(plan_id, by)

    def save(self, state: State) -> None:
        """Replace the structure's state, in the cluster."""
        self.newer.save(state)

    def reopen(self, structure: str, at: datetime) -> None:
        """Note that a person reopened it: in the cluster, or in the files while only they know of it."""
        (self.newer if self.newer.knows(structure) else self.older).reopen(structure, at)

    def _of(self, plan_id: str) -> ObjectJournal | FileJournal:
        older = any(record.id == plan_id for record in self.older.records())
        return self.older if older and not any(one.id == plan_id for one in self.newer.records()) else self.newer


def _merged(older: Sequence[Record], newer: Sequence[Record]) -> tuple[Record, ...]:
    found = {record.id: record for record in (*older, *newer)}
    return tuple(sorted(found.values(), key=lambda record: (record.started, record.id)))
