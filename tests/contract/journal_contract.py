"""What every journal promises, and what every journal that takes offers promises: in files, in memory, in a cluster.

A ``Subject`` opens one and the same journal as often as it is asked, as another process would.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from microglia.lifecycle.states import Phase, Shield, State
from microglia.plan.approval import Approval
from microglia.plan.change import SidecarChange
from microglia.plan.document import Note, Plan
from microglia.plan.history import Judgement, Step
from microglia.plan.ports import Journal
from microglia.policy.naming import Metadata
from microglia.policy.schema import Actuation, PolicySpec, PruningPolicy
from microglia.store.objects import ObjectJournal
from tests.unit.act.changes import NOW, WHY, body, plan, scales

LATER = NOW + timedelta(hours=2)
POLICIES = {
    name: PruningPolicy(metadata=Metadata(name=name), spec=PolicySpec(actuation=Actuation(mode="approve")))
    for name in ("default", "one", "two")
}


@dataclass(frozen=True, slots=True)
class Subject:
    """``open`` gives the journal anew; ``offers`` the same where it takes offers."""

    open: Callable[[], Journal]
    offers: Callable[[], ObjectJournal] | None = None


def state(structure: str = "default") -> State:
    """A state with something in every field."""
    shield = Shield("shop/cart", LATER, "errors rose")
    return State(
        structure, Phase.PRUNING, NOW, 2, {"cpu": 1.5}, {"cpu": 0.1 + 0.2}, 1, {"shop/cart": 5}, (shield,),
        NOW, 3, {"shop/cart": 1 / 3},
    )  # fmt: skip


def cut(name: str, **parts: Any) -> SidecarChange:
    """A cut, with the body of a Sidecar before and after."""
    given = {
        "workload": f"shop/{name}", "uid": name, "digest": "d", "namespace": "shop", "name": f"microglia-{name}",
        "before": None, "after": body(name, "ads"), "cut": ("ads.shop.svc.cluster.local",), "why": WHY, **parts,
    }  # fmt: skip
    return SidecarChange(**given)


def closed(journal: Journal, made: Plan, day: int = 0, state: str = "done") -> None:
    """Write a whole record."""
    at = NOW + timedelta(days=day)
    journal.begin(made, at)
    for index in range(len(made.changes)):
        journal.step(made.id, Step.model_validate({"index": index, "state": state, "at": at}))
    journal.finish(made.id, at)


def a_record_comes_back_as_it_was(subject: Subject) -> None:
    """Plan, steps, judgements, restoring plan and times, read by another process."""
    made = plan(*scales("a", "b"), cut("c"), targets={"shop/a": 2}, warnings=("größer als gedacht",))
    journal = subject.open()
    journal.begin(made, NOW)
    done = Step(index=1, state="done", at=LATER, message="so", placement={"a": 2, "b": 1})
    journal.step(made.id, done)
    journal.finish(made.id, LATER)
    judgement = Judgement(index=1, verdict="Keep", at=LATER, why="nobody missed it", figures={"errors": 0.25})
    journal.judge(made.id, [judgement])
    journal.restored(made.id, "plan-00000000")
    (record,) = subject.open().records()
    assert record.plan == made
    assert (record.id, record.started, record.finished) == (made.id, NOW, LATER)
    assert record.steps == (Step(index=0), done, Step(index=2))
    assert record.verdict(1) == judgement
    assert record.restored_by == ("plan-00000000",)


def the_newest_judgement_counts(subject: Subject) -> None:
    """However often it was judged before, and whatever then."""
    made = plan(*scales("a", "b"))
    journal = subject.open()
    closed(journal, made)
    for hour, verdict in enumerate(["Wait", "Wait", "Keep", "Wait"]):
        at = NOW + timedelta(hours=hour)
        journal.judge(made.id, [Judgement.model_validate({"index": 0, "verdict": verdict, "at": at, "why": "so"})])
    (record,) = subject.open().records()
    newest = record.verdict(0)
    assert newest is not None
    assert (newest.verdict, newest.at) == ("Wait", NOW + timedelta(hours=3))
    assert record.verdict(1) is None


def records_come_oldest_first_and_by_structure(subject: Subject) -> None:
    """Time orders them, whatever their ids are; a history has only its own structure's."""
    journal = subject.open()
    made = [plan(*scales("a"), structure=name, round=day) for day, name in enumerate(["one", "two", "one"])]
    for day, one in reversed(list(enumerate(made))):
        closed(journal, one, day)
    assert [record.id for record in journal.records()] == [one.id for one in made]
    assert [record.id for record in journal.history("one").records] == [made[0].id, made[2].id]


def state_and_reopening_do_not_touch_each_other(subject: Subject) -> None:
    """Saving a state keeps the reopening, and reopening keeps the state."""
    journal = subject.open()
    empty = journal.history("default")
    assert (empty.state, empty.records, empty.surprises, empty.reopened) == (None, (), (), None)
    journal.reopen("default", NOW)
    assert journal.history("default").state is None
    journal.save(state())
    history = subject.open().history("default")
    assert (history.state, history.reopened) == (state(), NOW)
    journal.reopen("default", LATER)
    assert journal.history("default").state == state()
    assert journal.history("default").reopened == LATER
    assert journal.history("one").state is None


def a_plan_in_force_does_not_begin_again(subject: Subject) -> None:
    """Not by the same process, not by another; nothing of its record changes."""
    made = plan(*scales("a"))
    closed(subject.open(), made)
    with pytest.raises(OSError, match=rf"{made.id} was already acted on at 2026-06-29 12:00 UTC; make a new plan"):
        subject.open().begin(made, LATER)
    assert subject.open().records()[0].steps[0].state == "done"


