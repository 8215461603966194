"""Hours between laps: compact, dated, never better than what was read, and worth nothing without their names."""

import numpy as np
import pytest

from microglia.model.activity import Edge
from microglia.observe.buckets import LONGEST, HourBook, MemoryBuckets, Run, runs
from microglia.observe.facts import COLUMNS, SIGNS, Block, Sums, unread
from microglia.observe.pages import ids_of, pack, unpack

HOUR = 3600
EDGE = Edge("shop/front", "web.shop.svc.cluster.local", "shop/web", "http")


def block(start=0, hours=3, value=1.0, *, known=True, key="shop/web"):
    columns = {name: np.full(hours, value + number) for number, name in enumerate(COLUMNS)}
    columns["latency"] = np.full(hours, np.nan)
    signs = {name: np.array([value, *[0.0] * (hours - 1)]) for name in SIGNS}
    return Block(
        start=start, hours=hours, workloads={key: columns}, zones={(key, "a"): np.full(hours, value)},
        containers={(key, "app"): np.full(hours, value)}, edges={EDGE: signs},
        known=np.full(hours, known), away=np.arange(hours) == 1,
    )  # fmt: skip


def book(buckets=None, scope="s", mark="m", hours=(0, HOUR, 2 * HOUR)):
    found = HourBook(buckets or MemoryBuckets(), scope, mark)
    found.open(list(hours))
    return found


def test_a_page_is_what_was_packed():
    """Every value of an hour comes back: numbers, what is unknown, flags, and edges only where something was."""
    pages = {hour: unpack(payload) for hour, payload in pack(block()).items()}
    assert list(pages) == [0, HOUR, 2 * HOUR]
    first, second = pages[0], pages[HOUR]
    assert (first.known, first.away, second.away) == (True, False, True)
    values = dict(zip(COLUMNS, first.sections["workloads"].values[:, 0], strict=True))
    assert values["requests"] == 1.0
    assert np.isnan(values["latency"])
    assert first.sections["edges"].values[:, 0].tolist() == [1, 1, 1, 1]
    assert second.sections["edges"].ids.size == 0
    assert first.sections["workloads"].ids.tolist() == ids_of(["shop/web"]).tolist()


@pytest.mark.parametrize("damage", [b"", b"MGH1", b"other bytes that are no page at all", "cut", "longer"])
def test_a_damaged_page_is_no_page(damage):
    """Whatever is not exactly a page is read again."""
    whole = pack(block())[0]
    assert (
        unpack(whole[:-3] if damage == "cut" else whole[:9] + b"\x05" + whole[10:] if damage == "longer" else damage)
        is None
    )


def test_nothing_read_is_a_page_of_its_own():
    """An hour of which nothing could be read is not known, and holds nothing."""
    page = unpack(pack(unread(0, 1))[0])
    assert not page.known
    assert all(section.ids.size == 0 for section in page.sections.values())


def test_runs_are_at_most_a_day():
    """Neighbouring hours are read together, a day at most."""
    assert runs([0, HOUR, 3 * HOUR]) == (Run(0, 2), Run(3 * HOUR, 1))
    long = runs(range(0, 50 * HOUR, HOUR))
    assert [run.hours for run in long] == [LONGEST, LONGEST, 2]
    assert long[0].end == long[1].start


def test_what_is_due():
    """Missing and unknown hours, and the last six in any case."""
    it = book()
    hours = [hour * HOUR for hour in range(12)]
    it.add(block(0, 3))
    it.add(block(3 * HOUR, 1, known=False))
    it.add(block(4 * HOUR, 8))
    assert it.due(hours) == (Run(3 * HOUR, 1), Run(6 * HOUR, 6))
    assert book().due(hours) == (Run(0, 12),)


def test_pages_are_found_again():
    """What one lap stored, the next one opens, with its names."""
    buckets = MemoryBuckets()
    book(buckets).add(block())
    again = book(buckets)
    assert sorted(again.pages) == [0, HOUR, 2 * HOUR]
    assert again.names("workloads") == ("shop/web",)
    assert again.names("edges") == ("shop/front\x1fweb.shop.svc.cluster.local\x1fshop/web\x1fhttp",)
    assert book(buckets, mark="other").pages == {}
    assert book(buckets, scope="other").pages == {}


def test_pages_without_their_names_are_read_again():
    """When the names are lost, or another writer replaced them, the pages that need them count as missing."""
    buckets = MemoryBuckets()
    book(buckets).add(block())
    buckets.save("s/m/names", {0: b"rubbish"})
    assert book(buckets).pages == {}
    book(buckets).add(block(HOUR, 1, key="shop/other"))
    assert sorted(book(buckets).pages) == [HOUR]


def test_names_grow():
    """Names of earlier blocks stay known."""
    buckets = MemoryBuckets()
    it = book(buckets)
    it.add(block())
    it.add(block(3 * HOUR, key="shop/other"))
    assert book(buckets).names("workloads") == ("shop/other", "shop/web")


def test_a_known_hour_is_not_given_up_for_an_unknown_one():
    """A failed reading never replaces a good one; a good one replaces a failed one and an older one."""
    it = book()
    it.add(block(value=5.0))
    it.add(block(value=7.0, known=False))
    assert it.pages[0].sections["zones"].values[0, 0] == 5.0
    it.add(block(value=9.0))
    assert it.pages[0].sections["zones"].values[0, 0] == 9.0
    fresh = book()
    fresh.add(unread(0, 3))
    fresh.add(block(value=3.0))
    assert fresh.pages[0].known


def test_the_long_memory_outlives_a_new_way_of_reading():
    """When expressions change, hours are read again, and what was remembered of old peaks stays."""
    buckets = MemoryBuckets()
    book(buckets, mark="old").remember({"weeks": {}})
    assert book(buckets, mark="new").recall() == {"weeks": {}}
    assert book(buckets, scope="other").recall() == {}


def test_sums_know_what_nobody_told():
    """Sums and maxima per key: buckets that no row touched stay unknown."""
    sums = Sums(3)
    sums.add("a", [0, 1], np.array([1.0, 2.0]))
    sums.add("a", [1], np.array([5.0]))
    sums.highest("b", [2], np.array([4.0]))
    sums.highest("b", [2], np.array([3.0]))
    assert sums.get("a", 0.0).tolist() == [1, 7, 0]
    assert np.isnan(sums.get("a")[2])
    assert sums.get("b", 0.0).tolist() == [0, 0, 4]
    assert sums.get("c", 9.0).tolist() == [9, 9, 9]
    assert sums.rows().keys() == {"a", "b"}
