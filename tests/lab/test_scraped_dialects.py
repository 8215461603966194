"""What microglia makes of each product's exporter as a real Prometheus scrapes it, with gaps, restarts and noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from microglia.model.activity import UNKNOWN_PEER
from microglia.observe.dialects import istio, mapping
from microglia.observe.dialects.expressions import Expression, Spans, filled
from microglia.observe.dialects.loading import built_in
from microglia.observe.dialects.making import expressions, present, signs_of, volume_of
from microglia.observe.edges import edge_of
from microglia.observe.names import Names, read_names
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.replies import Row
from tests.factories import deployment, nodes, objects, running, service, thing
from tests.lab import Lab, Span
from tests.lab.exporter import SCRAPE, Exporter
from tests.lab.exporter_meshes import CILIUM, CONSUL, ISTIO, KUMA, LINKERD
from tests.lab.exporter_others import OTHERS
from tests.lab.exporter_story import BLOCK, END, EXPIRED, FATES, IDLE, STILL
from tests.lab.exporter_text import Product
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(300)

PRODUCTS = (*ISTIO, LINKERD, *CILIUM, CONSUL, KUMA, *OTHERS)
DIALECTS = {one.name: one for one in built_in()}
CALLEES = (*FATES, "quiet", "strange")
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


@dataclass(frozen=True, slots=True)
class Play:
    """What was scraped: the block that is judged ends at ``end``, epoch seconds."""

    server: PrometheusServer
    spans: Short
    end: float
    names: Names

    def rows(self, one: Expression, only: tuple[str, ...] = ()) -> tuple[Row, ...]:
        """What Prometheus answers."""
        reply = self.server.query(filled(one, self.spans, only=only), self.end)
        assert reply.complete, reply.faults
        return reply.rows

    def signs(self, product: Product) -> list[Row]:
        """Everything that shows use in the block, as it is mapped."""
        if product.dialect == istio.NAME:
            pods = tuple(f"front-5d4f8c9b7-{pod}" for pod in ("bbbbb", "ccccc"))
            return [*self.rows(istio.SIGNS), *self.rows(istio.GAPS, pods), *self.rows(istio.VOLUME)]
        dialect = DIALECTS[product.dialect]
        signs = next(one for one in expressions(dialect) if one.name == signs_of(dialect))
        return mapping.signs(self.rows(signs), dialect, self.names)

    def volume(self, product: Product) -> list[Row]:
        """Calls and connections, as they are mapped."""
        if product.dialect == istio.NAME:
            return list(self.rows(istio.VOLUME))
        dialect = DIALECTS[product.dialect]
        found = [one for one in expressions(dialect) if one.name == volume_of(dialect)]
        return [row for one in found for row in mapping.volume(self.rows(one), dialect, self.names)]

    def callees(self, product: Product, rows: list[Row]) -> dict[str, list[Row]]:
        """Rows by whom of the product's callees they tell of, by its Service or, where none is told, its workload."""
        found: dict[str, list[Row]] = {}
        for row in rows:
            edge = edge_of(row.labels, self.names)
            host = "" if edge.host == UNKNOWN_PEER else edge.host.partition(".")[0]
            name = host or edge.server.rpartition("/")[2]
            if name.startswith(f"{product.name}-"):
                found.setdefault(name.removeprefix(f"{product.name}-"), []).append(row)
        return found


def cluster() -> Names:
    """All callees of all plays: each a Deployment, a Service and a route."""
    callees = [product.callee(fate) for product in PRODUCTS for fate in CALLEES]
    workloads = [raw for name in (*callees, "front", "waypoint") for raw in running(deployment(name, replicas=1))]
    routes = [thing("HTTPRoute", name, spec={"rules": [{"backendRefs": [{"name": name}]}]}) for name in callees]
    return read_names(objects(*nodes(), *workloads, *map(service, callees), *routes).kinds)


@pytest.fixture(scope="module")
def play(lab: Lab) -> Iterator[Play]:
    """All products at once, scraped every second by one Prometheus until the story has ended."""
    with Exporter([target for product in PRODUCTS for target in product.targets()]) as exporter:
        url = lab.another_prometheus("scraping", Span(jobs=exporter.jobs))
        until("the story ends", lambda: exporter.pending, WITHIN)
        begin, end = exporter.times[BLOCK], exporter.times[END]
        yield Play(PrometheusServer(url), Short(SCRAPE, end - begin), end, cluster())
        lab.processes.stop("scraping")


def expires(product: Product) -> bool:
    """Whether its series go away when they are idle."""
    return product.dialect in DIALECTS and DIALECTS[product.dialect].kind == "expiring"


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda one: one.name)
def test_who_was_used(play: Play, product: Product) -> None:
    """Use never comes out idle: births, re-births at the same value, restarts and roll-outs are use. Idleness never
    comes out used: not by scrapes that fail, not by what was there before the block, not by noise."""
    idle = EXPIRED if expires(product) else IDLE
    strangers = {"strange"} if product.strange is not None else set()
    found = play.callees(product, play.signs(product))
    assert set(found) == (set(FATES) - idle) | strangers
    # Who is meant is told down to the Service, without which no route is used.
    assert not [row for rows in found.values() for row in rows if edge_of(row.labels, play.names).host == UNKNOWN_PEER]


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda one: one.name)
def test_how_much_they_were_used(play: Play, product: Product) -> None:
    """One call a step is counted as such, and what did not grow counts nothing."""
    dialect = DIALECTS.get(product.dialect)
    found = play.callees(product, play.volume(product))
    if dialect is not None and not any(one.counts for one in dialect.counters):
        assert found == {}
        return
    assert set(found) & STILL == set()
    counts = [row.values[-1] * play.spans.hour_share for row in found["active"]]
    assert counts == pytest.approx([END - BLOCK] * len(counts), rel=0.1)
    assert len(counts) >= 1


@pytest.mark.parametrize("product", [one for one in PRODUCTS if one.strange], ids=lambda one: one.name)
def test_callers_without_a_name(play: Play, product: Product) -> None:
    """Who is called by somebody unknown was used, by nobody that is known."""
    rows = play.callees(product, play.signs(product))["strange"]
    clients = {edge_of(row.labels, play.names).client for row in rows}
    assert not {client for client in clients if client in play.names.workloads}
    assert UNKNOWN_PEER in clients or product.name in {"graph", "caretta"}


def test_all_of_them_are_found(play: Play) -> None:
    """The one probe finds each dialect by what its exporter shows."""
    (reply,) = [play.server.query(filled(Expression("once", "block", present(built_in())), play.spans), play.end)]
    assert {row.labels["dialect"] for row in reply.rows} == set(DIALECTS)
