"""The schema for editors and for CRDs, as JSON Schema."""

from typing import Any

from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import PruningPolicy


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) of what people write, by kind. Quantities, shares, durations and rates are texts or numbers
    and carry ``x-kubernetes-int-or-string``."""
    return {
        model.__name__.removesuffix("Object"): model.model_json_schema(by_alias=True, mode="validation")
        for model in (PruningPolicy, ProtectionObject)
    }
