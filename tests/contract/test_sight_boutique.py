"""The boutique, with its rare calls and accidents, is the same through the real servers and in memory."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from microglia.model.window import Window
from microglia.world.load import load
from tests.contract import likeness
from tests.contract.scene import Scene, Views
from tests.lab import Lab

pytestmark = pytest.mark.timeout(180)

# Every second scrape is left out to save time; the last day of the window has the last accident.
WORLD = load("boutique", datetime(2025, 9, 1, tzinfo=UTC)).model_copy(update={"scrape": 60.0})
WINDOW = Window(WORLD.start + timedelta(days=5), WORLD.start + timedelta(days=12))


@pytest.fixture(scope="module")
def views(lab: Lab) -> Iterator[Views]:
    """A week from both sides."""
    scene = Scene(lab, WORLD, WINDOW)
    yield scene.view(WINDOW, WINDOW.end + timedelta(minutes=90))
    scene.close()


def test_the_boutique_is_seen_the_same(views: Views) -> None:
    """Objects, traffic and evidence: nothing tells the real view from the one in memory."""
    assert likeness.same(views.fake, views.real) == []


def test_places_are_the_schedulers(views: Views) -> None:
    """Pods are counted where the lab's scheduler put them, and each zone's peak is what they served there."""
    assert likeness.places(views.truth, views.real.activity) == []
    assert likeness.zones(views.truth, views.real.activity) == []


def test_nothing_was_in_the_way(views: Views) -> None:
    """Every kind could be read and every reply was whole, so that the comparison is about values."""
    assert views.real.snapshot.blind_spots == ()
    assert views.real.activity.known.all()
