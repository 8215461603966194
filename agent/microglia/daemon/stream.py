"""Changes of one kind as the API server tells them: a list, then a watch from where the list ended."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlencode

import urllib3

from microglia.act.answers import error, message
from microglia.model.kinds import Kind
from microglia.model.objects import Raw, at
from microglia.model.ports import UnreadableError

LASTS: Final = 300
"""Seconds after which the server ends a watch by itself, so that a dead connection is not watched for ever."""
_TIMEOUT: Final = urllib3.Timeout(connect=5, read=LASTS + 30)
_GONE: Final = 410


class ExpiredError(Exception):
    """The place from which the watch was to go on is forgotten (410): list anew."""


class Stream(Protocol):
    """Where changes come from."""

    def listed(self) -> tuple[Sequence[Raw], str]:
        """Every object and the place in history at which they were so. Raises UnreadableError and ForbiddenError."""
        ...

    def changes(self, since: str) -> Iterator[Raw]:
        """Watch events after ``since`` until the server ends it. Raises ExpiredError, UnreadableError and
        ForbiddenError."""
        ...


class ApiStream:
    """``Stream`` of ``kind`` over a configured ApiClient of the official client."""

    def __init__(self, api: Any, kind: Kind) -> None:
        self._api = api
        self._kind = kind

    def listed(self) -> tuple[Sequence[Raw], str]:
        """Every object and the place in history at which they were so."""
        with _open(self._api, self._kind.path, {}) as reply:
            try:
                found = json.loads(reply.read())
            except ValueError as broken:
                raise UnreadableError(f"GET {self._kind.path}: the answer is not JSON ({broken})") from broken
            except urllib3.exceptions.HTTPError as cut:
                raise UnreadableError(f"GET {self._kind.path}: the answer broke off: {cut}") from cut
        return at(found, "items", default=[]), str(at(found, "metadata", "resourceVersion", default=""))

    def changes(self, since: str) -> Iterator[Raw]:
        """Watch events after ``since``; bookmarks are asked for and may be missing."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(LASTS),
        }
        with _open(self._api, self._kind.path, query) as reply:
            try:
                for line in lines(reply.stream(65536)):
                    yield _event(line)
            except urllib3.exceptions.HTTPError as cut:
                raise UnreadableError(f"the watch of {self._kind.plural} broke off: {cut}") from cut


def lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines out of chunks; a last line that was cut off is dropped."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line.strip())


def _event(line: bytes) -> Raw:
    try:
        event: Raw = json.loads(line)
    except ValueError as broken:
        raise UnreadableError(f"the watch sent a line that is not JSON: {message(line)!r}") from broken
    if at(event, "type") == "ERROR":
        if at(event, "object", "code") == _GONE:
            raise ExpiredError(str(at(event, "object", "message", default="too old")))
        raise UnreadableError(f"the watch ended: {at(event, 'object', 'message', default='no reason given')}")
    return event


def _open(api: Any, path: str, query: dict[str, str]) -> urllib3.BaseHTTPResponse:
    target = f"{path}?{urlencode(query)}" if query else path
    # Serialised anew each time: a token may have been refreshed since.
    _, url, headers, _, _ = api.param_serialize(
        "GET", target, header_params={"Accept": "application/json"}, auth_settings=["BearerToken"]
    )
    try:
        reply: urllib3.BaseHTTPResponse = api.rest_client.pool_manager.request(
            "GET", url, headers=headers, timeout=_TIMEOUT, retries=False, preload_content=False
        )
    except urllib3.exceptions.HTTPError as failure:
        raise UnreadableError(f"GET {path}: the API server did not answer: {failure}") from failure
    if reply.status == _GONE:
        raise ExpiredError(message(reply.read()))
    if reply.status >= 300:
        raise error(f"GET {path}", reply.status, reply.read())
    return reply
