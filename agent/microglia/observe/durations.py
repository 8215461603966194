"""Prometheus durations and retention texts."""

import re

_PARTS = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 365 * 86400.0}


def seconds_of(text: str | None) -> float | None:
    """``15d``, ``1h30m`` or ``15d or 10GB`` in seconds; None when it names no time."""
    for part in (text or "").split(" or "):
        found = _PARTS.findall(part)
        if found and "".join(number + unit for number, unit in found) == part.strip():
            return float(sum(int(number) * _SECONDS[unit] for number, unit in found))
    return None
