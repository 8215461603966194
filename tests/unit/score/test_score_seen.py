"""What a window showed, in one answer."""

from datetime import date, timedelta

import numpy as np
import pytest

from microglia.model.ids import WorkloadId
from microglia.policy.observing import Cycles, KnownPeak, LabelSelector, Observation
from microglia.policy.schema import PolicySpec
from microglia.score import score
from microglia.score.known_peaks import names, occurrences, unknown
from microglia.score.scores import Evidence
from microglia.score.seen import see_one, see_window
from tests import factories
from tests.unit.score.worlds import Spec, calls, daily, host, world

DAY = factories.WINDOW.start.date() + timedelta(days=3)
SALE = KnownPeak(name="sale", days=(DAY,), lasts="1d", workloads=("cart*",))
NEXT_YEAR = SALE.model_copy(update={"days": (date(2027, 11, 26), date(2026, 11, 27))})


def test_a_whole_fortnight() -> None:
    """Two weeks heard throughout: a third is the chance of a new record in the next."""
    found = see_window(world(Spec("cart", rps=100)), PolicySpec())
    assert (found.days_seen, found.days, found.hours_seen, found.week_coverage) == (14, 14, 168, 1)
    assert (found.cycles, found.cycle, found.record) == (2, timedelta(days=7), pytest.approx(1 / 3))
    assert found.busiest is not None
    assert found.busiest_seen
    assert found.season.daily == pytest.approx(1)
    assert found.missing == ()


def test_half_a_fortnight_and_not_its_busiest_hour() -> None:
    """Heard from the second Tuesday on: what was not heard may have been as busy as what was."""
    seen = np.ones(factories.WINDOW.hours)
    seen[:192] = 0
    found = see_window(world(Spec("cart", rps=100, series={"seen": seen})), PolicySpec())
    assert (found.days_seen, found.hours_seen, found.cycles, found.record) == (6, 144, 0, 1)
    assert not found.busiest_seen
    assert found.busiest is not None


def test_the_load_is_that_of_all_workloads() -> None:
    """The busiest hour of the mesh is that of the sum; each workload has its own."""
    first, second = np.ones(336), np.ones(336)
    first[10], second[20] = 9, 99
    topology = world(Spec("a", series={"requests": first}), Spec("b", series={"requests": second}))
    hours = factories.WINDOW.hour_of_week
    policy = PolicySpec()
    assert see_window(topology, policy).busiest == hours[20]
    heard = np.ones(336, dtype=bool)
    row = topology.rows[WorkloadId("shop", "a")]
    assert see_one(topology.activity.workloads.requests[row], heard, topology, policy).busiest == hours[10]


def test_cycles_are_those_of_the_policy() -> None:
    """Fourteen days hold fourteen days, and the fifteenth brings a record with a chance of 1 / 15."""
    policy = PolicySpec(observation=Observation(cycles=Cycles(length="1d")))
    found = see_window(world(Spec("cart", rps=1)), policy)
    assert (found.cycles, found.record) == (14, pytest.approx(1 / 15))


def test_known_peaks_that_were_not_seen_are_named_once() -> None:
    """One in the window, and one twice that is not."""
    policy = PolicySpec(observation=Observation(schedule=(SALE, NEXT_YEAR, NEXT_YEAR)))
    assert see_window(world(Spec("cart")), policy).missing == ("sale",)
    assert see_window(world(Spec("cart")), PolicySpec(observation=Observation(schedule=(SALE,)))).missing == ()


def test_a_day_begins_at_its_own_midnight() -> None:
    """In its time zone: two hours earlier than in UTC where the sun rises earlier."""
    first = round(
        (factories.WINDOW.start.replace(hour=0) + timedelta(days=3) - factories.WINDOW.start) / timedelta(hours=1)
    )
    assert occurrences(SALE, factories.WINDOW) == ((first, first + 24),)
    berlin = SALE.model_copy(update={"time_zone": "Europe/Berlin"})
    assert occurrences(berlin, factories.WINDOW) == ((first - 2, first + 22),)


@pytest.mark.parametrize(("days", "count"), [(0, 0), (1, 1), (13, 1), (14, 0)])
def test_a_day_counts_when_all_of_it_lies_in_the_window(days: int, count: int) -> None:
    """That of the window's start has begun before it, that of its end goes on after it."""
    day = factories.WINDOW.start.date() + timedelta(days=days)
    assert len(occurrences(SALE.model_copy(update={"days": (day, day)}), factories.WINDOW)) == count


def test_a_peak_names_elements_by_namespace_name_and_label() -> None:
    """All three must hold."""
    topology = world(Spec("cart", parts={"labels": {"tier": "gold"}}), Spec("web"))
    cart, web = (topology.workloads[WorkloadId("shop", name)] for name in ("cart", "web"))
    assert (names(SALE, cart), names(SALE, web)) == (True, False)
    assert not names(SALE.model_copy(update={"namespaces": ("toys",)}), cart)
    gold = KnownPeak(name="x", days=(DAY,), lasts="1d", selector=LabelSelector(match_labels={"tier": "gold"}))
    assert (names(gold, cart), names(gold, web)) == (True, False)


def test_which_peak_it_is_and_where_it_is_written() -> None:
    """As a person wrote it, days in their order."""
    month = KnownPeak(name="month end", cron="0 0 28 * *", lasts="4d")
    way = "lies in the window; wait for one, or lengthen spec.observation.window"
    assert unknown(NEXT_YEAR) == f'no sale (spec.observation.schedule, "27 Nov 2026, 26 Nov 2027") {way}'
    assert unknown(month) == f'no month end (spec.observation.schedule, "0 0 28 * *") {way}'


def test_routes_of_and_to_what_a_missing_peak_names_are_unknown() -> None:
    """At the sale web may call cart, and cart may call anybody; the rest stays as it is."""
    sent = {"sent": daily() + 1}
    specs = (Spec("cart", rps=5, series=sent), Spec("desk"), Spec("web", series=sent))
    edges = calls(("web", "desk"), ("cart", "desk"))
    policy = PolicySpec(observation=Observation(schedule=(NEXT_YEAR,)))
    found = {
        (route.client.name, one): route.judged
        for route in score(world(*specs, edges=edges), policy).routes
        for one in route.hosts
    }
    assert found["web", host("cart")].evidence is Evidence.UNKNOWN
    assert found["cart", host("web")].evidence is Evidence.UNKNOWN
    assert "no sale" in found["web", host("cart")].why
    assert "no sale" in found["cart", host("web")].why
    assert found["web", host("web")].evidence is Evidence.IDLE
    assert found["web", host("desk")].evidence is Evidence.USED
