"""The definitions are those of the schema, and the schema refuses what they refuse."""

import inspect
import json
from typing import Any

import pytest
from pydantic import BaseModel

from microglia.plan import approval, change, condition, document, history, status
from microglia.plan import object as plan_object
from microglia.policy import naming, protection, schema
from microglia.policy.fields import CEL
from microglia.policy.load import parse
from microglia.report.crds import custom_resources
from microglia.report.structural import structural
from tests import crds, refused

ROOMS = (approval, change, condition, document, history, plan_object, status, naming, protection, schema)


def test_the_files_in_the_chart_are_those_of_the_schema() -> None:
    """Who changes the schema runs python -m tests.crds."""
    assert {path.name: path.read_text() for path in crds.FOLDER.iterdir()} == crds.rendered()


@pytest.mark.parametrize("spec", refused.SPECS, ids=json.dumps)
def test_the_schema_refuses(spec: Any) -> None:
    """Each document that the API server refuses, with an error that names a field."""
    loaded = parse(json.dumps(refused.policy(spec)), "table")
    assert loaded.policies == ()
    assert all(problem.field.startswith("spec") for problem in loaded.errors)


@pytest.mark.parametrize("spec", refused.PROTECTIONS, ids=json.dumps)
def test_the_schema_refuses_protections(spec: Any) -> None:
    """Each protection that the API server refuses."""
    assert parse(json.dumps(refused.protection(spec)), "table").errors


@pytest.mark.parametrize("spec", refused.TAKEN, ids=json.dumps)
def test_the_schema_takes(spec: Any) -> None:
    """Each policy that the API server takes."""
    assert parse(json.dumps(refused.policy(spec)), "table").errors == ()


def test_every_validator_has_a_rule_for_the_api_server() -> None:
    """A model that checks itself says in CEL what it checks."""
    models = {
        found
        for room in ROOMS
        for _, found in inspect.getmembers(room, inspect.isclass)
        if issubclass(found, BaseModel) and found.__pydantic_decorators__.model_validators
    }
    assert {one.__name__ for one in models} == {"Retention", "Limit", "Cap", "ProtectionSpec"}
    for one in models:
        assert one.model_json_schema()[CEL], one


def test_every_field_of_the_schema_is_in_the_definition() -> None:
    """Also the deepest: a policy printed in full has no key that the definition lacks."""

    def lacking(value: Any, known: Any, path: str) -> list[str]:
        if isinstance(value, list):
            return [name for one in value for name in lacking(one, known["items"], path)]
        if not isinstance(value, dict) or "properties" not in known:
            return []
        missing = [f"{path}.{key}" for key in value if key not in known["properties"]]
        return missing + [
            name
            for key, one in value.items()
            if key in known["properties"]
            for name in lacking(one, known["properties"][key], f"{path}.{key}")
        ]

    (version,) = custom_resources()["pruningpolicies.yaml"]["spec"]["versions"]
    known = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    full = schema.PolicySpec().model_dump(mode="json", by_alias=True)
    assert set(known["properties"]) == set(full)
    assert lacking(full, known, "spec") == []


def test_a_union_without_a_tag_is_refused() -> None:
    """It has no structural form, and guessing one would take what we refuse."""
    with pytest.raises(ValueError, match="too many values"):
        structural({"anyOf": [{"type": "integer"}, {"type": "object"}]})


def test_limits_and_choices_come_along() -> None:
    """Bounds in both spellings, a constant, a map and a free object."""
    numbers = {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 9}
    assert structural(numbers) == {
        "type": "integer", "minimum": 1, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": True,
    }  # fmt: skip
    assert structural({"anyOf": [{"type": "integer", "ge": 1, "le": 3}, {"type": "null"}]}) == {
        "type": "integer", "minimum": 1, "maximum": 3, "nullable": True,
    }  # fmt: skip
    assert structural({"type": "string", "const": "x"}) == {"type": "string", "enum": ["x"]}
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    assert structural(texts) == texts
    free = {"type": "object", "additionalProperties": True}
    assert structural(free) == {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def test_a_kind_of_change_needs_its_own_fields() -> None:
    """The union of changes asks a Sidecar for its namespace and name, and knows before as a count or as text."""
    (version,) = custom_resources()["pruningplans.yaml"]["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    change = spec["properties"]["changes"]["items"]
    assert change["properties"]["kind"]["enum"] == ["scale", "minimum", "sidecar", "remove"]
    assert change[CEL] == [
        {
            "rule": "self.kind != 'minimum' || (has(self.name) && has(self.scaler) && has(self.scalerUid))",
            "message": "minimum also needs name and scaler and scalerUid",
        },
        {
            "rule": "self.kind != 'sidecar' || (has(self.name) && has(self.namespace))",
            "message": "sidecar also needs name and namespace",
        },
    ]
    assert change["properties"]["before"] == {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": True,
        "nullable": True,
    }
