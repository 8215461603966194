"""The policy reference, out of the schema: ``python -m tests.reference`` writes ``docs/policy-reference.md`` anew."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from microglia.policy.export import json_schemas

FILE = Path(__file__).parents[1] / "docs" / "policy-reference.md"
DEFAULTS = Path(__file__).parents[1] / "policies" / "default.yaml"
_HEAD = """# Policy reference

Made from the schema by `python -m tests.reference`. Every default is the safe one: `policies/default.yaml` is this page
as a file. Shares are `20%`, durations `14d`, `2h` or `90s`, amounts Kubernetes' own (`"200"`, `500m`, `40Gi`), rates
`1/h`. Check a file with `microglia policy validate FILE`.
"""
_MANY = 12
_EITHER = "x-kubernetes-int-or-string"
Schema = Mapping[str, Any]


class Field(NamedTuple):
    """One line: the dotted path, what may be written, what holds when nothing is, and what it means."""

    path: str
    kind: str
    default: str
    meaning: str


def reference() -> str:
    """The whole page."""
    parts = [_HEAD]
    for name, schema in json_schemas().items():
        spec = schema["properties"]["spec"]
        parts += [f"## {name}\n", _table(_fields(_resolved(spec, schema), "spec", schema))]
    return "\n".join(parts)


def main() -> None:
    """Write it."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(reference(), encoding="utf-8")


def _table(fields: Iterator[Field]) -> str:
    rows = [f"| `{one.path}` | {one.kind} | {one.default} | {one.meaning} |" for one in fields]
    return "\n".join(["| field | what to write | default | meaning |", "|---|---|---|---|", *rows, ""])


def _fields(schema: Schema, path: str, root: Schema, whole: Any = None) -> Iterator[Field]:
    """The lines of one section; ``whole`` is what it says as long as nobody writes it."""
    for name, raw in schema["properties"].items():
        one, below = _resolved(raw, root), f"{path}.{name}"
        inner = _resolved(one["items"], root) if one.get("type") == "array" else one
        value = whole[name] if isinstance(whole, dict) and name in whole else raw.get("default")
        section = "properties" in one and bool(value)
        default = "below" if section else "required" if name in schema.get("required", ()) else _default(value)
        yield Field(below, _kind(one, root), default, _words(inner) or _NOTES.get(below, ""))
        if "properties" in inner:
            yield from _fields(inner, below if inner is one else f"{below}[]", root, value)


def _notes() -> dict[str, str]:
    """What the comments of ``policies/default.yaml`` say, by path: each is written once."""
    found: dict[str, str] = {}
    open_keys: list[tuple[int, str]] = []
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        read = re.match(r"( *)(\w+):(?:[^#]*?  +# (.*))?", line)
        if read is None:
            continue
        indent, key, words = len(read[1]), read[2], read[3]
        open_keys = [*((deep, one) for deep, one in open_keys if deep < indent), (indent, key)]
        if words and not words.startswith("or "):
            found[".".join(one for _, one in open_keys)] = f"{words[0].upper()}{words[1:]}.".replace("|", "\\|")
    return found


def _resolved(schema: Schema, root: Schema) -> Schema:
    if "$ref" in schema:
        return _resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "anyOf" in schema and _EITHER not in schema:
        (only,) = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return _resolved(only, root)
    return schema


def _kind(schema: Schema, root: Schema) -> str:
    if _EITHER in schema:
        return f"such as `{schema['examples'][0]}`" if schema.get("examples") else "text or number"
    if len(schema.get("enum", ())) > _MANY:
        return "a kind, such as `Deployment`"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list: {_kind(_resolved(schema['items'], root), root)}"
    words = {"integer": "whole number", "string": "text", "number": "number", "object": "section"}
    return words[schema["type"]]


def _default(value: Any) -> str:
    if value in (None, {}, "", []):
        return "none"
    return f"`{', '.join(map(str, value)) if isinstance(value, list) else value}`"


def _words(schema: Schema) -> str:
    text = " ".join(schema.get("description", "").replace("``", "`").split())
    return text.replace("|", "\\|")


_NOTES = _notes()

if __name__ == "__main__":
    main()
