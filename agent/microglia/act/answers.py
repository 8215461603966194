"""What the API server's status codes mean to a writer."""

import json
from typing import Any

from microglia.model.objects import at
from microglia.model.ports import ConflictError, ForbiddenError, GoneError, UnreadableError

GRANT = "microglia doctor --rbac-act | kubectl apply -f -"
_BY_ROLE = "is forbidden: User "
"""How the API server begins when no role allows a request."""
TRY_AGAIN = frozenset({429, 500, 502, 503, 504})
"""Overload and passing failures: a read may be repeated after any of them, a write only after 429."""


def error(request: str, status: int, body: bytes) -> Exception:
    """The port's error for a refused ``request`` (method and path).

    409 is a conflict, and so is 422 about ``metadata.uid``, the answer to a patch of another object; 404 gone; 401, 403
    and every other 4xx but 408, 410 and 429 a refusal (nothing was written); the rest leaves it open whether the server
    did it.
    """
    said = f"{request}: {message(body) or f'status {status}'}"
    if status == 409 or (status == 422 and _other_uid(body)):
        return ConflictError(f"{said}; the object changed, or was replaced by another of the same name")
    if status == 404:
        return GoneError(said)
    if status in (408, 410, 429):
        return UnreadableError(f"{said}; the API server is busy, try again later")
    if 400 <= status < 500:
        return ForbiddenError(said + _way(status, said))
    return UnreadableError(f"{said}; look at the API server's health and try again")


def _way(status: int, said: str) -> str:
    """Admission refuses with 403 too, and no role helps against that."""
    if status == 401:
        return "; log in to the cluster again"
    return f"; grant it: {GRANT}" if status == 403 and _BY_ROLE in said else ""


def message(body: bytes) -> str:
    """The ``message`` of a Status, else the first line of the text."""
    try:
        return str(at(json.loads(body), "message", default=""))
    except ValueError:
        lines = body.decode(errors="replace").strip().splitlines()
        return lines[0][:200] if lines else ""


def _other_uid(body: bytes) -> bool:
    try:
        causes = at(json.loads(body), "details", "causes", default=[])
    except ValueError:
        return False
    return any(at(cause, "field") == "metadata.uid" for cause in causes)


def decoded(request: str, body: bytes) -> Any:
    """The JSON of a good reply. Raises UnreadableError when it is something else."""
    try:
        return json.loads(body)
    except ValueError:
        raise UnreadableError(
            f"{request}: the answer is not JSON: {message(body)!r}; something between here and the API server answers "
            "in its place, such as a proxy or a login page"
        ) from None
