"""Peaks that people know of: when they are, and how they are told."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from microglia.policy.observing import KnownPeak, Observation
from microglia.policy.times import midnights

SALE = KnownPeak(name="sale days", days=(date(2026, 11, 30), date(2026, 11, 27)), lasts="1d")


def test_days_are_told_in_their_order_and_cron_as_it_was_written() -> None:
    """With the field in which they stand."""
    assert SALE.when == "27 Nov 2026, 30 Nov 2026"
    assert SALE.told == 'sale days (spec.observation.schedule, "27 Nov 2026, 30 Nov 2026")'
    month = KnownPeak(name="month end", cron="0 0 28 * *", lasts="4d")
    assert (month.when, month.told) == ("0 0 28 * *", 'month end (spec.observation.schedule, "0 0 28 * *")')


@pytest.mark.parametrize("when", [{}, {"days": ()}, {"cron": "0 0 28 * *", "days": (date(2026, 11, 27),)}])
def test_a_peak_is_by_cron_or_by_days(when: dict[str, object]) -> None:
    """Not both, and not never."""
    with pytest.raises(ValidationError, match=r"write either cron or days"):
        KnownPeak.model_validate({"name": "x", "lasts": "1d", **when})


def test_a_peak_names_everything_unless_told_otherwise() -> None:
    """Any namespace, any workload, any label; and by default no peak is known."""
    assert (SALE.namespaces, SALE.workloads, SALE.time_zone) == (("*",), ("*",), "UTC")
    assert SALE.selector.match_labels == {}
    assert Observation().schedule == ()


def test_days_begin_at_the_midnight_of_their_zone() -> None:
    """In summer two hours before UTC, in winter one; sorted, and each once."""
    days = (date(2026, 11, 27), date(2026, 7, 1), date(2026, 11, 27))
    assert list(midnights(days, "Europe/Berlin")) == [
        datetime(2026, 6, 30, 22, tzinfo=UTC),
        datetime(2026, 11, 26, 23, tzinfo=UTC),
    ]
    assert list(midnights(days[:1], "UTC")) == [datetime(2026, 11, 27, tzinfo=UTC)]
