"""Replicas whose number is somebody else's business: other kinds, operators, quorums."""

from collections.abc import Iterator, Mapping

from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look

QUORUM_KEYS = (
    "cnpg.io/", "spilo-role", "postgres-operator.crunchydata.com/", "redisfailovers-role", "strimzi.io/",
    "common.k8s.elastic.co/", "elasticsearch.k8s.elastic.co/",
)  # fmt: skip
"""Labels whose mere presence, by name or by prefix, says that the pods hold replicated data."""
QUORUM_VALUES: Mapping[str, frozenset[str]] = {
    "application": frozenset({"spilo"}),
    "role": frozenset({"primary", "replica", "master"}),
    "app.kubernetes.io/name": frozenset(
        {"percona-server-mongodb", "redis", "rabbitmq", "etcd", "zookeeper", "consul", "nats", "vault", "kafka"}
    ),
    "app.kubernetes.io/component": frozenset(
        {"mongod", "mongos", "arbiter", "nonVoting", "hidden", "redis", "sentinel", "etcd"}
    ),
    "app.kubernetes.io/managed-by": frozenset({"percona-server-mongodb-operator"}),
}
"""Labels that say so by certain values."""


def not_a_deployment(look: Look) -> Iterator[Keep]:
    """It is no plain Deployment: a StatefulSet, DaemonSet, Job, Rollout, bare pod or an operator's own kind."""
    for one in look.workloads.values():
        if one.id.kind != "Deployment":
            reason = f"copies of a {one.id.kind} are not interchangeable, or not for us to count"
            yield from pin([one.id], reason, Where(one.ref, "kind", one.id.kind))


def operator_owned(look: Look) -> Iterator[Keep]:
    """An operator's custom resource owns it: the count is written there."""
    for one in look.workloads.values():
        if one.owner.code == "operator":
            reason = f"{one.owner.name} owns it and would set the count back; change it there"
            yield from pin([one.id], reason, Where(one.ref, one.owner.evidence, one.owner.name))


def replicated_data(look: Look) -> Iterator[Keep]:
    """Its labels are those of a database, queue or quorum: each copy holds data or a vote."""
    for one in look.workloads.values():
        for labels in (one.pod_labels, one.labels):
            mark = next((key for key in sorted(labels) if _holds_data(key, labels[key])), None)
            if mark is not None:
                where = Where(one.ref, f"metadata.labels[{mark}]", labels[mark])
                yield from pin([one.id], "each copy holds data or a vote, with traffic or without", where)
                break


def _holds_data(key: str, value: str) -> bool:
    return key.startswith(QUORUM_KEYS) or value in QUORUM_VALUES.get(key, ())
