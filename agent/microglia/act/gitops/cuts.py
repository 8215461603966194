"""Cuts in YAML text: a document of several, items of a list. What is left is left byte for byte."""

import re
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import SequenceNode

from microglia.act.gitops.files import UnplacedError
from microglia.act.gitops.marks import Spot, last_end, line_end

_SEPARATOR: Final = re.compile(r"(?m)^---(?=[ \t\r\n]|$)[^\n]*(?:\n|$)")
_DIRECTIVE: Final = re.compile(r"(?m)^(?:%|\.\.\.)")
_COMMENT: Final = re.compile(r"[ \t]*#[^\n]*\n")
_BLANK: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]*")


def contents(spot: Spot) -> Any:
    """What a value says, as plain data. Raises UnplacedError where it says it in words of its own (tags)."""
    try:
        return YAML(typ="safe", pure=True).constructor.construct_document(spot.node)
    except MarkedYAMLError as error:
        raise UnplacedError(f"line {spot.line}: {error.problem or error}; take it out by hand") from None


def without_document(spot: Spot) -> str | None:
    """The text of ``spot`` (a whole document) without it and one line of dashes; None where directives or end marks
    make that more than a cut."""
    text = spot.text
    if _DIRECTIVE.search(text):
        return None
    begin = 1 if text.startswith("\ufeff") else 0
    start, end = begin, len(text)
    opened = False
    for mark in _SEPARATOR.finditer(text):
        if mark.start() <= spot.node.start_mark.index:
            start, opened = mark.start(), True
        else:
            # Without dashes of its own, it goes with those of the next.
            end = mark.start() if opened else mark.end()
            break
    return text[:start] + text[end:]


def without_items(listed: Spot, items: tuple[int, ...]) -> str | None:
    """The text of ``listed`` without its ``items`` (ascending, not all of them), and the comments right above each;
    None where the list is not written in lines of its own, or anything in them is repeated elsewhere."""
    node, text = listed.node, listed.text
    if not isinstance(node, SequenceNode) or node.flow_style or not items:
        return None
    if not set(items) < set(range(len(node.value))):
        return None
    if any(Spot(text, node.value[one], listed.shared).repeated for one in items):
        return None
    # From the last to the first: what lies before a cut stays where it is.
    for item in reversed(items):
        start = _begin(listed, node, item)
        if item + 1 < len(node.value):
            end = _begin(listed, node, item + 1)
        else:
            end = text.find("\n", line_end(text, last_end(node.value[item]))) + 1 or len(text)
        if start is None or end is None:
            return None
        text = text[:start] + text[end:]
    return text


def _begin(listed: Spot, node: SequenceNode, item: int) -> int | None:
    """Where the lines of an item begin, with the comments right above it (those above the first are the list's)."""
    text, column = listed.text, int(node.start_mark.column)
    start = _dash(text, column, int(node.value[item].start_mark.index))
    if start is None or not item:
        return start
    kept = line_end(text, last_end(node.value[item - 1]))
    if start <= kept:
        return None
    while (above := text.rfind("\n", 0, start - 1) + 1) > kept and _COMMENT.fullmatch(text[above:start]):
        start = above
    return start


def _dash(text: str, column: int, index: int) -> int | None:
    """The start of the line with the dash of an item whose value begins at ``index``; comments may lie between."""
    start = text.rfind("\n", 0, index) + 1
    while text[start + column : start + column + 1] != "-":
        if not start or not _BLANK.fullmatch(text[start:index]):
            return None
        start = text.rfind("\n", 0, start - 1) + 1
    return start
