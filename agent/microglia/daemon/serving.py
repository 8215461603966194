"""``/metrics``, ``/healthz`` and ``/readyz`` over HTTP."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from microglia.daemon.health import Answer, Pulse

Page: TypeAlias = tuple[HTTPStatus, str, bytes]
Pages: TypeAlias = Mapping[str, Callable[[], Page]]

_log = logging.getLogger("microglia.http")


def pages(pulse: Pulse, registry: CollectorRegistry) -> Pages:
    """What is served, by path."""
    return {
        "/metrics": lambda: (HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry)),
        "/healthz": lambda: _told(pulse.alive()),
        "/readyz": lambda: _told(pulse.ready()),
    }


def _told(answer: Answer) -> Page:
    status = HTTPStatus.OK if answer.well else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "text/plain; charset=utf-8", f"{answer.why}\n".encode()


@contextmanager
def serving(address: tuple[str, int], shown: Pages) -> Iterator[int]:
    """Serve ``shown`` on ``address`` for the block; the port, which the system chooses for 0. Raises OSError when the
    address is taken."""

    class Handler(BaseHTTPRequestHandler):
        """One request; the access log stays silent, for probes come every few seconds."""

        timeout = 10.0

        def do_GET(self) -> None:
            """Answer with the page of the path."""
            page = shown.get(self.path.partition("?")[0])
            status, media, body = page() if page else (HTTPStatus.NOT_FOUND, "text/plain", b"not here\n")
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Say so only to who wants to hear everything."""
            _log.debug(*words)

    with ThreadingHTTPServer(address, Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
