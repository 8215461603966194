"""Hosts that stay in a proxy although they are hidden, because something that is still seen leads there.

istiod gives a proxy every destination of a route that it imports, whether an exclusion names that host or not (istio:
pilot/pkg/model/sidecar.go, collectImportedServices; tests/lab/test_mesh.py shows it). Only a route whose own host is
hidden is left out. So hiding a destination saves nothing while somebody may still ask for the host that leads to it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from microglia.model.ids import ObjectRef
from microglia.score.scores import Routes, columns
from microglia.topology.graph import Topology
from microglia.topology.routing import ROUTE_KINDS

_IMPORTED = frozenset({"VirtualService", *ROUTE_KINDS})


@dataclass(frozen=True, slots=True, eq=False)
class Leading:
    """Who leads where: by destination, the hosts that may be asked for and the object that sends their calls on.
    ``rows`` are the routes, by their place, that have such a destination among their hosts."""

    to: Mapping[str, tuple[tuple[str, ObjectRef], ...]] = field(default_factory=dict)
    rows: frozenset[int] = frozenset()

    def back(self, host: str, hidden: Collection[str]) -> str:
        """Why a proxy keeps ``host`` though it is hidden beside ``hidden``; empty when it goes."""
        for asked, source in self.to.get(host, ()):
            if asked not in hidden:
                return f"{source} brings it back into the proxy for calls to {asked}, so hiding it would save nothing"
        return ""


def leading(topology: Topology, routes: Routes) -> Leading:
    """Lay out every lead of ``topology``, and which of ``routes`` they concern."""
    found: dict[str, list[tuple[str, ObjectRef]]] = {}
    for asked, reach in sorted(topology.reach.items()):
        sources = [one for one in reach.via if one.kind in _IMPORTED]
        for host in reach.hosts[1:] if sources else ():
            found.setdefault(host, []).append((asked, sources[0]))
    shared = columns(routes).shared.tolist() if found else []
    # Clients share these tuples, which hold thousands of hosts: each is looked at once.
    hits = {place: not found.keys().isdisjoint(hosts) for place, hosts in {id(one): one for one in shared}.items()}
    rows = frozenset(row for row, hosts in enumerate(shared) if hits[id(hosts)])
    return Leading({host: tuple(leads) for host, leads in found.items()}, rows)
