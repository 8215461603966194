"""YAML and JSON text with the place of every value in it: an edit replaces some characters and leaves every other."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Steps: TypeAlias = tuple[str | int, ...]

_NUMBER: Final = re.compile(r"""(['"]?)(\d+)\1""")


class UnparsedError(Exception):
    """The text is not YAML; the message says where and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """One value: the text that it is in, and its node. Compared by identity."""

    text: str
    node: Node
    shared: frozenset[int] = field(default=frozenset(), repr=False)

    @property
    def line(self) -> int:
        """The line it starts in, from 1."""
        return int(self.node.start_mark.line) + 1

    @property
    def source(self) -> str:
        """The characters it is written in."""
        return self.text[self.node.start_mark.index : self.node.end_mark.index]

    def at(self, *steps: str | int) -> "Spot | None":
        """The value below, None where any step is missing."""
        node: Node | None = self.node
        for step in steps:
            node = _child(node, step)
        return None if node is None else Spot(self.text, node, self.shared)

    def items(self) -> Iterator["Spot"]:
        """The values of a list; nothing for anything else."""
        if isinstance(self.node, SequenceNode):
            for node in self.node.value:
                yield Spot(self.text, node, self.shared)

    def word(self, *steps: str | int) -> str:
        """The text of a scalar below; empty where there is none."""
        found = self.at(*steps) if steps else self
        if found is None or not isinstance(found.node, ScalarNode) or str(found.node.tag).endswith(":null"):
            return ""
        return str(found.node.value)

    def words(self, *steps: str | int) -> tuple[str, ...]:
        """The texts of a list of scalars below."""
        found = self.at(*steps)
        return tuple(one.word() for one in found.items()) if found else ()

    def number(self) -> int | None:
        """The whole number it says, quoted or not; None for anything else."""
        text = self.word()
        return int(text) if text.isascii() and text.isdecimal() else None

    @property
    def repeated(self) -> bool:
        """Whether an alias repeats it or anything in it."""
        rest = [self.node]
        while rest:
            node = rest.pop()
            if id(node) in self.shared:
                return True
            rest += _below(node)
        return False

    def renumbered(self, number: int) -> str | None:
        """The whole text with ``number`` here, in the same quotes; None where it is not written as a bare or quoted
        number of its own (an alias, an anchor that others use, a tag)."""
        if id(self.node) in self.shared or not _NUMBER.fullmatch(self.source):
            return None
        start, end = self.node.start_mark.index, self.node.end_mark.index
        return self.text[:start] + _NUMBER.sub(rf"\g<1>{number}\g<1>", self.source) + self.text[end:]


def documents(text: str) -> tuple[Spot, ...]:
    """Every document that is not empty. Raises UnparsedError."""
    try:
        roots = [root for root in YAML(typ="safe", pure=True).compose_all(text) if root is not None]
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        raise UnparsedError(f"{where}{error.problem or error.context}") from None
    except (YAMLError, RecursionError, ValueError) as error:
        raise UnparsedError(str(error).partition("\n")[0]) from None
    return tuple(Spot(text, root, _shared(root)) for root in roots)


def ending(text: str) -> str:
    """How lines end in ``text``."""
    return "\r\n" if "\r\n" in text else "\n"


def closed(text: str) -> str:
    """``text`` with its last line ended."""
    return text if not text or text.endswith("\n") else text + ending(text)


def inserted(spot: Spot, key: str, item: str) -> str | None:
    """The text of ``spot`` (a whole document, a mapping) with the one-line ``item`` at the end of the list ``key``,
    which is made where there is none; None where the list is written in a way that has no plain end."""
    listed, text = spot.at(key), spot.text
    if not isinstance(spot.node, MappingNode) or spot.node.flow_style:
        return None
    if listed is None:
        if re.search(r"(?m)^(\.\.\.|---)", text[spot.node.start_mark.index :]):
            return None
        return f"{closed(text)}{key}:{ending(text)}  - {item}{ending(text)}"
    if isinstance(listed.node, SequenceNode) and not listed.node.flow_style and listed.node.value:
        end = line_end(text, last_end(listed.node))
        dash = " " * int(listed.node.start_mark.column)
        return f"{text[:end]}{ending(text)}{dash}- {item}{text[end:]}"
    if isinstance(listed.node, SequenceNode) and not listed.node.value:
        start, end = listed.node.start_mark.index, listed.node.end_mark.index
        return f"{text[:start].rstrip(' ')}{ending(text)}  - {item}{text[end:]}"
    return None


def removed(spot: Spot, key: str, item: str) -> str | None:
    """The text of ``spot`` without the one-line entry ``item`` of the list ``key``; None where it has no line of its
    own, or is the only one."""
    listed, text = spot.at(key), spot.text
    entries = list(listed.items()) if listed else []
    found = [one for one in entries if one.word() in {item, f"./{item}"}]
    if len(found) != 1 or len(entries) < 2:
        return None
    node = found[0].node
    start = text.rfind("\n", 0, node.start_mark.index) + 1
    end = text.find("\n", node.end_mark.index)
    end = len(text) if end < 0 else end + 1
    alone = re.fullmatch(rf"\s*-\s+['\"]?{re.escape(found[0].word())}['\"]?\s*(?:#.*)?\s*", text[start:end])
    return text[:start] + text[end:] if alone else None


def _child(node: Node | None, step: str | int) -> Node | None:
    if isinstance(node, MappingNode) and isinstance(step, str):
        found: list[Node] = [value for key, value in node.value if str(key.value) == step]
        return found[-1] if found else None
    if isinstance(node, SequenceNode) and isinstance(step, int):
        return node.value[step] if 0 <= step < len(node.value) else None
    return None


def _shared(root: Node) -> frozenset[int]:
    """What an alias repeats, with all below it: to edit it in one place would edit it in others."""
    seen: set[int] = set()
    twice: set[int] = set()
    rest = [root]
    while rest:
        node = rest.pop()
        if id(node) in seen:
            twice.add(id(node))
        else:
            seen.add(id(node))
            rest += _below(node)
    return frozenset(_all_below(root, twice)) if twice else frozenset()


def _all_below(root: Node, tops: set[int]) -> set[int]:
    found: set[int] = set()
    rest: list[tuple[Node, bool]] = [(root, False)]
    passed: set[tuple[int, bool]] = set()
    while rest:
        node, inside = rest.pop()
        inside = inside or id(node) in tops
        if (id(node), inside) in passed:
            continue
        passed.add((id(node), inside))
        if inside:
            found.add(id(node))
        rest += [(one, inside) for one in _below(node)]
    return found


def _below(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def last_end(node: Node) -> int:
    """Where the last character of a block ends: its own mark lies behind the comments that follow."""
    below = _below(node)
    if below and not getattr(node, "flow_style", False):
        return last_end(below[-1])
    return int(node.end_mark.index)


def line_end(text: str, index: int) -> int:
    """The end of the last line with content at or before ``index``."""
    index = len(text[:index].rstrip())
    found = re.compile(r"[^\r\n]*").match(text, index)
    return found.end() if found else index
