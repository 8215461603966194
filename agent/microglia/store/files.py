"""Files that are whole or not there: written aside, synced, renamed, and sealed with a checksum."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from microglia.plan.change import digest


class StoreError(OSError):
    """A file in the state folder cannot be used; the message names the file and the remedy."""


def write(path: Path, text: str) -> None:
    """Replace ``path`` durably: after a crash it holds either the old text or the new. Raises StoreError."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        _sync_folder(path.parent)
    except OSError as failure:
        with suppress(OSError):
            aside.unlink()
        raise StoreError(
            f"{path}: cannot be written: {failure.strerror or failure}; free space or mend the permissions of "
            f"{path.parent}, or choose another folder with --state"
        ) from failure


def seal(what: str, value: Mapping[str, Any]) -> str:
    """``value`` under the name ``what``, with its checksum: what ``unseal`` reads."""
    return json.dumps({"checksum": digest(value), what: value}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def unseal(path: Path, what: str, newest: int) -> dict[str, Any]:
    """The value that was sealed in ``path`` as ``what``, of format ``newest`` or older.

    Raises StoreError when it is missing, unreadable, truncated, of a newer format, or not as it was written.
    """
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{path}: there is no such file") from None
    except OSError as failure:
        raise StoreError(f"{path}: cannot be read: {failure.strerror or failure}; mend its permissions") from failure
    except ValueError as failure:
        raise StoreError(f"{path}: is truncated or no {what} file ({failure}); {_remedy(what)}") from None
    value = whole.get(what) if isinstance(whole, dict) else None
    if not isinstance(value, dict):
        raise StoreError(f"{path}: is no {what} file; {_remedy(what)}")
    found = value.get("format")
    if isinstance(found, int) and found > newest:
        raise StoreError(
            f"{path}: was written by a newer microglia ({what} format {found}); this one reads up to {newest}: "
            "use that newer one"
        )
    if whole.get("checksum") != digest(value):
        raise StoreError(f"{path}: was changed after it was written (its checksum differs); {_remedy(what)}")
    return value


def _remedy(what: str) -> str:
    if what == "plan":
        return "make a new plan"
    return "bring it back from a backup, or compare the cluster by hand with what it says and then move it away"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
