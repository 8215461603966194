"""A proposal that somebody merged is recognised by what the cluster shows, and by nothing else."""

from datetime import timedelta
from typing import Any

import pytest

from microglia.model.objects import BlindSpot, Raw
from microglia.plan.change import Change
from microglia.plan.history import Record, Step
from microglia.plan.merged import merged, waiting
from tests.factories import NOW, deployment, objects
from tests.planning import cut, host, own, plan, scaled

CART = deployment("cart", replicas=5)
LATER = NOW + timedelta(hours=1)
ADS = host("ads")


def proposed(*changes: Change, ago: int = 1, state: Any = "proposed", **parts: Any) -> Record:
    """A record of changes that were proposed ``ago`` days before."""
    steps = tuple(Step(index=index, state=state) for index in range(len(changes)))
    made = plan(*changes, way="git", **parts)
    started = NOW - timedelta(days=ago)
    return Record(plan=made, started=started, finished=started, steps=steps)


def told(records: Record | list[Record], *raws: Raw, **parts: Any) -> list[tuple[str, str]]:
    """State and message of every step of which something is known."""
    some = records if isinstance(records, list) else [records]
    found = merged(some, objects(*raws, **parts), LATER)
    assert all(one.step.at == LATER for one in found)
    return [(one.step.state, one.step.message) for one in found]


def at(count: int, **parts: Any) -> dict[str, Any]:
    """The cart with so many replicas, rolled out."""
    return deployment("cart", replicas=count, **parts)


def test_the_planned_count_is_done() -> None:
    """Same object, the planned count, and the controllers have followed."""
    record = proposed(scaled(CART, 5, 4))
    assert told(record, at(4)) == [("done", "by Git: it has 4 replicas")]
    (found,) = merged([record], objects(at(4)), LATER)
    assert (found.record, found.step.index) == (record.id, 0)


@pytest.mark.parametrize(
    "raw",
    [
        at(5),
        at(3),
        at(4, metadata={"uid": "another"}),
        at(4, status={"replicas": 5}),
        at(4, metadata={"generation": 2}),
        deployment("web", replicas=4),
    ],
)
def test_anything_else_goes_on_waiting(raw: dict[str, Any]) -> None:
    """Not merged, merged otherwise, another object of the name, not rolled out yet."""
    assert told(proposed(scaled(CART, 5, 4)), raw) == []


def test_more_than_was_given_back_is_given_back() -> None:
    """A proposal that widens is done by any count that reaches it."""
    record = proposed(scaled(at(4), 4, 5), purpose="regrow")
    assert told(record, at(6)) == [("done", "by Git: it has 6 replicas")]
    assert told(record, at(4)) == []


def test_a_sidecar_is_compared_by_what_it_hides() -> None:
    """Whoever delivers it adds marks of its own; another's, one that hides other hosts or none at all is not it."""
    change = cut("cart", ADS)
    delivered = own("cart", ADS)
    delivered["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = "shop:x"
    assert told(proposed(change), delivered) == [("done", "by Git: its Sidecar is as proposed")]
    stranger, other = own("cart", ADS), own("cart", ADS)
    stranger["metadata"]["labels"] = {}
    other["metadata"]["annotations"]["microglia.dev/client"] = "shop/web"
    for raw in (own("cart", ADS, host("mail")), stranger, other):
        assert told(proposed(change), raw) == []
    assert told(proposed(change)) == []


def test_a_deleted_sidecar_is_gone() -> None:
    """A proposal to delete it is done once it is not there."""
    record = proposed(cut("cart", shown=(ADS,)))
    assert told(record) == [("done", "by Git: its Sidecar is gone")]
    assert told(record, own("cart", ADS)) == []


@pytest.mark.parametrize(
    ("change", "kind"), [(scaled(CART, 5, 4), "Deployment"), (cut("cart", shown=(ADS,)), "Sidecar")]
)
def test_of_what_cannot_be_read_nothing_is_concluded(change: Change, kind: str) -> None:
    """Not even that it is too old."""
    assert told(proposed(change, ago=99), faults=[BlindSpot(kind, "forbidden")]) == []


def test_a_proposal_does_not_wait_for_ever() -> None:
    """After a month, whoever sets that count has reasons of their own."""
    assert told(proposed(scaled(CART, 5, 4), ago=29), at(5)) == []
    assert told(proposed(scaled(CART, 5, 4), ago=31), at(5)) == [("skipped", "it was not merged within 30 days")]


def test_one_merge_settles_one_proposal() -> None:
    """Proposed twice, merged once: the newer one is done; the older is overtaken, not done a second time."""
    older, newer = proposed(scaled(CART, 5, 4), ago=2), proposed(scaled(CART, 5, 4), ago=1)
    assert told([older, newer], at(4)) == [
        ("skipped", "a later plan wrote the same element before it was merged"),
        ("done", "by Git: it has 4 replicas"),
    ]


def test_the_older_of_two_may_be_the_one_that_was_merged() -> None:
    """The newer one asks for less and goes on waiting."""
    older, newer = proposed(scaled(CART, 5, 4), ago=2), proposed(scaled(CART, 5, 3), ago=1)
    assert told([older, newer], at(4)) == [("done", "by Git: it has 4 replicas")]


def test_what_was_applied_since_overtakes_a_proposal() -> None:
    """A record that wrote the same element later takes its place; one that never happened does not."""
    older = proposed(scaled(CART, 5, 4), ago=2)
    assert told([older, proposed(scaled(CART, 5, 4), state="done")], at(4))[0][0] == "skipped"
    assert told([older, proposed(scaled(CART, 5, 4), state="failed")], at(4))[0][0] == "done"


def test_only_proposals_wait() -> None:
    """What was done, or skipped, is settled."""
    assert waiting([proposed(scaled(CART, 5, 4))])
    assert not waiting([proposed(scaled(CART, 5, 4), state="done"), proposed(scaled(CART, 5, 4), state="skipped")])
