"""What could not be read protects all that it could have protected."""

from collections.abc import Iterator, Mapping

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.kinds import BY_NAME, Hides
from microglia.protect.keep import Keep, Where, of_client, pin
from microglia.protect.look import Look

COSTS: Mapping[Hides, str] = {
    "workloads": "which pods belong to it, and where they run, is not certain",
    "services": "which names lead to it is not known",
    "zones": "whether it survives the loss of a zone or node cannot be computed",
    "floors": "how many copies people asked for is not known",
    "routes": "which Sidecars apply is not known",
    "owners": "who else decides about it, or asks to leave it alone, is not known",
    "callers": "whether one of them names it as a target is not known",
}
"""What is not known of a workload, by what a kind hides."""
ON_ROUTES = frozenset(
    {
        "Service", "EndpointSlice", "Sidecar", "DestinationRule", "VirtualService", "ServiceEntry", "WorkloadEntry",
        "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute", "Ingress", "StatefulSet", "Deployment", "CronJob",
        "Namespace", "Protection", "TrafficSplit", "ServiceResolver", "ServiceSplitter", "ExportedServices",
        "MeshLoadBalancingStrategy", "ServiceExport", "ServiceImport", "Backend", "SecurityPolicy",
        "EnvoyExtensionPolicy", "EnvoyProxy", "TraefikService", "Gslb", "AlertmanagerConfig", "Canary", "Job",
        "Prometheus", "Rollout",
    }
)  # fmt: skip
"""Kinds that may say that a route must stay."""


def blind_spot(look: Look) -> Iterator[Keep]:
    """A kind could not be read: everything that it could protect is kept."""
    for fault in look.topology.objects.faults:
        kind = BY_NAME.get(fault.subject)
        hides: Hides = kind.hides if kind else "workloads"
        where = Where(ObjectRef(fault.subject, "", "*"), "list", fault.reason)
        if hides != "nothing":
            reason = f"{fault.subject} could not be read, so {COSTS[hides]}"
            yield from pin(_hidden(look, hides), reason, where, blind=True)
        if fault.subject in ON_ROUTES:
            reason = f"{fault.subject} could not be read, so which routes must stay is not known"
            for client in look.workloads:
                yield of_client(client, reason, where, blind=True)


def _hidden(look: Look, hides: Hides) -> list[WorkloadId]:
    """Callers reach workloads through Services; whatever else is hidden may concern every workload. Sidecars concern
    routes alone, and places matter only where their loss must be survived."""
    if hides == "routes" or (hides == "zones" and not {"zone", "node"} & set(look.policy.retention.survive)):
        return []
    if hides == "callers":
        return sorted(look.names)
    return list(look.workloads)
