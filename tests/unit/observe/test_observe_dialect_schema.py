"""The JSON schema that editors check dialects against says what the reader of the files says."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from microglia.observe.dialects import loading
from microglia.observe.dialects.loading import DialectError, parse
from microglia.policy.markup import read
from tests.dialects import FILE, rendered

BUILT_IN = sorted(Path(loading.__file__).parent.glob("*.yaml"))
SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def wrong(value, schema):
    """Whether ``schema`` refuses ``value``, by the keywords that ours is made of."""
    if isinstance(schema, bool):
        return not schema
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return all(wrong(value, one) for one in schema["anyOf"])
    if not isinstance(value, TYPES.get(schema.get("type"), object)) or value not in allowed(value, schema):
        return True
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is None or len(value) < schema.get("minLength", 0)
    if isinstance(value, list):
        return len(value) < schema.get("minItems", 0) or any(wrong(one, schema["items"]) for one in value)
    return isinstance(value, Mapping) and wrong_object(value, schema)


def allowed(value, schema):
    """What the value may be."""
    return [schema["const"]] if "const" in schema else schema.get("enum", [value])


def wrong_object(value, schema):
    """Missing, unknown and wrong fields."""
    if "if" in schema and wrong(value, schema["else" if wrong(value, schema["if"]) else "then"]):
        return True
    known, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
    ways = schema.get("oneOf", [{"required": []}])
    if sum(set(one["required"]) <= value.keys() for one in ways) != 1:
        return True
    if not set(schema.get("required", ())) <= value.keys() or len(value) < schema.get("minProperties", 0):
        return True
    if any(
        name in value and not set(needs) <= value.keys() for name, needs in schema.get("dependentRequired", {}).items()
    ):
        return True
    names = schema.get("propertyNames", {}).get("enum", value)
    return any(
        name not in names or (wrong(one, known[name]) if name in known else wrong(one, rest))
        for name, one in value.items()
    )


def test_it_is_what_the_code_says():
    """What ``python -m tests.dialects`` writes is what lies there."""
    assert FILE.read_text(encoding="utf-8") == rendered()


@pytest.mark.parametrize("path", BUILT_IN, ids=lambda path: path.stem)
def test_what_is_built_in_fits(path):
    """Each dialect that comes along passes."""
    (document,) = read(path.read_bytes())
    assert not wrong(document.value, SCHEMA)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"class: persistent", b"class: lasting"),
        (b"class: persistent\n", b""),
        (b"title: Caretta", b"titel: Caretta"),
        (b"metric: caretta_links_observed", b"metric: caretta-links"),
        (b"metric: caretta_links_observed", b"metric: 7"),
        (b"{label: client_namespace}", b"{label: client_namespace, value: shop}"),
        (b"{label: client_namespace}", b"{match: '(.+)', value: shop}"),
        (b"{label: client_namespace}", b"{}"),
        (b"source_workload_namespace:", b"source_namespace:"),
        (b"counters:", b"decides: replicas\ncounters:"),
        (b"counters:", b"served: {proxy: p, requests: {metric: m}, failures: {metric: m}}\ncounters:"),
        (b"counters:", b"decides: replicas\nserved: {proxy: p, requests: {metric: m}}\ncounters:"),
    ],
)
def test_an_editor_and_the_reader_refuse_alike(old, new):
    """What an editor marks is what the reader refuses."""
    text = next(path for path in BUILT_IN if path.stem == "caretta").read_bytes()
    broken = text.replace(old, new, 1)
    assert broken != text
    with pytest.raises(DialectError):
        parse(broken, "own.yaml")
    (document,) = read(broken)
    assert wrong(document.value, SCHEMA)
