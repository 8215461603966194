"""Closed hours on disk: SQLite in WAL mode, so that several readers and one writer may meet."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from microglia.store.files import StoreError

FORMAT = 1
"""``PRAGMA user_version`` of the database."""
KEPT = 400 * 24 * 3600
"""Seconds: an hour this much older than the newest of its scope is dropped; no window is longer."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS bucket (
    scope TEXT NOT NULL, hour INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (scope, hour)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (scope TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
"""
_FORGET = """
DELETE FROM bucket WHERE scope = ? AND hour < (SELECT max(hour) FROM bucket WHERE scope = ?) - ?
"""


class FileBuckets:
    """``model.ports.Buckets`` in one file. A database that is damaged is moved aside, said so, and begun anew.

    Safe to use from several threads and processes. Raises StoreError when the file cannot be used at all.
    """

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        self._path = path
        self._say = say
        self._guard = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    def load(self, scope: str, hours: Sequence[int]) -> Mapping[int, bytes]:
        """The stored payloads of ``hours`` (epoch seconds) under ``scope``; missing ones are left out."""
        if not hours:
            return {}
        wanted = set(hours)
        query = "SELECT hour, payload FROM bucket WHERE scope = ? AND hour BETWEEN ? AND ? ORDER BY hour"
        rows = self._run(lambda db: db.execute(query, (scope, min(hours), max(hours))).fetchall())
        return {hour: payload for hour, payload in rows if hour in wanted}

    def save(self, scope: str, payloads: Mapping[int, bytes]) -> None:
        """Replace the payloads of these hours, all or none."""
        if not payloads:
            return
        rows = [(scope, hour, payload) for hour, payload in sorted(payloads.items())]

        def put(db: sqlite3.Connection) -> None:
            with db:
                db.executemany("INSERT OR REPLACE INTO bucket VALUES (?, ?, ?)", rows)
                db.execute(_FORGET, (scope, scope, KEPT))

        self._run(put)

    def recall(self, scope: str) -> Mapping[str, Any]:
        """The long memory under ``scope``; empty at first."""
        row = self._run(lambda db: db.execute("SELECT body FROM memory WHERE scope = ?", (scope,)).fetchone())
        found: Mapping[str, Any] = json.loads(row[0]) if row else {}
        return found

    def remember(self, scope: str, memory: Mapping[str, Any]) -> None:
        """Replace the long memory."""
        body = json.dumps(memory, sort_keys=True)

        def put(db: sqlite3.Connection) -> None:
            with db:
                db.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (scope, body))

        self._run(put)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        with self._guard, _named(self._path):
            try:
                return work(self._open())
            except sqlite3.DatabaseError as failure:
                if not _damage(failure):
                    raise
                self._set_aside(failure)
                return work(self._open())

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # One connection, guarded by a lock: sqlite3 need not check the thread.
            self._connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
            self._prepare(self._connection)
        return self._connection

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        found = db.execute("PRAGMA user_version").fetchone()[0]
        if found > FORMAT:
            self.close()
            raise StoreError(f"{self._path}: was written by a newer microglia (buckets format {found}); this one reads "
                             f"up to {FORMAT}: use that newer one, or another folder with --state")  # fmt: skip
        if found < FORMAT:
            db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")

    def _set_aside(self, damage: sqlite3.DatabaseError) -> None:
        self.close()
        aside = next(path for path in _asides(self._path) if not path.exists())
        self._path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._say(f"{self._path} was damaged ({damage}) and is now {aside.name}: closed hours are read anew from the "
                  "metrics; peaks and last uses older than their retention are forgotten")  # fmt: skip


def _damage(failure: sqlite3.DatabaseError) -> bool:
    # Other subclasses mean a full disk, a lock or a mistake of ours: nothing to throw a database away for.
    broken = ("malformed", "no such table", "no such column")
    return type(failure) is sqlite3.DatabaseError or any(word in str(failure) for word in broken)


def _asides(path: Path) -> Iterator[Path]:
    number = 1
    while True:
        yield path.with_name(f"{path.name}.damaged-{number}")
        number += 1


@contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as failure:
        if isinstance(failure, StoreError):
            raise
        raise StoreError(f"{path}: {failure}; free space or mend the permissions of {path.parent}, or choose another "
                         "folder with --state") from failure  # fmt: skip
