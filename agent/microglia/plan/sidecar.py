"""The one object that microglia creates: an Istio Sidecar that hides hosts from one client workload.

The exclusion form (``*/*`` and ``~namespace/host``) keeps every Service of tomorrow visible; istiod reads it from 1.31
on (https://istio.io/latest/docs/reference/config/networking/sidecar/). Egress policy and ingress are left out, so both
stay what the mesh says. An allow-list, where a policy asks for it, imports whole namespaces instead (``namespace/*``);
the object itself then says by annotations which hosts that hides, and for which release of the client.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from microglia.model.ids import WorkloadId, host_service
from microglia.model.objects import Raw, annotations_of, at, labels_of, name_of, namespace_of
from microglia.plan.change import MANAGED_BY, MANAGER, MARK

API_VERSION = "networking.istio.io/v1"
CLIENT = f"{MARK}client"
REASON = f"{MARK}reason"
HIDES = f"{MARK}hides"
RELEASE = f"{MARK}release"
EVERYTHING = "*/*"
_WHY = "hides hosts that this workload was not seen to need; microglia restore shows them again"
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an allow-list lets in: the ``namespaces``, sorted; and for which ``release`` of the client it was made."""

    namespaces: tuple[str, ...]
    release: str

    def widened(self, hosts: Iterable[str]) -> "Allowed":
        """The same with the namespaces of ``hosts``."""
        return Allowed(tuple(sorted({*self.namespaces, *spaces(hosts)})), self.release)


def spaces(hosts: Iterable[str]) -> frozenset[str]:
    """The namespaces of in-cluster FQDNs."""
    return frozenset(named[0] for host in hosts if (named := host_service(host)))


def sidecar_name(client: WorkloadId) -> str:
    """``microglia-<workload>``, with the kind where it is not a Deployment; hashed beyond 63 characters."""
    kind = "" if client.kind == "Deployment" else f"{client.kind.lower()}-"
    name = f"{MANAGER}-{kind}{client.name}"
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9].rstrip('.-')}-{hashlib.sha256(str(client).encode()).hexdigest()[:8]}"


def body(
    client: WorkloadId, selector: Mapping[str, str], hosts: Iterable[str], allow: Allowed | None = None
) -> dict[str, Any] | None:
    """The whole Sidecar that hides ``hosts`` (in-cluster FQDNs) from the pods that ``selector`` matches, by excluding
    them, or by what ``allow`` leaves out.

    None when there is nothing to hide: then there is no Sidecar. The same hosts give the same object.
    """
    entries = sorted(f"~{named[0]}/{host}" for host in set(hosts) if (named := host_service(host)))
    if not entries:
        return None
    marks, egress = {CLIENT: str(client), REASON: _WHY}, [EVERYTHING, *entries]
    if allow is not None:
        marks |= {HIDES: ",".join(entry.removeprefix("~") for entry in entries), RELEASE: allow.release}
        egress = [f"{namespace}/*" for namespace in allow.namespaces]
    return {
        "apiVersion": API_VERSION,
        "kind": "Sidecar",
        "metadata": {
            "name": sidecar_name(client),
            "namespace": client.namespace,
            "labels": {MANAGED_BY: MANAGER},
            "annotations": marks,
        },
        "spec": {
            "workloadSelector": {"labels": dict(sorted(selector.items()))},
            "egress": [{"hosts": egress}],
        },
    }


def plain(raw: Raw) -> dict[str, Any]:
    """``raw`` without what the server sets: enough to write it again."""
    metadata: dict[str, Any] = {"name": name_of(raw), "namespace": namespace_of(raw)}
    for key, found in (("labels", labels_of(raw)), ("annotations", annotations_of(raw))):
        if found:
            metadata[key] = dict(sorted(found.items()))
    return {
        "apiVersion": raw.get("apiVersion", API_VERSION),
        "kind": "Sidecar",
        "metadata": metadata,
        "spec": at(raw, "spec", default={}),
    }


def hidden(raw: Raw | None) -> tuple[str, ...]:
    """The hosts that a Sidecar of ours hides, sorted; none where there is no Sidecar."""
    if raw is not None and allowed(raw) is not None:
        told = annotations_of(raw).get(HIDES, "").split(",")
        return tuple(sorted(entry.partition("/")[2] for entry in told if "/" in entry))
    return tuple(sorted(entry.partition("/")[2] for entry in _entries(raw) if entry.startswith("~")))


def allowed(raw: Raw | None) -> Allowed | None:
    """What a Sidecar of ours lets in, None for one that excludes single hosts, or none at all."""
    entries = _entries(raw)
    if raw is None or not entries or EVERYTHING in entries:
        return None
    return Allowed(tuple(sorted(entry.partition("/")[0] for entry in entries)), annotations_of(raw).get(RELEASE, ""))


def whole(raw: Raw, hosts: Iterable[str]) -> frozenset[str]:
    """What is shown together with ``hosts``: of an allow-list all that it hides of their namespaces."""
    some = frozenset(hosts)
    if allowed(raw) is None:
        return some
    return some | {host for host in hidden(raw) if spaces([host]) <= spaces(some)}


def widened(raw: Raw, shown: Iterable[str]) -> dict[str, Any] | None:
    """A Sidecar of ours without hiding ``shown``, which are ``whole``; None when it hides nothing any more."""
    client, allow, some = client_of(raw), allowed(raw), frozenset(shown)
    rest = set(hidden(raw)) - some
    return body(client, selector_of(raw), rest, allow.widened(some) if allow else None) if client else None


def _entries(raw: Raw | None) -> tuple[str, ...]:
    return tuple(str(entry) for entry in at(raw, "spec", "egress", 0, "hosts", default=()))


def selector_of(raw: Raw) -> dict[str, str]:
    """The labels that a Sidecar selects pods by."""
    return dict(at(raw, "spec", "workloadSelector", "labels", default={}))


def client_of(raw: Raw) -> WorkloadId | None:
    """The workload that a Sidecar of ours was made for; None when its annotation is missing or names nothing."""
    try:
        return WorkloadId.parse(annotations_of(raw).get(CLIENT, ""))
    except ValueError:
        return None


def edited(raw: Raw) -> bool:
    """Whether somebody changed the spec of a Sidecar of ours into something that microglia would not write."""
    client = client_of(raw)
    wanted = body(client, selector_of(raw), hidden(raw), allowed(raw)) if client else None
    return wanted is None or wanted["spec"] != at(raw, "spec")
