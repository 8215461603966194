"""What is asked: windows that share a scrape, peaks that cover their slot, and a scope in every selector."""

import re

import pytest

from microglia.observe.dialects import istio, kubernetes
from microglia.observe.dialects.expressions import Spans, filled, fingerprint
from microglia.observe.spots import hourly, slots
from microglia.observe.traffic import usual

EVERY = (*istio.EXPRESSIONS, istio.BIRTHS, istio.GAPS, *kubernetes.EXPRESSIONS)


@pytest.mark.parametrize(
    ("scrape", "hour", "peak"), [(15, 3615, 330), (30, 3630, 360), (60, 3660, 420), (120, 3720, 480), (300, 3900, 1200)]
)
def test_windows_overlap_by_a_scrape(scrape, hour, peak):
    """An hour and one scrape; 5 minutes and one scrape or two, in whole scrapes, at least four."""
    spans = Spans(scrape, 86400)
    assert (spans.hour, spans.peak) == (hour, peak)
    assert spans.hour * spans.hour_share == 3600


@pytest.mark.parametrize("scrape", [15, 30, 60, 120])
def test_a_slot_that_was_busy_alone_reads_at_most_15_percent_low(scrape):
    """Whatever the phase of the scrapes, a lone busy slot shows 85 % of its rate or more, steady load at most 125 %."""
    spans = Spans(scrape, 86400)
    sampled = spans.peak - scrape
    for phase in range(0, scrape, 5):
        last = 300 + round(spans.peak_late) - phase
        first = last - sampled
        covered = min(last, 300) - max(first, 0)
        assert covered / sampled * spans.peak_share >= 0.849
    assert 1 <= spans.peak_share <= 1.25


def test_evaluations_fall_into_their_buckets():
    """Hour 0 is evaluated at its end; slot 0 half a window later; both are found again."""
    spans = Spans(120, 86400)
    by_hour, by_slot = hourly(7200, 3, spans), slots(7200, 3, spans)
    assert (by_hour.first, by_hour.last) == (10800, 18000)
    assert (by_slot.first, by_slot.last, by_slot.count) == (7200 + 390, 7200 + 10800 + 90, 36)
    assert by_slot.of(by_slot.first + 300.0) == 1
    assert by_hour.of(by_hour.last) == 2


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_the_scope_is_in_every_selector(one):
    """With a scope, no selector is without it: one server may hold many clusters."""
    text = filled(one, Spans(30, 86400), 'cluster="x"', ["a.b", "c"])
    selectors = re.findall(r"\{[^}]*\}", text)
    assert selectors
    assert all('cluster="x"' in selector for selector in selectors)
    assert "$" not in text.replace('"$1"', "")


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_no_selector_begins_with_a_comma(one):
    """Without a scope every selector is still well-formed."""
    assert not re.search(r"\{\s*,|,\s*,|,\s*\}", filled(one, Spans(30, 86400), "", ["a"]))


def test_names_are_escaped():
    """A workload's name is a name in the expression, not a pattern."""
    assert r'destination_workload=~"a\\.b|c"' in filled(istio.BIRTHS, Spans(30, 3600), "", ["a.b", "c"])


def test_hours_read_otherwise_are_not_ours():
    """Another scrape interval, scope or expression is another fingerprint."""
    marks = {
        fingerprint(EVERY, 30, ""),
        fingerprint(EVERY, 60, ""),
        fingerprint(EVERY, 30, 'cluster="x"'),
        fingerprint(EVERY[1:], 30, ""),
    }
    assert len(marks) == 4
    assert fingerprint(EVERY, 30, "") == fingerprint(EVERY, 30.0, "")


@pytest.mark.parametrize(("seen", "interval"), [(119.4, 120), (31, 30), (14.9, 15), (45, 45), (0.4, 1), (400, 400)])
def test_intervals_that_people_set(seen, interval):
    """A measured interval becomes the usual one nearby, else whole seconds."""
    assert usual(seen) == interval


def test_a_heartbeat_alone_says_nothing() -> None:
    """Where nobody's requests are told at all, they are dropped on the way, and who beats is not heard."""
    assert "and on () count(istio_requests_total{" in istio.HEALTH.template
