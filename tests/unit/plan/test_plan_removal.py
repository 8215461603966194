"""What is only ever proposed, from the draft to the merge: by Git alone, outside the rounds, undone by a revert."""

from datetime import timedelta
from typing import Any

import pytest

from microglia.model.objects import BlindSpot
from microglia.plan.change import RemoveChange, Saving, rare_digest
from microglia.plan.document import Note, Plan
from microglia.plan.draft import draft
from microglia.plan.grounds import Grounds
from microglia.plan.history import History, Record, Step
from microglia.plan.inverse import inverse
from microglia.plan.merged import asked, merged
from microglia.plan.object import PruningPlan, plan_object
from microglia.plan.rare import AT_ONCE, Rare
from microglia.plan.signals import moves, taken
from microglia.plan.standing import standing
from microglia.policy.schema import PruningPolicy
from tests.factories import NOW, deployment, nodes, objects, running, service, snapshot, thing
from tests.planning import WHY, cut, grounds, plan, pruning, record, scaled, selection

OLD = service("old")
RULES = [{"route": [{"destination": {"host": name}}]} for name in ("a", "b")]
FRONT = thing("VirtualService", "front", spec={"hosts": ["x"], "http": RULES})
LATER = NOW + timedelta(hours=1)


def orphan(name: str = "old") -> RemoveChange:
    raw = service(name)
    return RemoveChange(
        workload=f"Service/shop/{name}",
        uid=raw["metadata"]["uid"],
        digest=rare_digest(raw),
        before={"selector": {"app": name}},
        after=None,
        saving=Saving(proxy_config=7.0),
        why=WHY,
    )


def rule() -> RemoveChange:
    return RemoveChange(
        workload="VirtualService/shop/front",
        uid="VirtualService-shop-front",
        digest=rare_digest(FRONT),
        before={"http": RULES},
        after={"http": RULES[:1]},
        items=(1,),
        why=WHY,
    )


def there(rare: Rare, **parts: Any) -> Grounds:
    found = grounds(snapshot(*running(deployment("web")), *nodes()), selection({}, **parts))
    return Grounds(found.topology, found.scores, found.protections, found.selection, found.history, rare)


def test_only_a_plan_for_git_removes() -> None:
    """With what looked alike and stays; for the cluster there is neither."""
    note = Note(subject="Service/shop/x", what="stays", why="in doubt")
    found = there(Rare((orphan(), rule()), (note,)))
    made = draft(found, pruning(), PruningPolicy(), NOW, "git")
    assert made.changes == (orphan(), rule())
    assert note in made.held
    here = draft(found, pruning(), PruningPolicy(), NOW)
    assert here.changes == ()
    assert note not in here.held


def test_a_structure_at_rest_proposes_no_removal() -> None:
    """A lean one is left alone altogether."""
    made = draft(there(Rare((orphan(),)), lean=True, excess={}), pruning(), PruningPolicy(), NOW, "git")
    assert made.changes == ()


def test_one_proposal_holds_no_more_than_people_read() -> None:
    """The rest waits for the next, and that is said."""
    many = tuple(orphan(f"old-{index:02}") for index in range(AT_ONCE + 3))
    made = draft(there(Rare(many)), pruning(), PruningPolicy(), NOW, "git")
    assert made.changes == many[:AT_ONCE]
    assert [note.what for note in made.held if "next one" in note.why] == ["3 more removals"]


def test_a_plan_with_removals_keeps_its_digest_through_text_and_object() -> None:
    """As JSON and as a PruningPlan object."""
    made = plan(orphan(), rule(), way="git")
    assert Plan.model_validate_json(made.model_dump_json()) == made
    assert PruningPlan.model_validate(plan_object(made)).spec.document().digest == made.digest


def proposed(*changes: Any) -> Record:
    steps = tuple(Step(index=index, state="proposed") for index in range(len(changes)))
    return Record(plan=plan(*changes, way="git"), started=NOW, finished=NOW, steps=steps)


def told(change: RemoveChange, *raws: Any, **parts: Any) -> list[tuple[str, str]]:
    return [(one.step.state, one.step.message) for one in merged([proposed(change)], objects(*raws, **parts), LATER)]


@pytest.mark.parametrize("raws", [(), (service("old", metadata={"uid": "new"}),)])
def test_an_object_that_is_gone_was_merged(raws: Any) -> None:
    """Also where somebody made another of its name since."""
    assert told(orphan(), *raws) == [("done", "by Git: it is gone")]
    assert told(rule()) == [("done", "by Git: it is gone")]


def test_rules_that_are_gone_were_merged() -> None:
    """The list is as planned; any other list is somebody else's, and waits."""
    assert told(rule(), FRONT | {"spec": {"hosts": ["y"], "http": RULES[:1]}}) == [
        ("done", "by Git: its rules are gone")
    ]
    assert told(rule(), FRONT) == []
    assert told(rule(), FRONT | {"spec": {"http": RULES[1:]}}) == []
    assert told(orphan(), OLD) == []


def test_backends_that_are_gone_were_merged() -> None:
    """Of the rule that it is about, as planned; any other list waits."""
    both = [{"route": [rule["route"][0] for rule in RULES]}]
    left = [{"route": RULES[0]["route"]}]
    change = rule().model_copy(update={"before": {"http": both}, "after": {"http": left}, "rule": 0})
    assert told(change, FRONT | {"spec": {"http": left}}) == [("done", "by Git: its backends are gone")]
    assert told(change, FRONT | {"spec": {"http": both}}) == []


def test_nothing_is_concluded_from_kinds_that_cannot_be_read() -> None:
    """An unreadable list is not an empty one."""
    assert told(orphan(), faults=[BlindSpot("Service", "forbidden")]) == []


def test_only_kinds_that_proposals_wait_for_are_asked() -> None:
    """Each once, sorted."""
    some = [proposed(orphan(), rule(), orphan("x")), proposed(scaled(deployment("c"), 3, 2), cut("c", "h"))]
    assert asked(some) == ("Deployment", "Service", "Sidecar", "VirtualService")
    assert asked([record(orphan())]) == ()


def test_a_merged_removal_is_not_watched_and_takes_no_share() -> None:
    """Nobody reached it: no signal could tell of it, and no budget counted it."""
    done = History(pruning(begun=NOW - timedelta(days=1)), (record(orphan(), way="git"),))
    assert standing(done) == ()
    before = NOW - timedelta(days=1)
    assert (taken(done, before), moves(done, before)) == ({}, 0)


def test_giving_back_points_to_the_inverse_patch() -> None:
    """What Git took, Git gives back."""
    made = inverse([record(orphan(), rule(), way="git")], objects(FRONT), LATER)
    assert made.changes == ()
    assert [(note.subject, note.what) for note in made.held] == [
        ("Service/shop/old", "the whole object back"),
        ("VirtualService/shop/front", "1 rule back"),
    ]
    assert all("inverse patch" in note.why for note in made.held)
