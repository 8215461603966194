"""What falls on seams, and what telemetry gets wrong, is the same through the real servers and in memory."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from microglia.model.activity import UNKNOWN_PEER, Activity, Edge
from microglia.model.ids import WorkloadId, service_host
from microglia.model.window import Window
from microglia.policy.schema import PolicySpec
from microglia.score.rules import score
from microglia.score.scores import Evidence
from microglia.topology.graph import Topology
from microglia.world.load import load
from tests.contract import likeness
from tests.contract.scene import Scene, Views
from tests.lab import Lab

pytestmark = pytest.mark.timeout(180)

WORLD = load(Path(__file__).with_name("seams.yaml"))
DAY = timedelta(days=1)
WINDOW = Window(WORLD.start + DAY, WORLD.start + 8 * DAY)
LATER = Window(WINDOW.start + timedelta(hours=25), WINDOW.end + timedelta(hours=25))
SOON = timedelta(minutes=90)

OF_ACTIVITY = (
    likeness.volumes,
    likeness.peaks,
    likeness.sight,
    likeness.resources,
    likeness.signs,
)
OF_PLACES = (likeness.places, likeness.zones)
OF_TOPOLOGY = (likeness.objects, likeness.evidence)


@pytest.fixture(scope="module")
def scene(lab: Lab) -> Iterator[Scene]:
    """The world of seams on the lab and in memory."""
    made = Scene(lab, WORLD, WINDOW)
    yield made
    made.close()


@pytest.fixture(scope="module")
def views(scene: Scene) -> Views:
    """A week, an hour and a half after their end."""
    return scene.view(WINDOW, WINDOW.end + SOON)


@pytest.fixture(scope="module")
def later(scene: Scene, views: Views) -> Views:
    """A day and an hour on, after one count went down and another up; only the new hours are read."""
    scene.scale("seams", "front", 2)
    scene.scale("seams", "reviews-canary", 4)
    return scene.view(LATER, LATER.end + SOON)


@pytest.mark.parametrize("alike", OF_ACTIVITY, ids=lambda one: one.__name__)
def test_metrics_tell_the_same(views: Views, alike: Callable[[Activity, Activity], list[str]]) -> None:
    """Every hourly fact that Prometheus was asked for is the one that the world in memory gives."""
    assert alike(views.fake.activity, views.real.activity) == []


@pytest.mark.parametrize("alike", OF_TOPOLOGY, ids=lambda one: one.__name__)
def test_the_whole_is_judged_the_same(views: Views, alike: Callable[[Topology, Topology], list[str]]) -> None:
    """Joined with the API server's objects it is the same graph, and the same evidence."""
    assert alike(views.fake, views.real) == []


def test_slow_requests_are_told_the_same(scene: Scene, views: Views) -> None:
    """Of what is under watch both sides tell how many requests took over half a second; of a bound that no bucket has,
    and of who has no sidecar, neither tells anything."""
    del views
    watched, now = ["seams/back", "seams/front", "seams/reviews-primary"], WINDOW.end + SOON
    real, fake = scene.slowness(watched, WINDOW, now, 400)
    assert (real.above, real.keys) == (fake.above, fake.keys) == (500.0, tuple(watched))
    assert likeness.slowness(fake, real) == []
    shares = np.nansum(real.slow, axis=1) / np.nansum(real.timed, axis=1)
    assert shares.tolist() == pytest.approx([np.exp(-500 / 200), 0, np.exp(-500 / 120)], rel=0.15)
    for workloads, above in ((watched, 50), (["outside/batch"], 400)):
        for side in scene.slowness(workloads, WINDOW, now, above):
            assert np.isnan(side.slow).all()
            assert np.isnan(side.timed).all()


@pytest.mark.parametrize("alike", OF_PLACES, ids=lambda one: one.__name__)
def test_places_are_the_schedulers(views: Views, alike: Callable[[Activity, Activity], list[str]]) -> None:
    """Pods are counted where the lab's scheduler put them, and each zone's peak is what they served there."""
    assert _but_births(alike(views.truth, views.real.activity)) == []


@pytest.mark.parametrize(
    ("client", "server"),
    [
        ("back", "first"),
        ("front", "day"),
        ("front", "hour"),
        ("back", "gap"),
        ("reviews-canary", "night"),
        ("back", "last"),
    ],
)
def test_a_single_call_is_use(views: Views, client: str, server: str) -> None:
    """In the first half second of the window, on the seam of days or of hours, amid a scrape gap, also where days meet,
    just before the end: one call is a sign."""
    assert _route(views.real, client, server) is Evidence.USED


