"""Quantities, shares, durations and rates."""

from datetime import timedelta

import pytest

from microglia.model import units


@pytest.mark.parametrize(
    ("text", "expected"),
    [("200", 200), ("500m", 0.5), ("40Gi", 40 * 2**30), ("1e3", 1000), ("1.5k", 1500), (2, 2), ("100u", 0.0001)],
)
def test_quantity_reads_what_kubernetes_reads(text, expected):
    """Every suffix of a Kubernetes quantity is read in base units."""
    assert units.quantity(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "abc", "5 apples", "1.2.3", "10Qi", "--3"])
def test_quantity_refuses_what_is_none(text):
    """A wrong quantity is an error that shows the right form."""
    with pytest.raises(ValueError, match="is not a quantity; write 200, 500m or 40Gi"):
        units.quantity(text)


@pytest.mark.parametrize(("text", "expected"), [("20%", 0.2), ("0.2", 0.2), (0.2, 0.2), ("150%", 1.5), (0, 0)])
def test_share_reads_percent_and_fraction(text, expected):
    """A share may be written both ways."""
    assert units.share(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["twenty", "-5%", "nan", "inf", "%"])
def test_share_refuses_nonsense_and_negatives(text):
    """A share that is no number, or below zero, is an error."""
    with pytest.raises(ValueError, match="is not a share"):
        units.share(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14d", timedelta(days=14)),
        ("1h30m", timedelta(minutes=90)),
        ("2w", timedelta(days=14)),
        ("90s", timedelta(seconds=90)),
        (60, timedelta(minutes=1)),
    ],
)
def test_duration_reads_compact_forms(text, expected):
    """Durations are read in weeks to seconds, and plain seconds."""
    assert units.duration(text) == expected


@pytest.mark.parametrize("text", ["2 weeks", "", "d", -1, True])
def test_duration_refuses_prose(text):
    """A duration in words is an error that shows the right form."""
    with pytest.raises(ValueError, match="is not a duration; write 14d, 2h or 90s"):
        units.duration(text)


@pytest.mark.parametrize(("text", "expected"), [("1/h", 1), ("2/s", 7200), ("200rps", 720_000), (3, 3), ("24/d", 1)])
def test_rate_is_per_hour_by_default(text, expected):
    """Rates of any unit become rates per hour."""
    assert units.rate(text) == pytest.approx(expected)


def test_rate_can_be_per_second():
    """A capacity is read per second."""
    assert units.rate("200rps", per="s") == pytest.approx(200)
    assert units.rate("7200/h", per="s") == pytest.approx(2)


@pytest.mark.parametrize("text", ["fast", "1/fortnight", "/h"])
def test_rate_refuses_other_units(text):
    """An unknown unit is an error."""
    with pytest.raises(ValueError, match="is not a rate"):
        units.rate(text)


def test_amounts_print_as_people_read_them():
    """Printing rounds to three significant digits and names the unit."""
    assert units.show_cpu(0.5) == "0.5 cpu"
    assert units.show_cpu(1234.5) == "1,234 cpu"
    assert units.show_bytes(2**30) == "1.0 Gi"
    assert units.show_bytes(24 * 2**20) == "24 Mi"
    assert units.show_bytes(-3 * 2**10) == "-3.0 Ki"
    assert units.show_bytes(12) == "12 B"
    assert units.show_duration(timedelta(days=9, hours=4, minutes=7)) == "9d 4h"
    assert units.show_duration(timedelta()) == "0s"
    assert units.show_share(0.2) == "20 %"
    assert units.show_share(0.001) == "0.1 %"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15d", 1296000),
        ("1h30m", 5400),
        ("15d or 10GB", 1296000),
        ("10GB", None),
        (None, None),
        ("250ms", 0.25),
        ("", None),
    ],
)
def test_durations_of_prometheus(text, seconds):
    """Prometheus durations, alone or beside a size."""
    assert units.seconds_of(text) == seconds


def test_numbers_agree_with_their_noun():
    """One is singular, none and many are not; a final y changes."""
    assert [units.some(number, "replica") for number in (0, 1, 2000)] == ["0 replicas", "1 replica", "2,000 replicas"]
    assert units.some(2, "primary") == "2 primaries"
    assert units.some(14, "day") == "14 days"
