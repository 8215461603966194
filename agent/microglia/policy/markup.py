"""YAML text -> plain values that remember where they were written. Nothing clever is allowed in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, NodeEvent, ScalarEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]
"""Line and column, from 1."""

_DEEPEST: Final = 40
_TAG: Final = "tag:yaml.org,2002:"
_CLEVER: Final = "write the value out where it is needed"


class YamlError(Exception):
    """The text cannot be read as YAML at all. ``line`` and ``column`` count from 1; 0 is the whole file."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line, self.column = line, column


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its plain ``value`` and where each part of it was written: ``keys`` its name, ``values`` itself."""

    value: Any
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)


def read(text: bytes | str) -> tuple[Document, ...]:
    """Every document that is not empty.

    Raises YamlError at the first thing that breaks YAML itself, a duplicate key, an anchor, an alias, a tag, a key that
    is no text, or more nesting than any policy has.
    """
    source = _decode(text)
    try:
        _refuse_cleverness(source)
        nodes = list(YAML(typ="safe", pure=True).compose_all(source))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"not YAML: {error.problem or error.context}", mark.line + 1, mark.column + 1) from None
    except YAMLError as error:
        raise YamlError(f"not YAML: {str(error).splitlines()[0]}") from None
    found = (_document(node) for node in nodes)
    return tuple(document for document in found if document.value is not None)


def _decode(text: bytes | str) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = text[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        raise YamlError("not UTF-8; save the file as UTF-8", line, column) from None


def _refuse_cleverness(source: str) -> None:
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(source):
        if isinstance(event, NodeEvent):
            what = _clever(event)
            if what:
                raise YamlError(f"{what} not allowed; {_CLEVER}", *_position(event.start_mark))
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _DEEPEST:
            raise YamlError("nested deeper than any policy is", *_position(event.start_mark))


def _clever(event: NodeEvent) -> str | None:
    if isinstance(event, AliasEvent):
        return f"aliases (*{event.anchor}) are"
    if event.anchor is not None:
        return f"anchors (&{event.anchor}) are"
    if isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
        return f"tags ({event.tag}) are"
    return None


def _document(root: Node) -> Document:
    document = Document(_plain(root))
    for path, key, node in _walk((), root):
        document.keys[path] = key
        document.values[path] = _position(node.start_mark)
    return document


def _walk(path: Path, node: Node) -> Iterator[tuple[Path, Position, Node]]:
    if not path:
        yield path, _position(node.start_mark), node
    if isinstance(node, MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            yield below, _position(key.start_mark), value
            yield from _walk(below, value)
    elif isinstance(node, SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, index), _position(value.start_mark), value
            yield from _walk((*path, index), value)


def _plain(node: Node) -> Any:
    if isinstance(node, MappingNode):
        return _mapping(node)
    if isinstance(node, SequenceNode):
        return [_plain(item) for item in node.value]
    return _scalar(node)


def _mapping(node: MappingNode) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            raise YamlError("a key must be plain text", *_position(key.start_mark))
        name = str(key.value)
        if name in plain:
            raise YamlError(f'"{name}" is written twice in the same place; keep one', *_position(key.start_mark))
        plain[name] = _plain(value)
    return plain


def _scalar(node: Node) -> Any:
    kind = str(node.tag).removeprefix(_TAG)
    # Dates and everything exotic stay the text they were: the schema reads them.
    if kind not in {"null", "bool", "int", "float"}:
        return str(node.value)
    try:
        return YAML(typ="safe", pure=True).constructor.construct_object(node)
    except ValueError:
        raise YamlError("not a number that can be read", *_position(node.start_mark)) from None


def _position(mark: Any) -> Position:
    return int(mark.line) + 1, int(mark.column) + 1
