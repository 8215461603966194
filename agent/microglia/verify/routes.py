"""Whether hiding hosts means what it says here."""

from collections.abc import Iterator

from microglia.plan.eligible import foreign_sidecars, own_sidecars, too_old
from microglia.plan.sidecar import edited, selector_of
from microglia.topology.selectors import label_index
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection

_ANEW = "make a new plan: microglia plan"


def istiod(facts: Facts) -> Iterator[Objection]:
    """The lowest istiod version that serves is known and reads exclusions."""
    why = too_old(facts.topology.snapshot.source.istiod)
    if why and any(facts.hiding):
        yield Objection(-1, "istiod", why)


def sidecars(facts: Facts) -> Iterator[Objection]:
    """Nobody else's Sidecar applies to the client's pods, nobody edited ours, and ours selects no other pods."""
    hiding = list(facts.hiding)
    if not hiding:
        return
    topology = facts.topology
    mine = own_sidecars(topology.objects)
    labels = label_index((one.id, one.pod_labels) for one in topology.workloads.values())
    for index, change, workload in hiding:
        if topology.objects.blind("Sidecar"):
            yield Objection(
                index,
                change.workload,
                "Sidecars may not be listed, so nobody knows who else has a say; grant list on them",
            )
        others = foreign_sidecars(topology, workload.id, mine)
        if others:
            yield Objection(
                index, change.workload, f"{others} has a say over its pods; move its content into one place, {_ANEW}"
            )
        if workload.id in mine and edited(mine[workload.id]):
            yield Objection(
                index,
                change.workload,
                f"somebody edited Sidecar {change.namespace}/{change.name}; delete it, {_ANEW}",
            )
        if change.after is None:
            continue  # another gate says so
        selected = labels.matching(change.namespace, selector_of(change.after)) - {workload.id}
        if selected:
            yield Objection(
                index,
                change.workload,
                f"its Sidecar would also select the pods of {min(selected)}; give them a label of their own, {_ANEW}",
            )
        if not selector_of(change.after).items() <= workload.pod_labels.items():
            yield Objection(index, change.workload, f"its Sidecar would not select its own pods; {_ANEW}")
