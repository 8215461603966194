"""A generated cluster as big as they come, for benchmarks: the same types, a cheap formula for its hours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from microglia.model.ids import service_host
from microglia.model.kinds import Kind
from microglia.model.objects import Raw
from microglia.model.ports import AbsentError, ClusterFacts
from microglia.world import statuses
from microglia.world.manifests import nodes
from microglia.world.record import Pod
from microglia.world.schema import Namespace, NodeSize, Port, Workload, World, Zone
from microglia.world.templates import Manifest, controller

PER_NAMESPACE = 500
ZONES = ("zone-a", "zone-b", "zone-c")
_GROUPS = {
    "Deployment": "apps", "ReplicaSet": "apps", "Pod": "", "Service": "", "EndpointSlice": "", "Node": "",
    "Namespace": "", "PodDisruptionBudget": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    workloads: int = 10_000
    pods: int = 50_000
    edges: int = 100_000
    nodes_per_zone: int = 120


class LargeCluster:
    """The objects of a generated cluster behind the ``Cluster`` port; made when first asked for."""

    def __init__(self, size: Size | None = None, seed: int = 1) -> None:
        self.size = size or Size()
        self.seed = seed
        rng = np.random.default_rng((seed, 1))
        self.keys = tuple(
            f"ns{number // PER_NAMESPACE:03d}/app{number % PER_NAMESPACE:03d}" for number in range(self.size.workloads)
        )
        extra = rng.multinomial(
            max(0, self.size.pods - 2 * self.size.workloads), rng.dirichlet(np.ones(len(self.keys)))
        )
        self.replicas = 2 + extra
        self.start = datetime(2026, 9, 7, tzinfo=UTC)

    @cached_property
    def world(self) -> World:
        """The description, without calls: those are arrays."""
        ports = (Port(name="http", port=8080),)
        return World(
            name="large",
            seed=self.seed,
            start=self.start,
            zones=tuple(Zone(name=name, nodes=self.size.nodes_per_zone) for name in ZONES),
            node=NodeSize(cpu="96", memory="384Gi", pods=500),
            namespaces={key.split("/")[0]: Namespace() for key in self.keys},
            workloads={
                key: Workload(replicas=int(count), ports=ports)
                for key, count in zip(self.keys, self.replicas, strict=True)
            },
        )

    def facts(self) -> ClusterFacts:
        """Who this is."""
        return ClusterFacts(statuses.uid("large", str(self.seed)), "world large", "v1.36.3")

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """Every object of ``kind``. Raises AbsentError for kinds of CRDs that are not installed."""
        if kind.optional and kind.group not in {"networking.istio.io", "microglia.dev"}:
            raise AbsentError(f"the server could not find the requested resource: {kind.plural}")
        return self._everything.get(kind.name, [])

    @cached_property
    def _everything(self) -> dict[str, list[Manifest]]:
        found: dict[str, list[Manifest]] = {kind: [] for kind in _GROUPS}
        found["Node"] = [_live(raw) for raw in nodes(self.world)]
        for raw in found["Node"]:
            raw["status"]["conditions"] = statuses.node_conditions("True", self.start.timestamp())
        for name in [*self.world.namespaces, "kube-system"]:
            meta = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
            found["Namespace"].append(_live({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}))
        serial = 0
        for number, key in enumerate(self.keys):
            self._workload(found, key, serial)
            serial += int(self.replicas[number])
        return found

    def _workload(self, found: dict[str, list[Manifest]], key: str, serial: int) -> None:
        namespace, name = key.split("/")
        deployment = _live(controller(self.world, key))
        count = deployment["spec"]["replicas"]
        deployment["status"] = {**statuses.counts(count, count), "observedGeneration": 1}
        deployment["status"]["conditions"] = statuses.deployment_conditions(count, count, self.start.timestamp())
        owner = _live(statuses.replica_set(deployment, f"{name}-{statuses.digest(key)}"))
        owner["status"] = statuses.counts(count, count)
        pods = []
        for place in range(serial, serial + count):
            zone = ZONES[place % len(ZONES)]
            node = f"{zone}-n{1 + place // len(ZONES) % self.size.nodes_per_zone}"
            pod = f"{owner['metadata']['name']}-{statuses.digest(key, str(place), length=5)}"
            life = Pod(key, pod, node, zone, self.start.timestamp(), uid=statuses.uid(key, str(place)))
            pods.append((statuses.pod(life, owner, ready=True, annotations={}), zone))
        ports = [{"name": "http", "port": 8080, "targetPort": 8080}]
        spec = {"selector": {"app": name}, "ports": ports, "clusterIP": statuses.address(key, "10.96")}
        meta = {"name": name, "namespace": namespace}
        service = _live({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec})
        found["Deployment"].append(deployment)
        found["ReplicaSet"].append(owner)
        found["Pod"].extend(_live(raw) for raw, _ in pods)
        found["Service"].append(service)
        found["EndpointSlice"].append(_live(statuses.slice_of(service, pods)))
        if statuses.digest(key, "pdb", length=1) in "bc":
            budget = {"minAvailable": 1, "selector": {"matchLabels": {"app": name}}}
            raw = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": dict(meta), "spec": budget}
            found["PodDisruptionBudget"].append(_live(raw))

    @cached_property
    def edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Clients, servers (indices) and peak rates of the used edges, without repeats, in order of client and server.

        Few workloads are popular, a tenth is never called, and half of all calls stay in their namespace.
        """
        rng = np.random.default_rng((self.seed, 2))
        total, wanted = len(self.keys), self.size.edges
        called = max(2, total * 9 // 10)
        popular = rng.permutation(total)[:called]
        draws = 2 * wanted
        clients = rng.integers(0, total, draws)
        far = popular[(called * rng.random(draws) ** 2).astype(np.int64)]
        near = clients // PER_NAMESPACE * PER_NAMESPACE + rng.integers(0, PER_NAMESPACE, draws)
        servers = np.where(np.isin(near, popular) & (near < total) & (rng.random(draws) < 0.5), near, far)
        pairs = np.unique(clients[clients != servers] * total + servers[clients != servers])
        pairs = np.sort(rng.permutation(pairs)[:wanted])
        return pairs // total, pairs % total, rng.lognormal(-1.5, 1.5, len(pairs))

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The FQDN of each workload's Service."""
        return tuple(service_host(*key.split("/")) for key in self.keys)


def _live(raw: Manifest) -> Manifest:
    """Give a manifest what the API server adds."""
    meta = raw["metadata"]
    mark = statuses.uid(raw["kind"], meta.get("namespace", ""), meta["name"])
    added: Mapping[str, object] = {"uid": mark, "resourceVersion": "1", "generation": 1}
    meta.update({name: value for name, value in added.items() if name not in meta})
    meta.setdefault("creationTimestamp", "2026-06-01T00:00:00Z")
    return raw
