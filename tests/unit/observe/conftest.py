"""A Prometheus that misbehaves on demand, a metrics server made of rows, and a cluster made of lists."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

VECTOR = {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1000, "2.5"]}]}
MATRIX = {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": [[1000, "1"], [1300, "2"]]}]}
Reply = tuple[int, dict[str, str], bytes]


def _json(status: int, body: Any) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _ok(data: Any, **more: Any) -> Reply:
    return _json(200, {"status": "success", "data": data, **more})


def _error(status: int, kind: str, text: str) -> Reply:
    return _json(status, {"status": "error", "errorType": kind, "error": text})


def _value(value: str) -> Any:
    return {"resultType": "vector", "result": [{"metric": {}, "value": [1000, value]}]}


HISTOGRAM = {"resultType": "vector", "result": [{"metric": {}, "histogram": [1000, {"count": "1"}]}]}
HTML = b"<html><head><title>Sign in</title></head><body>Please   log in</body></html>"
MODES: dict[str, Reply] = {
    "200": _ok(VECTOR),
    "matrix": _ok(MATRIX),
    "warnings": _ok(VECTOR, warnings=["results truncated due to limit"]),
    "infos": _ok(VECTOR, infos=["metric might not be a counter"]),
    "isPartial": _ok(VECTOR, isPartial=True),
    "401": (401, {}, b"Unauthorized"),
    "403": (403, {}, b"Forbidden"),
    "404": (404, {}, b"404 page not found"),
    "422": _error(422, "execution", "query processing would load too many samples into memory"),
    "400": _error(400, "bad_data", "invalid parameter"),
    "429": (429, {"Retry-After": "0"}, b"slow down"),
    "500": (500, {}, b"oops"),
    "503": (503, {}, b"starting"),
    "503-timeout": _error(503, "timeout", "query timed out in expression evaluation"),
    "HTML-200": (200, {"Content-Type": "text/html"}, HTML),
    "error-200": _error(200, "execution", "no such tenant"),
    "error-with-data": _json(200, {"status": "error", "error": "half", "errorType": "internal", "data": VECTOR}),
    "data-less": _json(200, {"status": "success"}),
    "list-200": _json(200, [1, 2]),
    "NaN": _ok(_value("NaN")),
    "Inf": _ok(_value("+Inf")),
    "histogram": _ok(HISTOGRAM),
    "scalar": _ok({"resultType": "scalar", "result": [1000, "3"]}),
    "302": (302, {"Location": "https://login.example/?back=secret"}, b""),
}


class Stub:
    """One HTTP server on loopback. ``mode`` names a reply of ``MODES``, ``truncated``, ``slow``, or several in turn."""

    def __init__(self) -> None:
        self.modes: list[str] = ["200"]
        self.requests: list[tuple[str, str, dict[str, list[str]], dict[str, str]]] = []
        self.pages: dict[str, Reply] = {}
        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def next(self, path: str) -> tuple[str, Reply]:
        if path in self.pages:
            return "page", self.pages[path]
        mode = self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]
        return mode, MODES.get(mode, MODES["200"])

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        def answer(request: BaseHTTPRequestHandler) -> None:
            length = int(request.headers.get("Content-Length") or 0)
            path, _, query = request.path.partition("?")
            form = parse_qs(request.rfile.read(length).decode() or query)
            stub.requests.append((request.command, path, form, dict(request.headers)))
            mode, (status, headers, body) = stub.next(path)
            if mode == "slow":
                stub.over.wait(5)
                request.close_connection = True
                return
            request.send_response(status)
            for key, value in headers.items():
                request.send_header(key, value)
            request.send_header("Content-Length", str(len(body) + (10 if mode == "truncated" else 0)))
            request.end_headers()
            request.wfile.write(body)
            request.close_connection = mode == "truncated"

        quiet = {"log_message": lambda *_: None}
        return type("Handler", (BaseHTTPRequestHandler,), {"do_GET": answer, "do_POST": answer, **quiet})


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    server = Stub()
    yield server
    server.close()


@pytest.fixture
def pauses() -> tuple[list[float], Callable[[float], None]]:
    """What was slept, and the sleeper."""
    slept: list[float] = []
    return slept, slept.append