def a_plan_that_changed_nothing_begins_again(subject: Subject) -> None:
    """Nothing of it is in force, so nothing is lost."""
    made = plan(*scales("a"))
    closed(subject.open(), made, state="failed")
    subject.open().begin(made, LATER)
    (record,) = subject.open().records()
    assert (record.started, record.finished, record.steps) == (LATER, None, (Step(index=0),))


def a_large_plan_keeps_its_id_and_its_changes(subject: Subject) -> None:
    """Whatever of its notes an object has no room for."""
    notes = tuple(Note(subject=f"shop/{i}", what="stays", why="y" * 200) for i in range(1000))
    made = plan(*scales("a"), spared=notes, targets={f"shop/w{i}": 1 for i in range(9000)})
    closed(subject.open(), made)
    (record,) = subject.open().records()
    assert (record.id, record.plan.digest, record.plan.changes) == (made.id, made.digest, made.changes)


CHECKS: tuple[Callable[[Subject], None], ...] = (
    a_record_comes_back_as_it_was,
    the_newest_judgement_counts,
    records_come_oldest_first_and_by_structure,
    state_and_reopening_do_not_touch_each_other,
    a_plan_in_force_does_not_begin_again,
    a_plan_that_changed_nothing_begins_again,
    a_large_plan_keeps_its_id_and_its_changes,
)


def approval(made: Plan, hours: int = 24, **parts: str) -> Approval:
    """Ann's, from now on for so many hours."""
    until = NOW + timedelta(hours=hours)
    return Approval.model_validate({"digest": made.digest, "by": "ann", "until": until, **parts})


def later(made: Plan) -> Plan:
    """What the next lap makes of it: the same writes for other figures."""
    return made.model_copy(update={"made_at": LATER, "snapshot_digest": "t"})


def stages(subject: Subject, structure: str = "default") -> Sequence[tuple[str, str]]:
    """Id and stage of what is up."""
    assert subject.offers is not None
    return [(one.plan.id, one.stage(NOW)) for one in subject.offers().offered(structure)]


def an_offer_waits_and_becomes_a_record(subject: Subject) -> None:
    """It is no record until it is begun, and no offer afterwards; its approval stays with it."""
    assert subject.offers is not None
    offers, made = subject.offers(), plan(*scales("a"), cut("b"))
    assert offers.offer(made, NOW) == made.id
    assert stages(subject) == [(made.id, "waiting")]
    assert (subject.open().records(), stages(subject, "one")) == ((), [])
    offers.approve(made.id, approval(made))
    (up,) = subject.offers().offered("default")
    assert (up.plan, up.approval, up.rejected) == (made, approval(made), None)
    subject.open().begin(made, LATER)
    assert stages(subject) == []
    (record,) = subject.open().records()
    assert (record.plan, record.started) == (made, LATER)
    with pytest.raises(OSError, match="was begun already"):
        offers.approve(made.id, approval(made))
    offers.withdraw(made.id)
    assert len(subject.open().records()) == 1


def a_new_offer_takes_the_place_of_those_that_nobody_approved(subject: Subject) -> None:
    """Of its structure alone; an approval in force keeps its plan up, one that ran out does not."""
    assert subject.offers is not None
    offers, made = subject.offers(), [plan(*scales(name)) for name in "abcd"]
    other = plan(*scales("z"), structure="one")
    offers.offer(other, NOW)
    offers.offer(made[0], NOW)
    offers.offer(made[1], NOW)
    assert stages(subject) == [(made[1].id, "waiting")]
    offers.approve(made[1].id, approval(made[1]))
    offers.offer(made[2], NOW)
    assert sorted(stages(subject)) == sorted([(made[1].id, "approved"), (made[2].id, "waiting")])
    offers.offer(made[3], NOW + timedelta(hours=24))
    assert stages(subject) == [(made[3].id, "waiting")]
    assert stages(subject, "one") == [(other.id, "waiting")]


def what_writes_the_same_is_not_asked_twice(subject: Subject) -> None:
    """Not while it waits, nor after it was approved or rejected; other changes are asked about."""
    assert subject.offers is not None
    offers, made = subject.offers(), plan(*scales("a"))
    offers.offer(made, NOW)
    assert offers.offer(later(made), NOW) == made.id
    offers.reject(made.id, "bob", "not on a Friday")
    assert offers.offer(later(made), NOW) == made.id
    (up,) = offers.offered("default")
    assert (up.rejected, up.stage(NOW)) == ("bob: not on a Friday", "rejected")
    offers.approve(made.id, approval(made))
    assert stages(subject) == [(made.id, "approved")]
    assert offers.offer(later(made), NOW) == made.id
    offers.reject(made.id, "ann", "changed her mind")
    assert stages(subject) == [(made.id, "rejected")]
    assert offers.offer(plan(*scales("b")), NOW) != made.id


def a_word_on_another_digest_is_refused(subject: Subject) -> None:
    """And one on what is not up."""
    assert subject.offers is not None
    offers, made = subject.offers(), plan(*scales("a"))
    offers.offer(made, NOW)
    with pytest.raises(OSError, match="look at it again"):
        offers.approve(made.id, approval(made, digest="0" * 64))
    offers.withdraw(made.id)
    offers.withdraw(made.id)
    assert stages(subject) == []
    with pytest.raises(OSError, match="there is no such PruningPlan"):
        offers.reject(made.id, "ann", "gone")


OFFERS: tuple[Callable[[Subject], None], ...] = (
    an_offer_waits_and_becomes_a_record,
    a_new_offer_takes_the_place_of_those_that_nobody_approved,
    what_writes_the_same_is_not_asked_twice,
    a_word_on_another_digest_is_refused,
)
