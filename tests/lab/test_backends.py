"""One world behind three backends: the same evidence from each, and none where a part of one is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import requests

from microglia.model.window import Window
from microglia.observe.kube import connect
from microglia.observe.look import observe
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.traffic import PrometheusTraffic
from microglia.policy.schema import PolicySpec
from microglia.score.rules import score
from microglia.score.scores import Evidence
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.world.load import load
from tests.contract import likeness
from tests.contract.scene import FOREVER, LEAD
from tests.lab import Lab, backends, remote_write
from tests.lab.backends import STORES, Querier, Stores
from tests.lab.stage import Stage, put

pytestmark = pytest.mark.timeout(300)

WORLD = load("boutique", datetime(2025, 9, 1, tzinfo=UTC)).model_copy(update={"scrape": 60.0})
WINDOW = Window(WORLD.start + timedelta(days=8), WORLD.start + timedelta(days=11))
NOW = WINDOW.end + timedelta(minutes=90)


@dataclass(frozen=True, slots=True)
class Backends:
    """The world's history, whole, behind each."""

    lab: Lab
    prometheus: str
    victoria: str
    stores: Stores
    loose: Querier
    strict: Querier

    def look(self, url: str, progress: Callable[[str], None] = lambda _: None) -> Topology:
        """What microglia sees through ``url``, left to find out by itself what answers there."""
        traffic = PrometheusTraffic(PrometheusServer(url, flavour="auto"), progress=progress)
        return build(observe(connect(kubeconfig=self.lab.kubeconfig), traffic, WINDOW, NOW))


@pytest.fixture(scope="module")
def all_three(lab: Lab) -> Iterator[Backends]:
    """The same samples in a Prometheus, in a VictoriaMetrics and, by target, in the two stores of a Thanos."""
    lab.wipe()
    url = lab.another_prometheus("prometheus-alone", FOREVER)
    victoria = backends.victoria_metrics(lab, "victoria-metrics")
    stores = backends.thanos_stores(lab, "thanos", (WINDOW.start - LEAD).timestamp())
    loose = backends.thanos_over(stores, "thanos-loose")
    strict = backends.thanos_over(stores, "thanos-strict", strict=True)
    put(lab, WORLD, url).play(NOW, since=WINDOW.start - LEAD)
    stage = Stage(lab, WORLD, url)
    stage.follow()
    series = list(stage.past(((WINDOW.start - LEAD).timestamp(), NOW.timestamp())))
    remote_write.write(victoria, series)
    requests.get(f"{victoria}/internal/force_flush", timeout=30).raise_for_status()
    stores.write(series)
    yield Backends(lab, url, victoria, stores, loose, strict)
    lab.wipe()
    for part in (strict, loose, stores):
        part.close()
    for process in ("prometheus-alone", "victoria-metrics"):
        lab.processes.stop(process)


@pytest.fixture(scope="module")
def whole(all_three: Backends) -> Topology:
    """What Prometheus shows."""
    found = all_three.look(all_three.prometheus)
    assert found.snapshot.blind_spots == ()
    return found


def test_each_is_recognised(all_three: Backends) -> None:
    """Nobody needs to say what answers: each real server tells it."""
    urls = (all_three.prometheus, all_three.victoria, all_three.loose.url)
    found = [PrometheusServer(url, flavour="auto").recognised().flavour.name for url in urls]
    assert found == ["prometheus", "victoriametrics", "thanos"]


def test_thanos_shows_what_prometheus_shows(all_three: Backends, whole: Topology) -> None:
    """Two stores behind a querier are one Prometheus: volumes, peaks, sight and evidence."""
    found = all_three.look(all_three.loose.url)
    assert found.snapshot.blind_spots == ()
    assert unlike(whole, found) == []


def test_victoria_metrics_shows_what_prometheus_shows(all_three: Backends, whole: Topology) -> None:
    """Its increases are worked out otherwise, and come to the same."""
    found = all_three.look(all_three.victoria)
    assert found.snapshot.blind_spots == ()
    assert unlike(whole, found) == []


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("kind", ["strict", "loose"])
def test_a_store_that_goes_away_makes_nothing_idle(all_three: Backends, whole: Topology, store: str, kind: str) -> None:
    """One store stops while a lap reads: what it kept is unknown, which is said; nothing else is taken for idle."""
    querier: Querier = getattr(all_three, kind)
    begun: list[str] = []
    with ExitStack() as gone:

        def stop(line: str) -> None:
            begun.append(line)
            if len(begun) == 2:
                gone.enter_context(all_three.stores.without(store))

        found = all_three.look(querier.url, stop)
    querier.wait()
    assert len(begun) > 2
    idle = {what for what, evidence in judged(found).items() if evidence is Evidence.IDLE}
    before = judged(whole)
    assert {what: before[what] for what in idle if before[what] is not Evidence.IDLE} == {}
    assert not found.activity.known.all()
    assert [spot for spot in found.snapshot.blind_spots if spot.subject == "metrics"]


def test_there_was_something_to_be_mistaken_about(whole: Topology) -> None:
    """The whole view has both used and idle elements."""
    assert {Evidence.IDLE, Evidence.USED} <= set(judged(whole).values())


def unlike(one: Topology, other: Topology) -> list[str]:
    """Everything in which two backends differ; pods are the same ones, and so are their places."""
    parts = (
        likeness.volumes, likeness.peaks, likeness.zones, likeness.places, likeness.sight, likeness.resources,
        likeness.signs,
    )  # fmt: skip
    return [text for part in parts for text in part(one.activity, other.activity)] + likeness.evidence(one, other)


def judged(topology: Topology) -> Mapping[str, Evidence]:
    """The evidence of every workload and route."""
    scores = score(topology, PolicySpec())
    found = {str(key): one.judged.evidence for key, one in scores.replicas.items()}
    for route in scores.routes:
        found.update({f"{route.client} -> {host}": route.judged.evidence for host in route.hosts})
    return found
