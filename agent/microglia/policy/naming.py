"""How documents are named, and what kinds of objects they may name."""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from microglia.model.kinds import BY_NAME
from microglia.policy.fields import Strict, Text, close


def _kind(name: str) -> str:
    if name not in BY_NAME:
        near = close(name, BY_NAME)
        raise ValueError(
            f'"{name}" is no kind that microglia reads; '
            + (f'did you mean "{near}"?' if near else "write Deployment or Service")
        )
    return name


KindName = Annotated[
    str, AfterValidator(_kind), WithJsonSchema({"type": "string", "enum": sorted(BY_NAME), "examples": ["Deployment"]})
]
"""The kind of an object that microglia reads."""


class Metadata(Strict):
    """Name (and namespace) of a document; labels and annotations are allowed and not read."""

    name: Text
    namespace: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Place(Metadata):
    """Metadata of a namespaced document: the namespace must be written."""

    namespace: Text
