"""What all route objects have in common when something is to be taken out of them: who steers them, who took them."""

from collections.abc import Collection, Mapping
from typing import Final

from microglia.model.ids import ObjectRef
from microglia.model.objects import Objects, Raw, at, name_of, namespace_of
from microglia.plan.mentions import Key, mentions
from microglia.topology.graph import Topology

GATEWAY_KINDS: Final = ("GRPCRoute", "HTTPRoute")
RULES: Final = {"GRPCRoute": "rules", "HTTPRoute": "rules", "VirtualService": "http"}
"""The field of the spec that lists the rules."""
BACKENDS: Final = {"GRPCRoute": "backendRefs", "HTTPRoute": "backendRefs", "VirtualService": "route"}
"""The field of a rule that lists its backends."""
_STEERING: Final = ("Rollout", "Canary")
"""Kinds whose controllers rewrite rules and weights of routes, and look for them by name or place."""


def steering(objects: Objects, routes: Collection[Raw]) -> Mapping[Key, ObjectRef]:
    """Those of ``routes`` that a delivery controller rewrites, with the object that tells it to."""
    return mentions(objects, {key_of(raw) for raw in routes}, _STEERING)


def key_of(raw: Raw) -> Key:
    """Namespace and name."""
    return namespace_of(raw), name_of(raw)


def at_work(raw: Raw, steered: Mapping[Key, ObjectRef], topology: Topology) -> str:
    """Who may still be working on a route; empty for nobody."""
    if key_of(raw) in steered:
        return f"{steered[key_of(raw)]} steers it"
    start = topology.snapshot.window.start
    young = str(at(raw, "metadata", "creationTimestamp", default="")) > f"{start:%Y-%m-%dT%H:%M:%SZ}"
    return "it was made within the window, so somebody may still be working on it" if young else ""


def untaken(raw: Raw) -> str:
    """Why a Gateway API route may not work as it is written; empty when every parent says that it took all of it.

    An implementation may leave out rules that it finds invalid, and says so by the condition PartiallyInvalid: then a
    rule behind them serves (gateway-api: apis/v1/shared_types.go, RouteConditionPartiallyInvalid).
    """
    parents = at(raw, "status", "parents", default=())
    if not parents:
        return "no gateway or mesh says in its status that it took the route, so nobody knows which rules serve"
    for parent in parents:
        said = {one.get("type"): one for one in parent.get("conditions") or ()}
        by = parent.get("controllerName") or "its parent"
        now = at(raw, "metadata", "generation")
        held = said.get("Accepted", {})
        if held.get("status") != "True" or (now and held.get("observedGeneration", now) != now):
            return f"{by} has not accepted it as it is now (status.parents)"
        if said.get("PartiallyInvalid", {}).get("status", "False") != "False":
            return f"{by} says that some of its rules are invalid, so a later one may serve in their place"
        if said.get("ResolvedRefs", {}).get("status", "True") != "True":
            return f"{by} says that not all of its references lead somewhere; mend them first"
    return ""
