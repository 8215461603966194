"""Slow requests of what is under watch: what is asked, what is kept, and what stays unknown."""

import zlib
from datetime import timedelta

import numpy as np
import pytest

from microglia.model.ports import UnreadableError
from microglia.model.window import Window
from microglia.observe.buckets import MemoryBuckets
from microglia.observe.dialects.expressions import HOUR, Spans, filled
from microglia.observe.dialects.istio import slow
from microglia.observe.replies import Reply
from microglia.observe.slowness import SlowReader
from tests.factories import NOW
from tests.unit.observe.rows import Server, row

DAYS = Window(NOW.replace(hour=0) - timedelta(days=2), NOW.replace(hour=0))
WEB = {"destination_workload_namespace": "shop", "destination_workload": "web"}
API = {"destination_workload_namespace": "shop", "destination_workload": "api"}
SHARE = Spans(60.0, 24 * HOUR).hour_share


def told(times):
    """Of 100 requests an hour 3 are slow; the same name elsewhere is somebody else."""
    other = {**WEB, "destination_workload_namespace": "other"}
    return [
        row(times, 3 / SHARE, what="slow", **WEB),
        row(times, 100 / SHARE, what="timed", **WEB),
        row(times, 77, what="slow", **other),
        row(times, 77, what="timed", **other),
    ]


def reader(server, buckets=None):
    return SlowReader(server, 60.0, "", buckets or MemoryBuckets(), "here")


def test_slow_requests_by_hour():
    """The counts of each hour, in the order of the keys; a workload of which nothing is told is unknown."""
    found = reader(Server(slow=told)).read(["shop/web", "shop/api"], DAYS, 400)
    assert (found.above, found.keys) == (500.0, ("shop/api", "shop/web"))
    assert np.isnan(found.slow[0]).all()
    assert np.isnan(found.timed[0]).all()
    assert found.slow[1].tolist() == pytest.approx([3] * 48)
    assert found.timed[1].tolist() == pytest.approx([100] * 48)


def test_remembered_hours_are_not_asked_for_again():
    """Two days at first, a query for each; then the last hours only, until another workload comes under watch."""
    server, buckets = Server(slow=told), MemoryBuckets()
    for workloads, queries, hours in (
        (["shop/web"], 2, 48), (["shop/web"], 1, 6), (["shop/api", "shop/web"], 2, 48), (["shop/api"], 1, 6),
    ):  # fmt: skip
        server.asked.clear()
        reader(server, buckets).read(workloads, DAYS, 500)
        assert len(server.asked) == queries
        assert sum((last - first) / HOUR + 1 for _, first, last in server.asked) == hours


def test_hours_read_with_another_bound_are_not_ours():
    """A policy that moves its bound has its hours read anew; one whose bound is the same bucket does not."""
    buckets = MemoryBuckets()
    reader(Server(slow=told), buckets).read(["shop/web"], DAYS, 500)
    silent = Server(slow=UnreadableError("gone"))
    assert np.isfinite(reader(silent, buckets).read(["shop/web"], DAYS, 300).slow).all()
    nobody = Bare()
    assert np.isnan(reader(nobody, buckets).read(["shop/web"], DAYS, 501).slow).all()
    assert 'le=~"1000|1000[.]0"' in nobody.text


class Bare:
    """A server that answers nothing and keeps what it was asked."""

    title, text = "bare", ""

    def query(self, expression, moment):
        raise UnreadableError(f"{expression} at {moment}")

    def query_range(self, expression, start, end, step):
        self.text = expression
        raise UnreadableError(f"{start} {end} {step}")


@pytest.mark.parametrize(
    "answer",
    [UnreadableError("gone"), Reply((), complete=False, faults=("native histograms",)), lambda times: []],
    ids=["silent", "not whole", "nothing"],
)
def test_what_was_not_told_is_unknown(answer):
    """Never zero: neither harm nor health can be read from it."""
    found = reader(Server(slow=answer)).read(["shop/web"], DAYS, 500)
    assert np.isnan(found.slow).all()
    assert np.isnan(found.timed).all()


def test_one_part_alone_tells_nothing():
    """Slow requests of nobody knows how many, and hours that only one of both has."""

    def half(times):
        return [row(times[:1], 3, what="slow", **WEB), row(times, 100, what="timed", **WEB), *told(times)[2:]]

    found = reader(Server(slow=half)).read(["shop/web"], DAYS, 500)
    assert np.isfinite(found.slow[0]).sum() == 2
    assert (np.isnan(found.slow) == np.isnan(found.timed)).all()


def test_a_failed_look_keeps_what_is_remembered():
    """The last hours, read again in vain, are still those of the look before."""
    buckets = MemoryBuckets()
    reader(Server(slow=told), buckets).read(["shop/web"], DAYS, 500)
    found = reader(Server(slow=UnreadableError("gone")), buckets).read(["shop/web"], DAYS, 500)
    assert found.slow[0].tolist() == pytest.approx([3] * 48)


class Rotten(MemoryBuckets):
    """Whatever was stored cannot be read."""

    def load(self, scope, hours):
        return dict(zip(hours, (b"?", zlib.compress(b"[]"), zlib.compress(b'{"shop/web": [1]}')), strict=False))


def test_pages_that_cannot_be_read_are_asked_for_again():
    """A page of something else is no page."""
    found = reader(Server(slow=told), Rotten()).read(["shop/web"], DAYS, 500)
    assert found.slow[0].tolist() == pytest.approx([3] * 48)


def test_extrapolation_never_makes_fewer_than_none():
    """A small negative difference is zero."""

    def below(times):
        return [row(times, -0.2, what="slow", **WEB), row(times, 100, what="timed", **WEB)]

    assert (reader(Server(slow=below)).read(["shop/web"], DAYS, 500).slow == 0).all()


def test_both_ways_to_write_a_bound_are_asked_for_and_no_other_bucket():
    """500 and 500.0, dots taken literally; only the server's own reports, and only of who is under watch."""
    text = filled(slow(1.0), Spans(60.0, HOUR), 'cluster="x"', ["web"])
    assert 'le=~"1|1[.]0",reporter="destination",destination_workload=~"web",cluster="x"' in text
