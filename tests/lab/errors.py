"""What can go wrong with the lab itself, apart from what a test finds in it."""

from __future__ import annotations

from pathlib import Path

WAY_OUT = "To run the tests without the lab: make test LAB=0"


class LabError(Exception):
    """A part of a running lab failed; the message names the part, what happened and where its log is."""


class LabUnavailable(LabError):
    """The lab cannot be had on this machine; the message says what failed and how to go on without it."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}\n{WAY_OUT}")


def last_lines(log: Path, count: int = 20) -> str:
    """Return the end of a log, indented, or a remark that it is missing or empty."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
    except OSError as error:
        return f"  (its log could not be read: {error})"
    return "\n".join(f"  {line}" for line in lines) or "  (its log is empty)"
