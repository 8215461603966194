"""Words for people, and the time that a reply tells."""

import pytest

from microglia.observe.buckets import Run
from microglia.observe.wording import ahead, said, together, when

DAY = 86400
DATE = "Mon, 29 Jun 2026 12:00:00 GMT"
NOON = 1782734400.0


def test_equal_faults_are_one_sentence_that_counts_them():
    """Whole spans are told as such, gaps in them by their hours; what was said once stays as it is."""
    runs = [Run(start * 3600 * 3 + 20_000 * DAY, 3) for start in range(4)]
    found = [(run, "peaks: 422") for run in runs] + [(runs[0], "cpu: late"), (runs[3], "cpu: late"), (runs[1], "alone")]
    assert together(found) == (
        "04 Oct 00:00 to 04 Oct 12:00 UTC, in 4 queries: peaks: 422",
        "6 h of 04 Oct 00:00 to 04 Oct 12:00 UTC, in 2 queries: cpu: late",
        f"{when(runs[1])}: alone",
    )
    assert together([]) == ()


def test_a_sentence_has_one_full_stop():
    """What others say is followed by more words of ours."""
    assert said(ValueError("Invalid kube-config file. No configuration found. ")) == (
        "Invalid kube-config file. No configuration found"
    )


@pytest.mark.parametrize(
    ("date", "age", "now", "found"),
    [
        (DATE, None, NOON, 0.0),
        (DATE, None, NOON - 90, 90.0),
        (DATE, "30", NOON + 90, -60.0),
        (None, None, NOON, None),
        ("yesterday", None, NOON, None),
        (DATE, "old", NOON, None),
    ],
)
def test_how_far_a_clock_is_ahead(date, age, now, found):
    """The date of a reply against ours; a cached reply is as old as it says; without a date nothing is known."""
    assert ahead(date, age, now) == found
