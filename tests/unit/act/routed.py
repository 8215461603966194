"""A route file with a dead rule and an empty backend, as people write it and as the API server keeps it."""

from typing import Any

from microglia.plan.change import RemoveChange
from tests.planning import WHY

ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: front   # of the shop
spec:
  parentRefs: [{name: gate}]
  rules:
  # The cart.
  - matches:
    - path: {value: /cart}
    backendRefs:
    # The new one.
    - {name: cart, port: 80, weight: 90}

    # Gone since May:
    # nobody misses it.
    - name: older
      port: 80
    - name: spare   # stays
      port: 80

  # Twice the same.
  - matches: [{path: {type: PathPrefix, value: /cart}}]
    backendRefs:
    - {name: old, port: 80}
  # All else.
  - backendRefs:
    - {name: web, port: 80}
"""
PREFIX = {"type": "PathPrefix", "value": "/cart"}


def backend(name: str, weight: int = 1) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": name, "port": 80, "weight": weight}


SERVED: list[dict[str, Any]] = [
    {"matches": [{"path": PREFIX}], "backendRefs": [backend("cart", 90), backend("older"), backend("spare")]},
    {"matches": [{"path": PREFIX}], "backendRefs": [backend("old")]},
    {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [backend("web")]},
]
"""The rules as the API server keeps them: what people leave out is filled in."""
HEAD = ROUTE[: ROUTE.index("  # Twice")]
DEAD = ROUTE[len(HEAD) : ROUTE.index("  # All")]


def dead_rule(*items: int, rules: Any = None) -> RemoveChange:
    served = SERVED if rules is None else rules
    left = [rule for place, rule in enumerate(served) if place not in items]
    return RemoveChange(
        workload="HTTPRoute/shop/front", uid="u", digest="d", why=WHY, before={"rules": served},
        after={"rules": left}, items=items,
    )  # fmt: skip


def empty_backend(*items: int, rule: int = 0, rules: Any = None) -> RemoveChange:
    served = SERVED if rules is None else rules
    left = [one for place, one in enumerate(served[rule]["backendRefs"]) if place not in items]
    after = [*served[:rule], {**served[rule], "backendRefs": left}, *served[rule + 1 :]]
    return RemoveChange(
        workload="HTTPRoute/shop/front", uid="u", digest="d", why=WHY, before={"rules": served},
        after={"rules": after}, items=items, rule=rule,
    )  # fmt: skip


def files(text: str = ROUTE, *, kustomized: bool = True) -> dict[str, str]:
    """The route alone, or as a resource of a kustomization that says its namespace."""
    if not kustomized:
        return {"front.yaml": text.replace("metadata:\n", "metadata:\n  namespace: shop\n")}
    return {"app/kustomization.yaml": "namespace: shop\nresources:\n- front.yaml\n", "app/front.yaml": text}
