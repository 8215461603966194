"""PostgreSQL by its operators: every instance holds a copy, and some of them lose it when they go."""

from collections.abc import Iterator
from itertools import chain

from microglia.protect.keep import Keep, pin
from microglia.protect.look import Look
from microglia.protect.signs import Sign, by_id, labelled, owned, roles, running
from microglia.topology.nodes import Workload

_ROLES = frozenset({"primary", "replica", "master", "standby_leader"})
_PATRONI = frozenset({"patroni"})
_CRUNCHY = "postgres-operator.crunchydata.com/"


def cloudnative_pg(look: Look) -> Iterator[Keep]:
    """CloudNativePG runs it: an instance that is taken away takes its volume with it."""
    for one in look.workloads.values():
        sign = (
            labelled(one, lambda key, value: (key, value) == ("cnpg.io/podRole", "pooler"))
            or owned(one, frozenset({"Pooler"}), "postgresql.cnpg.io/")
            or labelled(one, lambda key, _: key.startswith("cnpg.io/"))
        )
        if sign is not None:
            yield from pin([one.id], _cloudnative(sign), sign.where)


def _cloudnative(sign: Sign) -> str:
    if sign.where.value.startswith(("pooler", "Pooler")):
        return "its Pooler counts it by spec.instances; all connections to the database go through it"
    return (
        "each instance holds a copy, and the operator deletes the volumes of the one it takes away; "
        "cnpg.io/hibernation: on keeps them"
    )


def spilo(look: Look) -> Iterator[Keep]:
    """The Postgres operator of Zalando runs it: each copy is a standby, or serves all that only read."""
    given = by_id(roles(look, "spilo-role"))
    for one in look.workloads.values():
        sign = (
            labelled(one, lambda key, value: key == "spilo-role" or (key, value) == ("application", "spilo"))
            or owned(one, frozenset({"postgresql"}))
            or given.get(one.id)
        )
        if sign is not None:
            reason = "each copy is a standby, and the operator sets the count back; spec.numberOfInstances is the one"
            yield from pin([one.id], reason, sign.where)


def patroni(look: Look) -> Iterator[Keep]:
    """Patroni elects its primary: the others are its standbys."""
    given = roles(look, "role")
    written = ((one, sign) for one in look.workloads.values() if (sign := labelled(one, _role)) is not None)
    for target, sign in sorted(by_id(chain(written, given)).items()):
        proof = _patroni(look.workloads[target])
        if proof is not None and sign.where.value.split(" ")[0] in _ROLES:
            reason = f"Patroni ({proof.where.field}: {proof.where.value}) may make any copy the primary"
            yield from pin([target], reason, sign.where)


def _role(key: str, value: str) -> bool:
    return key == "role" and value in _ROLES


def _patroni(one: Workload) -> Sign | None:
    """A role alone is anybody's label: only this makes it Patroni's."""
    return (
        labelled(one, lambda key, value: key in {"application", "app.kubernetes.io/name"} and value in _PATRONI)
        or labelled(one, lambda key, _: key in {"cluster-name", "patroni-role", "spilo-role"})
        or running(one, "patroni", "spilo")
    )


def crunchy_postgres(look: Look) -> Iterator[Keep]:
    """The Postgres operator of Crunchy Data or Percona runs it: each instance is a copy."""
    kinds = frozenset({"PostgresCluster", "PerconaPGCluster"})
    for one in look.workloads.values():
        sign = labelled(one, lambda key, _: key.startswith(_CRUNCHY)) or owned(one, kinds)
        if sign is not None:
            reason = "each instance is a copy, and the operator counts them by instances[].replicas"
            yield from pin([one.id], reason, sign.where)
