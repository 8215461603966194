"""Files -> dialects, or an error that names file, line and field."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from microglia.observe.dialects.schema import Dialect
from microglia.policy.markup import Document, YamlError, read
from microglia.policy.wording import field_name, sentence

TAKEN = frozenset({"istio", "kube-state-metrics", "cadvisor"})
"""Names of the sources that are always read."""


class DialectError(ValueError):
    """A dialect's file is wrong; the message names it, the line and the field."""


@cache
def built_in() -> tuple[Dialect, ...]:
    """The dialects that microglia brings along, by name."""
    folder = files("microglia.observe.dialects")
    named = sorted(one.name for one in folder.iterdir() if one.name.endswith(".yaml"))
    return tuple(parse((folder / name).read_bytes(), name) for name in named)


def load(paths: Iterable[Path]) -> tuple[Dialect, ...]:
    """The built-in dialects and those of ``paths``, files or folders of them.

    A file replaces what is built in under the same name. Raises DialectError.
    """
    found = {one.name: one for one in built_in()}
    origins: dict[str, Path] = {}
    for path in _each(paths):
        try:
            one = parse(path.read_bytes(), str(path))
        except OSError as error:
            raise DialectError(f"{path}: cannot be read: {error.strerror}; name a file") from None
        if one.name in origins:
            raise DialectError(f"{path}: name: {one.name} is already defined in {origins[one.name]}; rename one")
        found[one.name], origins[one.name] = one, path
    return tuple(found[name] for name in sorted(found))


def _each(paths: Iterable[Path]) -> list[Path]:
    return [one for path in paths for one in (sorted(path.glob("*.yaml")) if path.is_dir() else [path])]


def parse(text: bytes, source: str) -> Dialect:
    """One file. ``source`` is what errors call it. Raises DialectError with every error of it."""
    try:
        documents = read(text)
    except YamlError as error:
        raise DialectError(f"{source}:{error.line}:{error.column} {error}") from None
    if len(documents) != 1 or not isinstance(documents[0].value, dict):
        raise DialectError(f"{source}: holds {len(documents)} documents; write one dialect, which begins with name:")
    try:
        found = Dialect.model_validate(documents[0].value, by_alias=True, by_name=False)
    except ValidationError as invalid:
        raise DialectError("\n".join(_problems(invalid, documents[0], source))) from None
    if found.name in TAKEN:
        raise DialectError(f"{source}: name: {found.name} is always read by microglia itself; choose another name")
    return found


def _problems(invalid: ValidationError, document: Document, source: str) -> list[str]:
    told = []
    for error in invalid.errors(include_url=False):
        path = tuple(error["loc"])
        there = path
        while there and there not in document.keys:
            there = there[:-1]
        line, column = document.keys.get(there) or document.values.get(there) or (1, 1)
        told.append(f"{source}:{line}:{column} {field_name(path) or 'the dialect'}: {sentence(error, Dialect)}")
    return sorted(told)
