"""The journal in objects keeps the contracts of journals and of offers, alone and beside older files."""

from collections.abc import Callable
from pathlib import Path

import pytest

from microglia.store.both import BothJournals
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.store.objects import ObjectJournal
from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from tests.contract.journal_contract import CHECKS, NOW, OFFERS, POLICIES, Subject
from tests.contract.test_writer_memory import WORLD


def subject() -> Subject:
    """A world's cluster, with the three kinds."""
    cluster = MemoryCluster(World.model_validate(WORLD))

    def opened() -> ObjectJournal:
        return ObjectJournal(cluster, lambda: NOW, POLICIES)

    return Subject(opened, opened)


@pytest.mark.parametrize("check", [*CHECKS, *OFFERS], ids=lambda check: check.__name__)
def test_the_objects_keep_the_contract(check: Callable[[Subject], None]) -> None:
    """One promise of Journal or of Offers."""
    check(subject())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_both_together_keep_the_contract(check: Callable[[Subject], None], tmp_path: Path) -> None:
    """One promise of Journal, with an empty folder beside it."""
    newer = subject().offers
    assert newer is not None
    older = FileJournal(Folder(tmp_path).cluster("uid", "name"))
    check(Subject(lambda: BothJournals(newer(), older)))
