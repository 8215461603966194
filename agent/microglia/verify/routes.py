"""Whether hiding hosts means what it says here."""

from collections.abc import Iterator

from microglia.plan.allowlist import NEVER, beyond, release, routing, unread
from microglia.plan.change import SidecarChange
from microglia.plan.eligible import foreign_sidecars, own_sidecars, too_old
from microglia.plan.sidecar import Allowed, allowed, edited, hidden, selector_of, spaces
from microglia.topology.nodes import Workload
from microglia.topology.selectors import label_index
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection

_ANEW = "make a new plan: microglia plan"


def istiod(facts: Facts) -> Iterator[Objection]:
    """The lowest istiod version that serves is known and reads exclusions."""
    why = too_old(facts.topology.snapshot.source.istiod)
    if why and any(allowed(change.after) is None for _, change, _ in facts.hiding):
        yield Objection(-1, "istiod", why)


def allow_list(facts: Facts) -> Iterator[Objection]:
    """An allow-list is written only where the policy asks for it, and hides nothing but what the plan lists."""
    for index, change, workload in facts.hiding:
        allow = allowed(change.after)
        if allow is None:
            continue
        if facts.plan.way != "git" and facts.spec.routes.form != "allowList":
            why = (
                "an allow-list is only proposed (microglia propose) unless the policy says spec.routes.form: allowList"
            )
            yield Objection(index, change.workload, why)
        for why in _too_narrow(facts, change, workload, allow):
            yield Objection(index, change.workload, f"its allow-list {why}; {_ANEW}")


def _too_narrow(facts: Facts, change: SidecarChange, workload: Workload, allow: Allowed) -> Iterator[str]:
    topology, mine = facts.topology, hidden(change.after)
    if kind := unread(topology):
        yield f"rests on every {kind}, and they cannot be read whole; grant list on them"
    if host := next(beyond(topology, allow, mine), ""):
        yield f"would hide {host} as well, which the plan does not list"
    if visible := sorted(spaces(mine) & {*allow.namespaces}):
        yield f"names {visible[0]}, whose hosts the plan lists as hidden"
    if missing := sorted({*NEVER, change.namespace} - {*allow.namespaces}):
        yield f"leaves out {missing[0]}, which every client needs"
    if found := routing(topology, spaces(mine)):
        yield f"would leave out {min(found.values())}, which tells proxies how to route"
    if release(workload) != allow.release:
        yield "was made for another release of the workload"


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
