"""What changes are drafted from, laid out once per lap."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from microglia.compete.selection import Yielded
from microglia.lifecycle.states import State
from microglia.model.ids import WorkloadId
from microglia.model.objects import Raw, name_of, namespace_of
from microglia.plan.document import Way
from microglia.plan.eligible import own_sidecars
from microglia.plan.grounds import Grounds
from microglia.plan.leading import Leading, leading
from microglia.plan.losing import LostRoutes, lost_routes, lost_steps
from microglia.plan.standing import watched
from microglia.policy.schema import PolicySpec
from microglia.topology.graph import Topology
from microglia.topology.selectors import LabelIndex, label_index


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """The grounds, and what is looked up in them again and again.

    ``watched`` are the elements under watch, ``shielded`` the reasons of the shields by element. ``steps`` are the
    replica steps that lost, topmost first, ``lost`` the routes. ``mine`` are the Sidecars of ours by client and
    ``names`` all there are, as namespace and name; ``used`` the hosts that clients of ours were seen to use; ``labels``
    the pods by label, ``leads`` what brings hidden hosts back; ``way`` how the plan will be carried out.
    """

    grounds: Grounds
    state: State
    spec: PolicySpec
    watched: frozenset[str]
    shielded: Mapping[str, str]
    steps: Mapping[WorkloadId, tuple[Yielded, ...]]
    lost: LostRoutes
    mine: Mapping[WorkloadId, Raw]
    names: frozenset[tuple[str, str]]
    used: Mapping[WorkloadId, frozenset[str]]
    labels: LabelIndex = field(repr=False)
    leads: Leading = field(repr=False)
    way: Way = "cluster"


def desk(grounds: Grounds, state: State, spec: PolicySpec, way: Way = "cluster") -> Desk:
    """Lay out ``grounds`` for one state and policy."""
    topology, chosen = grounds.topology, grounds.selection
    mine, lost = own_sidecars(topology.objects), lost_routes(chosen)
    return Desk(
        grounds=grounds,
        state=state,
        spec=spec,
        watched=watched(grounds.history),
        shielded={shield.element: shield.reason for shield in state.shields},
        steps=lost_steps(chosen),
        lost=lost,
        mine=mine,
        names=frozenset((namespace_of(raw), name_of(raw)) for raw in topology.objects.of("Sidecar")),
        # Where the policy lets used routes go, use is no reason to show them again.
        used=_used(topology, mine) if mine and not spec.retention.weak.routes else {},
        labels=label_index((one.id, one.pod_labels) for one in topology.workloads.values()),
        leads=leading(topology, lost.routes),
        way=way,
    )


def _used(topology: Topology, mine: Mapping[WorkloadId, Raw]) -> dict[WorkloadId, frozenset[str]]:
    found: dict[str, set[str]] = {}
    edges = topology.activity.edges
    for edge, used in zip(edges.keys, edges.used, strict=True):
        if used:
            found.setdefault(edge.client, set()).add(edge.host)
    return {client: frozenset(found.get(client.key, ())) for client in mine}
