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
  external_labels: {{{labels}}}
storage:
  tsdb:
    out_of_order_time_window: {window}
"""
_SCRAPES = """\
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ["{address}"]
"""


@dataclass(frozen=True, slots=True)
class Span:
    """How far back a Prometheus keeps samples, and takes those that come late, as Prometheus durations; and how many
    samples one query may hold in memory at once; ``store`` tells it apart from others behind one querier; ``first``,
    epoch seconds, is where its history begins: it then holds nothing of now, for a Thanos sidecar believes its first
    sample; ``jobs`` is what it scrapes beside itself, as it stands under ``scrape_configs``."""

    retention: str = "60d"
    out_of_order: str = "60d"
    samples: int = 50_000_000
    store: str = ""
    first: float | None = None
    jobs: str = ""


def start(binary: Path, processes: Processes, folder: Path, name: str = "prometheus", span: Span | None = None) -> str:
    """Start a Prometheus called ``name``, with its files in ``folder``, and return its URL when it is ready.

    It scrapes nothing but itself, every 15 s, and holds one sample of now: so all history comes late, goes where late
    samples go and waits there, while history from before the first sample would be compacted as it is being written.
    Raises LabError when it ends by itself or is not ready in a minute.
    """
    span = span or Span()
    address = f"{LOOPBACK}:{processes.free_port()}"
    config = folder / "prometheus.yml"
    scrapes = _SCRAPES.format(address=address) if span.first is None else ""
    labels = f"store: {span.store}" if span.store else ""
    config.write_text(_CONFIG.format(window=span.out_of_order, labels=labels) + scrapes + span.jobs, encoding="utf-8")
    flags = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--storage.tsdb.retention.time={span.retention}",
        f"--web.listen-address={address}",
        f"--query.max-samples={span.samples}",
        "--web.enable-remote-write-receiver",
    ]
    # What is compacted while it is being written overlaps, and a querier counts overlaps twice.
    whole = [] if span.first is None else [f"--storage.tsdb.{end}-block-duration=31d" for end in ("min", "max")]
    processes.start(name, [binary, *flags, *whole])
    url = f"http://{address}"
    with requests.Session() as session:
        session.trust_env = False
        until(f"{name} gets ready", lambda: _pending(session, url, processes), _READY_WITHIN)
    moment = np.array([int((span.first or time.time()) * 1000)], dtype=np.int64)
    remote_write.write(url, [remote_write.Series({"__name__": "lab_started"}, moment, np.ones(1))])
    return url


def _pending(session: requests.Session, url: str, processes: Processes) -> str:
    processes.ensure_alive()
    try:
        reply = session.get(f"{url}/-/ready", timeout=5.0)
    except OSError:
        return "it does not answer yet"
    return "" if reply.ok else reply.text.strip()
