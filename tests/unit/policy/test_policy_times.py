"""Cron in its own time zone, spans in elapsed time."""

from datetime import UTC, datetime, timedelta

import pytest

from microglia.policy.times import check_cron, check_zone, running, starts

BERLIN = "Europe/Berlin"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "complaint"),
    [
        ("0 18 * *", "is not five cron fields"),
        ("@daily", "is not five cron fields"),
        ("0 0 * * * *", "is not five cron fields"),
        ("61 * * * *", "bad minute"),
        ("0 0 29 2 1#6", "is not cron"),
        ("0 0 */29 2 MON#5", "never happens; write a day that exists"),
    ],
)
def test_what_is_not_cron_is_refused(cron: str, complaint: str) -> None:
    """Anything but five fields that cron understands is refused with the reason."""
    with pytest.raises(ValueError, match=complaint):
        check_cron(cron)


def test_cron_that_is_cron_is_kept_as_written() -> None:
    """A valid expression passes unchanged."""
    assert check_cron("0 18 * * 5") == "0 18 * * 5"


@pytest.mark.parametrize("name", ["Mars/City", "../etc/passwd", "Europe", ""])
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    """Only names of the IANA database are time zones."""
    with pytest.raises(ValueError, match="is not a time zone; write UTC or Europe/Berlin"):
        check_zone(name)


def test_what_never_happens_has_no_start() -> None:
    """A fifth Monday of February that is the 1st or the 30th: no start, and no endless search."""
    assert list(starts("0 0 */29 2 MON#5", BERLIN, utc("2026-01-01T00:00"), utc("2027-01-01T00:00"))) == []


def test_starts_follow_the_clock_of_their_zone() -> None:
    """Six in the evening in Berlin is 17:00 UTC in winter and 16:00 UTC in summer."""
    winter = list(starts("0 18 * * *", BERLIN, utc("2026-01-10T00:00"), utc("2026-01-11T00:00")))
    summer = list(starts("0 18 * * *", BERLIN, utc("2026-07-10T00:00"), utc("2026-07-11T00:00")))
    assert winter == [utc("2026-01-10T17:00")]
    assert summer == [utc("2026-07-10T16:00")]


def test_a_start_that_the_clock_skips_moves_on() -> None:
    """02:30 does not exist on 29 March 2026 in Berlin: it happens right after the gap."""
    found = list(starts("30 2 * * *", BERLIN, utc("2026-03-29T00:10"), utc("2026-03-29T12:00")))
    assert found == [utc("2026-03-29T01:00")]


@pytest.mark.parametrize("asked", ["2026-10-25T00:10", "2026-10-25T00:30", "2026-10-25T01:10"])
def test_a_start_that_the_clock_repeats_counts_once(asked: str) -> None:
    """02:30 comes twice on 25 October 2026 in Berlin; only the first one counts, from wherever one looks."""
    found = list(starts("30 2 * * *", BERLIN, utc(asked), utc("2026-10-25T12:00")))
    assert found == ([utc("2026-10-25T00:30")] if asked == "2026-10-25T00:10" else [])


@pytest.mark.parametrize(
    ("now", "inside"),
    [
        ("2026-11-20T16:59", False),
        ("2026-11-20T17:00", True),
        ("2026-11-23T06:59", True),
        ("2026-11-23T07:00", False),
    ],
)
def test_a_span_holds_its_start_and_not_its_end(*, now: str, inside: bool) -> None:
    """From Friday 18:00 in Berlin for 62 hours: the first moment is in, the last is not."""
    found = running("0 18 * * 5", BERLIN, timedelta(hours=62), utc(now))
    assert found == ((utc("2026-11-20T17:00"), utc("2026-11-23T07:00")) if inside else None)


def test_lasts_is_elapsed_time_across_a_change_of_the_clock() -> None:
    """A span of 62 hours over the end of summer time is 62 hours, not 63."""
    found = running("0 18 * * 5", BERLIN, timedelta(hours=62), utc("2026-10-25T12:00"))
    assert found == (utc("2026-10-23T16:00"), utc("2026-10-26T06:00"))


def test_the_span_that_ends_last_is_the_one_reported() -> None:
    """Where spans overlap, the way out is the end of the last."""
    found = running("0 * * * *", "UTC", timedelta(hours=5), utc("2026-11-20T12:30"))
    assert found == (utc("2026-11-20T12:00"), utc("2026-11-20T17:00"))


def test_a_long_span_is_found_from_its_far_end() -> None:
    """A span of weeks is still running long after its start."""
    found = running("0 0 20 11 *", "UTC", timedelta(days=12), utc("2026-12-01T12:00"))
    assert found == (utc("2026-11-20T00:00"), utc("2026-12-02T00:00"))
