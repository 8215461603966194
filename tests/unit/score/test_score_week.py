"""Which days and hours of the week a window showed, whole cycles, and whether the busiest hour was among them."""

from datetime import timedelta

import numpy as np
import pytest

from microglia.model.window import Window
from microglia.score.week import (
    busiest_hour,
    days_seen,
    first_heard,
    mesh_heard,
    named,
    times_seen,
    week_coverage,
    whole_cycles,
)
from tests import factories
from tests.unit.score.worlds import Spec, world

WEEK = np.arange(168)
FORTNIGHT = np.tile(WEEK, 2)
MONDAY_NINE = 9


def _heard(*gaps: range, hours: int = 336) -> np.ndarray:
    heard = np.ones(hours, dtype=bool)
    for gap in gaps:
        heard[list(gap)] = False
    return heard


def test_hours_of_the_week_are_counted_from_monday() -> None:
    """Hour 0 is Monday 00:00, hour 167 Sunday 23:00, all in UTC."""
    assert [named(hour) for hour in (0, 9, 24, 167)] == [
        "Monday 00:00 UTC", "Monday 09:00 UTC", "Tuesday 00:00 UTC", "Sunday 23:00 UTC",
    ]  # fmt: skip


def test_a_fortnight_shows_every_hour_of_the_week_twice() -> None:
    """336 hours over 168 cells."""
    times = times_seen(_heard(), FORTNIGHT)
    assert times.tolist() == [2] * 168
    assert (week_coverage(times), week_coverage(times, 2), week_coverage(times, 3)) == (1, 1, 0)


def test_the_coverage_of_the_week_is_cells_over_168() -> None:
    """Monday 09:00 is missing in both weeks, Tuesday in one: 167 cells were seen, 143 of them twice."""
    times = times_seen(_heard(range(9, 10), range(177, 178), range(24, 48)), FORTNIGHT)
    assert (times[9], times[24], times[8]) == (0, 1, 2)
    assert week_coverage(times) == pytest.approx(167 / 168)
    assert week_coverage(times, 2) == pytest.approx(143 / 168)


def test_nothing_heard_covers_nothing() -> None:
    """No hour, no cell."""
    assert week_coverage(times_seen(np.zeros(336, dtype=bool), FORTNIGHT)) == 0


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        (_heard(), (14, 14)),
        (_heard(range(168)), (7, 14)),
        (_heard(range(30, 31)), (13, 14)),
        (_heard(hours=36), (1, 1)),
        (_heard(range(11, 12), hours=36), (1, 1)),
        (_heard(range(12, 13), hours=36), (0, 1)),
        (_heard(hours=23), (0, 0)),
    ],
)
def test_a_day_is_seen_when_each_of_its_hours_was(heard: np.ndarray, expected: tuple[int, int]) -> None:
    """Days are counted back from the end; what is left over at the start is none."""
    assert days_seen(heard) == expected


@pytest.mark.parametrize(("first", "expected"), [(0, 2), (1, 1), (168, 1), (169, 0), (336, 0)])
def test_whole_cycles_lie_between_the_first_hour_heard_and_the_end(first: int, expected: int) -> None:
    """Two weeks hold two whole weeks, and one hour less only one."""
    assert whole_cycles(_heard(range(first)), timedelta(days=7)) == expected


def test_what_was_never_heard_begins_at_the_end() -> None:
    """The first hour heard, and H where there is none."""
    assert (first_heard(_heard(range(5))), first_heard(_heard(range(336)))) == (5, 336)


def _load(peak: int, level: float = 10.0) -> np.ndarray:
    """One hour of the week is busier than the others."""
    load = np.ones(336)
    load[[peak, peak + 168]] = level
    return load


def test_the_busiest_hour_is_that_of_the_highest_load() -> None:
    """Seen in either week."""
    assert busiest_hour(_load(60), _heard(), FORTNIGHT) == 60
    assert busiest_hour(_load(60), _heard(range(60, 61)), FORTNIGHT) == 60


def test_an_hour_that_was_never_seen_is_as_busy_as_its_neighbours() -> None:
    """Monday 09:00 was never heard, 08:00 was the busiest of what was: then it may have been 09:00."""
    heard = _heard(range(9, 10), range(177, 178))
    assert busiest_hour(_load(8), heard, FORTNIGHT) == MONDAY_NINE
    assert busiest_hour(_load(10), heard, FORTNIGHT) == MONDAY_NINE
    assert busiest_hour(_load(60), heard, FORTNIGHT) == 60


def test_an_hour_that_was_never_seen_is_as_busy_as_on_other_days() -> None:
    """No Monday was heard; the busiest hour of the other days is 09:00, so that of Monday counts as the busiest."""
    heard = _heard(range(24), range(168, 192))
    daily = np.where(FORTNIGHT % 24 == 9, 10.0, 1.0)
    assert busiest_hour(daily, heard, FORTNIGHT) == MONDAY_NINE


def test_where_nothing_was_asked_for_there_is_no_busiest_hour() -> None:
    """No load, or nothing heard."""
    assert busiest_hour(np.zeros(336), _heard(), FORTNIGHT) is None
    assert busiest_hour(np.full(336, np.nan), _heard(), FORTNIGHT) is None
    assert busiest_hour(_load(60), np.zeros(336, dtype=bool), FORTNIGHT) is None


def test_the_window_begins_on_any_day() -> None:
    """Buckets are sorted by their own hour of the week."""
    window = Window(factories.WINDOW.start + timedelta(hours=5), factories.WINDOW.end)
    hours = window.hour_of_week
    load = np.where(hours == MONDAY_NINE, 2.0, 1.0)
    assert busiest_hour(load, np.ones(window.hours, dtype=bool), hours) == MONDAY_NINE


def test_the_mesh_is_heard_when_any_reporter_is() -> None:
    """At least 90 % of its heartbeats, and the reply whole."""
    quiet, deaf = np.ones(336), np.ones(336)
    quiet[:3], deaf[:2], deaf[2] = 0.89, 0.0, 0.9
    known = np.ones(336, dtype=bool)
    known[7] = False
    found = mesh_heard(world(Spec("a", series={"seen": quiet}), Spec("b", series={"seen": deaf}), known=known))
    assert np.flatnonzero(~found).tolist() == [0, 1, 7]
