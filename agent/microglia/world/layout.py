"""A description with its names resolved: who a call may reach, in numbers that numpy can use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from microglia.model.activity import EXTERNAL, F64, UNKNOWN_PEER, Bools
from microglia.model.ids import host_service, service_host
from microglia.model.objects import at, maps
from microglia.model.units import quantity
from microglia.world.schema import Call, Service, Shape, Workload, World

PASSTHROUGH, BLACKHOLE, _ = EXTERNAL
SHAPES: dict[str, Shape] = {
    "flat": Shape(night=1),
    "day": Shape(),
    "evening": Shape(night=0.25, peak_hour=20, weekend=1.15),
    "office": Shape(night=0.1, peak_hour=11, weekend=0.2),
}
"""Shapes that every world knows; its own add to them."""


class WorldError(ValueError):
    """The description contradicts itself; ``field`` is the dotted place in the file."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(f"{field}: {reason}")


@dataclass(frozen=True, slots=True)
class Lane:
    """One way that a call may take: call ``call`` served by workload ``server`` under ``host``.

    ``server`` is -1 where no pod of the cluster serves. Lanes of one ``target`` share its ``weight``; those of the
    lowest ``tier`` with a serving pod get it.
    """

    call: int
    target: int
    host: str
    server: int
    weight: float
    tier: int


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """The world as arrays: W workloads in key order, K calls in file order, lanes ordered by call and target."""

    world: World
    start: float
    keys: tuple[str, ...]
    index: Mapping[str, int]
    workloads: tuple[Workload, ...]
    meshed: Bools
    capacity: F64
    services: Mapping[tuple[str, str], Service]
    calls: tuple[Call, ...]
    hosts: tuple[str, ...]
    lanes: tuple[Lane, ...]
    shapes: Mapping[str, Shape]

    def client(self, call: int) -> str:
        """How reporters name the client of ``call``: who has no sidecar is ``unknown``."""
        key = self.calls[call].client
        return key if key in self.index and self.meshed[self.index[key]] else UNKNOWN_PEER


def replicas_of(world: World, workload: Workload) -> int:
    """The overproduced count that the world begins with."""
    if workload.replicas is not None:
        return workload.replicas
    return 1 if workload.need is None else int(np.ceil(workload.need * world.overproduction))


def pod_labels(key: str, workload: Workload) -> dict[str, str]:
    """The labels of a workload's pods."""
    name = key.split("/")[1]
    return {"app": workload.app or name, "version": workload.version, **workload.pod_labels}


def meshed(world: World, key: str) -> bool:
    """Whether the workload's pods have a sidecar."""
    own = world.workloads[key].sidecar
    return world.namespaces[key.partition("/")[0]].mesh if own is None else own


def services_of(world: World) -> dict[tuple[str, str], Service]:
    """Every Service by (namespace, name): the explicit ones and those that ``ports`` imply."""
    found: dict[tuple[str, str], Service] = {}
    for key, workload in world.workloads.items():
        namespace, name = key.split("/")
        if workload.ports and workload.service and workload.kind != "CronJob":
            selector = {"app": workload.app or name}
            headless = workload.kind == "StatefulSet"
            found[namespace, name] = Service(
                selector=selector, ports=workload.ports, headless=headless, created=workload.created
            )
    for key, service in world.services.items():
        namespace, name = key.split("/")
        found[namespace, name] = service
    return dict(sorted(found.items()))


def build(world: World) -> Layout:
    """Resolve every name. Raises WorldError for a name that leads nowhere."""
    _check(world)
    keys = tuple(sorted(world.workloads))
    index = {key: position for position, key in enumerate(keys)}
    workloads = tuple(world.workloads[key] for key in keys)
    services = services_of(world)
    routes = _Routes(world, services, index)
    hosts = tuple(_fqdn(call.host, services) for call in world.calls)
    return Layout(
        world=world,
        start=world.start.timestamp(),
        keys=keys,
        index=index,
        workloads=workloads,
        meshed=np.array([meshed(world, key) for key in keys], dtype=np.bool_),
        capacity=np.array([_capacity(workload) for workload in workloads]),
        services=services,
        calls=world.calls,
        hosts=hosts,
        lanes=tuple(lane for number in range(len(hosts)) for lane in routes.lanes(number, hosts[number])),
        shapes={**SHAPES, **world.shapes},
    )


def _capacity(workload: Workload) -> float:
    if workload.capacity is not None:
        return workload.capacity
    spent = workload.cpu_seconds
    return max(0.0, quantity(workload.cpu) - workload.idle_cpu) / spent if spent else float("inf")


def _fqdn(host: str, services: Mapping[tuple[str, str], Service]) -> str:
    name, _, namespace = host.partition(".")
    return service_host(namespace, name) if (namespace, name) in services else host


