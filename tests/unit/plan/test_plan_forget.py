"""A bounded journal forgets only what nobody needs."""

from datetime import timedelta
from typing import Any

from microglia.plan.change import ScaleChange, SidecarChange
from microglia.plan.forget import forgettable
from microglia.plan.history import Record, Step
from tests.unit.act.changes import NOW, WHY, plan


def record(day: int, name: str, before: int, after: int, state: str = "done", **parts: Any) -> Record:
    """One change of one workload's count."""
    change = ScaleChange(workload=f"shop/{name}", uid=name, before=before, after=after, digest="d", why=WHY)
    purpose = parts.pop("purpose", "prune" if after < before else "restore")
    at = NOW + timedelta(days=day)
    step = Step.model_validate({"index": 0, "state": state})
    given = {"plan": plan(change, purpose=purpose, made_at=at), "started": at, "finished": at, "steps": (step,)}
    return Record(**{**given, **parts})


def test_what_can_be_undone_is_never_forgotten() -> None:
    """However old it is, and however many came after."""
    cuts = [record(day, f"w{day}", 3, 2) for day in range(5)]
    assert forgettable(cuts, 0) == ()


def test_what_changed_nothing_and_what_was_given_back_may_go() -> None:
    """Both halves, in the order of age, beyond the newest that are kept."""
    failed = record(0, "a", 3, 2, "failed")
    cut = record(1, "b", 3, 2, restored_by=("x",))
    back = record(2, "b", 2, 3)
    records = [failed, cut, back]
    assert forgettable(records, 0) == (failed, cut, back)
    assert forgettable(records, 1) == (failed, cut)
    assert forgettable(records, 3) == ()


def test_what_gave_back_stays_as_long_as_what_it_gave_back() -> None:
    """Without it the cut would seem to be in force again."""
    cut = record(0, "b", 3, 2)
    back = record(1, "b", 2, 3)
    elsewhere = record(2, "c", 2, 3)
    assert forgettable([cut, back, elsewhere], 0) == (elsewhere,)


def test_a_restored_plan_that_is_in_force_all_the_same_stays() -> None:
    """The journal says restored, but nothing gave it back."""
    assert forgettable([record(0, "b", 3, 2, restored_by=("x",))], 0) == ()


def test_what_is_open_stays_and_does_not_count() -> None:
    """A record that is being written, and one whose proposal waits in Git."""
    writing = record(0, "a", 3, 2, "writing", finished=None)
    proposed = record(1, "b", 3, 2, "proposed")
    failed = record(2, "c", 3, 2, "failed")
    assert forgettable([writing, proposed, failed], 0) == (failed,)
    assert forgettable([writing, proposed, failed], 1) == ()


def routes(day: int, cut: tuple[str, ...], shown: tuple[str, ...], **parts: Any) -> Record:
    """One change of what a client sees."""
    change = SidecarChange(
        workload="shop/a", uid="a", digest="d", why=WHY, namespace="shop", name="microglia-a", before=None, after=None,
        cut=cut, shown=shown,
    )  # fmt: skip
    at = NOW + timedelta(days=day)
    steps = (Step(index=0, state="done"),)
    made = plan(change, made_at=at, purpose="prune" if cut else "restore")
    return Record(plan=made, started=at, finished=at, steps=steps, **parts)


def test_a_pruning_plan_that_showed_hosts_again_stays_as_long_as_what_hid_them() -> None:
    """Without it those hosts would seem to be hidden again."""
    hid = routes(0, ("x", "y"), ())
    swapped = routes(1, ("z",), ("x",), restored_by=("r",))
    back = routes(2, (), ("z",))
    alone = routes(1, ("z",), (), restored_by=("r",))
    assert forgettable([hid, swapped, back], 0) == ()
    assert forgettable([hid, alone, back], 0) == (alone,)
    assert forgettable([swapped, back], 0) == (swapped, back)
