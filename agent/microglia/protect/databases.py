"""Databases and queues by their operators: a quorum counts members that serve nobody."""

from collections.abc import Iterator

from microglia.protect.keep import Keep, pin
from microglia.protect.look import Look
from microglia.protect.signs import by_id, labelled, owned, roles

_NAME, _COMPONENT, _MANAGER = (f"app.kubernetes.io/{part}" for part in ("name", "component", "managed-by"))
_MEMBERS = {
    "mongod": "it is a voting member of a replica set that holds data",
    "mongos": "every client of the sharded cluster goes through it",
    "arbiter": "an arbiter serves no client by design: its vote decides who leads",
    "nonVoting": "it holds a copy of the data without a vote",
    "hidden": "a hidden member serves no client by design: it is there for backups and reports",
}


def percona_mongodb(look: Look) -> Iterator[Keep]:
    """The MongoDB operator of Percona runs it: members vote, also those that serve no client."""
    for one in look.workloads.values():
        proof = labelled(one, _percona) or owned(one, frozenset({"PerconaServerMongoDB"}))
        if proof is not None:
            member = labelled(one, lambda key, value: key == _COMPONENT and value in _MEMBERS)
            sign = member or proof
            reason = _MEMBERS.get(sign.where.value, "it is part of a replica set that counts votes")
            yield from pin([one.id], f"{reason}; the operator counts them by replsets[].size", sign.where)


def _percona(key: str, value: str) -> bool:
    return (key, value) in {(_NAME, "percona-server-mongodb"), (_MANAGER, "percona-server-mongodb-operator")}


def mongodb_community(look: Look) -> Iterator[Keep]:
    """A MongoDBCommunity owns it: its members and arbiters vote."""
    for one in look.workloads.values():
        sign = owned(one, frozenset({"MongoDBCommunity"}))
        if sign is not None:
            reason = "its copies vote for a primary; their numbers are spec.members and spec.arbiters"
            yield from pin([one.id], reason, sign.where)


def redis_failover(look: Look) -> Iterator[Keep]:
    """A RedisFailover runs it: replicas stand by, and sentinels only talk when a master fails."""
    given = by_id(roles(look, "redisfailovers-role"))
    for one in look.workloads.values():
        sign = (
            labelled(one, lambda key, _: key.startswith("redisfailovers"))
            or owned(one, frozenset({"RedisFailover"}))
            or given.get(one.id)
        )
        if sign is not None:
            part = labelled(one, lambda key, value: (key, value) == (_COMPONENT, "sentinel"))
            idle = "a sentinel looks idle until a master fails, and a quorum of them must agree then"
            reason = idle if part else "each copy is the master or stands by for it"
            yield from pin([one.id], reason, sign.where)


def strimzi(look: Look) -> Iterator[Keep]:
    """Strimzi runs it: brokers hold partitions, controllers vote."""
    for one in look.workloads.values():
        sign = (
            labelled(one, lambda key, _: key in {"strimzi.io/broker-role", "strimzi.io/controller-role"})
            or labelled(one, lambda key, _: key in {"strimzi.io/cluster", "strimzi.io/kind", "strimzi.io/pool-name"})
            or owned(one, frozenset({"StrimziPodSet"}))
        )
        if sign is not None:
            reason = "brokers hold partitions and controllers vote; spec.replicas of their KafkaNodePool is the count"
            yield from pin([one.id], reason, sign.where)


def rabbitmq(look: Look) -> Iterator[Keep]:
    """A RabbitmqCluster owns it: its operator refuses to make it smaller."""
    for one in look.workloads.values():
        sign = owned(one, frozenset({"RabbitmqCluster"}))
        if sign is not None:
            reason = "its nodes hold queues, and the operator does not support fewer of them"
            yield from pin([one.id], reason, sign.where)


def elasticsearch(look: Look) -> Iterator[Keep]:
    """It is a node of an Elasticsearch cluster: masters vote, data nodes hold shards."""
    for one in look.workloads.values():
        sign = labelled(one, _elasticsearch) or owned(one, frozenset({"Elasticsearch"}))
        if sign is not None:
            reason = "masters vote and data nodes hold shards; spec.nodeSets[].count is the count"
            yield from pin([one.id], reason, sign.where)


def _elasticsearch(key: str, value: str) -> bool:
    """Kibana and the like carry the operator's label too, with another value."""
    found = key.startswith("elasticsearch.k8s.elastic.co/")
    return found or (key, value) == ("common.k8s.elastic.co/type", "elasticsearch")
