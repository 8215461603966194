"""What ``doctor`` says of each source of metrics: what was found, how much of the window, what it can decide."""

from collections.abc import Mapping, Sequence

import numpy as np

from microglia.model.objects import at, name_of, namespace_of
from microglia.model.units import show_share
from microglia.observe.dialects.schema import Dialect
from microglia.report.look import Finding
from microglia.topology.graph import Topology
from microglia.topology.nodes import Workload

SIDECAR = "istio-proxy"
TELLS = {
    "istio": "Istio sidecars: who called whom, how often, with what outcome; decides routes and replicas",
    "kube-state-metrics": "where pods lay, and since when",
    "cadvisor": "CPU and memory",
}
"""What the sources that are always read are asked for."""


def sources(topology: Topology, dialects: Sequence[Dialect], heard: Mapping[str, int]) -> tuple[Finding, ...]:
    """One finding per source that answers here. ``heard`` are hours of the window in which a dialect was there."""
    known = {one.name: one for one in dialects}
    found = ((name, known.get(name)) for name in topology.snapshot.source.dialects)
    return tuple(
        Finding(f"  {name}", _tells(one, name) + _coverage(one, name, topology, heard), "ok") for name, one in found
    )


def _tells(dialect: Dialect | None, name: str) -> str:
    if name in TELLS:
        return TELLS[name]
    if dialect is None:
        return "use that it saw; it proves nothing idle"
    decides = "decides replicas" if dialect.served else "shows use, and decides nothing"
    return f"{dialect.title}: {decides}; {dialect.limits}"


def _coverage(dialect: Dialect | None, name: str, topology: Topology, heard: Mapping[str, int]) -> str:
    hours = topology.activity.window.hours
    proxy = SIDECAR if name == "istio" else dialect.served.proxy if dialect and dialect.served else ""
    if not proxy:
        return f"; there in {heard[name]} of {hours} h" if name in heard else ""
    mine = [one for one in _carrying(proxy, topology) if one.id in topology.rows]
    if not mine:
        return f"; no pod here carries {proxy}"
    share = np.nan_to_num(topology.activity.workloads.seen[[topology.rows[one.id] for one in mine]]).mean()
    workloads = "1 workload" if len(mine) == 1 else f"{len(mine)} workloads"
    return f"; coverage {show_share(float(share))} of {hours} h in {workloads}"


def _carrying(proxy: str, topology: Topology) -> list[Workload]:
    """The workloads of which a pod has a container of this name."""
    pods = {
        (namespace_of(raw), name_of(raw))
        for raw in topology.objects.of("Pod")
        for field in ("containers", "initContainers")
        for one in at(raw, "spec", field, default=())
        if one.get("name") == proxy
    }
    return [one for one in topology.workloads.values() if any((one.id.namespace, pod.name) in pods for pod in one.pods)]