def test_only_proven_silence_is_idle(views: Views) -> None:
    """Never called, or only before the window, and heard throughout: idle. Where an Envoy was not heard: not known."""
    wanted = {"idle": Evidence.IDLE, "before": Evidence.IDLE, "deaf": Evidence.UNKNOWN}
    assert {name: _evidence(views.real, name) for name in wanted} == wanted
    assert {name: _route(views.real, "back", name) for name in wanted} == wanted


def test_a_burst_counts_whole(views: Views) -> None:
    """What a batch sends between two scrapes is in the volume and in the peak: amid an hour, where the hour turns, and
    where the counter had not been before."""
    workloads = views.real.activity.workloads
    for name, hours, sent in (
        ("burst", (24 + 14,), 900),
        ("burst", (48 + 11, 48 + 12), 1200),
        ("born", (96 + 15,), 900),
    ):
        row = workloads.keys.index(f"seams/{name}")
        assert sum(workloads.requests[row, hour] for hour in hours) == pytest.approx(sent, rel=0.04)
        assert 0.85 * sent <= max(workloads.peak[row, hour] for hour in hours) * 300 <= 1.25 * sent


def test_hosts_are_those_that_served(views: Views) -> None:
    """Behind a VirtualService the asked host has no edge of its own; callers without a sidecar are unknown."""
    used = {
        edge for edge, told in zip(views.real.activity.edges.keys, views.real.activity.edges.used, strict=True) if told
    }
    for part in ("reviews-primary", "reviews-canary"):
        assert Edge("seams/front", service_host("seams", part), f"seams/{part}", "http") in used
    assert not any(edge.host == service_host("seams", "reviews") for edge in used)
    assert Edge(UNKNOWN_PEER, service_host("seams", "back"), "seams/back", "grpc") in used
    assert Edge("seams/back", "api.cards.example", "", "http") in used


def test_a_stream_is_seen_to_flow(views: Views) -> None:
    """A stream that was open before the window and after it finishes no request, and is use all the same."""
    edges = views.real.activity.edges
    spot = edges.keys.index(Edge("seams/front", service_host("seams", "feed"), "seams/feed", "grpc"))
    assert edges.flowing[spot]
    assert edges.requests[spot] == 0


def test_a_zone_away_is_marked(views: Views) -> None:
    """The hours in which a zone's nodes were not ready, and no others."""
    assert np.flatnonzero(views.real.activity.away).tolist() == [48 + 10, 48 + 11]


@pytest.mark.parametrize("alike", OF_ACTIVITY, ids=lambda one: one.__name__)
def test_counters_go_on(later: Views, alike: Callable[[Activity, Activity], list[str]]) -> None:
    """After pods came and went, the next hours and the remembered ones are again those of the world in memory."""
    assert alike(later.fake.activity, later.real.activity) == []


@pytest.mark.parametrize("alike", OF_PLACES, ids=lambda one: one.__name__)
def test_places_follow_the_scheduler(later: Views, alike: Callable[[Activity, Activity], list[str]]) -> None:
    """New pods count from their birth on, those that went until their end."""
    assert _but_births(alike(later.truth, later.real.activity)) == []


@pytest.mark.parametrize("alike", OF_TOPOLOGY, ids=lambda one: one.__name__)
def test_a_later_lap_is_judged_the_same(later: Views, alike: Callable[[Topology, Topology], list[str]]) -> None:
    """New counts, and evidence of which some has left the window."""
    assert alike(later.fake, later.real) == []


def test_use_that_left_the_window_stays(later: Views) -> None:
    """The call in the first half second was remembered when its day left the window."""
    assert _route(later.real, "back", "first") is Evidence.USED


def _but_births(problems: list[str]) -> list[str]:
    """A counter's birth adds to the peak of its workload; in which zone it was, nobody asks Prometheus."""
    return [text for text in problems if not text.startswith("seams/born in ")]


def _route(topology: Topology, client: str, server: str) -> Evidence:
    routes = score(topology, PolicySpec()).routes
    host = service_host("seams", server)
    (found,) = (one for one in routes if one.client.name == client and host in one.hosts)
    return found.judged.evidence


def _evidence(topology: Topology, name: str) -> Evidence:
    return score(topology, PolicySpec()).replicas[WorkloadId("seams", name)].judged.evidence
