"""Rules of VirtualServices that can never match, because an earlier one of the same list takes every request.

Istio goes through ``spec.http`` in order and makes nothing of what follows a rule without conditions
(istio: pilot/pkg/networking/core/route/route.go, BuildHTTPRoutesForVirtualService). A rule whose destination does not
exist is not dead: it answers 503, and without it the next rule would answer in its place.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from microglia.model.objects import Raw, at, name_of, namespace_of
from microglia.plan.change import RemoveChange, Why, rare_digest
from microglia.plan.routed import at_work, steering
from microglia.topology.graph import Topology


def shadowed(topology: Topology) -> Iterator[tuple[RemoveChange, str]]:
    """Every VirtualService with dead rules: the change that takes them out, and why it is not to be made (empty:
    nothing speaks against it)."""
    found = []
    for raw in topology.objects.of("VirtualService"):
        rules = at(raw, "spec", "http", default=[])
        # One without hosts is a delegate: its rules are read inside the rule that delegates.
        if at(raw, "spec", "hosts", default=()) and len(rules) > 1:
            first = next((place for place, rule in enumerate(rules) if _takes_all(rule)), len(rules))
            if first + 1 < len(rules):
                found.append((raw, rules, first))
    steered = steering(topology.objects, [raw for raw, _, _ in found])
    for raw, rules, first in found:
        doubt = at_work(raw, steered, topology)
        parked = [place for place in range(first + 1, len(rules)) if _parks(rules[place])]
        if parked:
            doubt = doubt or f"spec.http[{parked[0]}] holds a destination in waiting (weight 0, mirror or delegate)"
        yield _change(raw, rules, first), doubt


def _change(raw: Raw, rules: list[Any], first: int) -> RemoveChange:
    dead = tuple(range(first + 1, len(rules)))
    listed = ", ".join(f"spec.http[{place}]" for place in dead)
    sentence = f"{listed} can never match: spec.http[{first}] before takes every request"
    return RemoveChange(
        workload=f"VirtualService/{namespace_of(raw)}/{name_of(raw)}",
        uid=str(at(raw, "metadata", "uid", default="")),
        digest=rare_digest(raw),
        before={"http": rules},
        after={"http": rules[: first + 1]},
        items=dead,
        why=Why(sentence=sentence, at_risk=0.0),
    )


def _takes_all(rule: Mapping[str, Any]) -> bool:
    """Whether no request passes a rule by. One that delegates lets through what its delegate does not match."""
    if rule.get("delegate"):
        return False
    conditions = rule.get("match") or ()
    return not conditions or any(_any(one) for one in conditions)


def _any(condition: Mapping[str, Any]) -> bool:
    """A condition without conditions: at most a name, and the path that every path begins with."""
    told = {key: value for key, value in condition.items() if key != "name"}
    return told in ({}, {"uri": {"prefix": "/"}})


def _parks(rule: Mapping[str, Any]) -> bool:
    routes = rule.get("route") or ()
    aside = any(rule.get(key) for key in ("delegate", "mirror", "mirrors"))
    return aside or (len(routes) > 1 and any(not one.get("weight") for one in routes)) or _zero(routes)


def _zero(routes: Any) -> bool:
    return any(one.get("weight") == 0 for one in routes)
