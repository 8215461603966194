"""Field types of the schema: what people write becomes a number with a unit, and prints back as the same number."""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from difflib import get_close_matches
from math import isfinite
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from microglia.model import units
from microglia.model.objects import at
from microglia.policy.times import check_cron, check_zone

_LATENCY = re.compile(r"([0-9]{1,7}(?:\.[0-9]+)?)(ms|s)")
_UNITS = {"ms": 0.001, "s": 1.0}
_GLOB = re.compile(r"[a-z0-9.*?\[\]!-]+")


CEL = "x-kubernetes-validations"
"""The key of a schema under which an API server finds its rules."""

MANY = 50
"""Entries of a list whose rules an API server checks one by one: it wants to know how long that can take."""


class Strict(BaseModel):
    """Frozen, camelCase outside, unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


def cel(rule: str, message: str, *more: tuple[str, str]) -> ConfigDict:
    """The configuration of a model whose validators an API server is to know too: rules in CEL, each with a message."""
    found: list[Any] = [{"rule": one, "message": said} for one, said in ((rule, message), *more)]
    return ConfigDict(json_schema_extra={CEL: found})


def _written(value: Any) -> Any:
    # bool is an int in Python: without this, "rounds: true" would be one round.
    plain = isinstance(value, int | float | str | timedelta) and not isinstance(value, bool)
    if not plain:
        raise ValueError(f"{shown(value)} is not a number; write one")
    return value


def shown(value: Any) -> str:
    """A value as a person may have written it, short enough for one line of an error."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def close(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; None when none is near."""
    folded = {name.lower(): name for name in sorted(known)}
    found = get_close_matches(word.lower().replace("_", ""), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def _share(value: Any) -> float:
    return units.share(_written(value))


def _fraction(value: float) -> float:
    if value > 1:
        raise ValueError(f"{units.show_share(value)} is more than all of it; write at most 100%")
    return value


def _some(value: float) -> float:
    if value <= 0:
        raise ValueError("0 switches it off, which this field does not allow; write more than 0%")
    return value


def _duration(value: Any) -> timedelta:
    span = value if isinstance(value, timedelta) else units.duration(_written(value))
    if span <= timedelta(0):
        raise ValueError("must be longer than nothing; write 14d, 2h or 90s")
    return span


def _latency(value: Any) -> timedelta:
    found = _LATENCY.fullmatch(str(value).strip())
    span = value if isinstance(value, timedelta) else found and timedelta(seconds=float(found[1]) * _UNITS[found[2]])
    if not span or not timedelta(0) < span <= timedelta(hours=1):
        raise ValueError(f"{shown(value)} is not a latency up to an hour; write 500ms or 2.5s")
    return span


def _quantity(value: Any) -> float:
    return _counted(units.quantity(_written(value)), value, "200, 500m or 40Gi")


def _per_hour(value: Any) -> float:
    return _counted(units.rate(_written(value)), value, "1/h or 0.5/s")


def _counted(amount: float, value: Any, example: str) -> float:
    if amount < 0 or not isfinite(amount):
        raise ValueError(f"{shown(value)} is not an amount of zero or more; write {example}")
    return amount


def _number(value: Any) -> float:
    if isinstance(_written(value), int | float) and isfinite(value):
        return float(value)
    raise ValueError(f"{shown(value)} is not a number; write one without quotes, such as 2")


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError(f"{shown(value)} is not a whole number; write one such as 2")
    return int(number)


def _day(value: Any) -> date:
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"{shown(value)} is not a date; write 2027-06-30") from None


def _glob(pattern: str) -> str:
    if not _GLOB.fullmatch(pattern):
        raise ValueError(f'"{pattern}" matches no name that Kubernetes allows; write payments or team-*')
    return pattern


def _expression(term: dict[str, Any]) -> dict[str, Any]:
    stray = sorted(set(term) - {"key", "operator", "values"})
    operator, values = term.get("operator"), at(term, "values", default=[])
    if stray:
        raise ValueError(f'unknown field "{stray[0]}"; write key, operator and values')
    if not isinstance(term.get("key"), str) or not term["key"]:
        raise ValueError("key is missing; write {key: tier, operator: In, values: [web]}")
    if operator not in {"In", "NotIn", "Exists", "DoesNotExist"}:
        raise ValueError(f"{shown(operator)} is not an operator; write In, NotIn, Exists or DoesNotExist")
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise ValueError("values must be a list of texts; write values: [web]")
    if bool(values) != (operator in {"In", "NotIn"}):
        raise ValueError(f"{operator} takes {'no values' if values else 'at least one value; write values: [web]'}")
    return term


def _share_text(value: float) -> str:
    return f"{value * 100:.12g}%"


