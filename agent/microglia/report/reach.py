"""What one workload may reach: its routes with what they are worth and what becomes of them, alike ones together."""

from dataclasses import dataclass

from microglia.model.ids import WorkloadId
from microglia.plan.grounds import Grounds
from microglia.report.amounts import element, figure, precise, resource
from microglia.report.notes import LOCAL
from microglia.report.table import listed
from microglia.score.scores import Evidence, RouteScore

SHOWN = 6
"""Used hosts and hosts of a group that are named."""


@dataclass(frozen=True, slots=True, order=True)
class _Kind:
    """What hosts of one group have in common."""

    evidence: str
    fate: str
    hours: float = 0.0
    value: float = 0.0
    cost: float = 0.0

    @property
    def idle_talk(self) -> bool:
        """Whether worth and cost decide nothing: a rule keeps them, or nothing is known."""
        return self.evidence == Evidence.UNKNOWN or self.fate.startswith("kept by")


def route_lines(target: WorkloadId, decision: Grounds, rule: str) -> list[tuple[str, str]]:
    """Labelled lines: used hosts by use, then the rest by what becomes of it."""
    routes = [route for route in decision.scores.routes if route.client == target]
    cut = {host for route in decision.selection.cut if route.client == target for host in route.hosts}
    lost = {
        host: one.lost_to
        for one in decision.selection.yielded
        if one.element.kind == "route" and one.element.workload == target
        for host in one.element.hosts
    }
    used: list[RouteScore] = []
    groups: dict[_Kind, list[str]] = {}
    for route in routes:
        if route.judged.evidence is Evidence.USED and not cut.intersection(route.hosts):
            used.append(route)
            continue
        for host in route.hosts:
            fate = _lost(lost.get(host)) if host in cut else _kept(route, host, decision)
            kind = _Kind(route.judged.evidence, fate, route.hours, route.value, route.cost)
            if kind.idle_talk:
                kind = _Kind(kind.evidence, fate)
            groups.setdefault(kind, []).append(host.replace(LOCAL, ""))
    lines = [("Routes", _used(used))] if used else []
    return lines + [("Routes", _group(kind, groups[kind], rule)) for kind in sorted(groups)]


def _used(routes: list[RouteScore]) -> str:
    most = sorted(routes, key=lambda one: (-one.requests, one.hosts))
    named = [f"{one.hosts[0].replace(LOCAL, '')} ({_requests(one)})" for one in most]
    each = f"{resource('proxyConfig', most[0].cost)} of proxy configuration" + (" or so each" if named[1:] else "")
    return f"{len(routes)} USED, kept: {listed(named, SHOWN)}; {each}"


def _requests(route: RouteScore) -> str:
    return f"{precise(route.requests)} requests" if route.requests else "not counted in requests"


def _lost(winner: str | None) -> str:
    return f"would go; lost to {element(winner)}" if winner else "would go; nobody needed the room"


def _kept(route: RouteScore, host: str, decision: Grounds) -> str:
    held = decision.protections.of_route(route.client, host)
    if held:
        return f"kept by {', '.join(dict.fromkeys(one.rule for one in held))}: {held[0].reason}"
    return (
        f"kept, undecided: {route.judged.why}" if route.judged.evidence is Evidence.UNKNOWN else "kept: worth its room"
    )


def _group(kind: _Kind, hosts: list[str], rule: str) -> str:
    named = f"{len(hosts)} {kind.evidence}: {listed(sorted(hosts), SHOWN)}"
    if kind.idle_talk:
        return f"{named}; {kind.fate}"
    did = "silent" if kind.evidence == Evidence.IDLE else "seldom called"
    unit = "hours a week" if rule == "presence" else "requests per hour"
    silent = f"{did} in {figure(kind.hours)} h of its own activity, so at most {figure(kind.value)} {unit}"
    each = " each" if len(hosts) > 1 else ""
    return f"{named}; {silent}{each} (95 %), {resource('proxyConfig', kind.cost)} of proxy{each}; {kind.fate}"
