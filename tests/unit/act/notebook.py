"""A journal in memory, and a writer that does as it is told."""

from collections.abc import Callable, Sequence
from datetime import datetime

from microglia.lifecycle.states import State
from microglia.plan.change import Change
from microglia.plan.document import Plan
from microglia.plan.history import History, Judgement, Record, Step


class Notebook:
    """``plan.ports.Journal``; ``entries`` are all steps in the order of writing."""

    def __init__(self) -> None:
        self.book: dict[str, Record] = {}
        self.entries: list[tuple[int, str]] = []

    def history(self, structure: str) -> History:
        return History(None, tuple(self.book.values()), ("a file is broken",))

    def records(self) -> Sequence[Record]:
        return tuple(self.book.values())

    def begin(self, plan: Plan, at: datetime) -> None:
        self.book[plan.id] = Record(plan=plan, started=at, steps=tuple(Step(index=i) for i in range(len(plan.changes))))

    def step(self, plan_id: str, step: Step) -> None:
        record = self.book[plan_id]
        steps = tuple(step if one.index == step.index else one for one in record.steps)
        self.book[plan_id] = record.model_copy(update={"steps": steps})
        self.entries.append((step.index, step.state))

    def finish(self, plan_id: str, at: datetime) -> None:
        self.book[plan_id] = self.book[plan_id].model_copy(update={"finished": at})

    def judge(self, plan_id: str, judgements: Sequence[Judgement]) -> None:
        raise AssertionError("acting does not judge")

    def restored(self, plan_id: str, by: str) -> None:
        raise AssertionError("acting does not say what it restores")

    def save(self, state: State) -> None:
        raise AssertionError("acting does not keep phases")

    def reopen(self, structure: str, at: datetime) -> None:
        raise AssertionError("acting does not reopen")


class Puppet:
    """``plan.ports.Writer``: ``play`` says what becomes of a change, by its workload."""

    def __init__(self, play: Callable[[str], str] = lambda workload: "done") -> None:
        self.play = play
        self.written: list[str] = []
        self.looked: list[str] = []
        self.tidied: list[str] = []

    def write(self, change: Change) -> Step:
        self.written.append(change.workload)
        return Step.model_validate({"index": 0, "state": self.play(change.workload), "message": "so it went"})

    def look(self, change: Change) -> Step:
        self.looked.append(change.workload)
        return Step.model_validate({"index": 0, "state": self.play(change.workload)})

    def tidy(self, changes: Sequence[Change]) -> None:
        self.tidied += [change.workload for change in changes]
