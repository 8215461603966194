"""The cluster of the act room's tests keeps the writer contract."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.writer_contract import CHECKS, Subject, merge
from tests.unit.act.filed_cluster import deployment, shop


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_filed_cluster_keeps_the_contract(check: Callable[[Subject], None], tmp_path: Path) -> None:
    """One promise of WritableCluster."""

    def now(condition: Callable[[], bool]) -> None:
        assert condition()

    cluster = shop(tmp_path / "cluster.json", deployment("cart", 3))

    def edit(patch: dict[str, Any]) -> object:
        return cluster.edit("Deployment", "shop", "cart", lambda raw: merge(raw, patch))

    check(Subject(cluster, "shop", "cart", now, edit))
