"""The one object that microglia creates: an Istio Sidecar that hides hosts from one client workload.

The exclusion form (``*/*`` and ``~namespace/host``) keeps every Service of tomorrow visible; istiod reads it from 1.31
on (https://istio.io/latest/docs/reference/config/networking/sidecar/). Egress policy and ingress are left out, so both
stay what the mesh says.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from microglia.model.ids import WorkloadId, host_service
from microglia.model.objects import Raw, annotations_of, at, labels_of, name_of, namespace_of
from microglia.plan.change import MANAGED_BY, MANAGER, MARK

API_VERSION = "networking.istio.io/v1"
CLIENT = f"{MARK}client"
REASON = f"{MARK}reason"
EVERYTHING = "*/*"
_WHY = "hides hosts that this workload was not seen to need; microglia restore shows them again"
_LONGEST = 63


def sidecar_name(client: WorkloadId) -> str:
    """``microglia-<workload>``, with the kind where it is not a Deployment; hashed beyond 63 characters."""
    kind = "" if client.kind == "Deployment" else f"{client.kind.lower()}-"
    name = f"{MANAGER}-{kind}{client.name}"
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9].rstrip('.-')}-{hashlib.sha256(str(client).encode()).hexdigest()[:8]}"


def body(client: WorkloadId, selector: Mapping[str, str], hosts: Iterable[str]) -> dict[str, Any] | None:
    """The whole Sidecar that hides ``hosts`` (in-cluster FQDNs) from the pods that ``selector`` matches.

    None when there is nothing to hide: then there is no Sidecar. The same hosts give the same object.
    """
    entries = sorted(f"~{named[0]}/{host}" for host in set(hosts) if (named := host_service(host)))
    if not entries:
        return None
    return {
        "apiVersion": API_VERSION,
        "kind": "Sidecar",
        "metadata": {
            "name": sidecar_name(client),
            "namespace": client.namespace,
            "labels": {MANAGED_BY: MANAGER},
            "annotations": {CLIENT: str(client), REASON: _WHY},
        },
        "spec": {
            "workloadSelector": {"labels": dict(sorted(selector.items()))},
            "egress": [{"hosts": [EVERYTHING, *entries]}],
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
    entries = at(raw, "spec", "egress", 0, "hosts", default=())
    return tuple(sorted(str(entry).partition("/")[2] for entry in entries if str(entry).startswith("~")))


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
    wanted = body(client, selector_of(raw), hidden(raw)) if client else None
    return wanted is None or wanted["spec"] != at(raw, "spec")
