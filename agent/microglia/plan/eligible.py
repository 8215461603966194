"""Whether a Sidecar of ours may exist for a workload: who else has a say, and which labels are its pods' alone."""

from collections.abc import Mapping

from microglia.model.ids import WorkloadId
from microglia.model.objects import Objects, Raw, at, name_of, namespace_of
from microglia.plan.sidecar import client_of
from microglia.topology.graph import Topology
from microglia.topology.nodes import Workload
from microglia.topology.selectors import LabelIndex
from microglia.topology.sidecars import ours

EXCLUDES_FROM = (1, 31)
"""The first istiod that reads ``~namespace/host``; older ones refuse it, or accept it and do nothing."""


def own_sidecars(objects: Objects) -> dict[WorkloadId, Raw]:
    """The Sidecars that microglia made, by the workload they were made for."""
    found = ((client_of(raw), raw) for raw in objects.of("Sidecar") if ours(raw))
    return {client: raw for client, raw in found if client is not None}


def too_old(istiod: tuple[str, ...]) -> str | None:
    """Why the control plane cannot be trusted with exclusions, None when it can: its lowest version must be known."""
    if not istiod:
        return "no istiod version was seen (istio_build); routes need 1.31 or later: let Prometheus scrape istiod"
    major, _, rest = istiod[0].partition(".")
    minor = rest.partition(".")[0]
    if not (major.isdecimal() and minor.isdecimal()):
        return f'istiod calls itself "{istiod[0]}", which is no version; routes need 1.31 or later'
    if (int(major), int(minor)) < EXCLUDES_FROM:
        return f"istiod {istiod[0]} serves here; routes need 1.31 or later, which can hide a host: upgrade it"
    return None


def foreign_sidecars(topology: Topology, client: WorkloadId, mine: Mapping[WorkloadId, Raw]) -> str:
    """The Sidecars that apply to the pods of ``client`` and are not in ``mine``, as text; empty when there are none."""
    own = mine.get(client)
    known = (namespace_of(own), name_of(own)) if own else None
    found = [ref for ref in topology.sidecars.get(client, ()) if (ref.namespace, ref.name) != known]
    return ", ".join(str(ref) for ref in found)


def exact_labels(workload: Workload, labels: LabelIndex) -> dict[str, str] | None:
    """Labels that match exactly the pods of ``workload`` in its namespace: its selector's, else all of its template's;
    None when another workload's pods carry them too."""
    selector = at(workload.raw, "spec", "selector", "matchLabels", default={})
    for wanted in (selector, workload.pod_labels):
        if wanted and labels.matching(workload.id.namespace, wanted) == {workload.id}:
            return dict(sorted(wanted.items()))
    return None
