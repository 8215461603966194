"""Cilium: Services that clusters of a mesh share (cilium/cilium: Documentation/network/clustermesh/affinity.rst)."""

from collections.abc import Iterator, Mapping

from microglia.model.objects import annotations_of, ref_of
from microglia.protect.keep import Keep, Where, pin, to_hosts
from microglia.protect.look import Look

GLOBAL = ("service.cilium.io/global", "io.cilium/global-service")
SHARED = ("service.cilium.io/shared", "io.cilium/shared-service")
AFFINITY = ("service.cilium.io/affinity", "io.cilium/service-affinity")
"""Each as it is written now, and as it was written before Cilium 1.14."""


def cilium_global(look: Look) -> Iterator[Keep]:
    """Its Service is global: other clusters call it, fall back to it, or leave it as the standby of theirs."""
    for service in look.services.values():
        marks = annotations_of(service.raw)
        key = _set(marks, GLOBAL)
        if not key or marks[key].lower() != "true":
            continue
        source = ref_of("Service", service.raw)
        where = Where(source, f"metadata.annotations[{key}]", marks[key])
        yield from to_hosts([service.host], "endpoints of other clusters may answer for it, unseen here", where)
        shared, affinity = _set(marks, SHARED), _set(marks, AFFINITY)
        # Shared is what a global Service is unless told otherwise.
        if marks.get(shared, "true").lower() != "false":
            yield from pin(service.workloads, "other clusters call it, or fall back to it", where)
        if marks.get(affinity) == "remote":
            here = Where(source, f"metadata.annotations[{affinity}]", "remote")
            yield from pin(service.workloads, "its callers prefer other clusters: the copies here stand by", here)


def _set(marks: Mapping[str, str], keys: tuple[str, ...]) -> str:
    """The first of ``keys`` that is set, empty when none is."""
    return next((key for key in keys if key in marks), "")
