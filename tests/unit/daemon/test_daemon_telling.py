"""What others see of an agent: metrics, health, log lines, events."""

import io
import json
import logging
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from microglia.daemon.events import EVENT, KNOWN, SERIES, Events, Happening
from microglia.daemon.health import Pulse
from microglia.daemon.load import Counted
from microglia.daemon.logs import JsonLines, lap_of, log_to
from microglia.daemon.metrics import Metrics
from microglia.daemon.serving import pages, serving
from microglia.model.ports import ForbiddenError, UnreadableError
from microglia.observe.replies import Reply, Row
from tests.unit.daemon.stage import policy, stage

NOW = datetime(2026, 6, 29, 12, tzinfo=UTC)
ABOUT = {"kind": "PruningPolicy", "name": "default"}


def families(metrics: Metrics) -> dict[str, Any]:
    """What a Prometheus would read, by name."""
    body = pages(Pulse(lambda: 0.0, 1), metrics.registry)["/metrics"]()[2].decode()
    return {family.name: family for family in text_string_to_metric_families(body)}


def values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """One metric's samples by their labels, structure left out."""
    return {
        tuple(value for key, value in sorted(sample.labels.items()) if key != "structure"): sample.value
        for family in families(metrics).values()
        for sample in family.samples
        if sample.name == name
    }


def test_names_and_units_follow_the_conventions() -> None:
    """Prefix, snake case, base units, counters and only they end in _total, every metric says what it is."""
    forbidden = re.compile(
        r"(millis|minutes?|hours?|days?|percent|kilo|mega|_ms|_kb|_mb|milli|gauge|counter|histogram)"
    )
    scene = stage()
    agent = scene.agent("reader")
    agent.round()
    found = families(agent.voice.metrics)
    assert len(found) > 40
    for name, family in found.items():
        assert re.fullmatch(r"microglia_[a-z]+(_[a-z]+)*", name), name
        assert not forbidden.search(name), name
        assert family.documentation.endswith("."), name
        assert len(family.documentation) > 15, name
        for sample in family.samples:
            assert sample.name.endswith("_total") == (family.type == "counter"), sample.name
            if family.type in ("gauge", "counter"):
                assert not re.search(r"_(count|sum|bucket)(_total)?$", sample.name)
            assert all(re.fullmatch("[a-z]+", label) for label in sample.labels)
        if family.type == "histogram":
            assert name.endswith("_seconds")
        if "timestamp" in name:
            assert name.endswith("_timestamp_seconds")


def test_metrics_tell_what_a_lap_found() -> None:
    """Elements by evidence, accounts in base units, the plan, and the phase."""
    scene = stage()
    agent = scene.agent("reader")
    agent.round()
    metrics = agent.voice.metrics
    assert values(metrics, "microglia_elements")["USED", "replica"] == 3
    assert values(metrics, "microglia_present_cpu_cores")[()] == pytest.approx(11.2, rel=0.3)
    assert values(metrics, "microglia_excess_memory_bytes")[()] > 2**28
    assert values(metrics, "microglia_planned_changes") == {("scale", "prune"): 3}
    assert values(metrics, "microglia_phase") == {("Exposing",): 0, ("Pruning",): 1, ("Hardened",): 0}
    assert values(metrics, "microglia_laps_total") == {("cleared",): 1}
    assert values(metrics, "microglia_policy_valid") == {(): 1}
    assert values(metrics, "microglia_lap_end_timestamp_seconds")[()] == scene.now.timestamp()
    assert set(values(metrics, "microglia_protections")) >= {("minimum-policy",)}
    steps = {labels[0] for labels in values(metrics, "microglia_step_duration_seconds_count")}
    assert {"observe", "score", "verify"} <= steps


def test_metrics_tell_what_was_done_and_is_watched() -> None:
    """Counters of what was written, gauges of the journal; what is no longer so is no longer told."""
    scene = stage()
    reader, writer = scene.agent("reader"), scene.agent("writer")
    reader.round()
    writer.round()
    assert values(writer.voice.metrics, "microglia_pruned_changes_total") == {("scale",): 3}
    writer.round()
    metrics = writer.voice.metrics
    assert values(metrics, "microglia_journal_records") == {("done",): 1}
    assert values(metrics, "microglia_watched_changes") == {(): 3}
    assert values(metrics, "microglia_standing_changes") == {(): 3}
    assert values(metrics, "microglia_planned_changes") == {}


