"""How a command ends: exit codes, and one message for every mistake a person can make."""

from collections.abc import Callable
from enum import IntEnum
from typing import Any

import typer


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    REFUSED = 3
    PENDING = 4


class MistakeError(Exception):
    """Something a person can put right; the message names it and says how."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code


def report_mistakes(app: Callable[[], Any]) -> int:
    """Run ``app`` and turn a MistakeError into its message on stderr and its exit code.

    Raises SystemExit as ``app`` does when it has ended by itself.
    """
    try:
        app()
    except MistakeError as error:
        typer.echo(str(error), err=True)
        return error.code
    return Exit.DONE
