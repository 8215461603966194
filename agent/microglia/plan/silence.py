"""What the traffic says of Services that nothing stands behind: called, proven silent, or not known."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from microglia.model.activity import EXTERNAL
from microglia.model.objects import Raw, at, labels_of, maps, namespace_of, ref_of
from microglia.plan.mentions import Key
from microglia.protect.ledger import Protections
from microglia.protect.platform import SYSTEM
from microglia.score.scores import Evidence, RouteScore, Scores, columns
from microglia.topology.graph import Topology
from microglia.topology.nodes import Service

_NETWORK: Final = "topology.istio.io/network"


@dataclass(slots=True, eq=False)
class Calls:
    """What is known of calls: ``routes`` to each host, ``called`` hosts, keys of clients whose calls ``strayed`` to no
    host that is known. ``unheard`` is the first workload that may call without being seen, ``beyond`` the first object
    that shows that the mesh has other clusters."""

    routes: dict[str, list[RouteScore]]
    called: set[str] = field(default_factory=set)
    strayed: set[str] = field(default_factory=set)
    unheard: str = ""
    beyond: str = ""


def unbacked(topology: Topology) -> dict[Key, Service]:
    """Services that select nothing and have no endpoints, by namespace and name.

    Those whose use no mesh sees are none of these: without a selector, headless, ExternalName, of a type that is
    entered from outside, or with somebody else's endpoints.
    """
    selecting = {key: service for key, service in _plain(topology) if not service.workloads}
    backed = _backed(topology, selecting)
    return {key: service for key, service in selecting.items() if key not in backed}


def _plain(topology: Topology) -> Iterator[tuple[Key, Service]]:
    for service in topology.services.values():
        spec = at(service.raw, "spec", default={})
        inside = spec.get("type", "ClusterIP") == "ClusterIP" and not spec.get("externalIPs")
        if spec.get("selector") and inside and not service.headless:
            yield (service.namespace, service.name), service


def _backed(topology: Topology, services: Mapping[Key, Service]) -> set[Key]:
    """Those with endpoints or pods, whoever made them."""
    found = set()
    for raw in topology.objects.of("EndpointSlice"):
        key = (namespace_of(raw), labels_of(raw).get("kubernetes.io/service-name", ""))
        owners = [one.get("kind") for one in at(raw, "metadata", "ownerReferences", default=())]
        if key in services and (raw.get("endpoints") or owners != ["Service"]):
            found.add(key)
    spaces: dict[str, list[Raw]] = {}
    for raw in topology.objects.of("Pod"):
        spaces.setdefault(namespace_of(raw), []).append(raw)
    for key, service in services.items():
        selector = at(service.raw, "spec", "selector")
        if any(maps(selector, labels_of(raw)) for raw in spaces.get(key[0], ())):
            found.add(key)
    return found


def calls_to(topology: Topology, scores: Scores, wanted: AbstractSet[str]) -> Calls:
    """What is known of calls to the ``wanted`` hosts."""
    routes = columns(scores.routes)
    shared = routes.shared.tolist()
    # Clients share these tuples, which hold thousands of hosts: each is looked at once.
    hits = {place: not wanted.isdisjoint(hosts) for place, hosts in {id(one): one for one in shared}.items()}
    rows = [row for row, hosts in enumerate(shared) if hits[id(hosts)]]
    found: dict[str, list[RouteScore]] = {host: [] for host in wanted}
    for route in routes.take(np.array(rows, dtype=np.int64)):
        for host in found.keys() & set(route.hosts):
            found[host].append(route)
    calls = Calls(found)
    edges = topology.activity.edges
    for edge, sign in zip(edges.keys, (edges.used | edges.flowing).tolist(), strict=True):
        if sign and edge.host in EXTERNAL:
            calls.strayed.add(edge.client)
        elif sign:
            calls.called.add(edge.host)
    unseen = (one for one in topology.workloads.values() if not one.meshed and one.id.namespace not in SYSTEM)
    calls.unheard = next((str(one.id) for one in unseen), "")
    calls.beyond = _beyond(topology)
    return calls


def _beyond(topology: Topology) -> str:
    """Istio keeps a Service without pods in one cluster for the endpoints that it has in another
    (https://istio.io/latest/docs/ops/configuration/traffic-management/multicluster/)."""
    for kind in ("ServiceExport", "ServiceImport"):
        for raw in topology.objects.of(kind):
            return str(ref_of(kind, raw))
    for raw in topology.objects.of("Namespace"):
        if _NETWORK in labels_of(raw):
            return str(ref_of("Namespace", raw))
    for workload in topology.workloads.values():
        if _NETWORK in workload.pod_labels or workload.pod_labels.get("istio") == "eastwestgateway":
            return str(workload.ref)
    return ""


def spoken_for(service: Service, topology: Topology, protections: Protections, calls: Calls) -> str:
    """Why its silence does not prove that nobody needs it; empty when every possible client is proven silent."""
    start = topology.snapshot.window.start
    if str(at(service.raw, "metadata", "creationTimestamp", default="")) > f"{start:%Y-%m-%dT%H:%M:%SZ}":
        return "it was made within the window; wait until it is older"
    if calls.beyond:
        return f"{calls.beyond} shows that the mesh spans clusters, and what answers for it in another is not seen here"
    if service.host in calls.called:
        return "calls to it were seen, though nothing answers them: its clients need it, or something behind it"
    routes = calls.routes[service.host]
    return _unseen(routes, calls) or _spoken(service.host, routes, protections)


def _unseen(routes: list[RouteScore], calls: Calls) -> str:
    """Who may call it without being seen, or without its name."""
    if not routes:
        return "no client with a sidecar sees it, so no silence proves that nobody needs it"
    if calls.unheard:
        return f"{calls.unheard} may call it unseen, not every pod of it has a sidecar; enrol it in the mesh"
    stray = sorted(calls.strayed - {route.client.key for route in routes})
    return f"{stray[0]} sent calls that nobody can attribute, and does not see it by name" if stray else ""


def _spoken(host: str, routes: list[RouteScore], protections: Protections) -> str:
    """Why a client may need it after all."""
    for route in routes:
        if route.judged.evidence is not Evidence.IDLE:
            return f"whether {route.client} needs it is not known: {route.judged.why}"
        for one in protections.of_route(route.client, host):
            if route.client.namespace not in SYSTEM or one in protections.hosts.get(host, ()):
                return f"{one.rule} keeps calls of {route.client} to it: {one.reason}"
    return ""
