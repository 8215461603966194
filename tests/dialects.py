"""The JSON schema of a dialect's file, for editors: ``python -m tests.dialects`` writes it anew."""

import json
from pathlib import Path
from typing import Any

from microglia.observe.dialects.schema import CANONICAL, Dialect

FILE = Path(__file__).parents[1] / "docs" / "dialect.schema.json"


def rendered() -> str:
    """The whole file."""
    schema = _tidied(Dialect.model_json_schema(by_alias=True))
    schema["$defs"]["Counter"]["properties"]["labels"]["propertyNames"] = {"enum": list(CANONICAL)}
    # Which of its fields go together is checked as a file is read; a schema made of the fields does not know it.
    schema["$defs"]["Taken"]["oneOf"] = [{"required": ["label"]}, {"required": ["value"]}]
    schema["$defs"]["Taken"]["dependentRequired"] = {"match": ["label"]}
    schema["if"] = {"required": ["decides"], "properties": {"decides": {"const": "replicas"}}}
    schema["then"], schema["else"] = {"required": ["served"]}, {"properties": {"served": False}}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A dialect of microglia"}
    return json.dumps(head | schema, indent=2) + "\n"


def main() -> None:
    """Write it."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(rendered(), encoding="utf-8")


def _tidied(node: Any) -> Any:
    """``node`` without titles that only repeat names, and with texts on one line, as editors show them."""
    if isinstance(node, list):
        return [_tidied(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {key: _tidied(value) for key, value in node.items() if key != "title" or not isinstance(value, str)}
    if isinstance(found.get("description"), str):
        found["description"] = " ".join(found["description"].replace("``", "`").split())
    return found


if __name__ == "__main__":
    main()
