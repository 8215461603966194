"""Plain tables and lists that fit a terminal of 100 columns."""

import re
from collections.abc import Iterator, Sequence

WIDTH = 100
WIDEST = 42
"""No column but the last is wider; what is longer is folded."""
LEAST = 36
"""The last column gets so much if it wants it, as long as the others can give; more, up to ``MOST``, where it has a
longer word."""
MOST = 56
_JOINT = re.compile(r"(?<=[/.:,=])(?=.)")
"""Where a word that is longer than its column may be broken."""
SHOWN = 8
"""Rows of a list before "and N more (--all)"."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), indent: int = 2) -> str:
    """Columns as wide as their widest cell, in ``WIDTH`` all together: the widest give way as far as their longest word
    lets them, and what is longer is folded.

    ``right`` columns are right-aligned.
    """
    widths = _widths(list(zip(header, *rows, strict=True)), indent)
    return "\n".join(line for row in (header, *rows) for line in _row(row, widths, right, indent))


def _widths(columns: Sequence[Sequence[str]], indent: int) -> list[int]:
    *others, last = [max(map(len, column)) for column in columns]
    room = WIDTH - indent - 2 * len(others)
    widths = [min(WIDEST, width) for width in others]
    words = [min(WIDEST, _longest(column)) for column in columns]
    _shrink(widths, words, room - min(last, max(LEAST, min(_longest(columns[-1]), MOST))))
    _shrink(widths, [_longest(column, broken=True) for column in columns], room - min(last, LEAST))
    return [*widths, max(min(last, LEAST), room - sum(widths))]


def _shrink(widths: list[int], limits: Sequence[int], room: int) -> None:
    """Take from the widest column that may give, as long as all together are wider than ``room``."""
    while sum(widths) > room:
        slack = [width - limit for width, limit in zip(widths, limits, strict=False)]
        if max(slack, default=0) <= 0:
            break
        widest = max(range(len(widths)), key=lambda column: (slack[column] > 0, widths[column], -column))
        widths[widest] -= 1


def _longest(column: Sequence[str], *, broken: bool = False) -> int:
    """The longest word, or part of one where words are ``broken``; a heading is one, and is not."""
    heading, *cells = column
    words = [word for cell in cells for word in cell.split(" ")]
    parts = [part for word in words for part in _JOINT.split(word)] if broken else words
    return max(len(heading), *map(len, parts), 0)


def _row(row: Sequence[str], widths: Sequence[int], right: Sequence[int], indent: int) -> list[str]:
    cells = [fold(cell, width) or [""] for cell, width in zip(row, widths, strict=True)]
    lines = []
    for number in range(max(map(len, cells))):
        parts = [cell[number] if number < len(cell) else "" for cell in cells]
        aligned = [
            part.rjust(width) if column in right else part.ljust(width)
            for column, (part, width) in enumerate(zip(parts, widths, strict=True))
        ]
        lines.append((" " * indent + "  ".join(aligned)).rstrip())
    return lines


def fold(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` columns, broken at spaces; a longer word after a slash, a dot, a comma or
    the like, and if it has none it stays whole."""
    lines: list[str] = []
    line = ""
    for word in _broken(text.split(), width):
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines


def _broken(words: Sequence[str], width: int) -> Iterator[str]:
    for word in words:
        part = ""
        for piece in _JOINT.split(word) if len(word) > width else [word]:
            if part and len(part) + len(piece) > width:
                yield part
                part = ""
            part += piece
        yield part


def paragraph(text: str, *, indent: int = 2) -> str:
    """Folded and indented."""
    return "\n".join(" " * indent + line for line in fold(text, WIDTH - indent))


def shorten(rows: Sequence[Sequence[str]], *, everything: bool) -> tuple[Sequence[Sequence[str]], str]:
    """The rows to show, and the line that says how many were left out (empty when none were)."""
    if everything or len(rows) <= SHOWN + 1:
        return rows, ""
    return rows[:SHOWN], f"  … and {len(rows) - SHOWN} more (--all)"


def count(number: float, noun: str) -> str:
    """``1 change``, ``9 changes``, ``2 primaries``, ``3 excesses``, ``14 days``."""
    if noun.endswith("y") and noun[-2] not in "aeiou":
        plural = f"{noun[:-1]}ies"
    else:
        plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number:,.0f} {noun if number == 1 else plural}"


def listed(names: Sequence[str], shown: int = 3) -> str:
    """``a, b``; ``a, b, c and 4 more``."""
    if len(names) <= shown + 1:
        return ", ".join(names)
    return f"{', '.join(names[:shown])} and {len(names) - shown} more"
