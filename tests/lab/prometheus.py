"""A Prometheus that takes weeks of history by remote write."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import requests

from tests.lab import remote_write
from tests.lab.processes import LOOPBACK, Processes
from tests.lab.waiting import until

_READY_WITHIN = 60.0
_CONFIG = """\
global:
  scrape_interval: 15s
storage:
  tsdb:
    out_of_order_time_window: {window}
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ["{address}"]
"""


@dataclass(frozen=True, slots=True)
class Span:
    """How far back a Prometheus keeps samples, and takes those that come late, as Prometheus durations; and how many
    samples one query may hold in memory at once."""

    retention: str = "60d"
    out_of_order: str = "60d"
    samples: int = 50_000_000


def start(binary: Path, processes: Processes, folder: Path, name: str = "prometheus", span: Span | None = None) -> str:
    """Start a Prometheus called ``name``, with its files in ``folder``, and return its URL when it is ready.

    It scrapes nothing but itself, every 15 s, and holds one sample of now: so all history comes late, goes where late
    samples go and waits there, while history from before the first sample would be compacted as it is being written.
    Raises LabError when it ends by itself or is not ready in a minute.
    """
    span = span or Span()
    address = f"{LOOPBACK}:{processes.free_port()}"
    config = folder / "prometheus.yml"
    config.write_text(_CONFIG.format(window=span.out_of_order, address=address), encoding="utf-8")
    flags = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--storage.tsdb.retention.time={span.retention}",
        f"--web.listen-address={address}",
        f"--query.max-samples={span.samples}",
        "--web.enable-remote-write-receiver",
    ]
    processes.start(name, [binary, *flags])
    url = f"http://{address}"
    with requests.Session() as session:
        session.trust_env = False
        until(f"{name} gets ready", lambda: _pending(session, url, processes), _READY_WITHIN)
    now = np.array([int(time.time() * 1000)], dtype=np.int64)
    remote_write.write(url, [remote_write.Series({"__name__": "lab_started"}, now, np.ones(1))])
    return url


def _pending(session: requests.Session, url: str, processes: Processes) -> str:
    processes.ensure_alive()
    try:
        reply = session.get(f"{url}/-/ready", timeout=5.0)
    except OSError:
        return "it does not answer yet"
    return "" if reply.ok else reply.text.strip()
