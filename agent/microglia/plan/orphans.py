"""Services that nothing stands behind, that no object names, and to which every possible client is proven silent."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

import numpy as np

from microglia.model.activity import EXTERNAL
from microglia.model.ids import ObjectRef
from microglia.model.objects import Raw, at, labels_of, maps, namespace_of
from microglia.model.units import some
from microglia.plan.change import RemoveChange, Saving, Why, rare_digest
from microglia.plan.mentions import Key, mentions
from microglia.protect.ledger import Protections
from microglia.protect.platform import SYSTEM
from microglia.score.scores import Evidence, RouteScore, Scores, columns
from microglia.topology.graph import Topology
from microglia.topology.nodes import Service


@dataclass(slots=True, eq=False)
class _Calls:
    """What is known of calls: ``routes`` to each host, ``called`` hosts, keys of clients whose calls ``strayed`` to no
    host that is known, and ``unheard`` is the first workload that may call without being seen."""

    routes: dict[str, list[RouteScore]]
    called: set[str] = field(default_factory=set)
    strayed: set[str] = field(default_factory=set)
    unheard: str = ""


def orphans(topology: Topology, scores: Scores, protections: Protections) -> Iterator[tuple[RemoveChange, str]]:
    """Every Service that selects nothing: the change that removes it, and why it is not to be made (empty: nothing
    speaks against it).

    Services whose use no mesh sees are none of these: without a selector, headless, ExternalName, of a type that is
    entered from outside, or with somebody else's endpoints.
    """
    selecting = {key: service for key, service in _plain(topology) if not service.workloads}
    backed = _backed(topology, selecting)
    lone = {key: service for key, service in selecting.items() if key not in backed}
    named = mentions(topology.objects, lone)
    calls = _calls(topology, scores, {service.host for service in lone.values()}) if lone else _Calls({})
    for key, service in lone.items():
        doubt = _doubt(service, named.get(key), topology, protections, calls)
        yield _change(service, calls.routes[service.host]), doubt


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


def _calls(topology: Topology, scores: Scores, wanted: AbstractSet[str]) -> _Calls:
    routes = columns(scores.routes)
    shared = routes.shared.tolist()
    # Clients share these tuples, which hold thousands of hosts: each is looked at once.
    hits = {place: not wanted.isdisjoint(hosts) for place, hosts in {id(one): one for one in shared}.items()}
    rows = [row for row, hosts in enumerate(shared) if hits[id(hosts)]]
    found: dict[str, list[RouteScore]] = {host: [] for host in wanted}
    for route in routes.take(np.array(rows, dtype=np.int64)):
        for host in found.keys() & set(route.hosts):
            found[host].append(route)
    calls = _Calls(found)
    edges = topology.activity.edges
    for edge, sign in zip(edges.keys, (edges.used | edges.flowing).tolist(), strict=True):
        if sign and edge.host in EXTERNAL:
            calls.strayed.add(edge.client)
        elif sign:
            calls.called.add(edge.host)
    unseen = (one for one in topology.workloads.values() if not one.meshed and one.id.namespace not in SYSTEM)
    calls.unheard = next((str(one.id) for one in unseen), "")
    return calls


def _doubt(
    service: Service, named: ObjectRef | None, topology: Topology, protections: Protections, calls: _Calls
) -> str:
    start = topology.snapshot.window.start
    reach = topology.reach.get(service.host)
    by = named or (reach.via[0] if reach and reach.via else None)
    if by:
        return f"{by} names it"
    if str(at(service.raw, "metadata", "creationTimestamp", default="")) > f"{start:%Y-%m-%dT%H:%M:%SZ}":
        return "it was made within the window; wait until it is older"
    if service.host in calls.called:
        return "calls to it were seen, though nothing answers them: its clients need it, or something behind it"
    return _unseen(calls.routes[service.host], calls) or _spoken(service.host, calls.routes[service.host], protections)


def _unseen(routes: list[RouteScore], calls: _Calls) -> str:
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


def _change(service: Service, routes: list[RouteScore]) -> RemoveChange:
    selector = at(service.raw, "spec", "selector")
    told = ", ".join(f"{key}={selector[key]}" for key in sorted(selector))
    sentence = (
        f"it selects no pod and no workload ({told}), has no endpoints, no object names it, and"
        f" {some(len(routes), 'client')} sent nothing to it in the whole window"
    )
    return RemoveChange(
        workload=f"Service/{service.namespace}/{service.name}",
        uid=str(at(service.raw, "metadata", "uid", default="")),
        digest=rare_digest(service.raw),
        before={"selector": selector},
        after=None,
        saving=Saving(proxy_config=float(sum(route.cost for route in routes))),
        why=Why(sentence=sentence, at_risk=0.0),
    )