def _check(world: World) -> None:
    shapes = {**SHAPES, **world.shapes}
    zones = {zone.name for zone in world.zones}
    regions = {zone.region for zone in world.zones}
    for key, workload in (*world.workloads.items(), *world.services.items()):
        if key.count("/") != 1 or key.partition("/")[0] not in world.namespaces:
            raise WorldError(key, "write namespace/name with one of the world's namespaces")
        if isinstance(workload, Workload) and workload.region not in {None, *regions}:
            raise WorldError(f"workloads.{key}.region", f'no zone lies in region "{workload.region}"')
        if isinstance(workload, Workload) and workload.background and workload.background.shape not in shapes:
            raise WorldError(f"workloads.{key}.background.shape", f'no shape "{workload.background.shape}"')
    for number, call in enumerate(world.calls):
        if call.client != UNKNOWN_PEER and call.client not in world.workloads:
            raise WorldError(f"calls[{number}].client", f'no workload "{call.client}"; write namespace/name or unknown')
        if call.shape not in shapes:
            raise WorldError(
                f"calls[{number}].shape", f'no shape "{call.shape}"; there are {", ".join(sorted(shapes))}'
            )
    for number, accident in enumerate(world.accidents):
        known = zones if accident.kind == "zone" else {"", *world.workloads}
        if accident.target not in known or (not accident.target and accident.kind in {"workload", "restart"}):
            raise WorldError(f"accidents[{number}].target", f'there is no {accident.kind} "{accident.target}"')


class _Routes:
    """Where a call to a host ends, after VirtualServices, subsets and locality."""

    def __init__(self, world: World, services: Mapping[tuple[str, str], Service], index: Mapping[str, int]) -> None:
        self._world = world
        self._services = services
        self._index = index
        self._virtual = _by_host(world, "VirtualService", ("hosts",))
        self._rules = _by_host(world, "DestinationRule", ("host",))
        self._entries = {
            host
            for raw in world.objects
            if raw.get("kind") == "ServiceEntry"
            for host in at(raw, "spec", "hosts", default=[])
        }

    def lanes(self, call: int, host: str) -> list[Lane]:
        """Every lane of call ``call`` to ``host``."""
        found: list[Lane] = []
        for target, (served, subset, weight) in enumerate(self._targets(host)):
            place = host_service(served)
            if place is None or place not in self._services:
                visible = served if served in self._entries else PASSTHROUGH
                found.append(Lane(call, target, visible, -1, weight, 0))
                continue
            for server, tier in self._backends(place, served, subset, self._world.calls[call].client):
                found.append(Lane(call, target, served, server, weight, tier))
        return found

    def _targets(self, host: str) -> list[tuple[str, str, float]]:
        raw = self._virtual.get(host)
        place = host_service(host)
        if raw is None or place is None:
            return [(host, "", 1.0)]
        kinds = [rule for kind in ("http", "tcp") for rule in at(raw, "spec", kind, default=[])]
        rule: dict[str, Any] = next((rule for rule in kinds if not rule.get("match")), {})
        routes = [route for route in at(rule, "route", default=[]) if at(route, "weight", default=1) > 0]
        total = sum(at(route, "weight", default=1) for route in routes) or 1
        return [
            (
                _expand(at(route, "destination", "host", default=host), at(raw, "metadata", "namespace")),
                at(route, "destination", "subset", default=""),
                at(route, "weight", default=1) / total,
            )
            for route in routes
        ]

    def _backends(self, place: tuple[str, str], host: str, subset: str, client: str) -> list[tuple[int, int]]:
        rule = self._rules.get(host)
        labels: dict[str, str] = next(
            (at(one, "labels", default={}) for one in at(rule, "spec", "subsets", default=[]) if one["name"] == subset),
            {},
        )
        local = at(rule, "spec", "trafficPolicy", "outlierDetection") is not None
        home = self._world.zones[0].region
        if client in self._world.workloads:
            home = self._world.workloads[client].region or home
        found = []
        for key, workload in sorted(self._world.workloads.items()):
            own = pod_labels(key, workload)
            selected = maps(self._services[place].selector, own) and all(own.get(k) == v for k, v in labels.items())
            if selected and key.split("/")[0] == place[0] and workload.kind != "CronJob":
                away = local and workload.region is not None and workload.region != home
                found.append((self._index[key], int(away)))
        return found


def _expand(host: str, namespace: str) -> str:
    return host if "." in host else service_host(namespace, host)


def _by_host(world: World, kind: str, path: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for raw in world.objects:
        if raw.get("kind") == kind:
            hosts = at(raw, "spec", *path, default=[])
            for host in [hosts] if isinstance(hosts, str) else hosts:
                found[_expand(host, at(raw, "metadata", "namespace", default=""))] = raw
    return found