def test_a_policy_that_is_gone_is_no_longer_told() -> None:
    """Its gauges end; another's stay."""
    scene = stage()
    narrow = policy("observe", "narrow", scope={"namespaces": {"include": ["village"]}})
    scene.policies = [policy("observe"), narrow]
    agent = scene.agent("reader")
    agent.round()
    phases = families(agent.voice.metrics)["microglia_phase"].samples
    assert {sample.labels["structure"] for sample in phases} == {"default", "narrow"}
    scene.policies = [narrow]
    agent.round()
    for name in ("microglia_phase", "microglia_present_cpu_cores", "microglia_policy_valid"):
        samples = families(agent.voice.metrics)[name].samples
        assert {sample.labels["structure"] for sample in samples} == {"narrow"}


def test_refusals_are_counted_by_gate() -> None:
    """Every no of every lap."""
    scene = stage()
    scene.policies = [policy(observation={"cycles": {"atLeast": 3}})]
    agent = scene.agent("reader")
    agent.round()
    assert values(agent.voice.metrics, "microglia_laps_total") == {("refused",): 1}
    agent.round()
    assert values(agent.voice.metrics, "microglia_refusals_total")[("weekly-cycle",)] == 2


class Server:
    """A metrics server that answers as told."""

    title = "a server"

    def __init__(self, reply: Reply | None) -> None:
        self.reply = reply

    def query(self, expression: str, moment: float) -> Reply:
        if self.reply is None:
            raise UnreadableError("down")
        return self.reply

    def query_range(self, expression: str, start: float, end: float, step: float) -> Reply:
        return self.query(expression, end)

    def status(self, name: str) -> dict[str, Any]:
        return {"asked": name}

    def metric_names(self) -> tuple[str, ...]:
        return ("up",)


def test_the_load_on_prometheus_is_counted() -> None:
    """Queries by outcome, samples and seconds; what does not count passes through."""
    metrics = Metrics(CollectorRegistry())
    row = Row({}, np.arange(3.0), np.arange(3.0))
    whole = Counted(Server(Reply((row, row))), metrics)
    whole.query("up", 0.0)
    whole.query_range("up", 0.0, 60.0, 15.0)
    Counted(Server(Reply((), complete=False)), metrics).query("up", 0.0)
    with pytest.raises(UnreadableError):
        Counted(Server(None), metrics).query("up", 0.0)
    assert values(metrics, "microglia_prometheus_queries_total") == {("whole",): 2, ("partial",): 1, ("failed",): 1}
    assert values(metrics, "microglia_prometheus_samples_total") == {(): 12}
    assert values(metrics, "microglia_prometheus_query_duration_seconds_count") == {(): 4}
    assert (whole.title, whole.status("flags"), whole.metric_names()) == ("a server", {"asked": "flags"}, ("up",))


def test_health_is_a_loop_that_moves() -> None:
    """Alive while it beats often enough; dead after its patience, and alive again when it moves."""
    clock = [0.0]
    pulse = Pulse(lambda: clock[0], 1800)
    clock[0] = 1800
    assert pulse.alive().well
    clock[0] = 1801
    assert (pulse.alive().well, pulse.alive().why) == (
        False,
        "the loop has stood still for 1801 s (at most 1800 s is well)",
    )
    pulse.beat()
    assert pulse.alive().well


def test_health_tells_of_deaf_watches() -> None:
    """Without an answer for long it is only said; a watch that is broken for longer than the patience ends it."""
    clock = [0.0]
    pulse = Pulse(lambda: clock[0], 100)
    pulse.deaf("pruningpolicies", broken=False)
    clock[0] = 150
    pulse.beat()
    assert pulse.alive().well
    assert pulse.alive().why == "the loop moved 0 s ago; pruningpolicies could not be watched for 150 s"
    pulse.deaf("pruningpolicies", broken=True)
    assert (pulse.alive().well, "for 150 s" in pulse.alive().why) == (False, True)
    pulse.hears("pruningpolicies")
    assert (pulse.alive().well, pulse.alive().why) == (True, "the loop moved 0 s ago")
    pulse.deaf("pruningplans", broken=True)
    clock[0] = 250
    pulse.beat()
    assert pulse.alive().well


