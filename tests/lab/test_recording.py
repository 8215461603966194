"""Recording rules on a real Prometheus: it takes the file, and what the rules make is what they were made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from ruamel.yaml import YAML

from microglia.model.activity import Activity
from microglia.model.window import Window, floor_hour
from microglia.observe.dialects.recording import rule_file
from microglia.observe.kube import connect
from microglia.observe.look import observe
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.replies import Reply
from microglia.observe.traffic import PrometheusTraffic
from microglia.world.load import load, moved
from tests.contract.scene import FOREVER
from tests.lab import Lab, Span
from tests.lab.person import Person
from tests.lab.remote_write import Series, write
from tests.lab.stage import put
from tests.lab.story import WORLDS
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(300)

NOW = datetime.now(UTC)
WORLD = moved(load(WORLDS / "faults.yaml"), floor_hour(NOW) - timedelta(days=3))
WINDOW = Window.ending(NOW, timedelta(days=1))
OFFSET = 137
"""Prometheus begins each group at a moment of its own."""


@dataclass(slots=True)
class Overheard:
    """A server, and what it was asked."""

    server: PrometheusServer
    texts: list[str]

    @property
    def title(self) -> str:
        return self.server.title

    def query(self, expression: str, moment: float) -> Reply:
        return self.server.query(expression, moment)

    def query_range(self, expression: str, start: float, end: float, step: float) -> Reply:
        self.texts.append(expression)
        return self.server.query_range(expression, start, end, step)

    def status(self, name: str) -> dict[str, object]:
        return dict(self.server.status(name))

    def ahead(self) -> float | None:
        return self.server.ahead()

    def metric_names(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """The same day, read raw and read from what the rules made; what was asked the second time."""

    raw: Activity
    quick: Activity
    texts: list[str]
    url: str
    lab: Lab


@pytest.fixture(scope="module")
def recorded(lab: Lab) -> Iterator[Recorded]:
    """Every rule is worked out by Prometheus at each of its moments, and what comes of it is written under its name."""
    lab.wipe()
    url = lab.another_prometheus("prometheus-of-recording", FOREVER)
    put(lab, WORLD, url).play(NOW, since=WINDOW.start - timedelta(hours=9))
    server = PrometheusServer(url)
    raw = _look(lab, server)
    (group,) = rule_file(WORLD.scrape)["groups"]
    first, last = WINDOW.start.timestamp() - 600 + OFFSET, NOW.timestamp()
    for rule in group["rules"]:
        reply = server.query_range(rule["expr"], first, last, 300)
        assert reply.complete
        labels = {"__name__": rule["record"], **rule["labels"]}
        write(url, [
            Series({**row.labels, **labels}, (row.times * 1000).astype(np.int64), row.values) for row in reply.rows
        ])  # fmt: skip
    overheard = Overheard(server, [])
    yield Recorded(raw, _look(lab, overheard), overheard.texts, url, lab)
    lab.wipe()
    lab.processes.stop("prometheus-of-recording")


def _look(lab: Lab, server: PrometheusServer | Overheard) -> Activity:
    traffic = PrometheusTraffic(server, progress=lambda _: None)
    return observe(connect(kubeconfig=lab.kubeconfig), traffic, WINDOW, NOW).activity


def test_what_was_recorded_is_not_worked_out_again(recorded: Recorded) -> None:
    """Neither volume nor peaks of Istio are read raw; heartbeats and signs always are."""
    assert any("microglia:requests:increase5m" in text for text in recorded.texts)
    assert any("microglia:requests:rate5m" in text for text in recorded.texts)
    assert not any("increase(istio_requests_total{reporter" in text for text in recorded.texts)
    assert any("istio_build" in text for text in recorded.texts)


def test_it_comes_to_the_same(recorded: Recorded) -> None:
    """Requests of the day by edge and workload, peaks and what is used; a rule's moments lie elsewhere in the hour."""
    raw, quick = recorded.raw, recorded.quick
    assert quick.known.all()
    assert (raw.edges.keys, raw.edges.used.tolist()) == (quick.edges.keys, quick.edges.used.tolist())
    assert quick.edges.requests == pytest.approx(raw.edges.requests, rel=0.03, abs=3)
    rows = [raw.workloads.keys.index(f"near/{name}") for name in ("front", "api", "ledger")]
    for name in ("requests", "peak"):
        whole, other = (getattr(one.workloads, name)[rows] for one in (raw, quick))
        assert other.sum() == pytest.approx(whole.sum(), rel=0.03), name
        assert other.max(axis=1) == pytest.approx(whole.max(axis=1), rel=0.1), name


def test_prometheus_takes_the_file_that_the_doctor_prints(recorded: Recorded) -> None:
    """``doctor --rules`` prints a file with which a real Prometheus starts, and of which it finds nothing wrong."""
    lab = recorded.lab
    folder = lab.folder_for("rules")
    person = Person(lab.kubeconfig, recorded.url, WORLDS / "faults-policy.yaml", folder / "state")
    said = person.types("doctor", "--rules")
    assert said.code == 0, said.words
    assert YAML(typ="safe").load(said.out) == rule_file(WORLD.scrape)
    (folder / "rules.yaml").write_text(said.out, encoding="utf-8")
    url = lab.another_prometheus("prometheus-with-rules", Span(jobs=f"rule_files: [{folder / 'rules.yaml'}]\n"))
    server = PrometheusServer(url)
    try:
        until("the rules are read", lambda: "" if server.status("runtimeinfo").get("reloadConfigSuccess") else url, 30)
    finally:
        lab.processes.stop("prometheus-with-rules")
