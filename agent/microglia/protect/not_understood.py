"""The fallback: whatever is selected, named or marked by something that no rule reads yet is kept."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from microglia.model.ids import WorkloadId, service_host
from microglia.model.objects import Raw, annotations_of, labels_of, name_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin, to_hosts
from microglia.protect.look import Look

NAMING_KINDS = ("AlertmanagerConfig",)
"""Kinds whose meaning no rule knows; they name what they need, somewhere, and that is kept."""
FAMILIES = (
    "consul.hashicorp.com/", "kuma.io/", "flagger.app/", "traefik.ingress.kubernetes.io/",
)  # fmt: skip
"""Beginnings of label and annotation names that no rule reads, but for those that are ``READ``."""
READ = (
    "consul.hashicorp.com/connect-inject", "consul.hashicorp.com/connect-service", "consul.hashicorp.com/envoy-",
    "consul.hashicorp.com/mesh-inject", "consul.hashicorp.com/service-sync", "consul.hashicorp.com/service-tags",
    "consul.hashicorp.com/service-meta-", "consul.hashicorp.com/sidecar-proxy-",
    "consul.hashicorp.com/transparent-proxy", "kuma.io/application-probe-proxy-port", "kuma.io/egress",
    "kuma.io/gateway", "kuma.io/ingress", "kuma.io/mesh", "kuma.io/sidecar-", "kuma.io/transparent-proxying",
    "kuma.io/virtual-probes", "traefik.ingress.kubernetes.io/service.nativelb",
    "traefik.ingress.kubernetes.io/service.passhostheader", "traefik.ingress.kubernetes.io/service.servers",
)  # fmt: skip
"""Beginnings of names within those families that a rule reads, or that only say how a proxy is set up."""
MARKING = (
    *FAMILIES, "istio.io/use-waypoint", "failover.linkerd.io/", "k8gb.absa.oss/", "k8gb.io/", "serving.knative.dev/",
    "autoscaling.knative.dev/", "apps.kruise.io/", "cnpg.io/", "scale-down-deadline",
    "operator.prometheus.io/deletion-deadline",
)  # fmt: skip
"""Beginnings of names by which other tools mark what is theirs, read here or not: nobody removes what carries one."""
_WORD = re.compile(r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?")


def not_understood(look: Look) -> Iterator[Keep]:
    """An object or mark that no rule understands yet selects it, names it or is on it."""
    named = _by_namespace(look)
    for kind, raw in look.of(*NAMING_KINDS):
        for field, text in _texts(raw):
            for host, targets in _meant(look, named, namespace_of(raw), text):
                where = Where(ref_of(kind, raw), field, text)
                reason = f"{kind} {name_of(raw)} names it, and what that means is not known here"
                yield from pin(targets, reason, where)
                yield from to_hosts([host] if host in look.services else [], reason, where)
    for kind, raw, targets in look.markable():
        for part, marks in (("labels", labels_of(raw)), ("annotations", annotations_of(raw))):
            for key in sorted(marks):
                if strange(key):
                    where = Where(ref_of(kind, raw), f"metadata.{part}[{key}]", marks[key])
                    yield from pin(targets, f"{key} is set, and what that means is not known here", where)


def strange(key: str) -> bool:
    """Whether a label or annotation of this name may mean anything that no rule knows."""
    return key.startswith(FAMILIES) and not key.startswith(READ)


def _by_namespace(look: Look) -> Mapping[tuple[str, str], tuple[WorkloadId, ...]]:
    found: dict[tuple[str, str], tuple[WorkloadId, ...]] = {}
    for one in look.workloads:
        key = (one.namespace, one.name)
        found[key] = (*found.get(key, ()), one)
    return found


def _texts(raw: Raw) -> Iterator[tuple[str, str]]:
    """(field, text) of every string in the spec, and the object's own name, which may be that of what it is about."""
    yield "metadata.name", name_of(raw)
    queue: list[tuple[str, Any]] = [("spec", raw.get("spec"))]
    while queue:
        field, value = queue.pop()
        if isinstance(value, Mapping):
            queue.extend((f"{field}.{key}", value[key]) for key in sorted(value, reverse=True))
        elif isinstance(value, list | tuple):
            queue.extend((f"{field}[{i}]", value[i]) for i in reversed(range(len(value))))
        elif isinstance(value, str):
            yield field, value


def _meant(
    look: Look, named: Mapping[tuple[str, str], tuple[WorkloadId, ...]], namespace: str, text: str
) -> Iterator[tuple[str, tuple[WorkloadId, ...]]]:
    """(host, workloads) that a text may mean: a name in the namespace, or ``name.namespace`` anywhere in it."""
    for word in _WORD.findall(text):
        parts = word.split(".")
        places = [(namespace, word)] if len(parts) == 1 else [(parts[1], parts[0])]
        for place in places:
            targets = {*named.get(place, ()), *look.behind(*place)}
            if targets:
                yield service_host(*place), tuple(sorted(targets))
