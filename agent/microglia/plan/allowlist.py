"""Sidecars in the form of an allow-list: whole namespaces are its unit, and what is new widens it.

An allow-list hides what it does not name, and so also what did not exist when it was written. Therefore a namespace is
left out only while everything in it is idle and nothing in it tells proxies how to route; and a new Service, a new
object that routes, or a new release of the client shows it again.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from microglia.model.ids import WorkloadId
from microglia.model.objects import Raw, annotations_of, at, name_of, namespace_of, ref_of
from microglia.plan.change import REVISION, SidecarChange
from microglia.plan.history import History
from microglia.plan.sidecar import Allowed, allowed, hidden, spaces
from microglia.topology.graph import Topology
from microglia.topology.nodes import Workload
from microglia.topology.sidecars import ROOT_NAMESPACE

NEVER = frozenset({"default", "kube-system", ROOT_NAMESPACE})
"""Namespaces that every allow-list names: the API server, cluster DNS and the mesh's own configuration are there."""
ROUTING = ("DestinationRule", "GRPCRoute", "HTTPRoute", "ServiceEntry", "VirtualService", "WorkloadEntry")
"""Kinds that a proxy takes from the namespaces that it imports."""


def release(workload: Workload) -> str:
    """What tells one release of a workload from the next: the revision that a Deployment's controller keeps; of other
    kinds the generation, which moves with more than the template: that shows hosts too often, never too seldom."""
    return annotations_of(workload.raw).get(REVISION) or f"generation {at(workload.raw, 'metadata', 'generation')}"


def unread(topology: Topology) -> str:
    """Which kind that an allow-list rests on cannot be read; empty when all are."""
    return next((kind for kind in ("Service", "Namespace", *ROUTING) if topology.objects.blind(kind)), "")


def namespaces(topology: Topology) -> tuple[str, ...]:
    """Every namespace that is known of, sorted."""
    found = {name_of(raw) for raw in topology.objects.of("Namespace")}
    found |= {one.namespace for one in topology.services.values()}
    return tuple(sorted({*found, *(one.namespace for one in topology.workloads), *NEVER}))


def routing(topology: Topology, some: Collection[str]) -> dict[str, str]:
    """The first object that tells proxies how to route, as text, of each of these namespaces that has any."""
    found: dict[str, str] = {}
    for kind in ROUTING:
        for raw in topology.objects.of(kind):
            if namespace_of(raw) in some:
                found.setdefault(namespace_of(raw), str(ref_of(kind, raw)))
    return found


def leavable(topology: Topology, client: WorkloadId, lost: Collection[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The namespaces that an allow-list of ``client`` may leave out, with all their hosts; sorted. All of them lost."""
    hosts: dict[str, list[str]] = {}
    for host, service in sorted(topology.services.items()):
        hosts.setdefault(service.namespace, []).append(host)
    kept = {*NEVER, client.namespace, *routing(topology, hosts)}
    return tuple((one, tuple(some)) for one, some in sorted(hosts.items()) if one not in kept and {*some} <= {*lost})


def beyond(topology: Topology, allow: Allowed, known: Collection[str]) -> Iterator[str]:
    """The hosts that an allow-list hides though nobody decided on them, sorted: not among ``known``."""
    seen = {*allow.namespaces}
    return (
        host
        for host, service in sorted(topology.services.items())
        if service.namespace not in seen and host not in known
    )


def due(topology: Topology, workload: Workload, raw: Raw) -> Mapping[str, str]:
    """Hosts that an allow-list of ours must show because something is new, each with why."""
    allow, found = allowed(raw), dict[str, str]()
    if allow is None:
        return found
    mine = hidden(raw)
    if release(workload) != allow.release:
        return dict.fromkeys(mine, "a new release of it runs, and nobody has seen yet whom that calls")
    for host in beyond(topology, allow, mine):
        found[host] = f"{host} is new in a namespace that it does not see"
    for namespace, source in routing(topology, spaces(mine)).items():
        found |= dict.fromkeys(_of(mine, namespace), f"{source} is new in a namespace that it does not see")
    return found


def drawn(
    topology: Topology, workload: Workload, before: Raw | None, cut: Iterable[str], shown: Iterable[str]
) -> Allowed:
    """What the allow-list lets in once ``cut`` is hidden and ``shown`` is not."""
    now = allowed(before)
    base = Allowed(now.namespaces if now else namespaces(topology), release(workload)).widened(shown)
    return Allowed(tuple(one for one in base.namespaces if one not in spaces(cut)), base.release)


def lately_shown(history: History, client: WorkloadId, since: datetime) -> datetime | None:
    """When hosts were last shown to ``client`` again, if that was after ``since``."""
    moments = [
        record.steps[index].at or record.started
        for record in history.records
        for index in record.done()
        if isinstance(change := record.plan.changes[index], SidecarChange) and change.id == client and change.shown
    ]
    return max((one for one in moments if one > since), default=None)


def _of(hosts: Iterable[str], namespace: str) -> tuple[str, ...]:
    return tuple(host for host in hosts if spaces([host]) == {namespace})