def test_ready_is_who_is_of_use() -> None:
    """A leader after its first lap, a standby that knows its leader, nobody else."""
    pulse = Pulse(lambda: 0.0, 1)
    assert (pulse.ready().well, pulse.ready().why) == (False, "neither leads nor knows who does yet")
    pulse.follows("ann leads since noon")
    assert (pulse.ready().well, pulse.ready().why) == (True, "stands by: ann leads since noon")
    pulse.leads()
    assert (pulse.ready().well, pulse.ready().why) == (False, "leads, the first lap is not done yet")
    pulse.lapped()
    assert (pulse.ready().well, pulse.ready().why) == (True, "leads, 1 lap done")
    pulse.ends()
    assert not pulse.ready().well


@pytest.fixture
def served() -> Iterator[tuple[Pulse, str]]:
    clock = [0.0]
    pulse = Pulse(lambda: clock[0], 10)
    with serving(("127.0.0.1", 0), pages(pulse, Metrics(CollectorRegistry()).registry)) as port:
        yield pulse, f"http://127.0.0.1:{port}"


def asked(url: str) -> tuple[int, str, str]:
    """Status, media type and text."""
    try:
        with urllib.request.urlopen(url) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_probes_and_metrics_are_served(served: tuple[Pulse, str]) -> None:
    """200 or 503 with a sentence; metrics in Prometheus' text format; anything else is 404."""
    pulse, url = served
    assert asked(f"{url}/healthz")[::2] == (200, "the loop moved 0 s ago\n")
    assert asked(f"{url}/readyz")[0] == 503
    pulse.follows("ann")
    assert asked(f"{url}/readyz?verbose")[::2] == (200, "stands by: ann\n")
    status, media, text = asked(f"{url}/metrics")
    assert (status, media) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "microglia_leader 0.0" in text
    assert asked(f"{url}/secrets")[0] == 404


def test_the_server_ends_with_its_block(served: tuple[Pulse, str]) -> None:
    """No thread is left behind."""
    before = threading.active_count()
    with serving(("127.0.0.1", 0), {}):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


def test_log_lines_are_json_and_say_which_lap() -> None:
    """One object a line, with the lap's id and policy inside a lap, extras, and the traceback of an error."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("microglia.test")
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.info("before %s", "noon")
    with lap_of("shop", 7, NOW) as name:
        log.warning("inside", extra={"result": "cleared", "seconds": {"observe": 0.2}})
    try:
        int("broken")
    except ValueError:
        log.exception("failed")
    first, second, third = map(json.loads, stream.getvalue().splitlines())
    assert (first["message"], first["level"], first["logger"]) == ("before noon", "info", "microglia.test")
    assert "lap" not in first
    assert name == "shop-20260629T120000-7"
    assert (second["lap"], second["policy"], second["result"]) == (name, "shop", "cleared")
    assert second["seconds"] == {"observe": 0.2}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", second["time"])
    assert "ValueError: invalid literal" in third["error"]
    assert "lap" not in third


@pytest.mark.parametrize(("verbose", "lines"), [(False, ["said"]), (True, ["said", "whispered"])])
def test_the_log_goes_to_one_place(*, verbose: bool, lines: list[str]) -> None:
    """Only microglia's own lines unless asked for more."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        log_to(stream, verbose=verbose)
        logging.getLogger("microglia.x").info("said")
        logging.getLogger("microglia.x").debug("whispered")
        logging.getLogger("somebody.else").info("chatter")
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
        logging.getLogger("microglia").setLevel(logging.NOTSET)
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == lines


def test_what_happens_again_is_one_series() -> None:
    """The first time an event, the second time its series; a third within the minute is only counted."""
    scene = stage()
    events = Events(scene.cluster, "reader", "pod-1", lambda: scene.now)
    harm = Happening("Harm", "Guard", "errors", "Warning")
    for _ in range(4):
        events.tell(ABOUT, harm)
        scene.pass_seconds(20)
    (found,) = scene.objects("Event")
    assert (found["reason"], found["type"], found["regarding"]["name"]) == ("Harm", "Warning", "default")
    assert found["reportingController"] == "microglia.dev/reader"
    assert found["series"]["count"] == 2
    scene.pass_seconds(20)
    events.tell(ABOUT, harm)
    (found,) = scene.objects("Event")
    assert found["series"]["count"] == 5
    scene.cluster.advance(scene.now + SERIES + timedelta(seconds=1))
    events.tell(ABOUT, harm)
    assert len(scene.objects("Event")) == 2


