"""Rules of HTTPRoutes and GRPCRoutes that can never match: an earlier rule of the same route has each of their matches.

A request goes to the most specific match. "If ties still exist within an HTTPRoute, matching precedence MUST be granted
to the FIRST matching rule (in list order) with a match meeting the above criteria", and the same for a GRPCRoute
(gateway-api: apis/v1/httproute_types.go and grpcroute_types.go, Matches). Equal matches take the same requests and are
equally specific, so the later one is never chosen. Nothing else is concluded: a broader match before does not shadow a
more specific one, and how routes rank among each other depends on listeners and ages.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from microglia.model.objects import Raw, at, name_of, namespace_of
from microglia.plan.change import RemoveChange, Why, rare_digest
from microglia.plan.routed import GATEWAY_KINDS, at_work, steering, untaken
from microglia.topology.graph import Topology
from microglia.topology.routing import backend_host

_EVERYTHING: Final = {"HTTPRoute": ({"path": {"type": "PathPrefix", "value": "/"}},), "GRPCRoute": ({},)}
"""What a rule without matches matches."""
_KNOWN: Final = {"HTTPRoute": {"path", "method", "headers", "queryParams"}, "GRPCRoute": {"method", "headers"}}


def outranked(topology: Topology) -> Iterator[tuple[RemoveChange, str]]:
    """Every HTTPRoute and GRPCRoute with dead rules: the change that takes them out, and why it is not to be made
    (empty: nothing speaks against it)."""
    for kind in GATEWAY_KINDS:
        found = []
        for raw in topology.objects.of(kind):
            rules = at(raw, "spec", "rules", default=[])
            winners = _winners(kind, rules)
            if winners:
                found.append((raw, rules, winners))
        steered = steering(topology.objects, [raw for raw, _, _ in found])
        for raw, rules, winners in found:
            doubt = at_work(raw, steered, topology) or untaken(raw) or _kept(raw, rules, winners, topology)
            yield _change(kind, raw, rules, winners), doubt


def _winners(kind: str, rules: list[Any]) -> dict[int, tuple[int, ...]]:
    """For each dead rule the earlier ones that win its matches."""
    first: dict[str, int] = {}
    found = {}
    for place, rule in enumerate(rules):
        said = [_canonical(kind, one) for one in rule.get("matches") or _EVERYTHING[kind]]
        winners = {first[one] for one in said if one is not None and one in first}
        if all(one is not None and one in first for one in said):
            found[place] = tuple(sorted(winners))
        for one in said:
            if one is not None:
                first.setdefault(one, place)
    return found


def _canonical(kind: str, match: Mapping[str, Any]) -> str | None:
    """A match in one spelling, defaults written out; None for one whose rank or meaning is not laid down.

    The rank of a regular expression for a path is the implementation's own, and of a name that is listed twice only one
    entry counts. What the API may come to know is not guessed.
    """
    if not match.keys() <= _KNOWN[kind]:
        return None
    told: dict[str, Any] = {"headers": _listed(match.get("headers"), lower=True)}
    if kind == "HTTPRoute":
        path = match.get("path") or {}
        told["path"] = [path.get("type", "PathPrefix"), path.get("value", "/")]
        told["method"] = match.get("method")
        told["queryParams"] = _listed(match.get("queryParams"), lower=False)
        vague = told["path"][0] not in ("Exact", "PathPrefix") or told["queryParams"] is None
    else:
        method = match.get("method") or {}
        told["method"] = [method.get("type", "Exact"), method.get("service"), method.get("method")]
        vague = told["method"][0] != "Exact"
    return None if vague or told["headers"] is None else json.dumps(told, sort_keys=True)


def _listed(said: Any, *, lower: bool) -> list[list[str]] | None:
    """Headers or query parameters, in one order; None where a name is listed twice."""
    names = [(str(one.get("name", "")).lower() if lower else str(one.get("name", ""))) for one in said or ()]
    if len(set(names)) < len(names):
        return None
    types = [(str(one.get("type", "Exact")), str(one.get("value", ""))) for one in said or ()]
    return sorted([name, *told] for name, told in zip(names, types, strict=True))


def _kept(raw: Raw, rules: list[Any], winners: Mapping[int, object], topology: Topology) -> str:
    """Why a dead rule may be there for a reason, or not be dead after all."""
    alive = {host for place, rule in enumerate(rules) if place not in winners for host in _hosts(raw, rule)}
    edges = topology.activity.edges
    for place in winners:
        rule = rules[place]
        if rule.get("name"):
            return f"spec.rules[{place}] is called {rule['name']}, and a policy may be attached to it by that name"
        if _parks(rule):
            return f"spec.rules[{place}] holds a backend in waiting (weight 0 or mirror)"
        only = sorted(set(_hosts(raw, rule)) - alive)
        for edge, used, flowing in zip(edges.keys, edges.used, edges.flowing, strict=True):
            if edge.host in only and (used or flowing):
                return (
                    f"calls to {edge.host} were seen, and of this route only spec.rules[{place}] leads there: whoever"
                    " serves the route may rank its rules in another way"
                )
    return ""


def _hosts(raw: Raw, rule: Mapping[str, Any]) -> list[str]:
    found = [backend_host(one, namespace_of(raw)) for one in rule.get("backendRefs") or ()]
    return [host for host in found if host]


def _parks(rule: Mapping[str, Any]) -> bool:
    backends = rule.get("backendRefs") or ()
    filters = [*(rule.get("filters") or ()), *(one for backend in backends for one in backend.get("filters") or ())]
    return any(one.get("weight") == 0 for one in backends) or any(one.get("requestMirror") for one in filters)


def _change(kind: str, raw: Raw, rules: list[Any], winners: Mapping[int, tuple[int, ...]]) -> RemoveChange:
    told = "; ".join(
        f"spec.rules[{place}] can never match: {' and '.join(f'spec.rules[{one}]' for one in before)} before has every"
        " match of it, and the first in the list wins"
        for place, before in winners.items()
    )
    return RemoveChange(
        workload=f"{kind}/{namespace_of(raw)}/{name_of(raw)}",
        uid=str(at(raw, "metadata", "uid", default="")),
        digest=rare_digest(raw),
        before={"rules": rules},
        after={"rules": [rule for place, rule in enumerate(rules) if place not in winners]},
        items=tuple(winners),
        why=Why(sentence=told, at_risk=0.0),
    )
