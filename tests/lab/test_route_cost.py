"""What a host costs a proxy by its ports and subsets, as a real Envoy counts its memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from microglia.score.route_kinds import PORT_BYTES, SUBSET_BYTES
from tests.lab import Lab
from tests.lab.binaries import ensure_mesh
from tests.lab.proxy import Envoy, Istiod, Pod
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(300)

HOSTS = 100
WITHIN = 60.0
CLIENT = Pod("client-0", "caller", "10.9.9.9", {"app": "client"})


@dataclass(frozen=True, slots=True)
class Shape:
    """Of each host of one namespace: ``clusters`` is what they make in every proxy."""

    ports: int
    subsets: int

    @property
    def namespace(self) -> str:
        return f"p{self.ports}s{self.subsets}"

    @property
    def clusters(self) -> int:
        return self.ports * (1 + self.subsets)


SHAPES = tuple(Shape(ports, subsets) for ports, subsets in ((1, 0), (2, 0), (4, 0), (1, 2), (2, 2), (1, 4)))


@pytest.fixture(scope="module")
def measured(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[Shape, float]]:
    """Bytes per host, by shape: a proxy that was started afresh and sees one namespace, less one that sees none."""
    binaries, home = ensure_mesh(print), tmp_path_factory.mktemp("cost")
    ports = tuple(lab.processes.free_port() for _ in range(4))
    try:
        lab.apply([*lab.istio_crds(), _namespace(CLIENT.namespace), _namespace("istio-system")])
        lab.apply([_service("self", CLIENT.namespace, ports), _sidecar("caller")])
        for shape in SHAPES:
            lab.apply(_hosts(shape, ports))
        istiod = Istiod(lab, binaries, home)
        empty = _allocated(istiod, ports[0], 0)
        found = {}
        for shape in SHAPES:
            lab.apply([_sidecar("caller", shape.namespace)])
            found[shape] = (_allocated(istiod, ports[0], HOSTS * shape.clusters) - empty) / HOSTS
        yield found
    finally:
        for name in ("envoy-cost", "istiod"):
            lab.processes.stop(name)
        lab.wipe()


def test_a_host_costs_by_its_ports_and_subsets(measured: Mapping[Shape, float]) -> None:
    """In proportion to its ports, and to its subsets for each port; what a plan claims is never more than what is set
    free, and at most a tenth less."""
    claimed = {shape: shape.ports * (PORT_BYTES + shape.subsets * SUBSET_BYTES) for shape in SHAPES}
    shares = {shape: measured[shape] / claimed[shape] for shape in SHAPES}
    assert all(1.0 <= share <= 1.1 for share in shares.values()), shares


def _allocated(istiod: Istiod, port: int, clusters: int) -> int:
    envoy = Envoy(istiod, CLIENT, "envoy-cost", port)

    def wrong() -> str:
        count = sum(not one.endswith(f".{CLIENT.namespace}.svc.cluster.local") for one in envoy.clusters())
        return "" if count == clusters else f"{count} of {clusters} clusters"

    try:
        until("the proxy has its clusters", wrong, WITHIN)
        return envoy.allocated()
    finally:
        envoy.close()


def _hosts(shape: Shape, ports: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    yield _namespace(shape.namespace)
    for number in range(HOSTS):
        yield _service(f"s{number}", shape.namespace, ports[: shape.ports])
        yield _endpoints(f"s{number}", shape.namespace, ports[: shape.ports])
        if shape.subsets:
            subsets = [{"name": f"v{one}", "labels": {"version": f"v{one}"}} for one in range(shape.subsets)]
            yield {
                "apiVersion": "networking.istio.io/v1",
                "kind": "DestinationRule",
                "metadata": {"name": f"s{number}", "namespace": shape.namespace},
                "spec": {"host": f"s{number}.{shape.namespace}.svc.cluster.local", "subsets": subsets},
            }


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _service(name: str, namespace: str, ports: tuple[int, ...]) -> dict[str, Any]:
    listed = [{"name": f"http-{place}", "port": port} for place, port in enumerate(ports)]
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": listed}}


def _endpoints(name: str, namespace: str, ports: tuple[int, ...]) -> dict[str, Any]:
    """Two, as most Services have at least."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "ports": [{"name": f"http-{place}", "port": port} for place, port in enumerate(ports)],
        "endpoints": [{"addresses": [f"10.8.0.{one}"], "conditions": {"ready": True}} for one in (1, 2)],
    }


def _sidecar(namespace: str, *seen: str) -> dict[str, Any]:
    """What the client sees: its own namespace, and others."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Sidecar",
        "metadata": {"name": "default", "namespace": namespace},
        "spec": {"egress": [{"hosts": ["./*", *(f"{one}/*" for one in seen)]}]},
    }
