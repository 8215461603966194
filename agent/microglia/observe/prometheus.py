"""The one way to Prometheus: every reply is whole, or says what is missing, or is an error with the way out."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from requests.adapters import BaseAdapter, HTTPAdapter

from microglia.model.ports import UnreadableError
from microglia.observe.flavours import FLAVOURS, UNKNOWN, Recognised, by_host, by_pages
from microglia.observe.refusals import too_much, words
from microglia.observe.replies import Reply, read_reply
from microglia.observe.session import TIMEOUTS, Access, Answer, PostingSession, plain, retries, without_credentials
from microglia.observe.wording import said

SERVER_TIMEOUT = "55s"
"""Below our own, so that the server gives up first and says so."""


class SilentError(UnreadableError):
    """No query would be answered: not there, not let in, or not Prometheus."""


class TooMuchError(UnreadableError):
    """This query asked for more than the server can or may hold at once; a shorter span may do."""


class PrometheusServer:
    """Queries to one server at ``url``. Threads may share it: each gets its own connection.

    ``flavour`` names what answers there (``flavours.FLAVOURS``); ``auto``: it is asked. ``adapter`` carries the
    requests where ``url`` cannot be reached directly; ``title`` is its name for people; ``clock`` is ours, epoch
    seconds.
    """

    def __init__(
        self,
        url: str,
        access: Access | None = None,
        adapter: BaseAdapter | None = None,
        title: str = "",
        clock: Callable[[], float] = time.time,
        *,
        flavour: str = UNKNOWN.name,
    ) -> None:
        self.title = title or without_credentials(url)
        self._url = url.rstrip("/")
        self._access = access or Access()
        self._adapter = adapter
        self._clock = clock
        self._local = threading.local()
        self._recognising = threading.Lock()
        self._known = Recognised(FLAVOURS[flavour], "the settings") if flavour in FLAVOURS else by_host(url)

    def recognised(self) -> Recognised:
        """What answers here. Asked once, and again only while nobody answers."""
        with self._recognising:
            if self._known is not None:
                return self._known
            session = self._client()[1]
            found = by_pages(self._page, lambda: session.answer.headers if session.answer else {})
            if session.answer is not None and session.answer.status_code < 500:
                self._known = found
            return found

    def query(self, expression: str, moment: float) -> Reply:
        """The value of ``expression`` at ``moment`` (epoch seconds).

        Raises SilentError when no query would be answered, UnreadableError when this one was not.
        """
        client, session = self._client()
        params = {"time": f"{moment:.3f}", **self._params()}
        return self._asked(session, lambda: client.custom_query(expression, params=params))

    def query_range(self, expression: str, start: float, end: float, step: float) -> Reply:
        """The values of ``expression`` at ``start``, ``start + step`` ... ``end``, epoch seconds; errors as there."""
        client, session = self._client()
        first, last = (datetime.fromtimestamp(moment, UTC) for moment in (start, end))
        params = self._params()
        return self._asked(
            session, lambda: client.custom_query_range(expression, first, last, f"{step:g}", params=params)
        )

    def status(self, name: str) -> Mapping[str, Any]:
        """``data`` of ``/api/v1/status/<name>``; empty where the server does not tell, as many do behind a proxy."""
        return self._page(f"status/{name}") if name in self.recognised().flavour.status else {}

    def ahead(self) -> float | None:
        """Seconds by which the server's clock is ahead of ours, as the last reply was dated; None if it was not."""
        return self._client()[1].ahead

    def metric_names(self) -> tuple[str, ...]:
        """Every metric that the server has, sorted. Raises as ``query`` does."""
        client, session = self._client()
        names = self._guarded(session, lambda: client.get_label_values("__name__"))
        return tuple(sorted(map(str, names)))

    def _params(self) -> dict[str, str]:
        return {"timeout": SERVER_TIMEOUT, **self.recognised().flavour.params}

    def _page(self, path: str) -> Mapping[str, Any]:
        _, session = self._client()
        try:
            answer = session.request(
                "GET", f"{self._url}/api/v1/{path}", headers=dict(self._access.headers), timeout=TIMEOUTS
            )
            found = answer.json().get("data") if answer.status_code == 200 else None
        except (requests.RequestException, OSError, UnreadableError):
            return {}
        return found if isinstance(found, dict) else {}

    def _client(self) -> tuple[Any, PostingSession]:
        if not hasattr(self._local, "client"):
            session = PostingSession(self._access, self._clock)
            again = retries(self._access.pause)
            self._local.client = PrometheusConnect(
                self._url, headers=dict(self._access.headers), retry=again, auth=session.auth, session=session,
                timeout=TIMEOUTS, method="POST",
            )  # fmt: skip
            session.mount(self._url, self._adapter or HTTPAdapter(max_retries=again))
            self._local.session = session
        return self._local.client, self._local.session

    def _asked(self, session: PostingSession, send: Callable[[], Any]) -> Reply:
        result = self._guarded(session, send)
        return read_reply(result, session.answer.envelope if session.answer else {})

    def _guarded(self, session: PostingSession, send: Callable[[], Any]) -> Any:
        try:
            result = send()
        except requests.exceptions.SSLError as error:
            raise SilentError(
                f"{self.title} was not trusted: {said(error)}. Name its CA with --prometheus-ca"
            ) from error
        except (requests.exceptions.ReadTimeout, requests.exceptions.ChunkedEncodingError) as error:
            raise UnreadableError(
                f"{self.title} broke off or was too slow: {said(error)}; ask for less, or try again later"
            ) from error
        except (requests.RequestException, OSError) as error:
            raise SilentError(
                f"{self.title} does not answer: {said(error)}. Is the address right, and is it reachable from here?"
                " Set --prometheus"
            ) from error
        except (PrometheusApiClientException, KeyError, TypeError, ValueError) as error:
            raise self._refusal(session.answer) from error
        if session.answer is not None and session.answer.envelope.get("status", "success") != "success":
            raise self._refusal(session.answer)
        return result

    def _refusal(self, answer: Answer | None) -> UnreadableError:
        """Which error a reply without rows is, and what to do about it."""
        if answer is None:
            return UnreadableError(f"{self.title} gave no reply that could be read; try again later")
        status, envelope = answer.status_code, answer.envelope
        told = words(envelope) or plain(answer.content) or "no reason given"
        kind = str(envelope.get("errorType", ""))
        remedy = too_much(status, envelope, told)
        spoken = envelope.get("status") == "error" and status in {200, 400, 422, 503}
        if remedy or spoken:
            refused, advice = (TooMuchError, f"; {remedy}") if remedy else (UnreadableError, "")
            return refused(f"{self.title} refused a query ({status} {kind}: {told}){advice}")
        known = _KNOWN.get(status // 100 if status // 100 == 3 else status)
        if known is not None:
            return known[0](f"{self.title} answered {status} ({_location(answer) or told}); {known[1]}")
        return UnreadableError(f"{self.title} answered {status} ({told}); try again later")


def _location(answer: Answer) -> str:
    target = answer.headers.get("Location", "")
    return f"redirect to {without_credentials(target)}" if target else ""


_NOT_PROMETHEUS = "this is no Prometheus API: is there a login page in between, or a path missing? Set --prometheus"
_KNOWN: dict[int, tuple[type[UnreadableError], str]] = {
    3: (SilentError, "give the address it leads to, or the credentials it asks for: --prometheus, --prometheus-header"),
    200: (SilentError, _NOT_PROMETHEUS),
    401: (SilentError, "give credentials: --prometheus-token-file or --prometheus-header"),
    403: (
        SilentError,
        (
            "these credentials may not query; give others: --prometheus-token-file or --prometheus-header"
            " (through the API server: grant get and create on services/proxy)"
        ),
    ),
    404: (
        SilentError,
        "the path is wrong: behind a prefix it belongs into --prometheus, such as https://host/prometheus",
    ),
    405: (SilentError, _NOT_PROMETHEUS),
    429: (UnreadableError, "too many queries: try again later, or raise the tenant's limit"),
    503: (UnreadableError, "it is overloaded or starting: try again later"),
}
"""Status (3 for redirects) -> the error and the way out."""