def test_figures_make_no_other_event() -> None:
    """The same harm with other numbers, lap after lap, is one series; another workload, plan or reason is not."""
    scene = stage()
    events = Events(scene.cluster, "writer", "pod-1", lambda: scene.now)

    def tell(note: str, reason: str = "Harm") -> int:
        events.tell(ABOUT, Happening(reason, "Guard", note, "Warning"))
        scene.cluster.advance(scene.now + timedelta(minutes=10))
        return len(scene.objects("Event"))

    assert tell("replica:shop/cart-2: errors 0.5% of 1,203 requests since 12:00, 3x as many (p < 1e-6)") == 1
    assert tell("replica:shop/cart-2: errors 12% of 9 requests since 13:10, 41x as many (p < 0.05)") == 1
    assert scene.objects("Event")[0]["series"]["count"] == 2
    assert "errors 0.5% of 1,203" in scene.objects("Event")[0]["note"]
    assert tell("replica:shop/cart-3: errors 12% of 9 requests since 13:10, 41x as many (p < 0.05)") == 2
    assert tell("plan-12345678: pruned 3 of 3 changes", "Pruned") == 3
    assert tell("plan-12345679: pruned 3 of 3 changes", "Pruned") == 4


def test_an_event_carries_the_uid_by_which_describe_finds_it() -> None:
    """Where it is known; else the reference stays as it was given."""
    for uid in ("1-2-3", ""):
        scene = stage()
        events = Events(scene.cluster, "reader", "pod-1", lambda now=scene.now: now, lambda name, uid=uid: uid)
        events.tell({"kind": "PruningPolicy", "name": "default"}, Happening("Offered", "Plan", "a plan"))
        (event,) = scene.cluster.objects(EVENT)
        assert event["regarding"] == {"kind": "PruningPolicy", "name": "default"} | ({"uid": uid} if uid else {})


def test_other_words_are_another_event() -> None:
    """And another policy's the same words too; a long note is cut to what the API takes."""
    scene = stage()
    events = Events(scene.cluster, "reader", "pod-1", lambda: scene.now)
    events.tell(ABOUT, Happening("Offered", "Plan", "one"))
    events.tell(ABOUT, Happening("Offered", "Plan", "x" * 2000))
    events.tell({**ABOUT, "name": "other"}, Happening("Offered", "Plan", "one"))
    notes = sorted(len(found["note"]) for found in scene.objects("Event"))
    assert notes == [3, 3, 1000]


def test_an_event_that_cannot_be_written_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    """It is a courtesy: the lap goes on. And only so many series are remembered."""
    scene = stage()

    def forbid(number: int, what: str) -> None:
        raise ForbiddenError("events is forbidden")

    scene.cluster.before_write = forbid
    events = Events(scene.cluster, "reader", "pod-1", lambda: scene.now)
    with caplog.at_level(logging.WARNING):
        events.tell(ABOUT, Happening("Offered", "Plan", "one"))
    assert "an event was not written" in caplog.text
    assert events._series == {}
    scene.cluster.before_write = None
    for number in range(KNOWN + 9):
        events.tell(ABOUT, Happening("Offered", "Plan", f"plan-{number}"))
    assert len(events._series) == KNOWN
    assert EVENT.path == "/apis/events.k8s.io/v1/events"


def test_a_happening_ages() -> None:
    """An hour later it is news again."""
    scene = stage()
    events = Events(scene.cluster, "writer", "pod-1", lambda: scene.now)
    events.tell(ABOUT, Happening("Pruned", "Apply", "one"))
    scene.cluster.advance(scene.now + timedelta(hours=1))
    events.tell(ABOUT, Happening("Pruned", "Apply", "one"))
    assert len(scene.objects("Event")) == 2
    assert all("series" not in found for found in scene.objects("Event"))
