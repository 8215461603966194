"""Quantities, shares, durations and rates: read as people write them, print as people read them."""

import re
from datetime import timedelta
from decimal import Decimal, InvalidOperation

_SUFFIX = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(1000),
    "M": Decimal(10) ** 6, "G": Decimal(10) ** 9, "T": Decimal(10) ** 12, "P": Decimal(10) ** 15,
    "E": Decimal(10) ** 18, "Ki": Decimal(2) ** 10, "Mi": Decimal(2) ** 20, "Gi": Decimal(2) ** 30,
    "Ti": Decimal(2) ** 40, "Pi": Decimal(2) ** 50, "Ei": Decimal(2) ** 60,
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)")
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_PARTS = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 365 * 86400.0}
_PER_SECOND = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def quantity(text: str | float) -> float:
    """A Kubernetes quantity in base units (cores, bytes, items). Raises ValueError when it is none."""
    found = _QUANTITY.fullmatch(str(text).strip())
    if not found or found[2] not in _SUFFIX:
        raise ValueError(f'"{text}" is not a quantity; write 200, 500m or 40Gi')
    try:
        return float(Decimal(found[1]) * _SUFFIX[found[2]])
    except InvalidOperation:
        raise ValueError(f'"{text}" is not a quantity; write 200, 500m or 40Gi') from None


def share(text: str | float) -> float:
    """``20%`` or ``0.2`` as a fraction. Raises ValueError when it is neither or negative."""
    try:
        value = float(text[:-1]) / 100 if isinstance(text, str) and text.endswith("%") else float(text)
    except ValueError:
        raise ValueError(f'"{text}" is not a share; write 20% or 0.2') from None
    if not 0 <= value < float("inf"):
        raise ValueError(f'"{text}" is not a share; write 20% or 0.2')
    return value


def duration(text: str | float) -> timedelta:
    """``14d``, ``2h``, ``1h30m`` or plain seconds. Raises ValueError when it is none of these."""
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return timedelta(seconds=text)
    found = _DURATION.fullmatch(str(text).strip())
    if not found or not any(found.groups()):
        raise ValueError(f'"{text}" is not a duration; write 14d, 2h or 90s')
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def seconds_of(text: str | None) -> float | None:
    """A duration as Prometheus writes it, ``15d``, ``1h30m`` or ``15d or 10GB``, in seconds; None when it names no
    time."""
    for part in (text or "").split(" or "):
        found = _PARTS.findall(part)
        if found and "".join(number + unit for number, unit in found) == part.strip():
            return float(sum(int(number) * _SECONDS[unit] for number, unit in found))
    return None


def rate(text: str | float, per: str = "h") -> float:
    """``1/h`` or ``0.5/s`` in units per ``per``; a plain number is already per ``per``. Raises ValueError otherwise."""
    if isinstance(text, int | float):
        return float(text)
    amount, _, unit = text.replace("rps", "/s").partition("/")
    try:
        return float(amount) / _PER_SECOND[unit.strip() or per] * _PER_SECOND[per]
    except (ValueError, KeyError):
        raise ValueError(f'"{text}" is not a rate; write 1/h, 0.5/s or 200rps') from None


def show_cpu(cores: float) -> str:
    """``0.5 cpu``."""
    return f"{_short(cores)} cpu"


def show_bytes(count: float) -> str:
    """``1.0 Gi``, ``24 Mi``, ``3 Ki``."""
    for suffix, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if abs(count) >= size:
            scaled = count / size
            return f"{scaled:.1f} {suffix}" if scaled < 10 else f"{scaled:,.0f} {suffix}"
    return f"{count:.0f} B"


def show_duration(span: timedelta) -> str:
    """``14d``, ``9d 4h``, ``2h``, ``90s``."""
    seconds = int(span.total_seconds())
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def show_share(value: float) -> str:
    """``20 %``, ``0.1 %``."""
    return f"{_short(value * 100)} %"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def some(number: int, noun: str) -> str:
    """``1 replica``, ``9 replicas``, ``2 primaries``, ``14 days``."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") and noun[-2] not in "aeiou" else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"
