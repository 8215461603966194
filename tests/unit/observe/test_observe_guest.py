"""A lap takes what it may, says what it left, and every lap gets further."""

from microglia.observe.buckets import HOUR, HourBook, MemoryBuckets
from microglia.observe.guest import Allowance, Pace
from microglia.observe.names import read_names
from microglia.observe.reading import Reader, read_all
from microglia.observe.replies import Reply, read_reply
from tests.unit.observe.rows import Server

DAYS = 6
START = 1_700_000_000 // HOUR * HOUR
HOURS = [START + hour * HOUR for hour in range(DAYS * 24)]


def lap(buckets, samples, cost=10):
    """One lap over six days; every query takes ``cost`` samples."""
    server = Server(**dict.fromkeys(("volume", "signs"), Reply((), samples=cost)))
    book = HourBook(buckets, "scope")
    book.open(HOURS)
    said = read_all(Reader(server, 60, pace=Pace(2, samples)), book, book.due(HOURS), read_names({}), lambda _: None)
    return server, book, said


def known(book):
    """How many hours are known."""
    return sum(book.pages[hour].known for hour in HOURS)


def test_what_is_over_the_budget_is_left_unknown_and_said():
    """The latest days are read; the rest is unknown, and a sentence says whose doing that is."""
    server, book, said = lap(MemoryBuckets(), 60)
    assert known(book) == 3 * 24
    assert [book.pages[hour].known for hour in HOURS[:72]] == [False] * 72
    assert len(server.read("volume")) == 3
    assert len(said) == 1
    assert "left for the next laps" in said[0]
    assert "the 60 samples that a lap may take; for more at once raise prometheus_samples" in said[0]


def test_every_lap_gets_further_however_small_the_budget():
    """Two runs are always read: the latest hours, which are due each time, and one more."""
    buckets = MemoryBuckets()
    found = []
    for _ in range(DAYS + 1):
        _, book, said = lap(buckets, 1)
        found.append(known(book))
    assert found == sorted(found)
    assert (found[0], found[-1], said) == (48, DAYS * 24, ())


def test_without_a_budget_everything_is_read():
    """Zero is no limit."""
    _, book, said = lap(MemoryBuckets(), 0, 10**12)
    assert (known(book), said) == (DAYS * 24, ())


def test_what_is_under_way_counts_too():
    """The run that is being read costs what those before it did."""
    allowance = Allowance(100)
    for _ in range(2):
        allowance.spend(24, 30)
    assert allowance.affords(24)
    assert not allowance.affords(24, ahead=24)


def test_samples_are_what_the_server_says_it_read():
    """Where it does not say, what it sent is the least that it read."""
    row = {"metric": {}, "values": [[1, "1"], [2, "1"]]}
    told = {"data": {"stats": {"samples": {"totalQueryableSamples": 500}}}}
    assert read_reply([row], told).samples == 500
    assert read_reply([row], {"stats": {"seriesFetched": "7"}, "data": {"stats": "none"}}).samples == 2
