"""The cluster of the act room's tests keeps the writer contract."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.writer_contract import CHECKS, Subject
from tests.unit.act.filed_cluster import deployment, shop


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_filed_cluster_keeps_the_contract(check: Callable[[Subject], None], tmp_path: Path) -> None:
    """One promise of WritableCluster."""

    def now(condition: Callable[[], bool]) -> None:
        assert condition()

    check(Subject(shop(tmp_path / "cluster.json", deployment("cart", 3)), "shop", "cart", now))
