"""Closed hours on disk: they come back, they can be lost without harm, and several may read."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from microglia.store.buckets import KEPT, FileBuckets
from microglia.store.files import StoreError

HOUR = 3600


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def buckets(tmp_path: Path, said: list[str]) -> FileBuckets:
    return FileBuckets(tmp_path / "buckets.db", said.append)


def test_hours_come_back_by_scope(buckets: FileBuckets, tmp_path: Path) -> None:
    """Only the hours that were asked for, only of this scope, also by another reader while the first is open."""
    buckets.save("a", {HOUR: b"one", 2 * HOUR: b"two", 3 * HOUR: b"three"})
    buckets.save("b", {HOUR: b"other"})
    for reader in (buckets, FileBuckets(tmp_path / "buckets.db", print)):
        assert reader.load("a", [HOUR, 3 * HOUR, 9 * HOUR]) == {HOUR: b"one", 3 * HOUR: b"three"}
        assert reader.load("b", [HOUR, 2 * HOUR]) == {HOUR: b"other"}
        assert reader.load("c", [HOUR]) == {}
        assert reader.load("a", []) == {}
        reader.close()


def test_closing_what_was_never_opened(buckets: FileBuckets) -> None:
    """Is nothing; closing in between opens anew."""
    buckets.close()
    buckets.save("a", {HOUR: b"one"})
    buckets.close()
    assert buckets.load("a", [HOUR]) == {HOUR: b"one"}


def test_saving_again_replaces(buckets: FileBuckets) -> None:
    """A bucket that was read anew takes the place of the old one; saving nothing is nothing."""
    buckets.save("a", {HOUR: b"one"})
    buckets.save("a", {HOUR: b"two"})
    buckets.save("a", {})
    assert buckets.load("a", [HOUR]) == {HOUR: b"two"}


def test_hours_past_every_window_are_dropped(buckets: FileBuckets) -> None:
    """The file does not grow for ever; other scopes keep theirs."""
    buckets.save("a", {0: b"old", HOUR: b"kept"})
    buckets.save("b", {0: b"old"})
    buckets.save("a", {KEPT + HOUR: b"new"})
    assert buckets.load("a", [0, HOUR, KEPT + HOUR]) == {HOUR: b"kept", KEPT + HOUR: b"new"}
    assert buckets.load("b", [0]) == {0: b"old"}


def test_the_long_memory_is_replaced_as_a_whole(buckets: FileBuckets) -> None:
    """Empty at first, then what was remembered last."""
    assert buckets.recall("a") == {}
    buckets.remember("a", {"peaks": {"shop/cart": [1.5, None]}})
    buckets.remember("a", {"last": {"shop/cart": 7}})
    assert buckets.recall("a") == {"last": {"shop/cart": 7}}


@pytest.mark.parametrize(
    "content",
    [b"this was never a database, but it is long enough to be looked at" * 20, b"SQLite format 3\x00" + b"\xff" * 8192],
)
def test_a_damaged_file_is_set_aside_and_begun_anew(
    tmp_path: Path, buckets: FileBuckets, said: list[str], content: bytes
) -> None:
    """It says so once, keeps the old file, and works."""
    (tmp_path / "buckets.db").write_bytes(content)
    (tmp_path / "buckets.db.damaged-1").write_bytes(b"an earlier one")
    assert buckets.load("a", [HOUR]) == {}
    buckets.save("a", {HOUR: b"one"})
    assert buckets.load("a", [HOUR]) == {HOUR: b"one"}
    assert (tmp_path / "buckets.db.damaged-2").read_bytes() == content
    assert len(said) == 1
    assert "was damaged" in said[0]
    assert "buckets.db.damaged-2" in said[0]


def test_damage_inside_a_used_file_is_met_too(tmp_path: Path, buckets: FileBuckets, said: list[str]) -> None:
    """Pages overwritten while nobody looked: set aside, begun anew."""
    path = tmp_path / "buckets.db"
    buckets.save("a", {hour * HOUR: bytes(500) for hour in range(200)})
    buckets.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    assert buckets.load("a", [hour * HOUR for hour in range(200)]) == {}
    assert len(said) == 1


def test_a_missing_table_counts_as_damage(tmp_path: Path, buckets: FileBuckets, said: list[str]) -> None:
    """A file that claims our format without our tables is no use."""
    with closing(sqlite3.connect(tmp_path / "buckets.db")) as db:
        db.execute("PRAGMA user_version = 1")
        db.commit()
    assert buckets.recall("a") == {}
    assert len(said) == 1


def test_a_newer_format_is_refused_by_name(tmp_path: Path, buckets: FileBuckets) -> None:
    """It is neither read nor thrown away."""
    with closing(sqlite3.connect(tmp_path / "buckets.db")) as db:
        db.execute("PRAGMA user_version = 4")
        db.commit()
    with pytest.raises(StoreError, match=r"buckets format 4\); this one reads up to 1"):
        buckets.recall("a")
    assert (tmp_path / "buckets.db").exists()


def test_a_place_that_cannot_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    """The folder is a file."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match="choose another folder with --state"):
        FileBuckets(tmp_path / "state" / "buckets.db", print).recall("a")
    (tmp_path / "buckets.db").mkdir()
    with pytest.raises(StoreError, match="unable to open database file; free space or mend the permissions"):
        FileBuckets(tmp_path / "buckets.db", print).recall("a")


def test_several_may_write_and_read_at_once(tmp_path: Path, said: list[str]) -> None:
    """Threads with readers of their own, and one reader shared by all, lose nothing."""
    path = tmp_path / "buckets.db"
    shared, failures = FileBuckets(path, said.append), list[Exception]()

    def work(number: int) -> None:
        mine = FileBuckets(path, said.append)
        try:
            for hour in range(10):
                (mine if hour % 2 else shared).save(f"s{number}", {hour * HOUR: bytes([number])})
                mine.load(f"s{number}", [hour * HOUR])
        except (StoreError, sqlite3.Error) as failure:
            failures.append(failure)
        mine.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert said == []
    for number in range(4):
        assert len(shared.load(f"s{number}", [hour * HOUR for hour in range(10)])) == 10
