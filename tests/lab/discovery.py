"""Where the API server keeps each kind, as it says itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.lab.api import Api, ApiError
from tests.lab.errors import LabError


@dataclass(frozen=True, slots=True, order=True)
class Resource:
    """One kind in one version: where its objects are, and what may be done with them."""

    version: str
    plural: str
    kind: str
    namespaced: bool
    verbs: frozenset[str]
    has_status: bool

    def collection(self, namespace: str | None = None) -> str:
        """Return the path of all objects, or of those in one namespace."""
        root = f"/api/{self.version}" if "/" not in self.version else f"/apis/{self.version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"


class Catalogue:
    """The kinds of one API server, asked for once per version and again for kinds not seen yet."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[tuple[str, str], Resource] = {}

    def resource(self, manifest: Mapping[str, Any]) -> Resource:
        """Return what serves a manifest's kind; raises LabError when nothing does."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        if (version, kind) not in self._known:
            self._learn(version)
        try:
            return self._known[version, kind]
        except KeyError:
            message = f"the API server has no {kind} in {version}; apply its CustomResourceDefinition first"
            raise LabError(message) from None

    def path(self, manifest: Mapping[str, Any]) -> str:
        """Return where a manifest's object is; a namespaced one without a namespace is in ``default``."""
        resource, metadata = self.resource(manifest), manifest["metadata"]
        namespace = metadata.get("namespace", "default") if resource.namespaced else None
        return f"{resource.collection(namespace)}/{metadata['name']}"

    def serves(self, version: str, kind: str) -> bool:
        """Say whether the kind is there by now."""
        if (version, kind) not in self._known:
            self._learn(version)
        return (version, kind) in self._known

    def all(self) -> list[Resource]:
        """Return every kind that can be listed and deleted, in its group's preferred version."""
        groups = self._api.get("/apis")["groups"]
        versions = ["v1", *(group["preferredVersion"]["groupVersion"] for group in groups)]
        self._known = {}
        for version in versions:
            self._learn(version)
        return sorted(r for r in self._known.values() if {"list", "delete"} <= r.verbs)

    def _learn(self, version: str) -> None:
        self._known.update({(version, resource.kind): resource for resource in self._served(version)})

    def _served(self, version: str) -> Iterator[Resource]:
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        try:
            served = self._api.get(root)["resources"]
        except ApiError as error:
            # 404: not there (yet); 503: an aggregated API that nobody serves.
            if error.status not in {404, 503}:
                raise
            return
        parts = {one["name"] for one in served}
        for one in served:
            if "/" not in one["name"]:
                yield Resource(
                    version=version,
                    plural=one["name"],
                    kind=one["kind"],
                    namespaced=one["namespaced"],
                    verbs=frozenset(one["verbs"]),
                    has_status=f"{one['name']}/status" in parts,
                )
