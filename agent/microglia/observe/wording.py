"""How replies become words for people, and the one number that every reply tells besides its content: the time."""

from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from microglia.observe.buckets import HOUR, Run


def said(error: object) -> str:
    """What ``error`` says, to be followed by more: without the full stop at its end."""
    return str(error).rstrip(". \n")


def when(run: Run) -> str:
    """``28 Jun 11:00 to 29 Jun 11:00 UTC``."""
    return f"{_moment(run.start)} to {_moment(run.end)} UTC"


def together(found: Iterable[tuple[Run, str]]) -> tuple[str, ...]:
    """Faults of runs, equal ones as one sentence that counts the runs; in the order in which they first came."""
    runs: dict[str, list[Run]] = {}
    for run, fault in found:
        runs.setdefault(fault, []).append(run)
    return tuple(f"{_where(those)}: {fault}" for fault, those in runs.items())


def _where(runs: list[Run]) -> str:
    if len(runs) == 1:
        return when(runs[0])
    first, hours = min(run.start for run in runs), sum(run.hours for run in runs)
    span = Run(first, (max(run.end for run in runs) - first) // HOUR)
    return f"{'' if span.hours == hours else f'{hours} h of '}{when(span)}, in {len(runs)} queries"


def ahead(date: str | None, age: str | None, now: float) -> float | None:
    """Seconds by which the clock that dated a reply is ahead of ``now`` (epoch seconds); None when it was not dated.

    ``date`` and ``age`` are the HTTP headers of these names (RFC 9110): a reply from a cache was dated ``age`` seconds
    ago.
    """
    try:
        moment = parsedate_to_datetime(date or "")
        waited = float(age or 0)
    except ValueError:
        return None
    return moment.timestamp() + waited - now


def _moment(epoch: int) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%d %b %H:%M}"
