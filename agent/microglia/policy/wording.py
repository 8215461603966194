"""What the schema refused, in words that say what to write instead."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from microglia.policy.fields import close, shown
from microglia.policy.markup import Path

_QUOTED = re.compile(r"'([^']*)'")


def field_name(path: Path) -> str:
    """``spec.protect.always[0].reason``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def sentence(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What is wrong with one field and what to write there, without a word of the library's own."""
    path, given = tuple(error["loc"]), error["input"]
    context: Mapping[str, Any] = error.get("ctx", {})
    match error["type"]:
        case "extra_forbidden":
            return f"unknown field; {_meant(str(path[-1]), known_fields(model, path[:-1]))}"
        case "missing":
            return "is missing; write it"
        case "value_error":
            return str(context["error"])
        case "literal_error":
            choices = _QUOTED.findall(str(context["expected"]))
            return f"{shown(given)} is not one of the choices; {_meant(str(given), choices)}"
    if given is None:
        return "has no value; write one, or remove the line"
    return _shape(error["type"], given, context, known_fields(model, path))


def _shape(kind: str, given: Any, context: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    inside = f"{fields[0]}: ..." if fields else "key: value"
    known = {
        "greater_than_equal": f"{shown(given)} is too small; write at least {context.get('ge', 0):g}",
        "greater_than": f"{shown(given)} is too small; write more than {context.get('gt', 0):g}",
        "string_type": f'{shown(given)} is not text; put it in quotes, such as "{_bare(given)}"',
        "string_too_short": "is empty; write some words",
        "tuple_type": f"{shown(given)} is not a list; write [{_bare(given)}]",
        "too_short": "is an empty list; write at least one entry",
        "too_long": f"has {context.get('actual_length')} entries; write at most {context.get('max_length')}",
        "model_type": f"{shown(given)} is not a section; write {{{inside}}}",
        "dict_type": f"{shown(given)} is not a section; write {{key: value}}",
    }
    return known.get(kind, f"{shown(given)} is not accepted here; microglia policy schema shows what is")


def _bare(given: Any) -> str:
    return shown(given).strip('"') if not isinstance(given, dict | list) else "..."


def _meant(word: str, known: tuple[str, ...] | list[str]) -> str:
    near = close(word, known)
    if near:
        return f'did you mean "{near}"?'
    return (
        f"write {', '.join(known[:-1])} or {known[-1]}" if len(known) > 1 else f"only {', '.join(known)} may stand here"
    )


def known_fields(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """The keys that may stand at ``path`` of a ``model``, as written; empty where the path leads to no section."""
    here: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, int) or here is None:
            continue
        found = next((info for info in here.model_fields.values() if info.alias == step), None)
        here = next(_models(found.annotation), None) if found else None
    return tuple(str(info.alias) for info in here.model_fields.values()) if here else ()


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
