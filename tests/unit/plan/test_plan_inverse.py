"""Plans that give back."""

from datetime import timedelta

from microglia.model.objects import Objects
from microglia.plan.change import decision_digest
from microglia.plan.inverse import inverse
from microglia.plan.sidecar import hidden
from tests.factories import NOW, deployment, objects, thing
from tests.planning import cut, host, own, record, scaled

ADS, BLOG, CART = host("ads"), host("blog"), host("cart")
LATER, LAST = NOW + timedelta(hours=1), NOW + timedelta(days=1)
OLD = deployment("a", replicas=5)


def world(count: int = 3, *more: dict[str, object]) -> Objects:
    """The Deployment ``a`` with ``count`` replicas now, and whatever else there is."""
    return objects(deployment("a", replicas=count), *more)


def test_a_count_comes_back() -> None:
    """From what it has now to what it had, on the object as it is now, telling which plan took it."""
    taken = record(scaled(OLD, 5, 4))
    plan = inverse([taken], world(4), LAST)
    (change,) = plan.changes
    assert (plan.purpose, plan.structure, plan.cluster, plan.made_at) == ("restore", "default", "cluster-uid", LAST)
    assert (change.before, change.after, change.widens) == (4, 5, True)
    assert change.digest == decision_digest(deployment("a", replicas=4))
    assert change.why.sentence == f"gives back what {taken.id} took"
    assert change.victims == ()


def test_several_plans_come_back_as_one_change() -> None:
    """Two steps of one workload: at once to the highest count, told as the newest."""
    first, second = record(scaled(OLD, 5, 4)), record(scaled(OLD, 4, 3), at=LATER)
    (change,) = inverse([first, second], world(3), LAST).changes
    assert (change.before, change.after) == (3, 5)
    assert second.id in change.why.sentence


def test_a_restore_only_widens() -> None:
    """More than before stays; what was given back in a restored plan is not taken again."""
    plan = inverse([record(scaled(OLD, 5, 4))], world(7), LAST)
    assert plan.changes == ()
    assert [(note.subject, note.what, note.why) for note in plan.held] == [("shop/a", "back to 5", "it has 7 already")]
    assert inverse([record(scaled(OLD, 3, 5), cut("a", shown=(ADS,)))], world(5), LAST).changes == ()


def test_only_what_was_written_comes_back() -> None:
    """Failed and skipped steps took nothing; a write that nobody knows the end of is widened."""
    for state, expected in (("failed", 0), ("skipped", 0), ("surprise", 0), ("undone", 0), ("writing", 1), ("done", 1)):
        assert len(inverse([record(scaled(OLD, 5, 4), state=state)], world(4), LAST).changes) == expected


def test_a_workload_that_is_gone_or_new_is_left_alone() -> None:
    """Neither is the one that was scaled."""
    gone = inverse([record(scaled(OLD, 5, 4))], objects(), LAST)
    assert "does not exist any more" in gone.held[0].why
    anew = inverse([record(scaled(OLD, 5, 4, uid="other"))], world(4), LAST)
    assert (anew.changes, "made anew" in anew.held[0].why) == ((), True)


def test_a_sidecar_is_removed() -> None:
    """When nothing is left to hide, the object goes and everything is visible."""
    plan = inverse([record(cut("a", ADS, BLOG))], world(3, own("a", ADS, BLOG)), LAST)
    (change,) = plan.changes
    assert (change.after, change.shown, change.cut, change.widens) == (None, (ADS, BLOG), (), True)
    assert hidden(change.before) == (ADS, BLOG)
    assert "resourceVersion" not in change.before["metadata"]


def test_a_sidecar_is_narrowed_back() -> None:
    """Restoring the newer plan leaves exactly the object that the older one wrote."""
    older, newer = cut("a", ADS), cut("a", BLOG)
    (change,) = inverse([record(newer, at=LATER)], world(3, own("a", ADS, BLOG)), LAST).changes
    assert (change.shown, change.after) == ((BLOG,), older.after)


def test_several_cuts_of_a_client_come_back_at_once() -> None:
    """All hosts of the restored plans, and only those that are still hidden."""
    records = [record(cut("a", ADS)), record(cut("a", BLOG), at=LATER)]
    (change,) = inverse(records, world(3, own("a", ADS, CART)), LAST).changes
    assert (change.shown, hidden(change.after)) == ((ADS,), (CART,))


def test_replicas_come_back_before_routes() -> None:
    """Capacity first, then who may call; in each the newest first."""
    records = [
        record(cut("a", ADS), scaled(deployment("b"), 3, 2)),
        record(scaled(OLD, 5, 4), at=LATER),
    ]
    found = inverse(records, world(4, own("a", ADS), deployment("b", replicas=2)), LAST)
    assert [change.element for change in found.changes] == ["replica:shop/a", "replica:shop/b", "routes:shop/a"]


def test_routes_that_cannot_come_back_say_why() -> None:
    """Shown already, somebody else's object, edited, or without its workload: each with what to do."""
    taken = [record(cut("a", ADS))]
    foreign = thing("Sidecar", "microglia-a", spec=own("a", ADS)["spec"])
    edit = own("a", ADS)
    edit["spec"]["ingress"] = []
    reasons = [
        inverse(taken, found, LAST).held[0].why
        for found in (world(3), world(3, foreign), world(3, own("a", BLOG)), world(3, edit), objects(own("a", ADS)))
    ]
    assert reasons[:3] == ["no Sidecar of microglia's hides them any more"] * 3
    assert reasons[3].startswith("somebody edited Sidecar shop/microglia-a; delete it by hand")
    assert reasons[4].startswith("the workload is gone")
