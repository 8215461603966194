"""A journal that a rehearsal may settle: what is noted stays in memory, and the real one is only read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from microglia.lifecycle.states import State
from microglia.plan.document import Plan
from microglia.plan.history import History, Judgement, Record, Step
from microglia.plan.ports import Journal


class Sketch:
    """``plan.ports.Journal`` over another one. Settling a journal that somebody is writing right now would close his
    record under his hands; here only this process sees what it noted."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._noted: dict[str, Record] = {}
        self._states: dict[str, State] = {}
        self._reopened: dict[str, datetime] = {}

    def history(self, structure: str) -> History:
        """The structure's past, with what was noted."""
        real = self._journal.history(structure)
        records = _sorted([*real.records, *self._noted.values()], structure)
        state = self._states.get(structure, real.state)
        reopened = self._reopened.get(structure, real.reopened)
        return replace(real, records=records, state=state, reopened=reopened)

    def records(self) -> Sequence[Record]:
        """Every record, oldest first, with what was noted."""
        return _sorted([*self._journal.records(), *self._noted.values()])

    def begin(self, plan: Plan, at: datetime) -> None:
        """Open a record here."""
        steps = tuple(Step(index=index) for index in range(len(plan.changes)))
        self._noted[plan.id] = Record(plan=plan, started=at, steps=steps)

    def step(self, plan_id: str, step: Step) -> None:
        """Replace the step of ``step.index`` here."""
        steps = tuple(step if one.index == step.index else one for one in self._record(plan_id).steps)
        self._note(plan_id, steps=steps)

    def finish(self, plan_id: str, at: datetime) -> None:
        """Close the record here."""
        self._note(plan_id, finished=at)

    def judge(self, plan_id: str, judgements: Sequence[Judgement]) -> None:
        """Append judgements here."""
        self._note(plan_id, judgements=(*self._record(plan_id).judgements, *judgements))

    def restored(self, plan_id: str, by: str) -> None:
        """Note here that ``by`` gave it back."""
        self._note(plan_id, restored_by=(*self._record(plan_id).restored_by, by))

    def save(self, state: State) -> None:
        """Replace the state here."""
        self._states[state.structure] = state

    def reopen(self, structure: str, at: datetime) -> None:
        """Reopen it here."""
        self._reopened[structure] = at

    def _record(self, plan_id: str) -> Record:
        return next(record for record in self.records() if record.id == plan_id)

    def _note(self, plan_id: str, **parts: object) -> None:
        self._noted[plan_id] = self._record(plan_id).model_copy(update=parts)


def _sorted(records: Sequence[Record], structure: str | None = None) -> tuple[Record, ...]:
    # The last of an id counts: what was noted here comes after what is there.
    newest = {record.id: record for record in records if structure in (None, record.plan.structure)}
    return tuple(sorted(newest.values(), key=lambda record: (record.started, record.id)))