def _duration_text(span: timedelta) -> str:
    seconds, text = int(span.total_seconds()), ""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text or "1s"


def _latency_text(span: timedelta) -> str:
    return f"{span / timedelta(milliseconds=1):.15g}ms"


def _amount_text(value: float) -> str:
    return f"{value:.15g}"


def _rate_text(value: float) -> str:
    return f"{value:.15g}/h"


def _like(pattern: str, example: str, most: int | None = None, *, some: bool = False) -> WithJsonSchema:
    # A text of this pattern, or a number from 0 to most; more than nothing where there must be some.
    number: dict[str, Any] = {"type": "number", "minimum": 0} | ({"maximum": most} if most else {})
    body: dict[str, Any] = {
        "anyOf": [{"type": "string", "pattern": f"^({pattern})$", "maxLength": 64}, number],
        "x-kubernetes-int-or-string": True,
        "examples": [example],
    }
    if some:
        body[CEL] = [{"rule": _MORE_THAN_NOTHING, "message": f"must be more than nothing; write {example}"}]
    return WithJsonSchema(body)


def _text(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": pattern, "maxLength": 253})


_MORE_THAN_NOTHING = "type(self) == int ? self > 0 : string(self).matches('[1-9]')"
_PART = r"0*(100(\.0*)?|[0-9]{1,2}(\.[0-9]*)?|\.[0-9]+)%|0*(1(\.0*)?|0?\.[0-9]*)|0+|[0-9.]+[eE]-[0-9]+%?"
_EXPRESSION: dict[str, Any] = {
    "type": "object",
    "required": ["key", "operator"],
    "additionalProperties": False,
    "properties": {
        "key": {"type": "string", "minLength": 1},
        "operator": {"type": "string", "enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
        "values": {"type": "array", "items": {"type": "string"}},
    },
    CEL: [
        {
            "rule": "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            "message": "In and NotIn take at least one value, Exists and DoesNotExist none",
        }
    ],
}
Share = Annotated[
    float,
    BeforeValidator(_share),
    PlainSerializer(_share_text, when_used="json"),
    _like(r"[0-9.]+([eE][+-]?[0-9]+)?%?", "20%"),
]
"""``20%``: any fraction of zero or more."""
Fraction = Annotated[
    float,
    BeforeValidator(_share),
    AfterValidator(_fraction),
    PlainSerializer(_share_text, when_used="json"),
    _like(_PART, "20%", 1),
]
"""``20%``: a fraction from 0 to 1."""
Some = Annotated[Fraction, AfterValidator(_some), _like(_PART, "20%", 1, some=True)]
"""``20%``: a fraction above 0, up to 1."""
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(_duration_text, when_used="json"),
    _like(r"(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?", "14d", some=True),
]
"""``14d``, ``2h``, ``90s``: longer than zero."""
Latency = Annotated[
    timedelta,
    BeforeValidator(_latency),
    PlainSerializer(_latency_text, when_used="json"),
    _text(rf"^\s*{_LATENCY.pattern}\s*$"),
]
"""``500ms``, ``2.5s``: longer than zero, at most an hour."""
Quantity = Annotated[
    float,
    BeforeValidator(_quantity),
    PlainSerializer(_amount_text, when_used="json"),
    _like(r"\+?[0-9.]+([eE][+-]?[0-9]+)?(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?", "500m"),
]
"""A Kubernetes quantity in base units, zero or more."""
PerHour = Annotated[
    float,
    BeforeValidator(_per_hour),
    PlainSerializer(_rate_text, when_used="json"),
    _like(r"[0-9.]+([eE][+-]?[0-9]+)?(/(s|m|min|h|d)|rps)?", "1/h"),
]
"""``1/h``: a rate per hour, zero or more."""
Number = Annotated[float, BeforeValidator(_number)]
"""A plain finite number."""
Whole = Annotated[int, BeforeValidator(_whole)]
"""A plain whole number."""
Day = Annotated[date, BeforeValidator(_day)]
"""``2027-06-30``."""
Glob = Annotated[str, AfterValidator(_glob), _text(rf"^{_GLOB.pattern}$")]
"""A pattern for the names of Kubernetes objects: ``payments``, ``team-*``."""
Text = Annotated[str, Field(min_length=1)]
"""Words that must not be left out."""
Cron = Annotated[str, AfterValidator(check_cron), _text(r"^\s*\S+(\s+\S+){4}\s*$")]
"""Five cron fields that do happen."""
Zone = Annotated[str, AfterValidator(check_zone), _text(r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")]
"""A time zone of the IANA database: ``Europe/Berlin``."""
Expression = Annotated[dict[str, Any], AfterValidator(_expression), WithJsonSchema(_EXPRESSION)]
"""One term of a label selector."""
