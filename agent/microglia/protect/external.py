"""Endpoints outside the cluster that share a host with workloads: virtual machines, other networks."""

from collections.abc import Iterator, Mapping
from typing import Any

from microglia.model.ids import host_service
from microglia.model.objects import Raw, at, name_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look
from microglia.protect.named import Named, kept
from microglia.topology.hosts import full_name


def external_endpoints(look: Look) -> Iterator[Keep]:
    """It shares a ServiceEntry or a Service with endpoints outside the cluster: one may stand by for the other."""
    for kind, raw in look.of("ServiceEntry"):
        labels = at(raw, "spec", "workloadSelector", "labels")
        if labels:
            where = Where(ref_of(kind, raw), "spec.workloadSelector", _joined(labels))
            yield from pin(
                sorted(look.index.matching(namespace_of(raw), labels)), "a ServiceEntry selects its pods", where
            )
    yield from kept(look, shared_names(look))
    for kind, raw in look.of("WorkloadEntry", "WorkloadGroup"):
        field = "spec.labels" if kind == "WorkloadEntry" else "spec.metadata.labels"
        labels = at(raw, *field.split("."), default={})
        for service in look.services.values():
            selector = at(service.raw, "spec", "selector", default={})
            if service.namespace == namespace_of(raw) and selector and selector.items() <= labels.items():
                where = Where(ref_of(kind, raw), field, _joined(labels))
                yield from pin(service.workloads, f"{kind} {name_of(raw)} serves the same host", where)


def _joined(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={labels[key]}" for key in sorted(labels))


def shared_names(look: Look) -> Iterator[Named]:
    """Services to whose hosts a ServiceEntry adds endpoints, and Services that are such endpoints themselves."""
    for kind, raw in look.of("ServiceEntry"):
        endpoints = at(raw, "spec", "endpoints", default=())
        for i, host in enumerate(at(raw, "spec", "hosts", default=()) if endpoints else ()):
            if host in look.services:
                where = Where(ref_of(kind, raw), f"spec.hosts[{i}]", str(host))
                yield Named((str(host),), "a ServiceEntry adds endpoints outside the cluster to its host", where)
        for i, endpoint in enumerate(endpoints):
            yield from _address(look, (kind, raw), f"spec.endpoints[{i}].address", endpoint.get("address"))
    for kind, raw in look.of("WorkloadEntry"):
        yield from _address(look, (kind, raw), "spec.address", at(raw, "spec", "address"))


def _address(look: Look, found: tuple[str, Raw], field: str, address: Any) -> Iterator[Named]:
    kind, raw = found
    # A name without dots is no Service's name here, and an address of the sixth version has none either.
    host = full_name(str(address), namespace_of(raw), look.services) if "." in str(address) else ""
    if host_service(host):
        yield Named(
            (host,), f"it is an endpoint of {kind} {name_of(raw)}", Where(ref_of(kind, raw), field, str(address))
        )
