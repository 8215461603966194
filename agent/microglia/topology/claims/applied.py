"""What kubectl last applied."""

import json

from microglia.model.objects import Raw, annotations_of, at
from microglia.topology.nodes import Owner

APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def sets_replicas(text: str, field: str = "replicas") -> bool:
    """Whether the content of ``APPLIED`` sets ``spec.replicas`` (or another ``field`` of the spec); what cannot be read
    counts as a yes."""
    if f'"{field}"' not in text:
        return False
    try:
        content = json.loads(text)
    except ValueError:
        return True
    return not isinstance(content, dict) or at(content, "spec", field) is not None


def by_kubectl(raw: Raw, field: str = "replicas") -> Owner | None:
    """The next ``kubectl apply``, where what was applied last sets a count."""
    if at(raw, "found", "appliedReplicas") or sets_replicas(annotations_of(raw).get(APPLIED, ""), field):
        evidence = f"annotation {APPLIED} sets {field}"
        way_out = "change it there; or drop it with kubectl apply edit-last-applied, and from the file"
        return Owner("kubectl", "the next kubectl apply", evidence, act=False, way_out=way_out)
    return None
