"""Quorums without an operator: StatefulSets whose copies know each other by name."""

from collections.abc import Iterator

from microglia.model.objects import at
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look
from microglia.protect.signs import labelled
from microglia.topology.nodes import Service, Workload

PEER_PORTS = {
    2379: "etcd", 2380: "etcd", 2888: "ZooKeeper", 3888: "ZooKeeper", 8300: "Consul", 8301: "Consul",
    6222: "NATS", 8201: "Vault",
}  # fmt: skip
"""Ports on which members of a quorum talk to each other."""
NAMES = frozenset({"redis", "rabbitmq", "etcd", "zookeeper", "consul", "nats", "vault", "kafka"})
"""Values of ``app.kubernetes.io/name`` by which charts name what holds data."""
_COMPONENT = ("app.kubernetes.io/component", "etcd")


def replicated_data(look: Look) -> Iterator[Keep]:
    """Its name is that of a database, queue or quorum: each copy holds data or a vote."""
    for one in look.workloads.values():
        sign = labelled(one, _named)
        if sign is not None:
            yield from pin([one.id], "each copy holds data or a vote, with traffic or without", sign.where)


def _named(key: str, value: str) -> bool:
    return value in NAMES if key == "app.kubernetes.io/name" else (key, value) == _COMPONENT


def quorum(look: Look) -> Iterator[Keep]:
    """It is a StatefulSet that looks like a quorum: peers find each other by name before they are ready."""
    for one in look.workloads.values():
        governing = look.service(one.id.namespace, str(at(one.raw, "spec", "serviceName", default="")))
        if one.id.kind == "StatefulSet" and governing is not None and governing.headless:
            signs = list(_signs(one, governing))
            if len(signs) > 1:
                where = Where(one.ref, "spec.serviceName", f"{governing.name} ({', '.join(signs)})")
                reason = "taking a copy away is no removal of a member: a vanished voter still counts for the quorum"
                yield from pin([one.id], reason, where)


def _signs(one: Workload, governing: Service) -> Iterator[str]:
    ports = {port.get("port") for port in at(governing.raw, "spec", "ports", default=())}
    for container in at(one.raw, "spec", "template", "spec", "containers", default=()):
        ports |= {port.get("containerPort") for port in container.get("ports") or ()}
    peers = sorted(ports & PEER_PORTS.keys())
    if peers:
        yield f"peer port {peers[0]} of {PEER_PORTS[peers[0]]}"
    if at(governing.raw, "spec", "publishNotReadyAddresses"):
        yield "publishNotReadyAddresses"
    if one.replicas % 2 and one.replicas > 1:
        yield f"{one.replicas} replicas, an odd number"
