"""The journal learns of merged proposals; the cluster is only read while one waits."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from microglia.act.merged import recognise
from microglia.act.settle import settle
from microglia.model.kinds import Kind
from microglia.model.objects import Raw
from microglia.model.ports import AbsentError, ClusterFacts, UnreadableError
from microglia.plan.history import Step
from tests.factories import NOW, deployment
from tests.planning import host, own
from tests.unit.act.checkouts import hiding, proposal, scaling
from tests.unit.act.notebook import Notebook, Puppet

LATER = NOW + timedelta(hours=1)


class Shelf:
    """A cluster that serves these objects; a kind that is an error is raised."""

    def __init__(self, **kinds: list[Raw] | Exception) -> None:
        self.kinds = kinds
        self.asked: list[str] = []

    def facts(self) -> ClusterFacts:
        return ClusterFacts("uid", "shelf", "v1")

    def objects(self, kind: Kind) -> Sequence[Raw]:
        self.asked.append(kind.name)
        found = self.kinds.get(kind.name, [])
        if isinstance(found, Exception):
            raise found
        return found


def proposed() -> tuple[Notebook, str]:
    book, made = Notebook(), proposal(scaling(), hiding("cart", "ads"))
    book.begin(made, NOW)
    for index in range(2):
        book.step(made.id, Step(index=index, state="proposed", at=NOW))
    book.finish(made.id, NOW)
    return book, made.id


def states(book: Notebook) -> list[tuple[str, str]]:
    (record,) = book.records()
    return [(step.state, step.message) for step in record.steps]


def test_what_was_merged_gets_its_receipt() -> None:
    """By Git, when it was seen; settling leaves it so."""
    book, name = proposed()
    recognise(book, Shelf(Deployment=[deployment("cart", replicas=4)], Sidecar=[]), "default", LATER)
    assert states(book) == [("done", "by Git: it has 4 replicas"), ("proposed", "")]
    shelf = Shelf(Deployment=[deployment("cart", replicas=4)], Sidecar=[own("cart", host("ads"))])
    recognise(book, shelf, "default", LATER)
    assert states(book)[1] == ("done", "by Git: its Sidecar is as proposed")
    history = settle(book, Puppet(), "default", LATER)
    assert history.records[0].done() == (0, 1)
    assert history.records[0].steps[0].at == LATER
    assert name == history.records[0].id


def test_settling_leaves_a_proposal_alone() -> None:
    """It was not interrupted; it waits."""
    book, _ = proposed()
    settle(book, Puppet(), "default", LATER)
    assert [state for state, _ in states(book)] == ["proposed", "proposed"]


@pytest.mark.parametrize("error", [AbsentError("sidecars"), UnreadableError("forbidden")])
def test_a_kind_that_is_absent_or_hidden_is_no_answer(error: Exception) -> None:
    """The other kind is still compared; what cannot be seen goes on waiting."""
    book, _ = proposed()
    recognise(book, Shelf(Deployment=[deployment("cart", replicas=4)], Sidecar=error), "default", LATER)
    assert [state for state, _ in states(book)] == ["done", "proposed"]


def test_the_cluster_is_not_asked_without_need() -> None:
    """No proposal waits, so nothing is read."""
    book, _ = proposed()
    shelf = Shelf(Deployment=[deployment("cart", replicas=4)], Sidecar=[own("cart", host("ads"))])
    recognise(book, shelf, "default", LATER)
    shelf.asked.clear()
    recognise(book, shelf, "default", LATER)
    assert shelf.asked == []
