"""The journal and the offers as objects of the cluster: it outlives every agent and every laptop."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from microglia.lifecycle.states import State
from microglia.model.ports import ConflictError, ObjectStore
from microglia.plan.approval import Approval, Offer, alike, by_git
from microglia.plan.document import Plan
from microglia.plan.forget import forgettable
from microglia.plan.history import History, Judgement, Record, Step
from microglia.plan.object import PruningPlan, Rejection
from microglia.plan.status import Remark
from microglia.policy.schema import PruningPolicy
from microglia.store.files import StoreError
from microglia.store.plan_objects import PlanObjects
from microglia.store.policy_objects import PolicyObjects

KEPT = 50
"""Closed records that each structure keeps at least; what is in force or can be undone is kept beyond it."""
_NOT_IN_FORCE = ("pending", "failed", "surprise", "skipped", "undone", "proposed")


class ObjectJournal:
    """``plan.ports.Journal`` and ``Offers`` on PruningPlan objects and on the status of PruningPolicies.

    Every write carries the resourceVersion that it was decided on; a conflict reads again. One writer at a time is the
    Lease's business: who only rehearses works on a ``store.sketch.Sketch`` of it. ``policies`` are those in force that
    files gave: the first state saved under such a name mirrors it as an object. Raises StoreError.
    """

    def __init__(
        self, objects: ObjectStore, clock: Callable[[], datetime], policies: Mapping[str, PruningPolicy] | None = None
    ) -> None:
        self._plans = PlanObjects(objects, clock)
        self._policies = PolicyObjects(objects, {} if policies is None else policies)

    def history(self, structure: str) -> History:
        """The structure's past."""
        found, broken = self._plans.all()
        status = self._policies.status(structure)
        records = tuple(record for record in _records(found) if record.plan.structure == structure)
        return History(self._policies.state(structure, status), records, broken, status.reopened)

    def records(self) -> Sequence[Record]:
        """Every readable record, oldest first."""
        return _records(self._plans.all()[0])

    def broken(self) -> tuple[str, ...]:
        """A sentence per object that cannot be read: its name, what is wrong with it, and the remedy."""
        return self._plans.all()[1]

    def begin(self, plan: Plan, at: datetime) -> None:
        """Open a record with every step pending; an offer becomes it.

        Raises StoreError when a pruning plan would begin beside broken records, and when this plan is in force already.
        """
        broken = self.broken()
        if broken and plan.purpose == "prune":
            raise StoreError(f"nothing is pruned while the journal has objects that cannot be read: {broken[0]}")
        steps = tuple(Step(index=index) for index in range(len(plan.changes)))

        def opened(found: PruningPlan) -> Record:
            if (found.spec.sealed, found.spec.changes) != (plan.digest, plan.changes):
                raise StoreError(f"{plan.id}: another plan has this name here; delete that, or make a new plan")
            _free(found)
            return Record(plan=found.spec.document(), started=at, steps=steps)

        self._plans.ensure(plan)
        self._plans.tell(plan.id, opened)

    def step(self, plan_id: str, step: Step) -> None:
        """Replace the step of ``step.index``."""

        def stepped(record: Record) -> Record:
            return _with(record, steps=tuple(step if one.index == step.index else one for one in record.steps))

        self._change(plan_id, stepped)

    def finish(self, plan_id: str, at: datetime) -> None:
        """Close the record, and forget what nothing needs of its structure."""
        record = self._change(plan_id, lambda record: _with(record, finished=at))
        # It is closed by now: what cannot be tidied up goes with the next one.
        with suppress(StoreError):
            mine = [one for one in self.records() if one.plan.structure == record.plan.structure]
            for old in forgettable(mine, KEPT):
                with suppress(ConflictError):
                    self._plans.delete(old.id)

    def judge(self, plan_id: str, judgements: Sequence[Judgement]) -> None:
        """Append judgements. One that says the same as before replaces it, so that a long watch stays small."""
        said = {(one.index, one.verdict) for one in judgements}

        def judged(record: Record) -> Record:
            older = (one for one in record.judgements if (one.index, one.verdict) not in said)
            return _with(record, judgements=(*older, *judgements))

        self._change(plan_id, judged)

    def restored(self, plan_id: str, by: str) -> None:
        """Note that ``by`` gave back what ``plan_id`` took."""
        self._change(plan_id, lambda record: _with(record, restored_by=(*record.restored_by, by)))

    def save(self, state: State) -> None:
        """Replace the structure's state."""
        self._policies.change(state.structure, lambda status: status.remembering(state))

    def reopen(self, structure: str, at: datetime) -> None:
        """Note that a person reopened the structure: what was rejected in it may be offered again."""
        self._policies.change(structure, lambda status: status.model_copy(update={"reopened": at}))
        for one in self.offered(structure):
            if one.rejected is not None:
                self._take_away(one.plan.id, at)

    def knows(self, structure: str) -> bool:
        """Whether the cluster has a policy of this name, written by people or mirrored."""
        return self._policies.known(structure)

    def said(self, structure: str) -> str:
        """The last sentence about it, and when a lap last looked; empty where nobody said any."""
        status = self._policies.status(structure)
        when = f" (last lap {status.lapped:%d %b %H:%M} UTC)" if status.lapped else ""
        return f"{status.saying}{when}" if status.saying else ""

    def remark(self, structure: str, remark: Remark) -> None:
        """Say in a policy's status what goes on; conditions of other types stay. Nothing is written when it says so
        already."""
        self._policies.remark(structure, remark)

    def offer(self, plan: Plan, at: datetime) -> str:
        """Put ``plan`` up, in place of those of its structure and way that no word in force protects: an approval, or
        a rejection under the same policy. Where one that writes the same is up or was rejected, that one stays.
        Returns the id of the one that is up."""
        standing = self.offered(plan.structure)
        for one in standing:
            if alike(one.plan, plan) and one.stage(at) in ("waiting", "approved", "rejected"):
                return one.plan.id
        self._plans.ensure(plan)
        self._plans.wait(plan.id)
        stay = {one.plan.id for one in standing if _holds(one, plan, at)} | {plan.id}
        for found in self._plans.all()[0]:
            # What has no status either was left by somebody who was interrupted: nobody will come back for it.
            same = (found.spec.structure, found.spec.way) == (plan.structure, plan.way)
            if same and not found.begun and found.metadata.name not in stay:
                self._take_away(found.metadata.name, at)
        return plan.id

    def offered(self, structure: str) -> Sequence[Offer]:
        """The plans of ``structure`` that are up and were not begun, oldest first."""
        return tuple(one for one in self.up() if one.plan.structure == structure)

    def up(self) -> Sequence[Offer]:
        """The plans of every structure that are up, oldest first."""
        found = [one.offer() for one in self._plans.all()[0] if one.waits]
        return tuple(sorted(found, key=lambda one: (one.plan.made_at, one.plan.id)))

    def approve(self, plan_id: str, approval: Approval) -> None:
        """Note an approval. Raises StoreError when there is no such offer, it has another digest, or is for Git."""

        def approved(found: PruningPlan) -> dict[str, object]:
            if elsewhere := by_git(found.spec.document()):
                raise StoreError(elsewhere)
            if approval.digest != found.spec.sealed:
                raise StoreError(
                    f"{plan_id}: has digest {found.spec.sealed[:12]}, and the approval names {approval.digest[:12]}: "
                    f"look at it again and approve what is there with: microglia approve {plan_id}"
                )
            return {"approval": approval.model_dump(mode="json", by_alias=True)}

        self._plans.word(plan_id, approved)

    def reject(self, plan_id: str, by: str, why: str) -> None:
        """Note a rejection. Raises StoreError when there is no such offer."""
        self._plans.word(plan_id, lambda _: {"rejected": _plain(Rejection(by=by, why=why))})

    def withdraw(self, plan_id: str) -> None:
        """Take an offer away. One that is gone, was begun, is approved in force, or gets a person's word right now is
        left alone."""
        self._take_away(plan_id, self._plans.clock())

    def _take_away(self, plan_id: str, now: datetime) -> None:
        with suppress(ConflictError):
            self._plans.delete(plan_id, waiting=now)

    def _change(self, plan_id: str, change: Callable[[Record], Record]) -> Record:
        return self._plans.tell(plan_id, lambda found: change(found.record()))


def _holds(offer: Offer, plan: Plan, at: datetime) -> bool:
    if offer.stage(at) == "rejected":
        return offer.plan.policy_digest == plan.policy_digest
    return offer.stage(at) == "approved"


def _records(found: Sequence[PruningPlan]) -> tuple[Record, ...]:
    records = [one.record() for one in found if one.begun]
    return tuple(sorted(records, key=lambda record: (record.started, record.id)))


def _with(record: Record, **parts: object) -> Record:
    return record.model_copy(update=parts)


def _plain(said: Rejection) -> dict[str, object]:
    return said.model_dump(mode="json", by_alias=True, exclude_none=True)


def _free(found: PruningPlan) -> None:
    if found.begun and any(step.state not in _NOT_IN_FORCE for step in found.record().steps):
        since = found.record().started
        raise StoreError(f"{found.metadata.name} was already acted on at {since:%Y-%m-%d %H:%M} UTC; make a new plan")
