"""What cannot be seen, why, what that hides, and how to grant it: each reason and each remedy once."""

import re
from collections.abc import Iterable, Sequence

from microglia.model.kinds import BY_NAME
from microglia.model.objects import BlindSpot
from microglia.protect.blind import COSTS
from microglia.report.look import Finding
from microglia.report.table import count

GRANT = "Grant it:  microglia doctor --rbac | kubectl apply -f -"
METRICS = "metrics"
_FORBIDDEN = re.compile(r"cannot list \S+ \(forbidden: (?P<said>.*)\)\. Grant it: .*", re.DOTALL)
_WHO = re.compile(r'\S+ is forbidden: (?P<who>User "[^"]*") cannot list resource .*', re.DOTALL)
"""How the API server's own words begin, whatever the kind."""


def sight(spots: Sequence[BlindSpot]) -> tuple[Finding, ...]:
    """One finding per reason for which kinds could not be listed, then one per fault of the metrics."""
    alike: dict[str, list[str]] = {}
    for spot in spots:
        if spot.subject != METRICS:
            alike.setdefault(_reason(spot), []).append(spot.subject)
    faults = dict.fromkeys(spot.reason for spot in spots if spot.subject == METRICS)
    found = (
        *(_kinds(reason, kinds) for reason, kinds in alike.items()),
        *(Finding("Sight", f"{METRICS}: {fault}", "limited") for fault in faults),
    )
    return found or (Finding("Sight", "everything could be read", "ok"),)


def _reason(spot: BlindSpot) -> str:
    """Why, without the kind and the way out, so that alike ones meet."""
    forbidden = _FORBIDDEN.fullmatch(spot.reason)
    if forbidden is None:
        return spot.reason
    who = _WHO.fullmatch(forbidden["said"])
    return f"{who['who']} may not list them" if who else f"forbidden: {forbidden['said']}"


def _kinds(reason: str, kinds: Sequence[str]) -> Finding:
    head = f"{count(len(kinds), 'kind')} could not be read ({reason}). What that hides of a workload, which stays:"
    return Finding("Sight", "\n".join([head, *_costs(kinds)]), "limited", "" if "rant it" in reason else GRANT)


def _costs(kinds: Iterable[str]) -> Iterable[str]:
    """One line per cost, with the kinds that have it."""
    alike: dict[str, list[str]] = {}
    for name in kinds:
        kind = BY_NAME.get(name)
        hides = kind.hides if kind else "workloads"
        alike.setdefault("nothing" if hides == "nothing" else COSTS[hides], []).append(name)
    return (f"{', '.join(names)}: {cost}" for cost, names in alike.items())
