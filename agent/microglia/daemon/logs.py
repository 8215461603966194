"""Log lines as JSON, one object each; every line says which lap of which policy it belongs to."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

_LAP: ContextVar[tuple[str, str]] = ContextVar("lap", default=("", ""))
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@contextmanager
def lap_of(structure: str, number: int, started: datetime) -> Iterator[str]:
    """Lines of the block carry this lap's id, which is returned: policy, time and number."""
    name = f"{structure}-{started:%Y%m%dT%H%M%S}-{number}"
    token = _LAP.set((name, structure))
    try:
        yield name
    finally:
        _LAP.reset(token)


class JsonLines(logging.Formatter):
    """``time``, ``level``, ``logger``, ``message``, then ``lap`` and ``policy`` inside a lap, whatever ``extra`` gave,
    and ``error`` with the traceback of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        lap, policy = _LAP.get()
        if lap:
            line |= {"lap": lap, "policy": policy}
        line |= {key: value for key, value in vars(record).items() if key not in _OWN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def log_to(stream: TextIO | None = None, *, verbose: bool = False) -> None:
    """Send the log of microglia to ``stream`` (stderr), one JSON object a line; with ``verbose`` every request too."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("microglia").setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger("urllib3.connectionpool").setLevel(logging.DEBUG if verbose else logging.ERROR)
