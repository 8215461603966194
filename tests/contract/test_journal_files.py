"""The journal in files keeps the journal contract."""

from collections.abc import Callable
from pathlib import Path

import pytest

from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from tests.contract.journal_contract import CHECKS, Subject


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_files_keep_the_contract(check: Callable[[Subject], None], tmp_path: Path) -> None:
    """One promise of Journal."""
    check(Subject(lambda: FileJournal(Folder(tmp_path).cluster("uid", "name"))))
