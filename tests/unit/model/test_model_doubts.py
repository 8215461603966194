"""What sources say of themselves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from microglia.model.doubts import doubts, metrics_skew, short_retention, skew
from tests.factories import SOURCE

WEEKS = timedelta(days=14)


@pytest.mark.parametrize("ahead", [None, 0.0, 60.0, -60.0])
def test_clocks_that_agree_within_a_minute_are_no_doubt(ahead):
    """A minute is allowed; a clock that nobody told is not doubted."""
    assert metrics_skew("prom", ahead) == ""


def test_a_clock_that_is_off_is_told_with_what_follows_and_the_way_out():
    """Ahead, the latest calls are not looked at; behind, the last hours look unseen."""
    assert metrics_skew("prom", 7500.0) == (
        "the clock of prom is 2h 5m ahead of this machine's clock: what it saw last is not looked at;"
        " synchronise both (NTP)"
    )
    assert metrics_skew("prom", -61.0) == (
        "the clock of prom is 1m 1s behind this machine's clock: the last hours of the window are still to come there,"
        " and look unseen; synchronise both (NTP)"
    )
    assert "of the API server is 2m ahead" in skew("the API server", 120, ("a", "b"))


@pytest.mark.parametrize(("retention", "short"), [("15d", False), ("14d", False), ("10GB", False), (None, False)])
def test_a_retention_that_holds_the_window_is_no_doubt(retention, short):
    """As long as the window, longer, or not told as a time."""
    assert bool(short_retention(replace(SOURCE, retention=retention), WEEKS)) is short


def test_a_retention_shorter_than_the_window_is_told_with_both_and_the_way_out():
    """Which hours can never be seen, and the two ways to change that."""
    source = replace(SOURCE, retention="2d or 5GB", ahead=600.0)
    told = short_retention(source, WEEKS)
    assert told == (
        "prometheus keeps metrics for 2d (its retention) and the window asks for 14d, so the first 12d are never seen;"
        " raise its --storage.tsdb.retention.time, or shorten spec.observation.window"
    )
    assert doubts(source, WEEKS) == (metrics_skew("prometheus", 600.0), told)
    assert doubts(SOURCE, WEEKS) == ()
