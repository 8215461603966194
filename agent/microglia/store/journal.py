"""The journal as files: one sealed record per plan, one state per structure."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from microglia.lifecycle.states import State
from microglia.plan.document import Plan
from microglia.plan.history import History, Judgement, Record, Step
from microglia.store.files import StoreError
from microglia.store.folder import Shelf
from microglia.store.phases import read_phase, write_phase
from microglia.store.records import read_record, write_record
from microglia.store.turn import Turn

_NOT_IN_FORCE = ("pending", "failed", "surprise", "skipped", "undone", "proposed")


class FileJournal:
    """``plan.ports.Journal`` in the folder of one cluster.

    Reading goes on past broken files, so that ``restore`` can work from the readable ones: ``broken`` says which are
    not, ``history`` counts them among the surprises, and no pruning plan begins while there are any. One process
    writes at a time: from ``begin`` to ``finish`` it holds a lock that ends with it.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._turn = Turn(shelf.writing)

    def history(self, structure: str) -> History:
        """The structure's past. Raises StoreError when its state cannot be read."""
        readable, broken = self._all()
        state, reopened = read_phase(self._shelf.state(structure))
        records = tuple(record for record in readable if record.plan.structure == structure)
        return History(state, records, tuple(broken), reopened)

    def records(self) -> Sequence[Record]:
        """Every readable record, oldest first."""
        return self._all()[0]

    def broken(self) -> tuple[str, ...]:
        """A sentence per record that cannot be read: the file, what is wrong with it, and the remedy."""
        return tuple(self._all()[1])

    def begin(self, plan: Plan, at: datetime) -> None:
        """Open a record with every step pending, and take the journal's lock until ``finish``.

        Raises StoreError when a pruning plan would begin beside broken records, when this plan is in force already,
        and when another process is writing.
        """
        self._turn.take()
        try:
            self.admit(plan)
            steps = tuple(Step(index=index) for index in range(len(plan.changes)))
            write_record(self._shelf.record(plan.id), Record(plan=plan, started=at, steps=steps))
        except BaseException:
            self._turn.leave()
            raise

    def step(self, plan_id: str, step: Step) -> None:
        """Replace the step of ``step.index``."""

        def replaced(record: Record) -> dict[str, Any]:
            return {"steps": tuple(step if one.index == step.index else one for one in record.steps)}

        self._change(plan_id, replaced)

    def finish(self, plan_id: str, at: datetime) -> None:
        """Close the record and let go of the lock."""
        self._change(plan_id, lambda _: {"finished": at})
        self._turn.leave()

    def judge(self, plan_id: str, judgements: Sequence[Judgement]) -> None:
        """Append judgements."""
        self._change(plan_id, lambda record: {"judgements": (*record.judgements, *judgements)})

    def restored(self, plan_id: str, by: str) -> None:
        """Note that ``by`` gave back what ``plan_id`` took."""
        self._change(plan_id, lambda record: {"restored_by": (*record.restored_by, by)})

    def save(self, state: State) -> None:
        """Replace the structure's state."""
        path = self._shelf.state(state.structure)
        write_phase(path, state, read_phase(path)[1])

    def reopen(self, structure: str, at: datetime) -> None:
        """Note that a person reopened the structure."""
        path = self._shelf.state(structure)
        write_phase(path, read_phase(path)[0], at)

    def admit(self, plan: Plan) -> None:
        """Raises StoreError when ``plan`` may not begin: a pruning one beside broken records, or one in force."""
        readable, broken = self._all()
        if broken and plan.purpose == "prune":
            raise StoreError(f"nothing is pruned while the journal has files that cannot be read: {broken[0]}")
        for record in readable:
            if record.id == plan.id and any(step.state not in _NOT_IN_FORCE for step in record.steps):
                raise StoreError(
                    f"{self._shelf.record(plan.id)}: {plan.id} was already acted on at "
                    f"{record.started:%Y-%m-%d %H:%M} UTC; make a new plan"
                )

    def _all(self) -> tuple[tuple[Record, ...], list[str]]:
        records, broken = [], []
        for path in sorted(self._shelf.journal.glob("[!.]*.json")):
            try:
                records.append(read_record(path))
            except StoreError as error:
                broken.append(str(error))
        return tuple(sorted(records, key=lambda record: (record.started, record.id))), broken

    def _change(self, plan_id: str, change: Callable[[Record], dict[str, Any]]) -> None:
        path, held = self._shelf.record(plan_id), self._turn.held
        self._turn.take()
        try:
            record = read_record(path)
            write_record(path, record.model_copy(update=change(record)))
        finally:
            if not held:
                self._turn.leave()
