"""CustomResourceDefinitions of what microglia looks at, as bare as an API server takes them: real groups, versions,
kinds, scale and status, and any content."""

from __future__ import annotations

from typing import NamedTuple

from microglia.model.kinds import KINDS, Kind
from microglia.report.crds import custom_resources
from tests.lab.api import Document

_OWN = "microglia.dev"
_SERVED = "coordination.k8s.io"
"""A group of the API server itself: what it does not serve there (LeaseCandidates, before their gate opens), no
definition can add."""
_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_GUARDED = (".k8s.io", ".kubernetes.io")
_APPROVED = {"api-approved.kubernetes.io": "unapproved, for tests"}


class Scale(NamedTuple):
    """The paths of the scale subresource; ``labels`` is empty where the status has no selector."""

    wanted: str
    found: str
    labels: str = ""


OWNERS: tuple[Kind, ...] = (
    Kind("Cluster", "postgresql.cnpg.io", "v1", "clusters", "nothing"),
    Kind("Pooler", "postgresql.cnpg.io", "v1", "poolers", "nothing"),
    Kind("postgresql", "acid.zalan.do", "v1", "postgresqls", "nothing"),
    Kind("PostgresCluster", "postgres-operator.crunchydata.com", "v1beta1", "postgresclusters", "nothing"),
    Kind("PerconaServerMongoDB", "psmdb.percona.com", "v1", "perconaservermongodbs", "nothing"),
    Kind("MongoDBCommunity", "mongodbcommunity.mongodb.com", "v1", "mongodbcommunity", "nothing"),
    Kind("RedisFailover", "databases.spotahome.com", "v1", "redisfailovers", "nothing"),
    Kind("KafkaNodePool", "kafka.strimzi.io", "v1beta2", "kafkanodepools", "nothing"),
    Kind("StrimziPodSet", "core.strimzi.io", "v1beta2", "strimzipodsets", "nothing"),
    Kind("RabbitmqCluster", "rabbitmq.com", "v1beta1", "rabbitmqclusters", "nothing"),
    Kind("Elasticsearch", "elasticsearch.k8s.elastic.co", "v1", "elasticsearches", "nothing"),
    Kind("CloneSet", "apps.kruise.io", "v1alpha1", "clonesets", "nothing"),
    Kind("Revision", "serving.knative.dev", "v1", "revisions", "nothing"),
)
"""Kinds that own workloads and are known by that alone."""
SCALES = {
    "Rollout": Scale(".spec.replicas", ".status.HPAReplicas", ".status.selector"),
    "Cluster": Scale(".spec.instances", ".status.instances"),
    "Pooler": Scale(".spec.instances", ".status.instances"),
    "MongoDBCommunity": Scale(".spec.members", ".status.currentStatefulSetReplicas"),
    "KafkaNodePool": Scale(".spec.replicas", ".status.replicas", ".status.labelSelector"),
    "CloneSet": Scale(".spec.replicas", ".status.replicas", ".status.labelSelector"),
}
"""The kinds that can be scaled without knowing them."""


def optional_kinds() -> tuple[Kind, ...]:
    """Every kind that comes from a definition, but for microglia's own."""
    return tuple(kind for kind in KINDS if kind.optional and kind.group not in {_OWN, _SERVED})


def definitions() -> list[Document]:
    """Definitions of all optional kinds, of microglia's own (as installed) and of the owners."""
    return [*map(definition, (*optional_kinds(), *OWNERS)), *custom_resources().values()]


def definition(kind: Kind) -> Document:
    """The definition of one kind."""
    subresources: Document = {"status": {}}
    if kind.name in SCALES:
        scale = SCALES[kind.name]
        paths = {"specReplicasPath": scale.wanted, "statusReplicasPath": scale.found}
        subresources["scale"] = {**paths, **({"labelSelectorPath": scale.labels} if scale.labels else {})}
    schema = {"type": "object", "properties": {"spec": _OPEN, "status": _OPEN}}
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": subresources,
    }
    guarded = f".{kind.group}".endswith(_GUARDED)
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}", "annotations": _APPROVED if guarded else {}},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower()},
            "versions": [version],
        },
    }
