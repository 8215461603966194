"""Standbys are sized to what they stand by for, and both keep the routes that a takeover needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from microglia.model.ids import WorkloadId
from microglia.protect.keep import Keep, Where, between, floor, pin
from microglia.protect.look import Look
from microglia.score.scores import Evidence, columns


@dataclass(frozen=True, slots=True, eq=False)
class _Uses:
    """USED routes: ``hosts`` by client, ``clients`` by host."""

    hosts: Mapping[WorkloadId, frozenset[str]]
    clients: Mapping[str, frozenset[WorkloadId]]


def backup(look: Look) -> Iterator[Keep]:
    """It stands by for another workload: sized to that one's need, with its routes, and reached by its clients."""
    uses = _uses(look)
    for standby in look.topology.standbys:
        where = Where(standby.source, standby.field, standby.value)
        yield from sized(look, standby.backup, [standby.primary], f"it stands by for {standby.primary}", where)
        yield from _routes(look, standby.backup, [standby.primary], uses, where)


def twin(look: Look) -> Iterator[Keep]:
    """It shares a Service with others, or differs from a selected one in one label: each must be able to take over."""
    uses = _uses(look)
    for target, others in look.topology.groups.items():
        where = Where(look.workloads[target].ref, "spec.template.metadata.labels", _labels(look, target))
        yield from sized(look, target, others, f"it may have to take over from {_some(others)}", where)
        yield from _routes(look, target, others, uses, where)


def sized(look: Look, target: WorkloadId, primaries: Sequence[WorkloadId], reason: str, where: Where) -> Iterator[Keep]:
    """Keep as many copies of ``target`` as the neediest of ``primaries`` needs; all where that is not known, and no
    more than of anything else where none is needed."""
    needs = []
    for primary in primaries:
        score = look.scores.replicas.get(primary)
        if score is None or score.need is None or score.judged.evidence is Evidence.UNKNOWN:
            yield from pin([target], f"{reason}, whose need is not known", where, blind=True)
            return
        needs.append(score.need)
    count = max(needs, default=0)
    if count > 0:
        yield from floor([target], count, f"{reason}, which needs {count}", where)


def _routes(
    look: Look, backup: WorkloadId, primaries: Sequence[WorkloadId], uses: _Uses, where: Where
) -> Iterator[Keep]:
    """The routes that a takeover needs and that are not in use already."""
    own = uses.hosts.get(backup, frozenset())
    for host in sorted(frozenset().union(*(uses.hosts.get(one, ()) for one in primaries)) - own):
        yield between(backup, host, f"it uses it once it takes over from {_some(primaries)}", where)
    theirs = {host for one in primaries for host in look.names.get(one, ())}
    fresh = [host for host in look.names.get(backup, ()) if host not in theirs]
    callers = frozenset().union(*(uses.clients.get(host, ()) for host in theirs)) if fresh else frozenset()
    for client in sorted(callers - {backup}):
        for host in fresh:
            if host not in uses.hosts[client]:
                yield between(client, host, f"it calls {_some(primaries)}, for which {backup} stands by", where)


def _uses(look: Look) -> _Uses:
    hosts: dict[WorkloadId, set[str]] = {}
    clients: dict[str, set[WorkloadId]] = {}
    routes = columns(look.scores.routes if look.topology.standbys or look.topology.groups else ())
    for route in routes.take(np.flatnonzero(routes.having(Evidence.USED))):
        hosts.setdefault(route.client, set()).update(route.hosts)
        for host in route.hosts:
            clients.setdefault(host, set()).add(route.client)
    return _Uses(
        {client: frozenset(found) for client, found in hosts.items()},
        {host: frozenset(found) for host, found in clients.items()},
    )


def _labels(look: Look, target: WorkloadId) -> str:
    labels = look.workloads[target].pod_labels
    return ", ".join(f"{key}={labels[key]}" for key in sorted(labels))


def _some(found: Sequence[WorkloadId]) -> str:
    return str(found[0]) if len(found) == 1 else f"{found[0]} and {len(found) - 1} more"
