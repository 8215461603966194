"""The journal, the offers and the bulletin in memory, as the cluster's objects keep them: shared by every agent."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from microglia.lifecycle.states import State
from microglia.plan.approval import Approval, Offer, alike
from microglia.plan.condition import Condition, joined
from microglia.plan.document import Plan
from microglia.plan.history import History, Judgement, Record, Step
from microglia.plan.status import Remark


class Diary:
    """``Journal``, ``Offers`` and ``Bulletin``. ``before`` is called before everything that would be written."""

    def __init__(self) -> None:
        self.book: dict[str, Record] = {}
        self.states: dict[str, State] = {}
        self.asked: dict[str, datetime] = {}
        self.up: dict[str, Offer] = {}
        self.said: dict[str, str] = {}
        self.conditions: dict[str, tuple[Condition, ...]] = {}

    def history(self, structure: str) -> History:
        own = tuple(one for one in self.records() if one.plan.structure == structure)
        return History(self.states.get(structure), own, (), self.asked.get(structure))

    def records(self) -> Sequence[Record]:
        return tuple(sorted(self.book.values(), key=lambda one: (one.started, one.id)))

    def begin(self, plan: Plan, at: datetime) -> None:
        assert plan.id not in self.book, f"{plan.id} was begun before"
        steps = tuple(Step(index=index) for index in range(len(plan.changes)))
        self.book[plan.id] = Record(plan=plan, started=at, steps=steps)

    def step(self, plan_id: str, step: Step) -> None:
        record = self.book[plan_id]
        steps = tuple(step if one.index == step.index else one for one in record.steps)
        self.book[plan_id] = record.model_copy(update={"steps": steps})

    def finish(self, plan_id: str, at: datetime) -> None:
        self.book[plan_id] = self.book[plan_id].model_copy(update={"finished": at})

    def judge(self, plan_id: str, judgements: Sequence[Judgement]) -> None:
        record = self.book[plan_id]
        # The objects keep the newest word on each change.
        fresh = {one.index for one in judgements}
        kept = tuple(one for one in record.judgements if one.index not in fresh)
        self.book[plan_id] = record.model_copy(update={"judgements": (*kept, *judgements)})

    def restored(self, plan_id: str, by: str) -> None:
        record = self.book[plan_id]
        self.book[plan_id] = record.model_copy(update={"restored_by": (*record.restored_by, by)})

    def save(self, state: State) -> None:
        self.states[state.structure] = state

    def reopen(self, structure: str, at: datetime) -> None:
        self.asked[structure] = at
        self.up = {name: one for name, one in self.up.items() if one.plan.structure != structure or not one.rejected}

    def offer(self, plan: Plan, at: datetime) -> str:
        for one in self.offered(plan.structure):
            if one.plan.way != plan.way:
                continue
            if alike(one.plan, plan) and one.stage(at) in ("waiting", "approved", "rejected"):
                return one.plan.id
            if one.stage(at) in ("waiting", "void", "expired"):
                del self.up[one.plan.id]
        self.up[plan.id] = Offer(plan)
        return plan.id

    def offered(self, structure: str) -> Sequence[Offer]:
        found = [one for name, one in self.up.items() if one.plan.structure == structure and name not in self.book]
        return tuple(sorted(found, key=lambda one: one.plan.made_at))

    def approve(self, plan_id: str, approval: Approval) -> None:
        self.up[plan_id] = replace(self.up[plan_id], approval=approval, rejected=None)

    def reject(self, plan_id: str, by: str, why: str) -> None:
        self.up[plan_id] = replace(self.up[plan_id], approval=None, rejected=f"{by}: {why}")

    def withdraw(self, plan_id: str) -> None:
        if plan_id not in self.book:
            self.up.pop(plan_id, None)

    def remark(self, structure: str, remark: Remark) -> None:
        self.said[structure] = remark.saying or self.said.get(structure, "")
        self.conditions[structure] = joined(self.conditions.get(structure, ()), remark.conditions)

    def condition(self, structure: str, name: str) -> Condition:
        return next(one for one in self.conditions[structure] if one.type == name)
