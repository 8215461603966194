"""A plan that is refused because clocks differ, or because Prometheus forgets too early, is told so."""

from dataclasses import replace
from typing import Any

import pytest

from microglia.topology.graph import Topology
from microglia.verify.clear import Refused, verify
from tests.unit.verify.verify_world import scene

FORGETS = "prometheus keeps metrics for 2d (its retention) and the window asks for 14d"
RAISE = "raise its --storage.tsdb.retention.time, or shorten spec.observation.window"
LATELY = {name: {"heard_from": 288} for name in ("cart", "web", "search", "batch")}
"""Heard in the last two days of fourteen."""


def refused(case: dict[str, Any], **source: Any) -> dict[str, list[str]]:
    """Messages by gate, with a source that says this of itself."""
    one = scene(case)
    seen = one.topology.snapshot
    there: Topology = replace(one.topology, snapshot=replace(seen, source=replace(seen.source, **source)))
    checked = verify(one.plan, there, one.history, one.policy, one.now)
    found: dict[str, list[str]] = {}
    for refusal in checked.refusals if isinstance(checked, Refused) else ():
        found.setdefault(refusal.gate, []).append(refusal.message)
    return found


@pytest.mark.parametrize(("ahead", "count"), [(None, 0), (0.0, 0), (60.0, 0), (-60.0, 0), (61.0, 1), (-61.0, 1)])
def test_more_than_a_minute_between_the_clocks_refuses(ahead: float | None, count: int) -> None:
    """Ahead or behind alike; a clock that nobody told does not."""
    assert len(refused({}, ahead=ahead).get("clock", ())) == count


def test_the_refusal_says_which_clock_what_follows_and_the_way_out() -> None:
    """A clock that is behind leaves the last hours unseen: the gates that miss them are not alone."""
    found = refused({"world": {"deaf_hours": [334, 335]}}, ahead=-7200.0)
    (told,) = found["clock"]
    assert told == (
        "the clock of prometheus is 2h behind this machine's clock: the last hours of the window are still to come"
        " there, and look unseen; synchronise both (NTP)"
    )
    assert found["freshness"][0].endswith("microglia doctor compares the clocks")


def test_a_plan_that_takes_nothing_needs_no_clock() -> None:
    """Restoring goes on whatever the time is."""
    assert refused({"plan": {"purpose": "restore", "scale": {"cart": {"before": 6, "after": 7}}}}, ahead=7200.0) == {}


def test_no_waiting_helps_where_prometheus_forgets() -> None:
    """Coverage and whole cycles are refused with the retention, not with a date."""
    found = refused({"world": {"workloads": LATELY}}, retention="2d")
    for gate in ("coverage", "weekly-cycle"):
        assert FORGETS in found[gate][0]
        assert found[gate][0].endswith(RAISE)
        assert "wait" not in found[gate][0]
    usual = refused({"world": {"workloads": LATELY}}, retention="15d")
    assert "let Prometheus fill them, or wait" in usual["coverage"][0]
    assert "wait until" in usual["weekly-cycle"][0]


def test_a_short_retention_is_no_excuse_for_a_window_that_is_too_short() -> None:
    """All of the window was heard: then the window is what to change."""
    found = refused({"policy": {"observation": {"cycles": {"atLeast": 3}}}}, retention="2d")
    assert found["weekly-cycle"][0].endswith("write spec.observation.window: 21d or more")
