"""Manifests into the API server, fast and in a working order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.lab.api import CONNECTIONS, Api, ApiError, Document
from tests.lab.discovery import Catalogue
from tests.lab.waiting import until

Manifest = Mapping[str, Any]
Manager = Callable[[Manifest], str]
APPLY_PATCH = "application/apply-patch+yaml"

_SERVED_WITHIN = 60.0
_CREATES = "kubectl-"
# What others need to be there: a pod without its account or priority class is refused and retried ever more slowly.
_FIRST = (
    frozenset({"Namespace"}),
    frozenset({"CustomResourceDefinition"}),
    frozenset({"Node", "PriorityClass", "ServiceAccount", "StorageClass", "ResourceQuota", "LimitRange"}),
)


def apply(api: Api, manifests: Iterable[Manifest], manager: Manager | None = None) -> list[Document]:
    """Create every manifest, or merge it into what is there, and return what the server stored, in that order.

    Namespaces come first, then CRDs (until they are served), then nodes and the like, then the rest, several at a
    time. A ``status`` is written too, where the kind has one. ``manager`` says which field manager creates a manifest:
    those of kubectl create it, all others apply it on the server's side. Raises ApiError for the first that is refused.
    """
    catalogue = Catalogue(api)
    stored: list[Document] = []
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for stage in _stages(manifests):
            for manifest in stage:
                catalogue.resource(manifest)  # before the threads start, which would all ask at once
            stored += pool.map(lambda one: _put(api, catalogue, one, manager(one) if manager else ""), stage)
            _settle(api, catalogue, stage)
    return stored


def each(items: Iterable[Any], do: Callable[[Any], object]) -> None:
    """Call ``do`` for every item, several at a time; raises what the first failing call raised."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(do, items))


def _stages(manifests: Iterable[Manifest]) -> list[list[Manifest]]:
    stages: list[list[Manifest]] = [[] for _ in range(len(_FIRST) + 1)]
    for manifest in manifests:
        place = next((i for i, kinds in enumerate(_FIRST) if manifest["kind"] in kinds), len(_FIRST))
        stages[place].append(manifest)
    return [stage for stage in stages if stage]


def _put(api: Api, catalogue: Catalogue, manifest: Manifest, manager: str) -> Document:
    path = catalogue.path(manifest)
    query = {"fieldManager": manager} if manager else {}
    if manager and not manager.startswith(_CREATES):
        stored = api.send("PATCH", path, manifest, APPLY_PATCH, query)
    else:
        stored = _create(api, path, manifest, query)
    if "status" in manifest and catalogue.resource(manifest).has_status:
        return api.patch(f"{path}/status", {"status": manifest["status"]})
    return stored


def _create(api: Api, path: str, manifest: Manifest, query: Mapping[str, str]) -> Document:
    try:
        return api.send("POST", path.rpartition("/")[0], manifest, query=query)
    except ApiError as error:
        if error.status != 409:
            raise
        return api.patch(path, manifest)


def _settle(api: Api, catalogue: Catalogue, stage: Sequence[Manifest]) -> None:
    names = [m["metadata"]["name"] for m in stage if m["kind"] == "Namespace"]
    if names:
        until("new namespaces get their default ServiceAccount", lambda: _without_account(api, names), _SERVED_WITHIN)
    crds = [m for m in stage if m["kind"] == "CustomResourceDefinition"]
    if crds:
        until("new CRDs are served", lambda: _not_served(catalogue, crds), _SERVED_WITHIN)


def _without_account(api: Api, namespaces: Sequence[str]) -> str:
    accounts = api.get("/api/v1/serviceaccounts", fieldSelector="metadata.name=default")["items"]
    return ", ".join(sorted(set(namespaces) - {one["metadata"]["namespace"] for one in accounts}))


def _not_served(catalogue: Catalogue, crds: Sequence[Manifest]) -> str:
    served = [
        (f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"])
        for crd in crds
        for version in crd["spec"]["versions"]
        if version["served"]
    ]
    return ", ".join(f"{kind} in {version}" for version, kind in served if not catalogue.serves(version, kind))
