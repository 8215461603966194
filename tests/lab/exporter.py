"""An exporter that plays a story to a real Prometheus, in lockstep: it goes on when all its targets were scraped.

So nothing sleeps and nothing drifts: a step is as long as a round of scrapes takes. Targets come and go by service
discovery over HTTP, as pods do.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from tests.lab.exporter_story import LAST, Reporter
from tests.lab.processes import LOOPBACK

SCRAPE = 1.0
"""Seconds between scrapes."""
_JOB = """\
  - job_name: {job}
    scrape_interval: {scrape:g}s
    scrape_timeout: {scrape:g}s
    http_sd_configs: [{{url: "{url}/targets/{job}", refresh_interval: 1s}}]
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One process of ``job``: the labels that its scrape adds, and what it exports at a step."""

    job: str
    reporter: Reporter
    labels: Mapping[str, str]
    text: Callable[[int], str]

    @property
    def path(self) -> str:
        """Where it is scraped."""
        return f"/metrics/{self.job}/{self.reporter.name}"


class Exporter:
    """All targets of a play, at ``url``; ``times`` says when each step began, epoch seconds."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = {target.path: target for target in targets}
        self._lock = threading.Lock()
        self.times = [time.time()]
        self._waiting = self._listed()
        exporter = self

        def reply(request: BaseHTTPRequestHandler) -> None:
            code, kind, body = exporter.answer(request.path)
            request.send_response(code)
            request.send_header("Content-Type", kind)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        # Connections stay open, and hundreds of scrapes are no news.
        parts = {"protocol_version": "HTTP/1.1", "do_GET": reply, "log_message": lambda *_: None}
        handler = type("Handler", (BaseHTTPRequestHandler,), parts)
        self._server = ThreadingHTTPServer((LOOPBACK, 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._server.server_address[1]}"

    @property
    def jobs(self) -> str:
        """All jobs, as they stand under ``scrape_configs``."""
        names = sorted({target.job for target in self._targets.values()})
        return "".join(_JOB.format(job=name, scrape=SCRAPE, url=self.url) for name in names)

    @property
    def pending(self) -> str:
        """What is still to be played, empty at the end."""
        with self._lock:
            step, waiting = len(self.times) - 1, sorted(self._waiting)
        return "" if step >= LAST else f"step {step} of {LAST}, {len(waiting)} targets not scraped: {waiting[:3]}"

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """The reply to one request: status, type and body."""
        if path.startswith("/targets/"):
            return 200, "application/json", json.dumps(self._discovered(path.rpartition("/")[2])).encode()
        target = self._targets[path]
        with self._lock:
            step = len(self.times) - 1
            self._waiting.discard(path)
            if not self._waiting and step < LAST:
                self.times.append(time.time())
                self._waiting = self._listed()
        if step in target.reporter.down or not _lives(target, step):
            return 503, "text/plain", b"down\n"
        return 200, "text/plain; version=0.0.4", target.text(step).encode()

    def _listed(self) -> set[str]:
        return {path for path, target in self._targets.items() if _lives(target, len(self.times) - 1)}

    def _discovered(self, job: str) -> list[Mapping[str, object]]:
        with self._lock:
            listed = sorted(self._listed())
        address = self.url.removeprefix("http://")
        return [
            {
                "targets": [address],
                "labels": {
                    "__metrics_path__": path,
                    "instance": f"{job}-{self._targets[path].reporter.name}",
                    **self._targets[path].labels,
                },
            }
            for path in listed
            if self._targets[path].job == job
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def _lives(target: Target, step: int) -> bool:
    return target.reporter.first <= step < target.reporter.last
