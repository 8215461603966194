"""Every product that is played, and what microglia makes of their series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from microglia.model.activity import UNKNOWN_PEER
from microglia.observe.dialects import istio, mapping
from microglia.observe.dialects.expressions import Expression, Spans, filled
from microglia.observe.dialects.loading import built_in
from microglia.observe.dialects.making import expressions, signs_of, volume_of
from microglia.observe.edges import edge_of
from microglia.observe.names import Names, read_names
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.replies import Row
from tests.factories import deployment, nodes, objects, running, service, thing
from tests.lab.exporter_meshes import CILIUM, CONSUL, ISTIO, KUMA, LINKERD
from tests.lab.exporter_others import OTHERS
from tests.lab.exporter_text import Product

PRODUCTS = (*ISTIO, *LINKERD, *CILIUM, CONSUL, *KUMA, *OTHERS)
DIALECTS = {one.name: one for one in built_in()}


@dataclass(frozen=True, slots=True)
class Play:
    """What is in a store: the block that is judged ends at ``end``, epoch seconds; ``gappy`` pods missed scrapes."""

    server: PrometheusServer
    spans: Spans
    end: float
    names: Names
    gappy: tuple[str, ...]

    def rows(self, one: Expression, only: tuple[str, ...] = ()) -> tuple[Row, ...]:
        """What Prometheus answers."""
        reply = self.server.query(filled(one, self.spans, only=only), self.end)
        assert reply.complete, reply.faults
        return reply.rows

    def signs(self, product: Product) -> list[Row]:
        """Everything that shows use in the block, as it is mapped."""
        if product.dialect == istio.NAME:
            gaps = self.rows(istio.GAPS, self.gappy)
            return [*self.rows(istio.SIGNS), *gaps, *self.rows(istio.VOLUME)]
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


def cluster(fates: Iterable[str]) -> Names:
    """All callees of all products: each a Deployment, a Service and a route."""
    callees = [product.callee(fate) for product in PRODUCTS for fate in fates]
    workloads = [raw for name in (*callees, "front", "waypoint") for raw in running(deployment(name, replicas=1))]
    routes = [thing("HTTPRoute", name, spec={"rules": [{"backendRefs": [{"name": name}]}]}) for name in callees]
    return read_names(objects(*nodes(), *workloads, *map(service, callees), *routes).kinds)


def kind_of(product: Product) -> str:
    """The class of its dialect; Istio's sidecars are persistent."""
    return DIALECTS[product.dialect].kind if product.dialect in DIALECTS else "persistent"


def counts(product: Product) -> bool:
    """Whether there is volume, and not only signs."""
    return product.dialect not in DIALECTS or any(one.counts for one in DIALECTS[product.dialect].counters)
