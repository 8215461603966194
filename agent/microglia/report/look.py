"""What was found: the doctor's screen and the map."""

from collections.abc import Sequence
from dataclasses import dataclass

from microglia.model.ids import WorkloadId
from microglia.protect.ledger import Level, Protection, Protections
from microglia.report.holding import written
from microglia.report.notes import LOCAL
from microglia.report.table import WIDTH, count, fold, listed, shorten, table
from microglia.topology.graph import Topology

SHOWN = 10
"""So many protections of nothing on the doctor's screen."""
BROADEST = "minimum-policy"
"""The rule that holds everything: told last."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor, or some: what, what was found, ``ok`` / ``limited`` / ``missing``, and the way out."""

    subject: str
    found: str
    grade: str
    remedy: str = ""


def doctor_text(findings: tuple[Finding, ...]) -> str:
    """The screen: one line per finding, its remedy below it."""
    lines = []
    lead = 2 + max((len(finding.subject) for finding in findings), default=0)
    room = WIDTH - lead - len("  limited")
    for finding in findings:
        first, *rest = [text for line in finding.found.split("\n") for text in fold(line, room) or [""]]
        lines.append(f"{finding.subject:<{lead}}{first:<{room}}  {finding.grade}")
        lines += [f"{'':<{lead}}{text}" for text in (*rest, *fold(finding.remedy, WIDTH - lead))]
    return "\n".join(lines)


def nowhere(dangling: Sequence[Protection]) -> tuple[Finding, ...]:
    """What was written to protect something that is not there; nothing where every name is somebody's."""
    if not dangling:
        return ()
    told = [f"{one.source}: {one.field} = {one.value}; {one.reason}" for one in dangling]
    more = [f"and {len(told) - SHOWN} more: microglia map --protected"] if len(told) > SHOWN else []
    head = f"{count(len(told), 'protection')} of nothing:"
    found = "\n".join([head, *told[:SHOWN], *more])
    return (Finding("Protected", found, "limited", "Correct the name, or delete what is left over."),)


def map_text(topology: Topology, *, everything: bool) -> str:
    """Every workload with its replicas, zones, callers and callees."""
    rows = [
        (
            str(one.id),
            f"{one.ready}/{one.replicas}",
            str(len({pod.zone for pod in one.pods if pod.zone})),
            _names(topology.callers.get(one.id, ())),
            _names(topology.callees.get(one.id, ())),
        )
        for one in topology.workloads.values()
    ]
    shown, more = shorten(rows, everything=everything)
    text = table(("WORKLOAD", "READY", "ZONES", "CALLED BY", "CALLS"), shown, right=(1, 2))
    return "\n".join(line for line in (text, more) if line)


def protected_text(topology: Topology, protections: Protections, *, everything: bool) -> str:
    """What is protected and by what, so that a person can check the understanding of their failover design: workloads,
    then routes; alike ones together unless ``everything``."""
    found = [(str(target), one) for target in topology.workloads for one in protections.of(target)]
    routes = [(f"routes of {client}", one) for client, held in protections.clients.items() for one in held]
    routes += [
        (f"routes to {host.replace(LOCAL, '')}", one) for host, held in protections.hosts.items() for one in held
    ]
    routes += [
        (f"{client} -> {host.replace(LOCAL, '')}", one)
        for (client, host), held in protections.routes.items()
        for one in held
    ]
    lines = [_protected(found, everything=everything), _protected(routes, everything=everything)]
    if protections.dangling:
        dangling = [(one.rule, f"{one.reason} ({written(one)})") for one in protections.dangling]
        lines.append(table(("POINTS AT NOTHING", "WHERE"), dangling))
    return "\n\n".join(line for line in lines if line) or "Nothing is protected."


def _protected(found: list[tuple[str, Protection]], *, everything: bool) -> str:
    if not found:
        return ""
    alike: dict[tuple[str, ...], list[str]] = {}
    for subject, one in found:
        holds = "pinned" if one.level is Level.PIN else f">= {one.floor}"
        reason = f"{one.reason} ({written(one)})"
        # In short, what a rule says of many is told once, with the first place where it is written.
        key = (holds, one.rule, reason, subject) if everything else (holds, one.rule)
        alike.setdefault(key, [reason]).append(subject)
    rows = [(listed(list(dict.fromkeys(subjects))), *key[:2], reason) for key, (reason, *subjects) in alike.items()]
    rows.sort(key=lambda row: (row[2] == BROADEST, row[2], row[1], row[0]))
    return table(("PROTECTED", "HOW", "RULE", "BECAUSE"), rows)


def _names(ids: tuple[WorkloadId, ...]) -> str:
    if len(ids) <= 3:
        return ", ".join(map(str, ids)) or "-"
    return f"{ids[0]}, {ids[1]} and {len(ids) - 2} more"
