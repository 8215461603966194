"""Windows."""

from datetime import UTC, datetime, timedelta

import pytest

from microglia.model.window import Window, floor_hour

NOON = datetime(2026, 11, 16, 12, tzinfo=UTC)  # a Monday


def test_a_window_ends_where_hours_are_closed():
    """A bucket is closed an hour after its end, so the last whole hour is left out."""
    window = Window.ending(NOON + timedelta(minutes=25), timedelta(days=14))
    assert (window.start, window.end, window.hours) == (
        NOON - timedelta(days=14, hours=1),
        NOON - timedelta(hours=1),
        336,
    )


def test_a_window_has_at_least_one_hour():
    """Even a window of seconds spans one bucket."""
    assert Window.ending(NOON, timedelta(seconds=5)).hours == 1


def test_buckets_know_their_time():
    """Starts are epoch seconds, hour 0 of the week is Monday 00:00 UTC."""
    window = Window(NOON - timedelta(hours=13), NOON)
    assert window.starts[0] == (NOON - timedelta(hours=13)).timestamp()
    assert list(window.hour_of_week[:3]) == [167, 0, 1]
    assert window.moment(13) == NOON


@pytest.mark.parametrize("minutes", [1, 59])
def test_a_window_of_broken_hours_is_refused(minutes):
    """Only whole hours of UTC make a window."""
    with pytest.raises(ValueError, match="whole hours"):
        Window(NOON, NOON + timedelta(minutes=minutes))


def test_floor_hour_is_utc():
    """Time zones are turned into UTC first."""
    assert floor_hour(NOON + timedelta(minutes=59)) == NOON
