"""A plan as an object: the same plan, in a size that fits, and noticed when it was changed."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from microglia.plan.change import RemoveChange, digest
from microglia.plan.condition import Condition, condition, joined
from microglia.plan.document import NOTES, TARGETS, Note, Plan
from microglia.plan.history import Judgement, Record, Step
from microglia.plan.object import LARGEST, PlanSpec, PruningPlan, newer, plan_object, status_of, waiting_status
from tests.unit.act.changes import NOW, WHY, body, plan, scales
from tests.unit.plan.test_plan_approval import CUT

LATER = NOW + timedelta(hours=2)


def notes(count: int) -> tuple[Note, ...]:
    return tuple(Note(subject=f"shop/w{number}", what="stays", why="y" * 100) for number in range(count))


def large() -> Plan:
    """10,000 workloads, most of them told about."""
    targets = {f"{space}/w{number}": 1 for space in ("attic", "shop", "zoo") for number in range(4000)}
    many = {"held": notes(2000), "spared": notes(3000), "undecided": notes(4000), "warnings": ("w" * 100,) * 900}
    return plan(*scales("a"), CUT, targets=targets, **many)


def record(*states: str, **parts: Any) -> Record:
    made = plan(*scales(*"abc"[: len(states)]), purpose=parts.pop("purpose", "prune"))
    steps = tuple(Step.model_validate({"index": index, "state": state}) for index, state in enumerate(states))
    return Record(plan=made, started=NOW, steps=steps, **{"finished": LATER, **parts})


def judged(index: int, verdict: str) -> Judgement:
    return Judgement.model_validate({"index": index, "verdict": verdict, "at": LATER, "why": f"{verdict} it"})


def told(found: Record) -> dict[str, tuple[str, str, str]]:
    """The conditions of a record's status, by type."""
    conditions = status_of(found, (), LATER).conditions
    return {one.type: (one.status, one.reason, one.message) for one in conditions}


def test_a_small_plan_is_told_in_full() -> None:
    """Bounding changes nothing, not even the digest of before there were bounds."""
    made = plan(*scales("a"), spared=notes(3), warnings=("so",), targets={"shop/a": 1})
    assert made.bounded() is made
    assert "whole" not in made.model_dump()


def test_a_large_plan_is_the_same_plan_told_shortly() -> None:
    """Id, digest and changes stay; what is left out is counted; targets beside the changes stay longest."""
    made = large()
    short = made.bounded()
    assert (short.id, short.digest, short.changes) == (made.id, made.digest, made.changes)
    assert len(short.whole) == 64
    assert short.whole != made.digest
    for name in ("held", "spared", "undecided"):
        kept, all_of_them = getattr(short, name), getattr(made, name)
        assert kept[:-1] == all_of_them[: len(kept) - 1]
        assert kept[-1].subject == f"{len(all_of_them) - len(kept) + 1} more"
        size = len(json.dumps([note.model_dump() for note in kept[:-1]]))
        assert 0.9 * NOTES < size < 1.1 * NOTES
    assert short.warnings[-1] == f"{901 - len(short.warnings)} more warnings are left out here"
    assert {name for name in made.targets if name.startswith("shop/")} <= set(short.targets)
    assert list(short.targets) == sorted(short.targets)
    assert 0.8 * TARGETS < len(json.dumps(short.targets)) < TARGETS
    assert Plan.model_validate(short.model_dump(mode="json", by_alias=True)) == short


def test_fewer_changes_make_another_plan() -> None:
    """Also of a plan that is told shortly."""
    short = large().bounded()
    assert short.only(0).digest != short.digest
    assert short.only(0).whole == ""


def test_an_object_gives_the_plan_back() -> None:
    """Through JSON, as an API server keeps it, bodies of Sidecars as text."""
    for made in (plan(*scales("a"), CUT), large()):
        raw = json.loads(json.dumps(plan_object(made)))
        assert raw["metadata"]["name"] == made.id
        assert json.loads(raw["spec"]["changes"][1]["after"]) == body("c", "ads")
        assert raw["spec"]["changes"][1]["before"] is None
        assert len(json.dumps(raw)) < LARGEST
        found = PruningPlan.model_validate(raw)
        assert found.offer().plan == made.bounded()
        assert (found.begun, found.waits) == (False, False)
        with pytest.raises(ValueError, match="was not begun"):
            found.record()


