"""The HTTP session under the Prometheus client: posts bodies, follows nothing, and remembers the last reply."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.auth import AuthBase
from urllib3 import Retry

from microglia.observe.points import parsed
from microglia.observe.wording import ahead

TIMEOUTS = (5.0, 60.0)
"""Seconds to connect, and to wait for bytes."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to be let in.

    ``headers`` are sent with each request; ``token_file`` is read anew for each, so that a rotated token works;
    ``auth`` is any other way, and comes first; ``ca`` and ``cert`` (certificate, key) are files; ``pause`` seconds lie
    between attempts, doubling.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    token_file: Path | None = None
    ca: Path | None = None
    cert: tuple[Path, Path] | None = None
    pause: float = 0.5
    auth: AuthBase | None = field(default=None, repr=False)


class TokenFile(AuthBase):
    """A bearer token out of a file, read for every request."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """``request`` with the token of now."""
        request.headers["Authorization"] = f"Bearer {self._path.read_text(encoding='utf-8').strip()}"
        return request


class Answer(requests.Response):
    """A response whose JSON is read once. ``envelope`` is the JSON object, empty when there is none."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.__dict__.update(response.__dict__)
        try:
            found: Any = parsed(response.content)
        except ValueError:
            found = None
        self.envelope: Mapping[str, Any] = found if isinstance(found, dict) else {}

    def json(self, **_: Any) -> Any:
        """The envelope; a KeyError in the client tells a body that is no reply."""
        return self.envelope


class PostingSession(requests.Session):
    """Moves the query from the address into the body of a POST and keeps the last ``answer``, and by how many seconds
    the clock that dated it is ``ahead`` of ``clock`` (epoch seconds)."""

    def __init__(self, access: Access, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.answer: Answer | None = None
        self.ahead: float | None = None
        self._clock = clock
        self.auth = access.auth or (TokenFile(access.token_file) if access.token_file else None)
        # Packing figures of 17 digits takes a server longer than to work them out, and leaves half of their bytes.
        self.headers["Accept-Encoding"] = "identity"
        self.verify = str(access.ca) if access.ca else True
        self.cert = (str(access.cert[0]), str(access.cert[1])) if access.cert else None

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> requests.Response:
        """Send without following redirects: a POST would become a GET without its query."""
        self.answer = None
        if method == "POST":
            kwargs["data"] = kwargs.pop("params", None)
        kwargs["allow_redirects"] = False
        self.answer = Answer(super().request(method, url, *args, **kwargs))
        self.ahead = ahead(self.answer.headers.get("Date"), self.answer.headers.get("Age"), self._clock())
        return self.answer


def retries(pause: float) -> Retry:
    """Two more attempts where that may help: no connection, 429, 502, 504. A 503 is a timeout more often than not,
    and asking a sick server again makes it sicker."""
    return Retry(
        total=2, connect=2, read=False, status=2, other=0, backoff_factor=pause, backoff_max=5, allowed_methods=None,
        status_forcelist=(429, 502, 504), raise_on_status=False, retry_after_max=10,
    )  # fmt: skip


def without_credentials(url: str) -> str:
    """The address as people may see it: no user, no password, no query, no trailing slash."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def plain(body: bytes) -> str:
    """The start of a body as one line of text, without markup."""
    text = body[:2000].decode(errors="replace")
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())[:200]
