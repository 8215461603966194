"""Routes cut for real: what a real istiod tells a real Envoy before the cut, after it, and after it was given back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from microglia.model.window import floor_hour
from microglia.world.load import load, moved
from microglia.world.schema import Port, Service, World
from tests.lab import Lab
from tests.lab.binaries import ensure_mesh
from tests.lab.person import Person
from tests.lab.proxy import Envoy, Istiod, Pod
from tests.lab.stage import put
from tests.lab.waiting import until
from tests.lab.ward import WORLDS

# Where istiod was never built, that alone takes minutes.
pytestmark = pytest.mark.timeout(1200)

HOSTS = 490
LEAD = timedelta(days=9)
WITHIN = 60.0
SIDECARS = "/apis/networking.istio.io/v1/namespaces/shop/sidecars"
CART, REVIEWS, PRIMARY = (f"{name}.depot.svc.cluster.local" for name in ("cart", "reviews", "reviews-primary"))
IDLE = tuple(f"s{number}.depot.svc.cluster.local" for number in range(HOSTS))


@dataclass(slots=True)
class Mesh:
    """A world of 500 hosts, a proxy of one of their clients, and somebody at a terminal."""

    lab: Lab
    istiod: Istiod
    pod: Pod
    envoy: Envoy
    person: Person
    ports: tuple[int, int]

    def does(self, *command: str, by: Person | None = None) -> None:
        """Type a command that works."""
        said = (by or self.person).types(*command)
        assert said.code == 0, said.words

    def sidecars(self) -> list[dict[str, Any]]:
        """Those of the client's namespace."""
        found: list[dict[str, Any]] = self.lab.api.get(SIDECARS)["items"]
        return found

    def has(self, *hosts: str, envoy: Envoy | None = None) -> None:
        """Wait until the proxy has clusters for all of these."""
        proxy = envoy or self.envoy
        until("the proxy learns of hosts", lambda: ", ".join(sorted({*hosts} - proxy.hosts())[:3]), WITHIN)

    def lacks(self, *hosts: str) -> None:
        """Wait until the proxy has no cluster for any of these."""
        until("the proxy forgets hosts", lambda: ", ".join(sorted({*hosts} & self.envoy.hosts())[:3]), WITHIN)


