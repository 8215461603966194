"""A small world that the tests bend: three zones and a region to fail over to."""

from collections.abc import Callable
from typing import Any

import pytest

from microglia.world.schema import World

BASE: dict[str, Any] = {
    "name": "tiny",
    "seed": 5,
    "start": "2026-09-07T00:00:00Z",
    "zones": [
        {"name": "a", "region": "west"},
        {"name": "b", "region": "west"},
        {"name": "c", "region": "west"},
        {"name": "d", "region": "east"},
    ],
    "namespaces": {"shop": {}, "old": {"mesh": False}},
    "workloads": {
        "shop/front": {"replicas": 3, "region": "west", "ports": [{"name": "http", "port": 80}], "cpuSeconds": 0.01},
        "shop/back": {"replicas": 5, "region": "west", "ports": [{"name": "http", "port": 80}], "capacity": 40},
        "shop/idle": {"replicas": 2, "region": "west", "ports": [{"name": "http", "port": 80}]},
        "old/ledger": {"replicas": 2, "region": "west", "ports": [{"name": "http", "port": 80}]},
    },
    "calls": [
        {"client": "unknown", "host": "front.shop", "rate": 30},
        {"client": "shop/front", "host": "back.shop", "rate": 60},
        {"client": "shop/front", "host": "ledger.old", "rate": 2},
        {"client": "old/ledger", "host": "back.shop", "rate": 1},
    ],
}


@pytest.fixture
def bend() -> Callable[..., World]:
    """Make the small world with other top-level fields; ``workloads`` and ``calls`` add to its own."""

    def make(**changes: Any) -> World:
        data = {**BASE, **changes}
        data["workloads"] = {**BASE["workloads"], **changes.get("workloads", {})}
        data["calls"] = [*BASE["calls"], *changes.get("calls", [])]
        return World.model_validate(data)

    return make
