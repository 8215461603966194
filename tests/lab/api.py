"""A thin client of the lab's API server: JSON in, JSON out, with the administrator's certificate."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from tests.lab.errors import LabError
from tests.lab.pki import Pki

Document = dict[str, Any]

CONNECTIONS = 8
MERGE_PATCH = "application/merge-patch+json"

_TIMEOUT = (5.0, 60.0)
# A 429 has done nothing and says when to come again: the storage of a CRD that comes or goes, or a crowded server.
_PATIENCE = Retry(
    total=10, connect=0, read=0, other=0, status_forcelist={429}, allowed_methods=None, raise_on_status=False
)


class ApiError(LabError):
    """The API server refused a request; ``status`` is the HTTP status code."""

    def __init__(self, request: str, status: int, text: str) -> None:
        super().__init__(f"{request}: {status} {text.strip()}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Api:
    """Requests to one API server as one user; safe to use from several threads."""

    url: str
    session: requests.Session = field(repr=False)

    def get(self, path: str, **query: str) -> Document:
        """Return the object or list at ``path``; raises ApiError."""
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, Any]) -> Document:
        """Create ``body`` in the collection at ``path``; raises ApiError."""
        return self.send("POST", path, body)

    def patch(self, path: str, body: Mapping[str, Any], media: str = MERGE_PATCH) -> Document:
        """Change the object at ``path``, by a merge patch unless ``media`` says otherwise; raises ApiError."""
        return self.send("PATCH", path, body, media)

    def delete(self, path: str, body: Mapping[str, Any] | None = None) -> Document:
        """Delete the object or collection at ``path``; ``body`` is DeleteOptions; raises ApiError."""
        return self.send("DELETE", path, body)

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        media: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Document:
        """Send one request and return the decoded reply; raises ApiError for every status from 400 on."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": media, "Accept": "application/json"}
        try:
            reply = self.session.request(
                method, self.url + path, params=query, data=data, headers=headers, timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            raise LabError(f"{method} {self.url}{path}: {error}; the API server's log may say why") from error
        if reply.status_code >= 400:
            raise ApiError(f"{method} {path}", reply.status_code, reply.text)
        document: Document = reply.json()
        return document


def connect(url: str, pki: Pki) -> Api:
    """Return a client that is the administrator."""
    session = requests.Session()
    # Proxies and certificate bundles from the environment are for the outside world.
    session.trust_env = False
    session.verify = str(pki.ca)
    session.cert = (str(pki.admin_cert), str(pki.admin_key))
    session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS, max_retries=_PATIENCE))
    return Api(url, session)


def connect_as(url: str, ca: Path, token: str) -> Api:
    """Return a client that is whoever the bearer token says."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(ca)
    session.headers["Authorization"] = f"Bearer {token}"
    session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=CONNECTIONS, max_retries=_PATIENCE))
    return Api(url, session)


def write_kubeconfig(path: Path, url: str, ca: Path, user: Mapping[str, str]) -> Path:
    """Write a kubeconfig for ``user`` (its fields as in the file format) that needs no other file."""
    cluster = {"server": url, "certificate-authority-data": encoded(ca)}
    context = {"cluster": "lab", "user": "lab", "namespace": "default"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "lab", "cluster": cluster}],
        "users": [{"name": "lab", "user": dict(user)}],
        "contexts": [{"name": "lab", "context": context}],
        "current-context": "lab",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return path


def encoded(path: Path) -> str:
    """Return a file's content in base64, as kubeconfigs hold certificates."""
    return base64.b64encode(path.read_bytes()).decode()
