"""Operators that mark what they made."""

from collections.abc import Mapping

from microglia.topology.claims.delivery import MANAGED_BY
from microglia.topology.nodes import Owner

_RENDERERS = ("helm", "kustomize", "kubectl", "skaffold", "microglia")
"""Values of ``managed-by`` that name how a manifest was made, not who watches over it."""


def by_label(labels: Mapping[str, str]) -> Owner | None:
    """Whoever ``managed-by`` names, unless that only made the manifest."""
    manager = labels.get(MANAGED_BY, "")
    if manager and not manager.lower().startswith(_RENDERERS):
        code = "operator" if "operator" in manager.lower() else "managed-by"
        return Owner(code, manager, f"label {MANAGED_BY}: {manager}", act=False)
    return None
