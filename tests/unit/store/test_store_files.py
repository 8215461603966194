"""Files are whole or not there, and say what is wrong with them."""

import json
import os
import stat
from pathlib import Path

import pytest

from microglia.store.files import StoreError, seal, unseal, write
from microglia.store.folder import Folder


def test_what_is_sealed_is_unsealed(tmp_path: Path) -> None:
    """The value comes back as it was, text in any script included."""
    path = tmp_path / "deep" / "one.json"
    write(path, seal("plan", {"format": 1, "why": "größer"}))
    assert unseal(path, "plan", 1) == {"format": 1, "why": "größer"}


def test_writing_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    """The file that was written aside is gone, and the old text with it."""
    path = tmp_path / "one.json"
    write(path, "old")
    write(path, "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["one.json"]
    assert path.read_text() == "new"


def test_a_failed_write_keeps_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: the old file stays, the half one goes, and the message names the folder and the way out."""
    path = tmp_path / "one.json"
    write(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"one\.json: cannot be written: No space left on device; free space"):
        write(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["one.json"]


def test_a_write_is_synced_with_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the file and the folder's entry are on the disk before the call returns."""
    synced: list[bool] = []
    real = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    write(tmp_path / "one.json", "text")
    assert synced == [False, True]


SEALED = seal("record", {"format": 1, "count": 5})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SEALED[:20], "is truncated or no record file"),
        ("", "is truncated or no record file"),
        ("[]", "is no record file"),
        (seal("plan", {"format": 1}), "is no record file"),
        (SEALED.replace("5", "6"), "was changed after it was written"),
        (seal("record", {"format": 7}), "was written by a newer microglia (record format 7); this one reads up to 1"),
        (json.dumps({"checksum": "x", "record": {"format": 9}}), "newer microglia (record format 9)"),
    ],
)
def test_a_broken_file_is_named_with_its_remedy(tmp_path: Path, text: str, words: str) -> None:
    """Truncated, foreign, edited, newer: the file, the fault and what to do."""
    path = tmp_path / "one.json"
    path.write_text(text)
    with pytest.raises(StoreError) as caught:
        unseal(path, "record", 1)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert "backup" in message or "use that newer one" in message


def test_a_file_that_is_not_text_is_broken(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are a fault of the file, not a crash."""
    path = tmp_path / "one.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StoreError, match=r"truncated or no plan file.*make a new plan"):
        unseal(path, "plan", 1)


def test_missing_and_unreadable_are_told_apart(tmp_path: Path) -> None:
    """Not there, and there but no file."""
    with pytest.raises(StoreError, match="there is no such file"):
        unseal(tmp_path / "none.json", "plan", 1)
    with pytest.raises(StoreError, match="cannot be read: Is a directory"):
        unseal(tmp_path, "plan", 1)


def test_the_layout_is_as_documented(tmp_path: Path) -> None:
    """Every path in the folder's own words."""
    folder = Folder(tmp_path)
    shelf = folder.cluster("0af3-uid", "prod")
    assert folder.plan("plan-12ab34cd") == tmp_path / "plans" / "plan-12ab34cd.json"
    assert folder.buckets == tmp_path / "buckets.db"
    assert shelf.record("plan-12ab34cd") == tmp_path / "0af3-uid" / "journal" / "plan-12ab34cd.json"
    assert shelf.state("default") == tmp_path / "0af3-uid" / "state" / "default.json"
    assert (shelf.lock, shelf.writing) == (tmp_path / "0af3-uid" / "act.lock", tmp_path / "0af3-uid" / "journal.lock")
    assert folder.cluster("", "gke_eu/prod").root == tmp_path / "name-gke_eu%2Fprod"


@pytest.mark.parametrize("name", ["../../etc/passwd", "..", ".", "a/b"])
def test_no_name_climbs_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Whatever a plan id or a structure is called, its file lies in the folder."""
    path = Folder(tmp_path).cluster("uid", "n").state(name)
    assert path.resolve().parent == (tmp_path / "uid" / "state").resolve()
    assert Folder(tmp_path).cluster(name, "n").root.resolve().parent == tmp_path.resolve()
