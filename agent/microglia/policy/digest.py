"""Which policy it was: one number that moves with every value and with nothing else."""

import hashlib
import json

from microglia.policy.schema import PruningPolicy


def policy_digest(policy: PruningPolicy) -> str:
    """SHA-256 of name and spec in canonical JSON: how it was written, its labels and its annotations do not count, and
    neither does the mode of the agent, which decides nothing but who carries out a plan."""
    spec = policy.spec.model_dump(mode="json", by_alias=True, exclude={"actuation": {"mode"}})
    body = {"name": policy.metadata.name, "spec": spec}
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