def test_a_long_name_still_makes_a_label() -> None:
    """63 characters, the last a letter or a digit."""
    made = plan(*scales("a"), structure=f"{'a' * 62}-team")
    assert plan_object(made)["metadata"]["labels"]["microglia.dev/structure"] == "a" * 62


def test_too_many_changes_are_refused_with_the_way_out() -> None:
    """An object that no API server takes is not tried."""
    with pytest.raises(ValueError, match=r"1000 changes .* spec\.pace\.perLap\.atMost"):
        plan_object(plan(*scales(*map(str, range(1000)))))


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("changes", 0, "after"), 1),
        (("changes", 1, "after"), "{}"),
        (("digest",), "0" * 64),
        (("seal",), "0" * 64),
        (("spared",), []),
        (("whole",), "0" * 64),
    ],
)
def test_a_changed_plan_is_noticed(keys: tuple[Any, ...], value: Any) -> None:
    """Wherever it was changed, also in one that is told shortly."""
    for made in (plan(*scales("a"), CUT, spared=notes(1)), large()):
        raw = plan_object(made)
        part = raw["spec"]
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = value
        with pytest.raises(ValueError, match="was changed after it was written"):
            PruningPlan.model_validate(raw).offer()


def test_a_digest_binds_the_changes_of_a_plan_that_is_told_shortly() -> None:
    """Whoever puts other changes under it, with a fitting seal, has made another plan: no approval of the first one
    is about it, and what a note says is bound as well."""
    made = large()
    raw = plan_object(made)
    for spoil in ({"changes": [*raw["spec"]["changes"][:1]]}, {"whole": digest({"other": "notes"})}):
        forged = {**raw["spec"], **spoil}
        told_shortly = {name: value for name, value in forged.items() if name not in ("digest", "seal")}
        body_of = PlanSpec.model_validate(forged)
        plain = Plan(**{name: getattr(body_of, name) for name in Plan.model_fields})
        forged["seal"] = digest(plain.model_dump(mode="json", by_alias=True))
        assert told_shortly["whole"]
        with pytest.raises(ValueError, match="was changed after it was written"):
            PlanSpec.model_validate(forged).document()
        assert plain.digest != made.digest
    fewer = made.model_copy(update={"held": made.held[:-1]})
    assert fewer.digest != made.digest


@pytest.mark.parametrize("changes", ["none", [1], [{"kind": "scale"}], [{"kind": "sidecar", "before": "{"}]])
def test_changes_that_are_none_are_refused(changes: Any) -> None:
    """By the schema, whatever stands there."""
    raw = plan_object(plan(*scales("a")))
    with pytest.raises(ValidationError):
        PlanSpec.model_validate({**raw["spec"], "changes": changes})


def test_what_is_too_new_is_named() -> None:
    """The plan's format and the receipt's."""
    raw = plan_object(plan())
    assert newer(raw) == ""
    assert "plan format 99" in newer({**raw, "spec": {**raw["spec"], "format": 99}})
    assert "record format 7); this one reads up to 1" in newer({**raw, "status": {"format": 7}})


def test_peoples_word_comes_back() -> None:
    """An approval with its digest, a rejection with who and why."""
    made = plan(*scales("a"))
    raw = plan_object(made)
    raw["spec"]["approval"] = {"digest": made.digest, "by": "ann", "until": "2026-07-01T00:00:00Z"}
    offer = PruningPlan.model_validate(raw).offer()
    assert (offer.stage(NOW), offer.plan) == ("approved", made)
    raw["spec"] |= {"approval": None, "rejected": {"by": "bob", "why": "no"}}
    assert PruningPlan.model_validate(raw).offer().rejected == "bob: no"


def test_a_receipt_comes_back() -> None:
    """Status and record say the same."""
    found = record("done", "failed", judgements=(judged(0, "Wait"),), restored_by=("plan-1",))
    status = status_of(found, (), LATER)
    waiting = PruningPlan.model_validate({**plan_object(found.plan), "status": {"state": "Waiting"}})
    assert (waiting.begun, waiting.waits) == (False, True)
    raw = {**plan_object(found.plan), "status": status.model_dump(mode="json", by_alias=True, exclude_none=True)}
    assert PruningPlan.model_validate(json.loads(json.dumps(raw))).record() == found


