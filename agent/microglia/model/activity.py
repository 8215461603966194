"""What metrics said about the window, as arrays: W workloads, C containers, Z zones, E edges, H hourly buckets."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from microglia.model.window import Window

F32: TypeAlias = NDArray[np.float32]
F64: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]

UNKNOWN_PEER = "unknown"
"""The client of traffic that no reporter could attribute."""
EXTERNAL = ("PassthroughCluster", "BlackHoleCluster", "InboundPassthroughCluster")
"""Pseudo hosts: traffic to them is use that cannot be attributed to a route."""


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A workload called a host.

    ``client`` and ``server`` are ``namespace/name`` keys; ``client`` may be ``UNKNOWN_PEER``, ``server`` is empty
    when the call never reached an endpoint. ``host`` is the FQDN that served, or one of ``EXTERNAL``.
    ``protocol`` is http, grpc or tcp.
    """

    client: str
    host: str
    server: str
    protocol: str


@dataclass(frozen=True, slots=True, eq=False)
class WorkloadActivity:
    """Hourly facts per workload, arrays of shape (W, H) unless said otherwise; NaN is unknown, never zero.

    * ``requests`` inbound requests in the hour; ``failures`` of them 5xx, no response or a gRPC server error;
      ``unserved`` those that never reached an endpoint (UH, UF, NR, no route); ``sent`` outbound requests.
    * ``peak`` the highest 5-minute inbound rate, requests per second; ``imbalance`` busiest ready replica over mean
      in that busiest moment (1.0 is even).
    * ``latency`` mean milliseconds per request (NaN without requests).
    * ``cpu_peak`` the highest 5-minute use in cores, all replicas together; ``memory`` the largest working set of one
      pod, bytes; ``throttled`` share of CFS periods throttled, worst pod.
    * ``ready`` mean ready replicas; ``placed`` pods, ``fullest_zone`` and ``fullest_node`` the pods of the fullest
      one, at the hour's worst moment. ``rolling`` (bool): a rollout or another change of count was under way.
    * ``seen`` share of expected scrapes with the heartbeat of every pod's reporter, 0 to 1 (0: not seen).
    * ``zone_peak`` (W, Z, H): ``peak`` per zone of the serving pods; Z is 0 where pods' zones are not known.
    * ``born`` (W,): epoch seconds when metrics first knew the workload, NaN unknown.
    * ``old_peak``, ``old_load`` (W,): the highest weekly peak that has left the window and is still in force
      (requests per second), and the highest healthy 5-minute load per ready replica remembered; 0 where none.
    """

    keys: tuple[str, ...]
    zones: tuple[str, ...]
    requests: F32
    failures: F32
    unserved: F32
    sent: F32
    peak: F32
    imbalance: F32
    latency: F32
    cpu_peak: F32
    memory: F32
    throttled: F32
    ready: F32
    placed: F32
    fullest_zone: F32
    fullest_node: F32
    rolling: Bools
    seen: F32
    zone_peak: F32
    born: F64
    old_peak: F64
    old_load: F64


@dataclass(frozen=True, slots=True, eq=False)
class ContainerActivity:
    """CPU per container: ``keys`` are (workload key, container name), ``cpu`` is (C, H) mean cores, NaN unknown."""

    keys: tuple[tuple[str, str], ...]
    cpu: F32


@dataclass(frozen=True, slots=True, eq=False)
class EdgeActivity:
    """Totals per edge, arrays of shape (E,), ``keys`` sorted.

    ``used`` any positive sign in the window or remembered from before it; ``requests`` in the window (for TCP:
    connections opened); ``failures`` of them; ``last`` epoch seconds of the last sign, NaN if it was not dated;
    ``flowing`` bytes or messages moved without a finished request: a stream that outlives the window.
    """

    keys: tuple[Edge, ...]
    used: Bools
    requests: F64
    failures: F64
    last: F64
    flowing: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Slowness:
    """Requests slower than a bound, of the workloads that were asked about: arrays (K, H) by ``keys``, NaN unknown.

    ``above`` is the bound in milliseconds; ``slow`` of the ``timed`` requests of the hour took longer.
    """

    above: float
    keys: tuple[str, ...]
    slow: F32
    timed: F32


@dataclass(frozen=True, slots=True, eq=False)
class Activity:
    """Everything read from metrics for one window.

    ``known`` (H,): buckets whose every reply was whole; ``away`` (H,): a zone or node was away.
    ``hosts`` maps an FQDN to the epoch seconds at which metrics first knew its Service.
    ``faults`` are sentences about replies that were partial, refused or unreadable. ``slowness`` is read for what is
    under watch only, and no part of a recorded snapshot.
    """

    window: Window
    workloads: WorkloadActivity
    containers: ContainerActivity
    edges: EdgeActivity
    known: Bools
    away: Bools
    hosts: dict[str, float] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    slowness: Slowness | None = None


def nothing(window: Window) -> Activity:
    """No metrics at all: no rows, no bucket known. What restoring looks at, which needs only objects."""
    shape = (0, window.hours)
    hourly = {
        name: np.zeros(shape, np.float32)
        for name in (
            "requests", "failures", "unserved", "sent", "peak", "imbalance", "latency", "cpu_peak", "memory",
            "throttled", "ready", "placed", "fullest_zone", "fullest_node", "seen",
        )
    }  # fmt: skip
    empty = np.zeros(0, np.float64)
    return Activity(
        window,
        WorkloadActivity(
            keys=(), zones=(), rolling=np.zeros(shape, np.bool_), zone_peak=np.zeros((0, 0, window.hours), np.float32),
            born=empty, old_peak=empty, old_load=empty, **hourly,
        ),
        ContainerActivity((), np.zeros(shape, np.float32)),
        EdgeActivity((), np.zeros(0, np.bool_), empty, empty, empty, np.zeros(0, np.bool_)),
        known=np.zeros(window.hours, np.bool_),
        away=np.zeros(window.hours, np.bool_),
    )  # fmt: skip
