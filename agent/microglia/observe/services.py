"""Prometheus behind the API server: which Services usually are one, and how to reach them through the proxy."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter

from microglia.model.objects import Raw, at, labels_of, name_of, namespace_of
from microglia.model.ports import UnreadableError

PROXIED = "http://api-server-proxy"
"""The host under which a proxied Prometheus is known to the HTTP client; it is never resolved."""
_PORTS = {9090, 8481, 8428, 10902, 80, 8080}
_NAMES = (
    "prometheus-operated", "prometheus", "prometheus-k8s", "prometheus-server", "kube-prometheus-stack-prometheus",
    "thanos-querier", "thanos-query", "vmsingle", "vmselect", "mimir-query-frontend",
)  # fmt: skip
_PREFIXES = {"vmselect": "/select/0/prometheus", "vmsingle": "/prometheus", "mimir-query-frontend": "/prometheus"}


class Reached(Protocol):
    """A reply of the API server."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...


class ApiServer(Protocol):
    """Raw requests below the API server's root."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Reached:
        """One GET."""
        ...

    def post(self, path: str, form: Mapping[str, str]) -> Reached:
        """One form POST."""
        ...


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A Service that looks like Prometheus; ``path`` is its root below the API server's."""

    rank: int
    namespace: str
    name: str
    path: str

    @property
    def title(self) -> str:
        """How people know it."""
        return f"{self.namespace}/{self.name} (through the API server)"


def common_prometheus(services: Iterable[Raw]) -> tuple[Candidate, ...]:
    """Services with the names and ports that Prometheus usually has, the likeliest first."""
    return tuple(sorted(filter(None, map(_candidate, services))))


def _candidate(raw: Raw) -> Candidate | None:
    name, labels = name_of(raw), labels_of(raw)
    known = next((rank for rank, usual in enumerate(_NAMES) if name == usual or name.endswith(f"-{usual}")), None)
    if known is None and "prometheus" in {labels.get("app"), labels.get("app.kubernetes.io/name")}:
        known = len(_NAMES)
    port = next((one for one in at(raw, "spec", "ports", default=()) if one.get("port") in _PORTS), None)
    # node-exporter, alertmanager and friends share the prefix, not the meaning.
    if known is None or port is None:
        return None
    prefix = next((path for key, path in _PREFIXES.items() if key in name), "")
    scheme = "https" if port.get("name") in {"https", "web-tls"} else "http"
    target = f"{scheme}:{name}:{port['port']}"
    path = f"/api/v1/namespaces/{namespace_of(raw)}/services/{target}/proxy{prefix}"
    return Candidate(known, namespace_of(raw), name, path)


class ProxyAdapter(HTTPAdapter):
    """Carries requests for ``PROXIED`` through the API server's Service proxy at ``path``.

    Bodies are posted; where posting is forbidden (it needs ``create`` on ``services/proxy``) the form goes into the
    address instead.
    """

    def __init__(self, server: ApiServer, path: str) -> None:
        super().__init__()
        self._server = server
        self._path = path
        self._posts = True

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """One request. Raises requests' ConnectionError when the API server does not answer."""
        try:
            return self._carried(request)
        except UnreadableError as error:
            raise requests.ConnectionError(str(error)) from error

    def _carried(self, request: requests.PreparedRequest) -> requests.Response:
        target = urlsplit(str(request.url))
        query = dict(parse_qsl(target.query))
        path = self._path + target.path
        if request.method != "POST":
            return _response(request, self._server.get(path, query))
        body = request.body or ""
        form = dict(parse_qsl(body.decode() if isinstance(body, bytes) else str(body)))
        if self._posts:
            answer = self._server.post(path, form)
            if answer.status not in {403, 405}:
                return _response(request, answer)
            self._posts = False
        return _response(request, self._server.get(path, {**query, **form}))


def _response(request: requests.PreparedRequest, answer: Reached) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update({key: value for key, value in answer.headers.items() if key.lower() != "content-encoding"})
    response.raw = io.BytesIO(answer.body)
    response.url = str(request.url)
    response.request = request
    return response
