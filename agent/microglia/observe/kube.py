"""The Kubernetes API as raw JSON: lists page by page, with patience, and no typed models."""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client, config
from urllib3.exceptions import HTTPError

from microglia.model.kinds import Kind
from microglia.model.objects import Raw, at
from microglia.model.ports import AbsentError, ClusterFacts, UnreadableError
from microglia.observe.wording import ahead, said

PAGE = 500
TIMEOUTS = (5.0, 60.0)
"""Seconds to connect, and to wait for bytes."""
ATTEMPTS = 5
RESTARTS = 3
LONGEST_PAUSE = 30.0

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said: HTTP status, headers in lower case, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def connect(
    context: str | None = None, kubeconfig: Path | None = None, sleep: Sleep = time.sleep
) -> "KubernetesCluster":
    """The cluster of ``context`` or the current one of ``kubeconfig`` (default: KUBECONFIG, ~/.kube/config), else the
    one that this process runs in. Proxies in the environment are honoured.

    Raises UnreadableError when there is no such configuration.
    """
    settings = client.Configuration()
    # The pauses and the retries are ours: see ``_patiently``.
    settings.retries = False
    file = str(kubeconfig) if kubeconfig else os.environ.get("KUBECONFIG") or None
    default = Path("~/.kube/config").expanduser()
    try:
        if context or file or default.exists():
            config.load_kube_config(file, context, client_configuration=settings, persist_config=False)
            name = context or _current_context(file)
        else:
            config.load_incluster_config(client_configuration=settings)
            name = "in-cluster"
    except (config.ConfigException, OSError, ValueError, TypeError) as error:
        raise UnreadableError(
            f"no cluster to look at: {said(error)}. Name one with --context or KUBECONFIG;"
            " kubectl config get-contexts lists them"
        ) from error
    return KubernetesCluster(client.ApiClient(settings), name or urlsplit(settings.host).netloc, sleep)


def _current_context(file: str | None) -> str:
    _, active = config.list_kube_config_contexts(config_file=file)
    return str(active["name"])


