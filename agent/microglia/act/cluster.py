"""The real cluster's few writing verbs over the official client's connection: raw JSON, preconditions on each."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes.client import ApiClient

from microglia.act.answers import TRY_AGAIN, decoded, error
from microglia.model.kinds import BY_NAME, Kind
from microglia.model.objects import Raw, at, name_of, namespace_of
from microglia.model.ports import AbsentError, ForbiddenError, GoneError, UnreadableError
from microglia.plan.change import MANAGER

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
BACK_OFF = (0.5, 1.0, 2.0, 4.0)
"""Seconds between the attempts of a request that the server was too busy for."""
LONGEST_PAUSE = 30.0
"""Seconds that a ``Retry-After`` may ask for."""
PAGE = 100
"""Objects of a page: one may have half a megabyte."""
_TIMEOUT = urllib3.Timeout(connect=5, read=60)


class ApiCluster:
    """WritableCluster over a configured ApiClient, whose credentials, proxy and certificates it uses.

    Reads are repeated after 429, 5xx and a lost connection; writes only after 429, which alone says that nothing was
    done. The client's own retries are off: a repeated write would meet its own trace and look like a stranger's.
    """

    def __init__(self, api: ApiClient, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = api
        self._sleep = sleep

    def read(self, kind: Kind, namespace: str, name: str) -> Raw | None:
        """The object as it is now, None if it does not exist."""
        try:
            found: Raw = self._send("GET", _path(kind, namespace, name))
        except GoneError:
            return None
        return found

    def pods(self, namespace: str, selector: Raw) -> Sequence[Raw]:
        """The pods of ``namespace`` that a LabelSelector matches, terminating ones too."""
        found = self._send("GET", _path(BY_NAME["Pod"], namespace), {"labelSelector": selector_text(selector)})
        return tuple(at(found, "items", default=[]))

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """Every object of ``kind``, page by page. Raises AbsentError when the cluster does not know the kind."""
        found: list[Raw] = []
        query = {"limit": str(PAGE)}
        while True:
            try:
                page = self._send("GET", kind.path, query)
            except GoneError as unknown:
                raise AbsentError(str(unknown)) from unknown
            found += (
                {"apiVersion": page["apiVersion"], "kind": kind.name, **raw} for raw in at(page, "items", default=[])
            )
            following = at(page, "metadata", "continue", default="")
            if not following:
                return found
            query = {"limit": str(PAGE), "continue": following}

    def serves(self, kind: Kind) -> bool:
        """Whether the cluster knows the kind, whatever we may do with it: discovery is open to everybody."""
        try:
            told = self._send("GET", kind.path.rpartition("/")[0])
        except (GoneError, ForbiddenError):
            return False
        return any(at(one, "name") == kind.plural for one in at(told, "resources", default=[]))

    def user(self) -> str:
        """Who the API server takes us for. Raises ForbiddenError, and GoneError where it does not tell."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        told = self._send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {}, body)
        return str(at(told, "status", "userInfo", "username", default=""))

    def replace_status(self, kind: Kind, body: Raw) -> Raw:
        """Replace the status alone, with the uid and resourceVersion in ``body``."""
        path = f"{_path(kind, namespace_of(body), name_of(body))}/status"
        written: Raw = self._send("PUT", path, {"fieldManager": MANAGER}, body)
        return written

    def scale(self, raw: Raw, replicas: int, kind: Kind = BY_NAME["Deployment"]) -> Raw:
        """Write ``replicas`` through ``/scale`` with ``raw``'s uid and resourceVersion."""
        body = {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": _identity(raw),
            "spec": {"replicas": replicas},
        }
        path = f"{_path(kind, namespace_of(raw), name_of(raw))}/scale"
        written: Raw = self._send("PUT", path, {"fieldManager": MANAGER}, body)
        return written

    def create(self, kind: Kind, body: Raw) -> Raw:
        """Create a namespaced object."""
        made: Raw = self._send("POST", _path(kind, namespace_of(body)), {"fieldManager": MANAGER}, body)
        return made

    def replace(self, kind: Kind, body: Raw) -> Raw:
        """Replace with the uid and resourceVersion in ``body``."""
        path = _path(kind, namespace_of(body), name_of(body))
        written: Raw = self._send("PUT", path, {"fieldManager": MANAGER}, body)
        return written

    def delete(self, kind: Kind, raw: Raw) -> None:
        """Delete ``raw`` with its uid and resourceVersion as preconditions."""
        identity = _identity(raw)
        preconditions = {"uid": identity["uid"], "resourceVersion": identity["resourceVersion"]}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        self._send("DELETE", _path(kind, namespace_of(raw), name_of(raw)), {}, body)

    def annotate_pod(self, raw: Raw, annotations: Mapping[str, str | None]) -> None:
        """Merge annotations into a pod of ``raw``'s uid; None removes one."""
        body = {"metadata": {"uid": at(raw, "metadata", "uid"), "annotations": dict(annotations)}}
        path = _path(BY_NAME["Pod"], namespace_of(raw), name_of(raw))
        self._send("PATCH", path, {"fieldManager": MANAGER}, body, MERGE_PATCH)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Raw | None = None,
        media: str = JSON,
    ) -> Any:
        request = f"{method} {path}"
        text = None if body is None else json.dumps(body)
        target = f"{path}?{urlencode(query)}" if query else path
        for pause in BACK_OFF:
            try:
                reply = self._once(method, target, text, media)
            except UnreadableError:
                if method != "GET":
                    raise
                self._sleep(pause)
                continue
            if not (reply.status == 429 or (method == "GET" and reply.status in TRY_AGAIN)):
                return _answer(request, reply)
            self._sleep(_pause(reply.headers.get("Retry-After"), pause))
        return _answer(request, self._once(method, target, text, media))

    def _once(self, method: str, target: str, text: str | None, media: str) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": JSON, "Content-Type": media}
        # Serialised anew each time: a token may have been refreshed since the last attempt.
        _, url, headers, _, _ = self._api.param_serialize(
            method, target, header_params=headers, auth_settings=["BearerToken"]
        )
        try:
            reply: urllib3.BaseHTTPResponse = self._api.rest_client.pool_manager.request(
                method, url, body=text, headers=headers, timeout=_TIMEOUT, retries=False
            )
        except urllib3.exceptions.HTTPError as failure:
            raise UnreadableError(
                f"{method} {target}: the API server did not answer: {failure}; check the connection to "
                f"{self._api.configuration.host} and try again"
            ) from failure
        return reply


