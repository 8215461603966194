"""What Sidecars hide: calls to an excluded host leave the mesh's sight, as Istio's exclusion form says."""

from collections.abc import Sequence
from dataclasses import replace

from microglia.model.objects import Raw, at, maps, namespace_of
from microglia.world.layout import Layout, pod_labels
from microglia.world.record import Cut, Record


def cuts(layout: Layout, record: Record, sidecars: Sequence[Raw], now: float) -> bool:
    """Bring the record's cuts in line with ``sidecars`` from ``now`` on; whether anything changed."""
    wanted: dict[tuple[str, str], bool] = {}
    for raw in sidecars:
        hosts = [host for egress in at(raw, "spec", "egress", default=[]) for host in at(egress, "hosts", default=[])]
        blocked = at(raw, "spec", "outboundTrafficPolicy", "mode") == "REGISTRY_ONLY"
        for key in _clients(layout, raw):
            for host in hosts:
                if host.startswith("~"):
                    wanted.update(dict.fromkeys(((key, each) for each in _hidden(layout, key, host)), blocked))
    changed = False
    for position, cut in enumerate(record.cuts):
        if cut.end > now:
            if wanted.get((cut.client, cut.host)) == cut.blocked:
                del wanted[cut.client, cut.host]
            else:
                record.cuts[position] = replace(cut, end=now)
                changed = True
    record.cuts.extend(Cut(client, host, now, blocked=blocked) for (client, host), blocked in sorted(wanted.items()))
    return changed or bool(wanted)


def _clients(layout: Layout, raw: Raw) -> list[str]:
    """The meshed workloads that a Sidecar applies to; one without a selector takes its namespace."""
    labels = at(raw, "spec", "workloadSelector", "labels", default={})
    return [
        key
        for key, workload, meshed in zip(layout.keys, layout.workloads, layout.meshed, strict=True)
        if meshed and key.split("/")[0] == namespace_of(raw) and (not labels or maps(labels, pod_labels(key, workload)))
    ]


def _hidden(layout: Layout, client: str, entry: str) -> list[str]:
    """The hosts that ``client`` calls and ``~ns/host``, ``~ns/*`` or ``~/host`` hides."""
    namespace, _, name = entry.removeprefix("~").partition("/")
    found = set()
    for call, host in zip(layout.calls, layout.hosts, strict=True):
        own = host.split(".")[1] if host.endswith(".svc.cluster.local") else ""
        if call.client == client and namespace in {"", "*", own} and name in {"*", host}:
            found.add(host)
    return sorted(found)
