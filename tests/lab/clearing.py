"""Back to an empty cluster, so that tests can share one control plane."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import chain

from tests.lab.api import Api, ApiError, Document
from tests.lab.discovery import Catalogue, Resource
from tests.lab.objects import each
from tests.lab.waiting import until

_GONE_WITHIN = 120.0
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
# Of these the control plane keeps its own in its namespaces, some from the first time that it needs them.
_HOUSEHOLD = ("serviceaccounts", "configmaps", "secrets", "roles", "rolebindings")
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")
_AUTOMANAGED = "kube-aggregator.kubernetes.io/automanaged"


def inventory(api: Api) -> frozenset[str]:
    """Return the paths of all objects that ``wipe`` could remove; taken of an empty cluster, it says what to leave."""
    return frozenset(chain.from_iterable(_paths(api, resource) for resource in Catalogue(api).all()))


def wipe(api: Api, leave: Collection[str], keep: Collection[str] = (), *, finalise: bool = False) -> None:
    """Delete every object whose path is not in ``leave``, but no object of the plural kinds in ``keep``.

    Namespaces go with all that is in them. ``finalise`` does the namespace controller's work where there is none;
    beside one, it could delete what comes next under the same name. Raises LabError when something is still there
    after two minutes.
    """
    resources = [resource for resource in Catalogue(api).all() if resource.plural not in keep]
    _clear(api, [resource for resource in resources if resource.plural in _GATES], leave)
    spaces = sorted(path for path in _namespaces(api) if path not in leave and "namespaces" not in keep)
    each(spaces, lambda path: _delete(api, path))
    _end_workloads(api)
    _empty(api, resources, {path.rpartition("/")[2] for path in spaces})
    _clear(api, [resource for resource in resources if resource.plural != "namespaces"], leave)
    if finalise:
        each(spaces, lambda path: _finalise(api, path))
    until("deleted namespaces go", lambda: _shown(_namespaces(api).intersection(spaces)), _GONE_WITHIN)


def _namespaces(api: Api) -> set[str]:
    return {f"/api/v1/namespaces/{item['metadata']['name']}" for item in api.get("/api/v1/namespaces")["items"]}


def _finalise(api: Api, space: str) -> None:
    name = {"name": space.rpartition("/")[2]}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": name, "spec": {"finalizers": []}}
    _unless_gone(lambda: api.send("PUT", f"{space}/finalize", body))


def _clear(api: Api, resources: Sequence[Resource], leave: Collection[str]) -> None:
    doomed = {resource: set(_paths(api, resource)).difference(leave) for resource in resources}
    each(chain.from_iterable(doomed.values()), lambda path: _delete(api, path))
    until("deleted objects go", lambda: _still_there(api, doomed), _GONE_WITHIN)


def _still_there(api: Api, doomed: Mapping[Resource, set[str]]) -> str:
    left = (paths.intersection(_paths(api, resource)) for resource, paths in doomed.items() if paths)
    return _shown(chain.from_iterable(left))


def _shown(paths: Iterable[str]) -> str:
    return ", ".join(sorted(paths)[:_SHOWN])


def _end_workloads(api: Api) -> None:
    for path in _WORKLOADS:
        root, _, plural = path.rpartition("/")
        used = {item["metadata"]["namespace"] for item in api.get(path)["items"]}
        each([f"{root}/namespaces/{name}/{plural}" for name in used], lambda collection: _delete(api, collection))
    until("deleted pods go", lambda: _end_pods(api), _GONE_WITHIN)


def _end_pods(api: Api) -> str:
    pods = api.get("/api/v1/pods")["items"]
    used = {f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods" for pod in pods}
    each(used, lambda collection: api.delete(collection, {"gracePeriodSeconds": 0}))
    return f"{len(pods)} pods" if pods else ""


def _empty(api: Api, resources: Sequence[Resource], namespaces: Collection[str]) -> None:
    for resource in resources:
        if resource.namespaced and "deletecollection" in resource.verbs:
            used = {item.get("namespace") for item in _metadata(api, resource)}.intersection(namespaces)
            each([resource.collection(name) for name in used], lambda collection: _delete(api, collection))


def _paths(api: Api, resource: Resource) -> list[str]:
    if resource.plural in _FOLLOWERS:
        return []
    items = _metadata(api, resource)
    return [_path(resource, item) for item in items if not _is_household(resource, item)]


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
    return own or _AUTOMANAGED in metadata.get("labels", {})


def _delete(api: Api, path: str) -> None:
    _unless_gone(lambda: api.delete(path, {"propagationPolicy": "Background"}))


def _unless_gone(request: Callable[[], object]) -> None:
    try:
        request()
    except ApiError as error:
        if error.status != 404:
            raise
