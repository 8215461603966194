"""When cron says so: starts in their own time zone, spans in elapsed time, everything returned in UTC."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_REFERENCE: Final = datetime(2024, 1, 1, tzinfo=UTC)


def check_cron(cron: str) -> str:
    """``cron`` itself. Raises ValueError when it is not five fields, or never happens."""
    if len(cron.split()) != 5:
        raise ValueError(f'"{cron}" is not five cron fields; write minute hour day month weekday, such as "0 18 * * 5"')
    try:
        next(CronSim(cron, _REFERENCE))
    except CronSimError as error:
        raise ValueError(f'"{cron}" is not cron ({str(error).lower()}); write it like "0 18 * * 5"') from None
    except StopIteration:
        raise ValueError(f'"{cron}" never happens; write a day that exists') from None
    return cron


def check_zone(name: str) -> str:
    """``name`` itself. Raises ValueError when the IANA database has no such time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f'"{name}" is not a time zone; write UTC or Europe/Berlin') from None
    return name


def starts(cron: str, zone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    """Every start in ``(after, until]``, in UTC, earliest first.

    A start that the clock skips in spring happens right after the gap; one that the clock repeats in autumn counts
    once, the first time.
    """
    for start in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        moment = start.astimezone(UTC)
        if moment > until:
            return
        # In the repeated hour of autumn the first hit may lie before the moment that was asked for.
        if moment > after:
            yield moment


def midnights(days: Iterable[date], zone: str) -> Iterator[datetime]:
    """When each of ``days`` begins in ``zone``, in UTC, earliest first; each day counts once."""
    for day in sorted(set(days)):
        yield datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def running(cron: str, zone: str, lasts: timedelta, now: datetime) -> tuple[datetime, datetime] | None:
    """The span ``[start, start + lasts)`` that holds ``now``, in UTC; the one that ends last where several do; None
    where none does. ``lasts`` is elapsed time."""
    look = min(lasts, timedelta(days=1))
    latest = max(starts(cron, zone, now - look, now), default=None)
    while latest is None and look < lasts:
        look = min(lasts, look * 2)
        latest = max(starts(cron, zone, now - look, now), default=None)
    return None if latest is None else (latest, latest + lasts)