class KubernetesCluster:
    """The Cluster port over the ``kubernetes`` client. ``name`` is for people; ``sleep`` waits between attempts;
    ``clock`` is ours, in epoch seconds."""

    def __init__(self, api: Any, name: str, sleep: Sleep = time.sleep, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._name = name
        self._sleep = sleep
        self._clock = clock

    @property
    def api(self) -> Any:
        """The client that answers, for the one other place that speaks to the API server."""
        return self._api

    def facts(self) -> ClusterFacts:
        """Who answers. Raises UnreadableError when nobody does, or refuses the credentials."""
        answer = self._good("/version", "read the version")
        version, skew = _json(answer), ahead(answer.headers.get("date"), answer.headers.get("age"), self._clock())
        try:
            found = self._good("/api/v1/namespaces/kube-system", "read the namespace kube-system")
            uid = str(at(_json(found), "metadata", "uid", default=""))
        except (UnreadableError, AbsentError):
            uid = ""
        return ClusterFacts(uid, self._name, str(at(version, "gitVersion", default="unknown")), skew)

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """Every object of ``kind``. A list that expires on the way (410) is read anew.

        Raises AbsentError (404) or UnreadableError, which says how to grant what is missing.
        """
        for _ in range(RESTARTS):
            found = self._pages(kind)
            if found is not None:
                return found
        raise UnreadableError(
            f"the list of {kind.plural} expired {RESTARTS} times before its end (410); the API server is too busy:"
            " try again later"
        )

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Answer:
        """One GET below the API server's root, such as a Service proxy. Raises UnreadableError if nothing answers."""
        return self._once("GET", path, query=query)

    def post(self, path: str, form: Mapping[str, str]) -> Answer:
        """One form POST below the API server's root. Raises UnreadableError if nothing answers."""
        return self._once("POST", path, form=form)

    def _pages(self, kind: Kind) -> list[Raw] | None:
        found: list[Raw] = []
        query = {"limit": str(PAGE)}
        while True:
            answer = self._patiently(kind.path, query)
            if answer.status == 410:
                return None
            if answer.status == 403 and kind.optional and not self._served(kind):
                raise AbsentError(f"{kind.path} is not served here")
            page = _json(_checked(answer, kind.path, f"list {kind.plural}"))
            found.extend(at(page, "items", default=()))
            token = at(page, "metadata", "continue", default="")
            if not token:
                return found
            query = {"limit": str(PAGE), "continue": str(token)}

    def _served(self, kind: Kind) -> bool:
        """Whether the API server has the kind at all: it forbids a list before it looks whether there is one.

        Discovery is open to everybody who is authenticated; where it is not, the kind may well be there.
        """
        answer = self._patiently(f"/apis/{kind.group}/{kind.version}", None)
        if answer.status != 200:
            return answer.status != 404
        return any(at(one, "name") == kind.plural for one in at(_json(answer), "resources", default=()))

    def _good(self, path: str, deed: str) -> Answer:
        return _checked(self._patiently(path, None), path, deed)

    def _patiently(self, path: str, query: Mapping[str, str] | None) -> Answer:
        """GET with pauses: after 429 and 5xx as long as Retry-After says, else twice as long each time."""
        pause = 0.5
        for _ in range(ATTEMPTS - 1):
            answer = self._once("GET", path, query=query)
            if answer.status != 429 and answer.status < 500:
                return answer
            self._sleep(min(_retry_after(answer, pause), LONGEST_PAUSE))
            pause *= 2
        return self._once("GET", path, query=query)

    def _once(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> Answer:
        headers = {"Accept": "application/json"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            request = self._api.param_serialize(
                method, path, query_params=list((query or {}).items()), header_params=headers,
                post_params=list(form.items()) if form else None, auth_settings=["BearerToken"],
            )  # fmt: skip
            reply = self._api.call_api(*request, _request_timeout=TIMEOUTS)
            body = reply.read()
        except (HTTPError, client.ApiException, config.ConfigException, OSError) as error:
            raise UnreadableError(
                f"the API server of {self._name} does not answer: {said(error)}. Is it up, and is the context right?"
                " Try: kubectl version"
            ) from error
        return Answer(reply.status, {key.lower(): value for key, value in reply.headers.items()}, body or b"")


def _retry_after(answer: Answer, otherwise: float) -> float:
    try:
        return max(0.0, float(answer.headers.get("retry-after", otherwise)))
    except ValueError:
        return otherwise


def _checked(answer: Answer, path: str, deed: str) -> Answer:
    if answer.status == 200:
        return answer
    told = _message(answer)
    if answer.status == 401:
        raise UnreadableError(
            f"the API server refused the credentials (401: {told}); log in again, then try: kubectl version"
        )
    if answer.status == 403:
        raise UnreadableError(
            f"cannot {deed} (forbidden: {told}). Grant it: microglia doctor --rbac | kubectl apply -f -"
        )
    if answer.status == 404:
        raise AbsentError(f"{path} is not served here")
    raise UnreadableError(f"cannot {deed}: the API server answered {answer.status} ({told}); try again later")


def _message(answer: Answer) -> str:
    try:
        return str(at(json.loads(answer.body), "message", default="no reason given"))
    except ValueError:
        return answer.body[:200].decode(errors="replace").strip() or "no reason given"


def _json(answer: Answer) -> Mapping[str, Any]:
    try:
        parsed: Any = json.loads(answer.body)
    except ValueError as error:
        raise UnreadableError(
            f"the API server's reply is no JSON ({error}); is there a login page in between?"
        ) from error
    if not isinstance(parsed, Mapping):
        raise UnreadableError("the API server's reply is no JSON object; is there a login page in between?")
    return parsed
