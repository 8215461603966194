"""JSON Schema (2020-12) as pydantic writes it -> the structural schema that an API server takes."""

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

_KEPT = ("type", "format", "pattern", "enum", "minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")
_RULES = "x-kubernetes-validations"
_FREE = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"
_COUNT_OR_TEXT: Schema = {"anyOf": [{"type": "integer"}, {"type": "string"}], _EITHER: True}


def structural(schema: Mapping[str, Any]) -> Schema:
    """The structural schema of a whole JSON Schema.

    Defaults are left out, because the API server would write them into objects, where they would outlive ours. What may
    be null is ``nullable``; a union by ``kind`` becomes one object with the fields of all; numbers that may be texts
    too take whole numbers only, as the API server knows no others beside texts.
    """
    return _turned(schema, schema.get("$defs", {}))


def _turned(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Schema:
    if "$ref" in schema:
        return _turned(defs[schema["$ref"].rpartition("/")[2]], defs)
    if _EITHER in schema:
        return _either(schema)
    if "oneOf" in schema:
        return _union([_turned(one, defs) for one in schema["oneOf"]], schema["discriminator"]["propertyName"])
    if "anyOf" in schema:
        some = [one for one in schema["anyOf"] if one.get("type") != "null"]
        (only,) = some  # A union without a tag has no structural form.
        return {**_turned(only, defs), "nullable": True}
    found = _scalar(schema)
    if schema.get("type") == "array":
        found["items"] = _turned(schema["items"], defs)
    if schema.get("type") == "object":
        found.update(_object(schema, defs))
    return found


def _scalar(schema: Mapping[str, Any]) -> Schema:
    turned = {key: schema[key] for key in _KEPT if key in schema}
    for key, limit in (("exclusiveMinimum", "minimum"), ("gt", "minimum"), ("exclusiveMaximum", "maximum")):
        if key in schema:
            turned |= {limit: schema[key], f"exclusive{limit.capitalize()}": True}
    for key, limit in (("ge", "minimum"), ("le", "maximum")):
        if key in schema:
            turned[limit] = schema[key]
    if "const" in schema:
        turned["enum"] = [schema["const"]]
    if _RULES in schema:
        turned[_RULES] = list(schema[_RULES])
    if "description" in schema:
        turned["description"] = " ".join(schema["description"].replace("``", '"').split())
    return turned


def _object(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Schema:
    if "properties" in schema:
        found: Schema = {"properties": {name: _turned(one, defs) for name, one in schema["properties"].items()}}
        if schema.get("required"):
            found["required"] = list(schema["required"])
        return found
    values = schema["additionalProperties"]
    return {"additionalProperties": _turned(values, defs)} if isinstance(values, dict) else {_FREE: True}


def _either(schema: Mapping[str, Any]) -> Schema:
    text, number = schema["anyOf"]
    return {
        **_COUNT_OR_TEXT,
        **{key: value for key, value in {**text, **number}.items() if key != "type"},
        **({_RULES: list(schema[_RULES])} if _RULES in schema else {}),
    }


def _union(variants: Sequence[Schema], tag: str) -> Schema:
    """One object with the fields of all ``variants``. A field that they know differently is a count in one and text in
    the other."""
    properties: Schema = {}
    for variant in variants:
        for name, one in variant["properties"].items():
            known = properties.get(name, one)
            properties[name] = known if known == one else _both(known, one)
    shared = [name for name in variants[0]["required"] if all(name in one["required"] for one in variants)]
    rules = []
    for variant in variants:
        kind, own = variant["properties"][tag]["enum"][0], sorted(set(variant["required"]) - set(shared))
        if own:
            needs = " && ".join(f"has(self.{name})" for name in own)
            message = f"{kind} also needs {' and '.join(own)}"
            rules.append({"rule": f"self.{tag} != '{kind}' || ({needs})", "message": message})
    return {"type": "object", "properties": properties, "required": [tag, *shared], _RULES: rules}


def _both(one: Schema, other: Schema) -> Schema:
    if "enum" in one and "enum" in other:
        return {**one, "enum": [*one["enum"], *other["enum"]]}
    return {**_COUNT_OR_TEXT, "nullable": True}
