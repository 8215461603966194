"""The cluster of a simulated world keeps the writer contract."""

from collections.abc import Callable
from typing import Any

import pytest

from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from tests.contract.writer_contract import CHECKS, DEPLOYMENT, Subject, merge

WORLD = {
    "name": "contract",
    "seed": 1,
    "start": "2026-09-07T00:00:00Z",
    "zones": [{"name": "a"}, {"name": "b"}, {"name": "c"}],
    "namespaces": {"shop": {}},
    "workloads": {"shop/cart": {"replicas": 3, "ports": [{"name": "http", "port": 80}]}},
    "calls": [],
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_world_keeps_the_contract(check: Callable[[Subject], None]) -> None:
    """One promise of WritableCluster."""

    def now(condition: Callable[[], bool]) -> None:
        assert condition()

    cluster = MemoryCluster(World.model_validate(WORLD))

    def edit(patch: dict[str, Any]) -> object:
        return cluster.edit(DEPLOYMENT, "shop", "cart", lambda raw: merge(raw, patch))

    check(Subject(cluster, "shop", "cart", now, edit))
