"""A policy that lies in a file, mirrored as an object whose status remembers for it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from microglia.model.objects import Raw, annotations_of, at, labels_of
from microglia.policy.schema import API_VERSION, PruningPolicy

LABEL: Final = "microglia.dev/managed-by"
"""On what microglia made for itself."""
NOTE: Final = "microglia.dev/mirrors"


def mirror(policy: PruningPolicy) -> dict[str, Any]:
    """The object, with a note of what was mirrored."""
    spec = policy.spec.model_dump(mode="json", by_alias=True)
    metadata = {"name": policy.metadata.name, "labels": {LABEL: "microglia"}, "annotations": {NOTE: fingerprint(spec)}}
    return {"apiVersion": API_VERSION, "kind": "PruningPolicy", "metadata": metadata, "spec": spec}


def mirrored(raw: Raw) -> bool:
    """Whether a PruningPolicy object only remembers for a policy in a file, and so is nobody's wish by itself.

    Who applies a spec of their own over a mirror keeps its label; the note then no longer fits, and the policy is
    theirs.
    """
    noted = annotations_of(raw).get(NOTE)
    return labels_of(raw).get(LABEL) == "microglia" and noted == fingerprint(at(raw, "spec", default={}))


def fingerprint(spec: Mapping[str, Any]) -> str:
    """SHA-256 of a spec; the same after an API server kept it, which drops some nulls and writes 2.0 as 2."""
    text = json.dumps(_plain(spec), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
