"""Back to an empty cluster, so that tests can share one control plane."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain

from tests.lab.api import Api, ApiError, Document
from tests.lab.discovery import Catalogue, Resource
from tests.lab.errors import LabError
from tests.lab.objects import each
from tests.lab.waiting import until

_GONE_WITHIN = 120.0
_LET_GO_AFTER = 40.0
"""Seconds for which controllers may hold what was deleted by their finalizers; CRDs take up to twenty of them."""
_SHOWN = 5
# What can stand in the way of a deletion: a webhook that nobody answers, an aggregated API that nobody serves.
_GATES = (
    "apiservices",
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "mutatingadmissionpolicybindings",
    "validatingadmissionpolicybindings",
)
# From the top down: what is left of an owner's pods must find no owner that makes them again.
_WORKLOADS = (
    "/apis/batch/v1/cronjobs",
    "/apis/batch/v1/jobs",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/statefulsets",
    "/apis/apps/v1/daemonsets",
    "/apis/apps/v1/replicasets",
)
# Made by controllers, and gone with what they are about.
_FOLLOWERS = (
    "pods",
    "endpoints",
    "endpointslices",
    "events",
    "leases",
    "controllerrevisions",
    "ipaddresses",
    "csinodes",
)
# Made in every namespace, and made again as often as they are deleted.
_FURNITURE = (("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt"))
# Of these the control plane keeps its own in its namespaces, some from the first time that it needs them.
_HOUSEHOLD = ("serviceaccounts", "configmaps", "secrets", "roles", "rolebindings")
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
_AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"


def inventory(api: Api) -> frozenset[str]:
    """Return the paths of all objects that ``wipe`` could remove; taken of an empty cluster, it says what to leave."""
    return frozenset(chain.from_iterable(_objects(api, resource) for resource in Catalogue(api).all()))


def wipe(api: Api, leave: Collection[str], keep: Collection[str] = (), *, finalise: bool = False) -> None:
    """Delete every object whose path is not in ``leave``, but no object of the plural kinds in ``keep``.

    Namespaces go with all that is in them. What a controller holds by a finalizer for forty seconds is let go, and
    what it makes again under the same name is another object: neither is waited for. ``finalise`` does the namespace
    controller's work where there is none; beside one, it could delete what comes next under the same name. Raises
    LabError when something is still there after two minutes; it says since when, and who holds it.
    """
    resources = [resource for resource in Catalogue(api).all() if resource.plural not in keep]
    _clear(api, [resource for resource in resources if resource.plural in _GATES], leave)
    spaces = sorted(path for path in _namespaces(api) if path not in leave and "namespaces" not in keep)
    each(spaces, lambda path: _delete(api, path))
    until("deleted workloads and pods go", lambda: _end_workloads(api), _GONE_WITHIN)
    _empty(api, resources, {path.rpartition("/")[2] for path in spaces})
    _clear(api, [resource for resource in resources if resource.plural != "namespaces"], leave)
    until("deleted namespaces go", lambda: _end_namespaces(api, spaces, finalise=finalise), _GONE_WITHIN)


def _namespaces(api: Api) -> dict[str, Document]:
    found = (item["metadata"] for item in api.get("/api/v1/namespaces")["items"])
    return {f"/api/v1/namespaces/{metadata['name']}": metadata for metadata in found}


def _end_namespaces(api: Api, spaces: Collection[str], *, finalise: bool) -> str:
    left = {path: metadata for path, metadata in _namespaces(api).items() if path in spaces}
    if finalise:
        each(left, lambda path: _finalise(api, path))
    return _shown(left)


def _finalise(api: Api, space: str) -> None:
    name = {"name": space.rpartition("/")[2]}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": name, "spec": {"finalizers": []}}
    _unless_gone(lambda: api.send("PUT", f"{space}/finalize", body))


def _clear(api: Api, resources: Sequence[Resource], leave: Collection[str]) -> None:
    doomed = {
        resource: {metadata["uid"] for path, metadata in found.items() if path not in leave}
        for resource in resources
        if (found := _objects(api, resource))
    }
    left = _left(api, doomed)
    each(left, lambda path: _delete(api, path))
    try:
        until("deleted objects go", lambda: _shown(_left(api, doomed)), _LET_GO_AFTER)
    except LabError:
        each(_left(api, doomed), lambda path: _let_go(api, path))
        until("deleted objects go", lambda: _shown(_left(api, doomed)), _GONE_WITHIN - _LET_GO_AFTER)


def _left(api: Api, doomed: Mapping[Resource, Collection[str]]) -> dict[str, Document]:
    """The very objects that are still there, not what was made since under the same name."""
    found = chain.from_iterable(
        ((path, metadata) for path, metadata in _objects(api, resource).items() if metadata["uid"] in uids)
        for resource, uids in doomed.items()
        if uids
    )
    return dict(found)


def _let_go(api: Api, path: str) -> None:
    _delete(api, path)
    _unhold(api, path)


def _unhold(api: Api, path: str) -> None:
    _unless_gone(lambda: api.patch(path, {"metadata": {"finalizers": None}}))


def _shown(left: Mapping[str, Document]) -> str:
    return ", ".join(_held(path, left[path]) for path in sorted(left)[:_SHOWN])


def _held(path: str, metadata: Document) -> str:
    since, holders = metadata.get("deletionTimestamp"), metadata.get("finalizers", [])
    return f"{path} (deleted {since}, held by {', '.join(holders) or 'nobody'})" if since else f"{path} (not deleted)"


def _end_workloads(api: Api) -> str:
    """One pass from the top down; what a controller made from an old look at its owner goes in the next."""
    left: dict[str, Document] = {}
    for path in (*_WORKLOADS, "/api/v1/pods"):
        root, _, plural = path.rpartition("/")
        found = [item["metadata"] for item in api.get(path)["items"]]
        here = {f"{root}/namespaces/{one['namespace']}/{plural}/{one['name']}": one for one in found}
        # A Job's pods are held until its controller has counted them; nobody counts what is wiped.
        each([path for path, one in here.items() if one.get("finalizers")], lambda path: _unhold(api, path))
        collections = sorted({path.rpartition("/")[0] for path in here})
        each(collections, lambda used: _delete(api, used, at_once=True))
        left.update(here)
    return _shown(left)


def _empty(api: Api, resources: Sequence[Resource], namespaces: Collection[str]) -> None:
    for resource in resources:
        if resource.namespaced and "deletecollection" in resource.verbs:
            used = {item.get("namespace") for item in _metadata(api, resource)}.intersection(namespaces)
            each([resource.collection(name) for name in used], lambda collection: _delete(api, collection))


def _objects(api: Api, resource: Resource) -> dict[str, Document]:
    """What may be wiped of a kind, by path."""
    if resource.plural in _FOLLOWERS:
        return {}
    items = _metadata(api, resource)
    return {_path(resource, item): item for item in items if not _is_household(resource, item)}


def _metadata(api: Api, resource: Resource) -> list[Document]:
    try:
        return [item["metadata"] for item in api.get(resource.collection())["items"]]
    except ApiError as error:
        # The kind itself may have gone since it was listed.
        if error.status != 404:
            raise
        return []


def _path(resource: Resource, metadata: Document) -> str:
    return f"{resource.collection(metadata.get('namespace'))}/{metadata['name']}"


def _is_household(resource: Resource, metadata: Document) -> bool:
    own = resource.plural in _HOUSEHOLD and metadata.get("namespace") in _SYSTEM
    furniture = (resource.plural, metadata["name"]) in _FURNITURE
    return own or furniture or _AUTOMANAGED in metadata.get("labels", {})


def _delete(api: Api, path: str, *, at_once: bool = False) -> None:
    options: dict[str, object] = {"propagationPolicy": "Background"}
    _unless_gone(lambda: api.delete(path, {**options, "gracePeriodSeconds": 0} if at_once else options))


def _unless_gone(request: Callable[[], object]) -> None:
    try:
        request()
    except ApiError as error:
        if error.status != 404:
            raise
