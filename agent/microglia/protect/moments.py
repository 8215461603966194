"""Moments as other tools write them into annotations."""

from datetime import UTC, datetime


def over(written: str, now: datetime) -> bool:
    """Whether a moment such as ``2026-07-01T12:00:00Z``, ``2026-07-01 12:00`` or ``2026-07-01`` (UTC unless it says
    otherwise) has come. One that cannot be read has not: when in doubt, keep."""
    try:
        moment = datetime.fromisoformat(written.strip())
    except ValueError:
        return False
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= now
