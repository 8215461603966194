"""Other servers that speak the Prometheus API: VictoriaMetrics, and Thanos over two Prometheus servers."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

import requests

from tests.lab import remote_write
from tests.lab.laboratory import Lab
from tests.lab.processes import LOOPBACK
from tests.lab.prometheus import Span
from tests.lab.remote_write import Series
from tests.lab.waiting import until

_READY_WITHIN = 60.0
STORES = ("west", "east")


@dataclass(frozen=True, slots=True)
class Stores:
    """Prometheus servers that share the targets, each behind its Thanos sidecar; ``grpc`` is where those listen,
    ``first`` where their history begins, epoch seconds."""

    lab: Lab
    name: str
    urls: tuple[str, ...]
    grpc: tuple[str, ...]
    first: float

    def write(self, series: Iterable[Series]) -> int:
        """Write every series to the store of its target, and return the count of samples."""
        found: dict[str, list[Series]] = {url: [] for url in self.urls}
        for one in series:
            found[self.urls[shard(one)]].append(one)
        return sum(remote_write.write(url, mine) for url, mine in found.items())

    def without(self, store: str) -> AbstractContextManager[None]:
        """The sidecar of ``store`` is gone for the block."""
        return self.lab.processes.without(_sidecar(self.name, store))

    def close(self) -> None:
        """End all of them."""
        for store in STORES:
            self.lab.processes.stop(_sidecar(self.name, store))
            self.lab.processes.stop(f"{self.name}-{store}")


@dataclass(frozen=True, slots=True)
class Querier:
    """A Thanos querier at ``url`` over stores whose history begins at ``first``, epoch seconds."""

    lab: Lab
    name: str
    url: str
    first: float

    def wait(self) -> None:
        """Wait until every store can be asked."""
        until(f"{self.name} knows its stores", partial(_unknown, self.url, self.first), _READY_WITHIN)

    def close(self) -> None:
        """End it."""
        self.lab.processes.stop(self.name)


def shard(series: Series) -> int:
    """Which store scraped ``series``: one target is with one of them as a whole."""
    target = "/".join(series.labels.get(name, "") for name in ("job", "instance", "namespace", "pod"))
    return zlib.crc32(target.encode()) % len(STORES)


def victoria_metrics(lab: Lab, name: str) -> str:
    """Start a VictoriaMetrics, single-node, and return its URL when it is ready. Raises LabError."""
    address = f"{LOOPBACK}:{lab.processes.free_port()}"
    flags = [
        f"-storageDataPath={lab.folder_for(name)}",
        f"-httpListenAddr={address}",
        "-retentionPeriod=100y",
        "-loggerLevel=WARN",
    ]
    lab.processes.start(name, [lab.binaries.victoria_metrics, *flags])
    return _ready(lab, name, address, "/health")


def thanos_stores(lab: Lab, name: str, first: float) -> Stores:
    """Start a Prometheus with its sidecar for each of ``STORES``; history begins at ``first``, epoch seconds. Raises
    LabError."""
    urls, endpoints = [], []
    for store in STORES:
        urls.append(lab.another_prometheus(f"{name}-{store}", Span("20y", "20y", store=store, first=first)))
        grpc, http = (f"{LOOPBACK}:{lab.processes.free_port()}" for _ in range(2))
        mine = _sidecar(name, store)
        flags = [f"--prometheus.url={urls[-1]}", f"--grpc-address={grpc}", f"--http-address={http}"]
        lab.processes.start(mine, [lab.binaries.thanos, "sidecar", *flags, f"--tsdb.path={lab.folder_for(mine)}"])
        _ready(lab, mine, http, "/-/ready")
        endpoints.append(grpc)
    return Stores(lab, name, tuple(urls), tuple(endpoints), first)


def thanos_over(stores: Stores, name: str, *, strict: bool = False) -> Querier:
    """Start a querier over ``stores``; ``strict``: it never forgets one that is away. Raises LabError."""
    lab = stores.lab
    address, grpc = (f"{LOOPBACK}:{lab.processes.free_port()}" for _ in range(2))
    option = "--endpoint-strict" if strict else "--endpoint"
    flags = [f"--http-address={address}", f"--grpc-address={grpc}", *(f"{option}={one}" for one in stores.grpc)]
    lab.processes.start(name, [lab.binaries.thanos, "query", *flags])
    querier = Querier(lab, name, _ready(lab, name, address, "/-/ready"), stores.first)
    querier.wait()
    return querier


def _sidecar(name: str, store: str) -> str:
    return f"{name}-sidecar-{store}"


def _ready(lab: Lab, name: str, address: str, page: str) -> str:
    until(f"{name} gets ready", partial(_pending, lab, f"http://{address}{page}"), _READY_WITHIN)
    return f"http://{address}"


def _pending(lab: Lab, page: str) -> str:
    lab.processes.ensure_alive()
    try:
        reply = _get(page)
    except OSError:
        return "it does not answer yet"
    return "" if reply.ok else reply.text.strip()


def _unknown(url: str, first: float) -> str:
    found = _get(f"{url}/api/v1/query?query=lab_started&time={first}&partial_response=false").json()
    known = len(found["data"]["result"]) if found["status"] == "success" else 0
    return "" if known == len(STORES) else f"{known} of {len(STORES)} answer: {found.get('error')}"


def _get(page: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(page, timeout=5.0)