@pytest.fixture(scope="module")
def mesh(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """Nine days of history in which the client calls two of its hosts."""
    home = tmp_path_factory.mktemp("mesh")
    binaries = ensure_mesh(print)
    now = datetime.now(UTC)
    url = lab.another_prometheus("prometheus-of-mesh")
    try:
        # The proxy listens on the ports of Services, and this machine may use some of its own.
        ports = lab.processes.free_port(), lab.processes.free_port()
        stage = put(lab, _world(home / "mesh.yaml", ports, floor_hour(now) - LEAD), url)
        stage.play(now)
        istiod = Istiod(lab, binaries, home)
        pod = _pod(lab)
        person = Person(lab.kubeconfig, url, WORLDS / "mesh-policy.yaml", home / "state")
        yield Mesh(lab, istiod, pod, Envoy(istiod, pod, "envoy", ports[0]), person, ports)
    finally:
        for name in ("envoy", "envoy-afresh", "istiod", "prometheus-of-mesh"):
            lab.processes.stop(name)
        lab.wipe()


def test_the_life_of_a_cut(mesh: Mesh) -> None:
    """Cut, called, brought back by a route, withdrawn for somebody's own Sidecar, cut again and given back: what a real
    proxy makes of each, in this order."""
    a_cut_is_seen_in_the_proxy_and_nothing_else_is(mesh)
    calls_go_where_they_went_and_those_to_a_cut_host_out(mesh)
    what_a_route_brings_back_is_noticed(mesh)
    somebody_elses_sidecar_is_never_shadowed(mesh)
    a_restore_brings_every_cluster_back(mesh)
    assert mesh.sidecars() == []


def a_cut_is_seen_in_the_proxy_and_nothing_else_is(mesh: Mesh) -> None:
    """Idle hosts go with what they cost; hosts that are called stay, and so does the one that is only reached by its
    VirtualService; a Service that comes later is seen."""
    mesh.has(*IDLE, CART, REVIEWS, PRIMARY)
    full = mesh.envoy.allocated()
    mesh.does("apply", mesh.person.plans(), "--yes")
    mesh.lacks(*IDLE)
    assert {CART, REVIEWS, PRIMARY} <= mesh.envoy.hosts()
    assert "reviews.depot" in mesh.envoy.domains()
    assert mesh.envoy.allocated() < full / 2
    afresh = Envoy(mesh.istiod, mesh.pod, "envoy-afresh", mesh.ports[0])
    mesh.has(CART, PRIMARY, envoy=afresh)
    assert afresh.allocated() < full / 4
    afresh.close()
    mesh.lab.apply([_service("late", mesh.ports[0])])
    mesh.has("late.depot.svc.cluster.local")


def calls_go_where_they_went_and_those_to_a_cut_host_out(mesh: Mesh) -> None:
    """A real request to a host that is used takes its own cluster; one to a hidden host is passed through: the traffic
    that trips the wire."""
    used, hidden = f"outbound|{mesh.ports[0]}||{CART}", "PassthroughCluster"
    before = mesh.envoy.tried(used), mesh.envoy.tried(hidden)
    mesh.envoy.call(CART)
    assert mesh.envoy.tried(used) > before[0]
    assert mesh.envoy.tried(hidden) == before[1]
    mesh.envoy.call(IDLE[0])
    assert mesh.envoy.tried(hidden) > before[1]


def what_a_route_brings_back_is_noticed(mesh: Mesh) -> None:
    """Istiod gives the proxy the destinations of an imported VirtualService, hidden or not: microglia says so, and
    stops hiding what it does not save."""
    (host,) = IDLE[1:2]
    mesh.lab.apply([_split("cart", host)])
    mesh.has(host)
    plan = mesh.person.types("plan", "-o", "json").data[0]["plan"]
    (change,) = [one for one in plan["changes"] if one["kind"] == "sidecar"]
    assert change["shown"] == [host]
    assert "VirtualService depot/cart brings it back" in change["why"]["sentence"]
    mesh.does("apply", plan["id"] if "id" in plan else mesh.person.plans(), "--yes")
    assert f"~depot/{host}" not in str(mesh.sidecars())


def somebody_elses_sidecar_is_never_shadowed(mesh: Mesh) -> None:
    """Once one applies to the pods, ours is withdrawn, and theirs decides."""
    theirs = {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar"}
    spec = {"egress": [{"hosts": ["./*", "depot/*"]}]}
    mesh.lab.apply([{**theirs, "metadata": {"name": "default", "namespace": "shop"}, "spec": spec}])
    mesh.does("apply", mesh.person.plans(), "--yes")
    assert [one["metadata"]["name"] for one in mesh.sidecars()] == ["default"]
    mesh.has(*IDLE)
    mesh.lab.api.delete(f"{SIDECARS}/default")


def a_restore_brings_every_cluster_back(mesh: Mesh) -> None:
    """Cut and given back: the proxy has exactly the clusters that it had before."""
    mesh.has(*IDLE, "kubernetes.default.svc.cluster.local")
    before = mesh.envoy.clusters()
    person = mesh.person.at(state=mesh.person.state / "anew")
    mesh.does("apply", person.plans(), "--yes", by=person)
    mesh.lacks(*IDLE[2:])
    mesh.does("restore", "--all", "--yes", by=person)
    until("all is back", lambda: str(len(before ^ mesh.envoy.clusters()) or ""), WITHIN)


def _world(file: Path, ports: tuple[int, int], start: datetime) -> World:
    """With so many hosts that nobody calls; the same pods stand behind all of them."""
    text = (WORLDS / "mesh.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("28080", str(ports[0])).replace("29090", str(ports[1])), encoding="utf-8")
    world = moved(load(file), start)
    both = (Port(name="http", port=ports[0]), Port(name="grpc", port=ports[1]))
    idle = {f"depot/s{number}": Service(selector={"app": "store"}, ports=both) for number in range(HOSTS)}
    return world.model_copy(update={"services": {**world.services, **idle}})


def _service(name: str, port: int) -> dict[str, Any]:
    ports = [{"name": "http", "port": port}]
    spec = {"selector": {"app": "store"}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "depot"}, "spec": spec}


def _split(name: str, other: str) -> dict[str, Any]:
    """A VirtualService of host ``name`` that leads to ``other`` as well."""
    routes = [{"destination": {"host": name}, "weight": 99}, {"destination": {"host": other}, "weight": 1}]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": "depot"},
        "spec": {"hosts": [name], "http": [{"route": routes}]},
    }


def _pod(lab: Lab) -> Pod:
    found: list[dict[str, Any]] = lab.api.get("/api/v1/namespaces/shop/pods", labelSelector="app=front")["items"]
    raw = found[0]
    return Pod(raw["metadata"]["name"], "shop", raw["status"]["podIP"], raw["metadata"]["labels"])
