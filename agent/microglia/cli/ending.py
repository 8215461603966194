"""How the process of a command ends."""

import os
import sys

_KEPT: list[object] = []


def keep(*things: object) -> None:
    """Leave ``things`` to the operating system: to free a million objects one by one takes as long as a tenth of the
    command itself."""
    _KEPT[:] = things


def end(code: int) -> None:
    """End the process at once, with everything written and nothing freed."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or 1
    os._exit(code)
