"""What stays in force when it leaves the window."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from microglia.model.activity import Edge
from microglia.model.window import Window
from microglia.observe.memory import KEPT, WEEK, Memory
from tests.factories import edges, workload_activity

MONDAY = datetime(2026, 6, 15, tzinfo=UTC)
WEEKS = Window(MONDAY, MONDAY + timedelta(days=14))
KEY = "shop/web"
NOTHING = edges()


def activity(window=WEEKS, **columns):
    found = workload_activity([KEY], window)
    shape = (1, window.hours)
    usual = {
        "peak": 10.0,
        "ready": 2.0,
        "latency": 5.0,
        "requests": 3600.0,
        "failures": 0.0,
        "throttled": 0.0,
        "seen": 1.0,
    }
    filled = {name: np.full(shape, value, dtype=np.float32) for name, value in usual.items()}
    for name, changes in columns.items():
        kind = np.bool_ if name == "rolling" else np.float32
        filled[name] = filled.get(name, np.zeros(shape)).astype(kind)
        for hour, value in changes.items():
            filled[name][0, hour] = value
    return replace(found, **filled)


def in_force(memory, start, days=14):
    window = Window(start, start + timedelta(days=days))
    peaks, loads = memory.in_force([KEY], window)
    return float(peaks[0]), float(loads[0])


def learned(**columns):
    memory = Memory({})
    memory.learn(WEEKS, activity(**columns), NOTHING)
    return memory


def test_a_peak_in_the_window_is_not_old():
    """What the window itself shows is no memory."""
    assert in_force(learned(peak={5: 80.0}), MONDAY) == (0, 0)


def test_a_peak_that_left_the_window_is_in_force():
    """Two weeks later the highest weekly peak and the highest healthy load are remembered."""
    assert in_force(learned(peak={5: 80.0, 200: 40.0}), MONDAY + timedelta(days=14)) == (80.0, 40.0)


def test_of_a_week_half_in_the_window_only_what_has_left_it():
    """The peak of Monday is in force when the window begins on Tuesday; that of Wednesday is still inside."""
    for hour, peak in ((5, 80.0), (60, 0.0)):
        memory = learned(peak={hour: 80.0})
        tuesday = Window(MONDAY + timedelta(days=1), WEEKS.end)
        shown = activity(tuesday, peak={hour - 24: 80.0} if hour >= 24 else {})
        memory.learn(tuesday, shown, NOTHING)
        assert float(memory.in_force([KEY], tuesday)[0][0]) == peak


def test_learning_twice_is_learning_once():
    """The same window again changes nothing."""
    memory = learned(peak={5: 80.0})
    before = memory.as_json()
    memory.learn(WEEKS, activity(peak={5: 80.0}), NOTHING)
    assert memory.as_json() == before


def test_unhealthy_hours_prove_no_load():
    """Throttled, failing, slow, half heard or rolling hours, and hours without a ready replica, prove nothing."""
    for trouble in (
        {"throttled": {5: 0.02}}, {"failures": {5: 720.0}}, {"latency": {5: 50.0}}, {"seen": {5: 0.8}},
        {"rolling": {5: True}}, {"ready": {5: 0.0}}, {"ready": {5: np.nan}},
    ):  # fmt: skip
        memory = learned(peak={5: 80.0}, **trouble)
        assert in_force(memory, MONDAY + timedelta(days=14)) == (80.0, 5.0), trouble


def test_memory_survives_as_json():
    """What was stored as JSON is the same memory."""
    memory = learned(peak={5: 80.0})
    memory.learn(WEEKS, activity(), replace(edges(("a/b", "h", "")), last=np.array([7.0])))
    stored = json.loads(json.dumps(memory.as_json()))
    assert Memory(stored).as_json() == memory.as_json()
    assert in_force(Memory(stored), MONDAY + timedelta(days=14)) == (80.0, 40.0)


def test_thirteen_months_are_enough():
    """Older weeks and uses are forgotten."""
    memory = Memory(
        {
            "weeks": {KEY: {str(int(MONDAY.timestamp())): [80.0, 40.0]}},
            "uses": {"a\x1fb\x1f\x1fhttp": MONDAY.timestamp()},
        }
    )
    later = MONDAY + timedelta(seconds=KEPT + 2 * WEEK)
    window = Window(
        later.replace(minute=0, second=0, microsecond=0), later.replace(minute=0, second=0) + timedelta(days=1)
    )
    memory.learn(window, activity(window, peak=dict.fromkeys(range(24), 0.0)), NOTHING)
    assert memory.as_json() == {"weeks": {KEY: {}}, "uses": {}}


def used(*called, last=100.0):
    found = edges(*called)
    return replace(found, last=np.full(len(found.keys), last))


def test_remembered_edges_stand_among_the_others():
    """An edge that was used before the window is used, without requests, in its place by order."""
    memory = learned()
    memory.learn(WEEKS, activity(), used(("a/b", "h", "x/y"), ("m/n", "h", "x/y"), last=WEEKS.start.timestamp()))
    now = used(("c/d", "h", "x/y"), ("m/n", "h", "x/y"), last=WEEKS.end.timestamp())
    found = memory.widened(now)
    assert found.keys == tuple(Edge(client, "h", "x/y", "http") for client in ("a/b", "c/d", "m/n"))
    assert found.requests.tolist() == [0.0, 100.0, 100.0]
    assert found.failures.tolist() == [0.0, 0.0, 0.0]
    assert found.used.tolist() == [True, True, True]
    assert found.flowing.tolist() == [False, False, False]
    assert found.last.tolist() == [WEEKS.start.timestamp(), WEEKS.end.timestamp(), WEEKS.end.timestamp()]


def test_nothing_to_remember():
    """Without memory the edges are what they were; an undated sign is not remembered."""
    undated = used(("a/b", "h", ""), last=float("nan"))
    memory = Memory({})
    memory.learn(WEEKS, activity(), undated)
    assert memory.widened(undated) is undated
    assert memory.as_json()["uses"] == {}
