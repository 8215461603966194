"""Snapshot -> Topology, in the order in which one part needs the other."""

from collections.abc import Mapping

from microglia.model.activity import Activity
from microglia.model.ids import WorkloadId
from microglia.model.snapshot import Snapshot
from microglia.topology.calls import read_calls
from microglia.topology.graph import Topology
from microglia.topology.groups import read_groups
from microglia.topology.pods import read_pods, zones_of
from microglia.topology.reach import read_reach
from microglia.topology.roles import Cast, read_standbys
from microglia.topology.selectors import label_index
from microglia.topology.services import read_services
from microglia.topology.sidecars import read_sidecars
from microglia.topology.workloads import read_workloads


def build(snapshot: Snapshot) -> Topology:
    """Join everything that was seen. The same snapshot gives the same topology, in the same order."""
    objects, activity = snapshot.objects, snapshot.activity
    nodes = zones_of(objects)
    pods = read_pods(objects, nodes, frozenset(snapshot.source.proxies))
    workloads = read_workloads(objects, pods)
    index = label_index((one.id, one.pod_labels) for one in workloads.values())
    services = read_services(objects, index, pods.controllers)
    reach = read_reach(objects, services, index)
    keyed = _keyed(workloads)
    callers, callees = read_calls(activity.edges, workloads, services)
    return Topology(
        snapshot=snapshot,
        workloads=workloads,
        services=services,
        rows=_rows(activity, keyed),
        ambiguous=frozenset(key for key, found in keyed.items() if len(found) > 1),
        reach=reach,
        callers=callers,
        callees=callees,
        groups=read_groups(services, index),
        standbys=read_standbys(Cast(objects, workloads, services, reach, keyed)),
        zones=tuple(sorted({zone for zone in nodes.values() if zone})),
        nodes=nodes,
        sidecars=read_sidecars(objects, index),
        keyed={key: found[0] for key, found in sorted(keyed.items()) if len(found) == 1},
    )


def _keyed(workloads: Mapping[WorkloadId, object]) -> dict[str, tuple[WorkloadId, ...]]:
    found: dict[str, tuple[WorkloadId, ...]] = {}
    for one in workloads:
        found[one.key] = (*found.get(one.key, ()), one)
    return found


def _rows(activity: Activity, keyed: Mapping[str, tuple[WorkloadId, ...]]) -> dict[WorkloadId, int]:
    rows = {}
    for row, key in enumerate(activity.workloads.keys):
        found = keyed.get(key, ())
        if len(found) == 1:
            rows[found[0]] = row
    return {one: rows[one] for one in sorted(rows)}
