"""Small meshes with known numbers: what each workload receives, sends and burns, hour by hour."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from microglia.model.activity import ContainerActivity, EdgeActivity
from microglia.model.ids import service_host
from microglia.model.objects import Raw
from microglia.model.window import Window
from microglia.topology.build import build
from microglia.topology.graph import Topology
from tests import factories

SECONDS = 0.0035
"""CPU seconds per request: with 70 % of 500 m, one replica serves 100 requests per second."""


@dataclass(frozen=True)
class Spec:
    """One Deployment. ``rps`` is the daily peak of what it receives, ``sent`` of what it sends; ``series`` replaces
    hourly facts by name; ``parts`` go to its object."""

    name: str
    replicas: int = 5
    rps: float = 0.0
    sent: float = 0.0
    seconds: float = SECONDS
    namespace: str = "shop"
    meshed: bool = True
    series: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """How metrics name it."""
        return f"{self.namespace}/{self.name}"


def daily(window: Window = factories.WINDOW) -> np.ndarray:
    """0 at night, exactly 1 at one hour of the day."""
    return 0.5 + 0.5 * np.sin((window.hour_of_week % 24 - 6) / 24 * 2 * np.pi)


def host(name: str, namespace: str = "shop") -> str:
    """The FQDN of a Service."""
    return service_host(namespace, name)


def calls(*called: tuple[str, str], requests: float = 100.0) -> EdgeActivity:
    """(client, server) names in ``shop``: HTTP calls to the Service of the server's name."""
    return factories.edges(
        *((f"shop/{client}", host(server), f"shop/{server}") for client, server in called), requests=requests
    )


def world(
    *specs: Spec,
    edges: EdgeActivity | None = None,
    more: Iterable[Raw] = (),
    window: Window = factories.WINDOW,
    nodes: Iterable[Raw] | None = None,
    **parts: Any,
) -> Topology:
    """The topology of ``specs``, each behind a Service of its name, spread over three zones."""
    ordered = sorted(specs, key=lambda spec: spec.key)
    keys = [spec.key for spec in ordered]
    facts = _facts(ordered, factories.workload_activity(keys, window), window)
    pairs = [(key, name) for key in keys for name in ("app", "istio-proxy")]
    cpu = [spec.rps * daily(window) * spec.seconds / part for spec in ordered for part in (1, 10)]
    containers = ContainerActivity(tuple(pairs), np.array(cpu, dtype=np.float32).reshape(len(pairs), window.hours))
    raws = [
        one
        for spec in ordered
        for one in factories.running(
            factories.deployment(spec.name, spec.namespace, spec.replicas, **spec.parts), meshed=spec.meshed
        )
    ]
    services = [factories.service(spec.name, spec.namespace) for spec in ordered]
    found = [*(factories.nodes() if nodes is None else nodes), *raws, *services, *more]
    hosts = {
        service_host(raw["metadata"]["namespace"], raw["metadata"]["name"]): 0.0
        for raw in found
        if raw["kind"] == "Service"
    }
    activity = factories.activity(facts, edges, window, **{"containers": containers, "hosts": hosts, **parts})
    return build(factories.snapshot(*found, activity=activity))


def _facts(specs: list[Spec], facts: Any, window: Window) -> Any:
    hours, shape = window.hours, daily(window)
    rows: dict[str, list[np.ndarray]] = {}
    for spec in specs:
        pods = np.full(hours, float(spec.replicas))
        mine = {
            "requests": spec.rps * shape * 3600, "peak": spec.rps * shape, "sent": spec.sent * shape * 3600,
            "latency": np.full(hours, 5.0 if spec.rps else np.nan), "cpu_peak": spec.rps * shape * spec.seconds,
            "memory": np.full(hours, 1e8), "ready": pods, "placed": pods,
            "fullest_zone": np.ceil(pods / 3), "fullest_node": np.ceil(pods / 3),
        }  # fmt: skip
        given = {name: value for name, value in spec.series.items() if name not in (*_SINGLE, "zones")}
        mine |= {name: np.broadcast_to(value, hours) for name, value in given.items()}
        for name, values in mine.items():
            rows.setdefault(name, []).append(np.array(values, dtype=np.float32))
    for name in {name for spec in specs for name in spec.series if name not in _SINGLE and name not in _BASIC}:
        empty = getattr(facts, name)
        rows[name] = [
            np.array(np.broadcast_to(spec.series.get(name, empty[i]), hours), dtype=empty.dtype)
            for i, spec in enumerate(specs)
        ]
    singles = {
        name: np.array([float(spec.series.get(name, getattr(facts, name)[i])) for i, spec in enumerate(specs)])
        for name in _SINGLE
    }
    zones = facts.zone_peak.copy()
    for i, spec in enumerate(specs):
        if "zones" in spec.series:
            zones[i] = np.asarray(spec.series["zones"])[:, None] * shape
    return replace(facts, **{name: np.stack(found) for name, found in rows.items()}, **singles, zone_peak=zones)


_SINGLE = ("born", "old_peak", "old_load")
_BASIC = (
    "requests", "peak", "sent", "latency", "cpu_peak", "memory", "ready", "placed", "fullest_zone", "fullest_node",
    "zones",
)  # fmt: skip
