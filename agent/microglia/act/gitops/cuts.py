"""Cuts in YAML text: a document of several, the tail of a list. What is left is left byte for byte."""

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


def without_tail(listed: Spot, items: tuple[int, ...]) -> str | None:
    """The text of ``listed`` without its last ``items``, and the comments right above the first of them; None where
    the list is not written in lines of its own, or anything in them is repeated elsewhere."""
    node, text = listed.node, listed.text
    if not isinstance(node, SequenceNode) or node.flow_style or not items:
        return None
    first = items[0]
    if items != tuple(range(first, len(node.value))) or not first:
        return None
    gone = [Spot(text, one, listed.shared) for one in node.value[first:]]
    if any(one.repeated for one in gone):
        return None
    start = _dash(text, int(node.start_mark.column), int(gone[0].node.start_mark.index))
    kept = line_end(text, last_end(node.value[first - 1]))
    if start is None or start <= kept:
        return None
    while (above := text.rfind("\n", 0, start - 1) + 1) > kept and _COMMENT.fullmatch(text[above:start]):
        start = above
    end = text.find("\n", line_end(text, last_end(node.value[-1])))
    return text[:start] + (text[end + 1 :] if end >= 0 else "")


def _dash(text: str, column: int, index: int) -> int | None:
    """The start of the line with the dash of an item whose value begins at ``index``; comments may lie between."""
    start = text.rfind("\n", 0, index) + 1
    while text[start + column : start + column + 1] != "-":
        if not start or not _BLANK.fullmatch(text[start:index]):
            return None
        start = text.rfind("\n", 0, start - 1) + 1
    return start