@pytest.mark.parametrize(
    ("found", "state", "done"),
    [
        (record("pending", finished=None), "Writing", "0/1"),
        (record("done", "done"), "Done", "2/2"),
        (record("done", "failed"), "Partly", "1/2"),
        (record("failed", "skipped"), "Nothing", "0/2"),
        (record(), "Done", "0/0"),
        (record("done", restored_by=("plan-1",)), "Restored", "1/1"),
        (record("done", "proposed"), "Proposed", "1/2"),
    ],
)
def test_a_list_of_plans_tells_how_each_went(found: Record, state: str, done: str) -> None:
    """In one word and a count."""
    status = status_of(found, (), LATER)
    assert (status.state, status.done) == (state, done)


def test_a_list_of_plans_tells_what_each_would_do() -> None:
    """Replicas and hosts, taken or given back; and which way it goes."""
    both = plan(*scales("a", "b"), CUT.model_copy(update={"cut": ("x", "y")}))
    waits = waiting_status(both)
    assert (waits.state, waits.what, waits.started) == ("Waiting", "-2 replicas, -2 hosts seen by 1", None)
    back = waiting_status(plan(*scales("a"), purpose="restore", way="git"))
    assert (back.state, back.what) == ("ForGit", "+1 replicas")
    assert status_of(record("done"), (), LATER).what == "-1 replicas"
    assert waiting_status(plan()).what == ""
    rare = RemoveChange(workload="Service/shop/old", uid="u", digest="d", before={}, after=None, why=WHY)
    assert waiting_status(plan(rare)).what == "-1 rare"


def test_conditions_tell_what_was_applied() -> None:
    """True when every change was written; else the first that was not, and why."""
    assert told(record("pending", finished=None)) == {"Applied": ("Unknown", "Writing", "")}
    assert told(record("done"))["Applied"] == ("True", "AllWritten", "")
    assert told(record("done", "surprise"))["Applied"] == ("False", "Surprise", "shop/b: surprise")


def test_conditions_tell_what_was_kept() -> None:
    """One Regrow decides, then one Wait; nothing is judged of a plan that gives back."""
    assert told(record("done"))["Kept"] == ("Unknown", "Watched", "not judged yet")
    assert told(record("done", judgements=(judged(0, "Wait"),)))["Kept"] == ("Unknown", "Watched", "Wait it")
    both = (judged(0, "Keep"), judged(1, "Regrow"))
    assert told(record("done", "done", judgements=both))["Kept"] == ("False", "Regrow", "Regrow it")
    assert told(record("done", "done", judgements=both[:1]))["Kept"] == ("Unknown", "Watched", "not judged yet")
    assert told(record("done", "failed", judgements=both[:1]))["Kept"] == ("True", "Keep", "")
    assert "Kept" not in told(record("done", purpose="restore"))
    assert "Kept" not in told(record("failed"))
    assert "Kept" not in told(record("done", finished=None))


def test_conditions_tell_what_was_given_back() -> None:
    """And by which plan."""
    assert told(record("done", restored_by=("plan-1", "plan-2")))["Restored"] == (
        "True", "GivenBack", "given back by plan-1, plan-2",
    )  # fmt: skip


def test_a_condition_keeps_the_time_of_its_last_change() -> None:
    """Looking again is no transition; types that are not spoken of stay; all are sorted."""
    old = (condition("Watched", "True", "So", "", NOW), condition("Applied", "True", "AllWritten", "", NOW))
    again = [
        condition("Applied", "True", "AllWritten", "still", LATER),
        condition("Kept", "False", "Regrow", "", LATER),
    ]
    found = joined(old, again)
    assert [(one.type, one.last_transition_time, one.message) for one in found] == [
        ("Applied", NOW, "still"), ("Kept", LATER, ""), ("Watched", NOW, ""),
    ]  # fmt: skip
    (changed,) = joined(old[1:], [condition("Applied", "False", "Failed", "", LATER)])
    assert changed.last_transition_time == LATER


def test_a_long_message_is_cut() -> None:
    """Where people stop reading."""
    message = condition("Applied", "False", "Failed", "x" * 5000, NOW).message
    assert (len(message), message[-4:]) == (1024, "x...")
    with pytest.raises(ValidationError):
        Condition(type="Applied", status="True", reason="not a word", last_transition_time=NOW)
