"""Any result as plain data, and plain data as JSON or YAML."""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from io import StringIO
from typing import Any

import numpy as np
from pydantic import BaseModel
from ruamel.yaml import YAML

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.units import show_duration


def plain(value: Any) -> Any:
    """``value`` as dicts, lists, strings, numbers, booleans and None; NaN and infinities become None."""
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return [plain(item) for item in sorted(value)]
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    return _fields(value) if is_dataclass(value) else value


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: plain(getattr(value, field.name)) for field in fields(value) if field.name not in _HIDDEN}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


_HIDDEN = frozenset({"raw", "_key"})
_CONVERSIONS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (BaseModel, lambda value: value.model_dump(mode="json", by_alias=True)),
    ((WorkloadId, ObjectRef), str),
    (Enum, lambda value: value.value),
    ((datetime, date), lambda value: value.isoformat()),
    (timedelta, show_duration),
    ((np.ndarray, np.generic), lambda value: plain(value.tolist())),
    (float, _finite),
)


def to_json(value: Any) -> str:
    """Indented JSON."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False)


def to_yaml(value: Any) -> str:
    """Block YAML."""
    stream = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.dump(plain(value), stream)
    return stream.getvalue().rstrip("\n")
