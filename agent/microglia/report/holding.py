"""What holds a workload and its routes: rule, reason, and where each is written."""

from collections.abc import Iterator

from microglia.model.ids import WorkloadId
from microglia.plan.grounds import Grounds
from microglia.protect.ledger import Level, Protection
from microglia.report.notes import LOCAL
from microglia.report.table import count, listed

Line = tuple[str, str]


def written(one: Protection) -> str:
    """The object, field and value that a protection stands on."""
    return f"{one.source}, {one.field}" + (f" = {one.value}" if one.value else "")


def holding_lines(target: WorkloadId, decision: Grounds) -> list[Line]:
    """One line for each protection of the replicas, then for each of its routes; routes that one rule keeps for one
    reason are told together, with the first place where it is written."""
    replicas = [("Protected", f"{_how(one)} by {_why(one)}") for one in decision.protections.of(target)]
    held = decision.protections.clients.get(target, ())
    routes = [("Protected", f"every route, by {_why(one)}") for one in held]
    alike: dict[tuple[str, str], list[tuple[str, Protection]]] = {}
    for host, one in _routes(target, decision):
        alike.setdefault((one.rule, one.reason), []).append((host.replace(LOCAL, ""), one))
    for key in sorted(alike):
        hosts = list(dict.fromkeys(host for host, _ in alike[key]))
        places = list(dict.fromkeys(written(one) for _, one in alike[key]))
        more = f"; and {count(len(places) - 1, 'place')} more (microglia map --protected --all)" if places[1:] else ""
        told = f"{key[0]}: {key[1]} ({places[0]}{more})"
        routes.append(("Protected", f"{'route' if len(hosts) == 1 else 'routes'} to {listed(hosts)}, by {told}"))
    return [*(replicas or [("Protected", "by no rule")]), *routes]


def _routes(target: WorkloadId, decision: Grounds) -> Iterator[tuple[str, Protection]]:
    """(host, protection) of each of its routes that is kept by itself or for its host."""
    ledger = decision.protections
    known = {host for route in decision.scores.routes if route.client == target for host in route.hosts}
    known |= {host for client, host in ledger.routes if client == target}
    for host in sorted(known):
        for one in (*ledger.hosts.get(host, ()), *ledger.routes.get((target, host), ())):
            yield host, one


def _how(one: Protection) -> str:
    return "pinned" if one.level is Level.PIN else f"not below {one.floor}"


def _why(one: Protection) -> str:
    return f"{one.rule}: {one.reason} ({written(one)})"
