"""Was the load representative? In sentences that a person understands."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.report.seen import seen_sentence, seen_text, window_lines
from microglia.score.season import Season
from microglia.score.seen import Seen
from tests.unit.report.answers import flat
from tests.unit.score.worlds import Spec, calls, world

WEEK = timedelta(days=7)
WHOLE = Seen(14, 14, 168, 9, busiest_seen=True, cycles=2, cycle=WEEK, record=1 / 3, season=Season(0.47, 0.12))
SPEC = PolicySpec()


def test_a_whole_fortnight_in_a_sentence() -> None:
    """Days, the busiest hour, the seasons and the chance of a record."""
    assert seen_sentence(WHOLE) == (
        "14 of 14 days seen; the busiest hour of the week, Monday 09:00 UTC, was seen. Daily season strong (0.47),"
        " weekly season weak (0.12). After 2 whole cycles of 7d, the next one holds a new highest peak with a chance of"
        " 33 %."
    )


def test_half_a_fortnight_in_a_sentence() -> None:
    """What was not seen is said first."""
    half = replace(WHOLE, days_seen=7, hours_seen=167, busiest_seen=False, cycles=1, record=0.5)
    text = seen_sentence(half)
    assert text.startswith(
        "7 of 14 days seen, 167 of 168 hours of the week; the busiest hour of the week, Monday 09:00 UTC, was not."
    )
    assert "After 1 whole cycle of 7d, the next one holds a new highest peak with a chance of 50 %." in text


def test_what_a_short_window_cannot_say() -> None:
    """No day, no season, no cycle, no load."""
    short = replace(
        WHOLE, days_seen=0, days=0, hours_seen=12, busiest=None, busiest_seen=False, cycles=0,
        season=Season(None, None), missing=("month end", "sale days"),
    )  # fmt: skip
    assert seen_sentence(short) == (
        "less than a day seen, 12 of 168 hours of the week; there was no load to have a busiest hour. Daily season none"
        " seen, less than two of its periods were, weekly season none seen, less than two of its periods were. Not one"
        " whole cycle was seen, so nothing is known of the next one's peak. Not seen of the known peaks: month end,"
        " sale days."
    )


def test_a_strong_week_is_held_against_a_policy_that_asks_for_days() -> None:
    """What the week adds would be missed by a cycle of a day."""
    daily = replace(WHOLE, cycle=timedelta(days=1), season=Season(0.5, 0.3))
    advice = ", but spec.observation.cycles asks for periods of 1d alone: write {length: 7d}."
    assert f"weekly season strong (0.30){advice}" in seen_sentence(daily)
    assert advice not in seen_sentence(replace(daily, season=Season(0.5, 0.29)))
    assert advice not in seen_sentence(replace(daily, cycle=WEEK))
    assert advice not in seen_sentence(replace(daily, season=Season(0.5, None)))


def test_a_plan_that_gives_back_looked_at_no_window() -> None:
    """Nothing to say."""
    assert seen_text(None) == ""
    assert seen_text(WHOLE).startswith("  The window: 14 of 14 days seen")


def _lines(name: str, *specs: Spec, **parts: Any) -> dict[str, str]:
    return dict(window_lines(WorkloadId("shop", name), world(*specs, **parts), SPEC))


def test_a_workload_has_a_window_of_its_own() -> None:
    """With the tail of its peaks, to be recomputed, and the classes of hosts that it calls."""
    peaks = np.full(336, 10.0)
    peaks[12::24] = [60, 20, 20, 30, 30, 40, 50, 50, 70, 80, 90, 100, 30, 20]
    edges = calls(("cart", "web"), requests=400.0)
    lines = _lines("cart", Spec("cart", rps=10, series={"peak": peaks}), Spec("web"), edges=edges)
    assert list(lines) == ["Window", "Peaks", "Unseen"]
    assert lines["Window"].startswith("14 of 14 days seen; the busiest hour of the week, ")
    assert lines["Peaks"].startswith("14 peaks above u = 10 rps (95 % of the hours lie below): zeta = 0.04167, xi = ")
    assert "90d may bring u + sigma / xi x ((2160 x zeta)^xi - 1) = " in lines["Peaks"]
    assert (
        lines["Unseen"] == "hosts of shop: 0 of 400 requests alone on their edge, under 0.01 %, at most 0.746 % (95 %)"
    )


def test_a_quiet_workload_has_no_peaks_and_calls_nobody() -> None:
    """Only the window."""
    assert list(_lines("cart", Spec("cart"))) == ["Window"]


def test_what_metrics_never_named_has_no_window() -> None:
    """It was not seen at all."""
    assert window_lines(WorkloadId("shop", "other"), world(Spec("cart")), SPEC) == [
        ("Window", "metrics never named it")
    ]


@pytest.mark.parametrize(("value", "word"), [(0.3, "strong (0.30)"), (0.29, "weak (0.29)"), (0.0, "weak (0.00)")])
def test_a_season_is_strong_from_three_tenths_on(value: float, word: str) -> None:
    """In a word and a number."""
    assert f"Daily season {word}" in flat(seen_sentence(replace(WHOLE, season=Season(value, 0.0))))
