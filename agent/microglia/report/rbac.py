"""The ClusterRole that a rehearsal needs: exactly the kinds that are listed, and the service proxy to Prometheus."""

from typing import Any

from microglia.model.kinds import KINDS


def cluster_role() -> dict[str, Any]:
    """Read-only; no secrets; ``services/proxy`` only reaches a Prometheus that is given no URL."""
    groups: dict[str, list[str]] = {}
    for kind in KINDS:
        groups.setdefault(kind.group, []).append(kind.plural)
    rules = [
        {"apiGroups": [group], "resources": sorted(groups[group]), "verbs": ["get", "list"]} for group in sorted(groups)
    ]
    rules.append({"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get", "create"]})
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "microglia-rehearsal"},
        "rules": rules,
    }