def selector_text(selector: Raw) -> str:
    """A LabelSelector as the query parameter ``labelSelector``."""
    terms = [f"{key}={value}" for key, value in sorted(at(selector, "matchLabels", default={}).items())]
    return ",".join(terms + [_term(one) for one in at(selector, "matchExpressions", default=[])])


def _term(expression: Raw) -> str:
    key, values = expression["key"], ",".join(sorted(at(expression, "values", default=[])))
    forms = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}
    return str(forms[expression["operator"]])


def _path(kind: Kind, namespace: str, name: str = "") -> str:
    root = kind.path.removesuffix(f"/{kind.plural}")
    inside = f"/namespaces/{quote(namespace, safe='')}" if kind.namespaced else ""
    return f"{root}{inside}/{kind.plural}" + (f"/{quote(name, safe='')}" if name else "")


def _identity(raw: Raw) -> dict[str, Any]:
    return {key: at(raw, "metadata", key) for key in ("name", "namespace", "uid", "resourceVersion")}


def _answer(request: str, reply: urllib3.BaseHTTPResponse) -> Any:
    if reply.status >= 300:
        raise error(request, reply.status, reply.data)
    return decoded(request, reply.data)


def _pause(asked: str | None, otherwise: float) -> float:
    return min(float(asked), LONGEST_PAUSE) if asked and asked.isdigit() else otherwise
