"""The cluster of a simulated world keeps the writer contract."""

from collections.abc import Callable

import pytest

from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from tests.contract.writer_contract import CHECKS, Subject

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

    check(Subject(MemoryCluster(World.model_validate(WORLD)), "shop", "cart", now))
