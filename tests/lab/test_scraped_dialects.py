"""What microglia makes of each product's exporter as a real Prometheus scrapes it, with gaps, restarts and noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from microglia.model.activity import UNKNOWN_PEER
from microglia.observe.dialects.expressions import Expression, Spans, filled
from microglia.observe.dialects.making import present
from microglia.observe.edges import edge_of
from microglia.observe.prometheus import PrometheusServer
from tests.lab import Lab, Span
from tests.lab.exporter import SCRAPE, Exporter
from tests.lab.exporter_play import DIALECTS, PRODUCTS, Play, cluster, counts, kind_of
from tests.lab.exporter_story import BLOCK, END, EXPIRED, FATES, IDLE, REPORTERS, STILL
from tests.lab.exporter_text import CLIENT, HASH, Product
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(300)

CALLEES = (*FATES, "quiet", "strange")
GAPPY = tuple(f"{CLIENT}-{HASH}-{one.pod}" for one in REPORTERS if one.down)
WITHIN = 240.0


@dataclass(frozen=True, slots=True)
class Short(Spans):
    """Spans whose hour is the block: the whole play lasts a minute."""

    @property
    def hour(self) -> float:
        """The block and one scrape."""
        return self.block + self.scrape

    @property
    def hour_share(self) -> float:
        """As the block is to it."""
        return self.block / self.hour


@pytest.fixture(scope="module")
def play(lab: Lab) -> Iterator[Play]:
    """All products at once, scraped every second by one Prometheus until the story has ended."""
    with Exporter([target for product in PRODUCTS for target in product.targets()]) as exporter:
        url = lab.another_prometheus("scraping", Span(jobs=exporter.jobs))
        until("the story ends", lambda: exporter.pending, WITHIN)
        begin, end = exporter.times[BLOCK], exporter.times[END]
        yield Play(PrometheusServer(url), Short(SCRAPE, end - begin), end, cluster(CALLEES), GAPPY)
        lab.processes.stop("scraping")


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda one: one.name)
def test_who_was_used(play: Play, product: Product) -> None:
    """Use never comes out idle: births, re-births at the same value, restarts and roll-outs are use. Idleness never
    comes out used: not by scrapes that fail, not by what was there before the block, not by noise."""
    idle = EXPIRED if kind_of(product) == "expiring" else IDLE
    strangers = {"strange"} if product.strange is not None else set()
    found = play.callees(product, play.signs(product))
    assert set(found) == (set(FATES) - idle) | strangers
    # Who is meant is told down to the Service, without which no route is used.
    assert not [row for rows in found.values() for row in rows if edge_of(row.labels, play.names).host == UNKNOWN_PEER]


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda one: one.name)
def test_how_much_they_were_used(play: Play, product: Product) -> None:
    """One call a step is counted as such, and what did not grow counts nothing."""
    found = play.callees(product, play.volume(product))
    assert set(found) & STILL == set()
    grown = [row.values[-1] * play.spans.hour_share for row in found.get("active", ())]
    assert grown == pytest.approx([END - BLOCK] * len(grown), rel=0.1)
    assert bool(grown) is counts(product)


@pytest.mark.parametrize("product", [one for one in PRODUCTS if one.strange], ids=lambda one: one.name)
def test_callers_without_a_name(play: Play, product: Product) -> None:
    """Who is called by somebody unknown was used, by nobody that is known."""
    rows = play.callees(product, play.signs(product))["strange"]
    clients = {edge_of(row.labels, play.names).client for row in rows}
    assert not {client for client in clients if client in play.names.workloads}
    assert UNKNOWN_PEER in clients or product.name in {"graph", "caretta"}


def test_all_of_them_are_found(play: Play) -> None:
    """The one probe finds each dialect by what its exporter shows; real proxies show Envoy's own, elsewhere."""
    probe = Expression("once", "block", present(tuple(DIALECTS.values())))
    assert {row.labels["dialect"] for row in play.server.query(filled(probe, play.spans), play.end).rows} == set(
        DIALECTS
    ) - {"istio-envoy"}


def test_a_hop_is_nobody_who_is_called(play: Play) -> None:
    """Towards a waypoint ztunnel names the waypoint as workload and the callee as Service: the callee is meant."""
    (ztunnel,) = (product for product in PRODUCTS if product.name == "ztunnel")
    rows = [*play.signs(ztunnel), *play.volume(ztunnel)]
    told = {edge_of(row.labels, play.names) for row in rows}
    assert not {edge for edge in told if edge.server == "shop/waypoint" or edge.host.startswith("waypoint.")}
