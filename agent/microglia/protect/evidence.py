"""What scoring cannot vouch for, and what has hurt before."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import annotations_of, at, name_of, ref_of
from microglia.protect.keep import Keep, Where, between, pin, to_hosts
from microglia.protect.look import Look
from microglia.score.scores import Evidence

BYPASSES = frozenset(
    {
        "traffic.sidecar.istio.io/excludeInboundPorts",
        "traffic.sidecar.istio.io/includeInboundPorts",
        "config.linkerd.io/skip-inbound-ports",
        "traffic.kuma.io/exclude-inbound-ports",
        "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports",
    }
)
"""Annotations of pods, and of their namespaces, that name inbound ports which the proxy does not see."""
_ONLY = frozenset({"traffic.sidecar.istio.io/includeInboundPorts"})
"""Those that name the ports which alone it does see."""
_HTTP = frozenset({"http", "http2", "grpc", "grpc-web", "h2c", "ws"})
_PORTS = re.compile(r"[0-9]+(?:-[0-9]+)?")


def unmeshed(look: Look) -> Iterator[Keep]:
    """It has pods without a sidecar: who calls it, and how much, is only half seen."""
    for one in look.workloads.values():
        if one.pods and not one.meshed:
            bare = sum(not pod.meshed for pod in one.pods)
            where = Where(one.ref, "pods without a mesh proxy", f"{bare} of {len(one.pods)}")
            reason = "calls from outside the mesh are not seen where no sidecar receives them; enrol it in the mesh"
            yield from pin([one.id], reason, where, blind=True)


def bypassed_proxy(look: Look) -> Iterator[Keep]:
    """Its mesh proxy is told to let some ports pass by: calls to them are seen by nobody."""
    spaces = {name_of(raw): annotations_of(raw) for raw in look.topology.objects.of("Namespace")}
    for one in look.workloads.values():
        own = annotations_of(at(one.raw, "spec", "template", default={}))
        told = {**spaces.get(one.id.namespace, {}), **own}
        # The port that Prometheus scrapes is no business of callers.
        scraped = {told.get("prometheus.io/port", "")}
        for name in sorted(BYPASSES & told.keys()):
            if set(_PORTS.findall(told[name])) - scraped or (name in _ONLY and told[name] != "*"):
                where = Where(one.ref, f"pod annotation {name}", told[name])
                reason = "calls to these ports pass by its proxy, so nobody sees them; let the proxy have them"
                yield from pin([one.id], reason, where, blind=True)


def tcp_untold(look: Look) -> Iterator[Keep]:
    """It may be called over TCP, of which no sidecar tells anything: its silence proves nothing."""
    source = look.topology.snapshot.source
    if "tcp" not in source.untold:
        return
    for service in look.services.values():
        for number, port in enumerate(at(service.raw, "spec", "ports", default=())):
            if speaks_http(port):
                continue
            where = Where(
                ref_of("Service", service.raw), f"spec.ports[{number}]", str(port.get("name", port.get("port")))
            )
            reason = (
                "this port may carry TCP, and no sidecar tells of any; keep istio_tcp_connections_opened_total, or name"
                " the port http-... if that is what it speaks"
            )
            yield from to_hosts([service.host], reason, where)
            yield from pin(service.workloads, reason, where, blind=True)


def speaks_http(port: Mapping[str, Any]) -> bool:
    """Whether a Service's port says that it carries HTTP or gRPC, by its ``appProtocol`` or its name as Istio reads it
    (https://istio.io/latest/docs/ops/configuration/traffic-management/protocol-selection/)."""
    said = str(port.get("appProtocol") or str(port.get("name", "")).partition("-")[0]).lower()
    return said.removeprefix("kubernetes.io/") in _HTTP


def unknown(look: Look) -> Iterator[Keep]:
    """Its evidence is UNKNOWN: neither use nor silence has been proven."""
    for target, score in look.scores.replicas.items():
        if score.judged.evidence is Evidence.UNKNOWN and target in look.workloads:
            where = Where(look.workloads[target].ref, "evidence", "UNKNOWN")
            yield from pin([target], score.judged.why, where, blind=True)


def not_request_driven(look: Look) -> Iterator[Keep]:
    """Its CPU follows something other than its requests: a queue, a schedule, a batch."""
    for target, score in look.scores.replicas.items():
        for hold in score.holds:
            if hold.code == "not-request-driven" and target in look.workloads:
                yield from pin([target], hold.why, Where(look.workloads[target].ref, "CPU", hold.code))


def shield(look: Look) -> Iterator[Keep]:
    """It hurt when it was cut, and is spared for the next windows."""
    for one in look.shields:
        if one.until <= look.now:
            continue
        where = Where(ObjectRef("PruningPlan", "", "journal"), "shield", f"until {one.until:%Y-%m-%d %H:%M} UTC")
        client, arrow, host = one.element.partition(" -> ")
        target = WorkloadId.parse(client)
        if arrow:
            yield between(target, host, one.reason, where)
        else:
            yield from pin([target], one.reason, where)
