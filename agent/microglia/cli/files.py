"""Reads files that people write."""

from collections.abc import Sequence
from pathlib import Path

from microglia.cli.errors import Exit, MistakeError
from microglia.policy.load import Loaded, combine, parse


def read_policies(paths: Sequence[Path]) -> Loaded:
    """Every document of these files and of the YAML files in these folders, in order of path.

    Raises MistakeError with every error of every file.
    """
    loaded = combine(parse(_content(path), str(path)) for given in paths for path in _files(given))
    if loaded.errors:
        noun = "error" if len(loaded.errors) == 1 else "errors"
        closing = f"{len(loaded.errors)} {noun}. Nothing else was read, and nothing was changed."
        raise MistakeError("\n".join([*map(str, loaded.errors), closing]), Exit.USAGE)
    return loaded


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MistakeError(f"{path}: cannot be read: {error.strerror}", Exit.USAGE) from None


def _files(given: Path) -> list[Path]:
    if not given.is_dir():
        return [given]
    found = sorted(path for path in given.rglob("*") if path.suffix in {".yaml", ".yml"})
    if not found:
        raise MistakeError(f"{given}: no .yaml file in this folder", Exit.USAGE)
    return found
