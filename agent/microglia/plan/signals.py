"""Selection, journal and window -> the signals that may move a structure's phase."""

import math
from dataclasses import replace
from datetime import datetime

import numpy as np

from microglia.lifecycle.pace import allowance
from microglia.lifecycle.states import Phase, Shield, Signals, State
from microglia.model.activity import Activity
from microglia.model.kinds import KINDS
from microglia.model.snapshot import Snapshot
from microglia.model.window import HOUR
from microglia.plan.change import RemoveChange
from microglia.plan.desk import desk
from microglia.plan.document import Way
from microglia.plan.draft import candidates
from microglia.plan.grounds import Grounds
from microglia.plan.history import History
from microglia.plan.pick import movable
from microglia.plan.standing import watched
from microglia.policy.observing import Cycles
from microglia.policy.schema import PolicySpec

_WORKLOADS = frozenset(kind.name for kind in KINDS if kind.hides == "workloads")


def signals(grounds: Grounds, regrown: tuple[Shield, ...], spec: PolicySpec, way: Way = "cluster") -> Signals:
    """What this lap tells the lifecycle. ``grounds.history`` carries this lap's verdicts, ``regrown`` the shields in
    force. Call it before ``lifecycle.step``, and draft with the state that comes of it, by the same ``way``."""
    history, topology = grounds.history, grounds.topology
    state = history.state
    pruning = state is not None and state.phase is Phase.PRUNING
    took = taken(history, state.since) if state is not None and pruning else {}
    moved = moves(history, state.begun or state.since) if state is not None and pruning else 0
    names = [one for one in grounds.selection.targets if one in topology.workloads]
    return Signals(
        excess={account.resource: account.excess for account in grounds.selection.accounts},
        took=took,
        representative=representative(topology.activity, spec.observation.cycles),
        watching=bool(watched(history)),
        movable=_movable(grounds, replace(state, taken=took, moved=moved), spec, way) if state and pruning else False,
        replicas={str(one): topology.workloads[one].replicas for one in sorted(names)},
        regrown=regrown,
        reopened=reopened(history),
        demand=_demand(grounds),
        moved=moved,
        blind=blindness(topology.snapshot),
    )


def representative(activity: Activity, cycles: Cycles) -> bool:
    """Whether enough whole cycles lie between the first bucket that was read whole and the window's end, and most of
    their buckets were. The gates look closer; this only decides whether pruning may begin."""
    known = np.flatnonzero(activity.known)
    needed = math.ceil(cycles.length.total_seconds() / HOUR) * cycles.at_least
    if not known.size:
        return False
    return activity.window.hours - int(known[0]) >= needed and 2 * known.size >= needed


def blindness(snapshot: Snapshot) -> str:
    """Which kinds of workloads could not be read, and why; empty when all were."""
    faults = [one for one in snapshot.objects.faults if one.subject in _WORKLOADS]
    return "; ".join(f"{one.subject} could not be read ({one.reason})" for one in faults)


def taken(history: History, since: datetime) -> dict[str, float]:
    """What pruning plans begun at or after ``since`` took, per resource."""
    total: dict[str, float] = {}
    for record in history.records:
        if record.plan.purpose != "prune" or record.started < since:
            continue
        for index in record.done():
            if isinstance(record.plan.changes[index], RemoveChange):
                continue  # no budget counted it
            saved = record.plan.changes[index].saving
            for resource, amount in (
                ("cpu", saved.cpu),
                ("memory", saved.memory),
                ("money", saved.money),
                ("proxyConfig", saved.proxy_config),
                ("replicas", float(saved.replicas)),
            ):
                total[resource] = total.get(resource, 0.0) + amount
    return total


def moves(history: History, since: datetime) -> int:
    """How many changes of pruning plans begun at or after ``since`` took something."""
    return sum(
        not record.plan.changes[index].widens and not isinstance(record.plan.changes[index], RemoveChange)
        for record in history.records
        if record.plan.purpose == "prune" and record.started >= since
        for index in record.done()
    )


def reopened(history: History) -> bool:
    """Whether a person reopened the structure since its phase began."""
    state, asked = history.state, history.reopened
    return asked is not None and (state is None or asked > state.since)


def _movable(grounds: Grounds, state: State, spec: PolicySpec, way: Way) -> bool:
    losers = candidates(desk(grounds, state, spec, way))
    return movable(losers.candidates, allowance(state, spec.pace), first=state.moved == 0)


def _demand(grounds: Grounds) -> dict[str, float]:
    topology = grounds.topology
    names = [one for one in grounds.selection.targets if one in topology.rows]
    requests = topology.activity.workloads.requests[[topology.rows[one] for one in names]]
    hours = np.isfinite(requests).sum(axis=1)
    totals = np.nansum(requests, axis=1, dtype=np.float64)
    means = totals / np.maximum(hours, 1)
    return {str(one): float(mean) for one, mean, known in zip(names, means, hours, strict=True) if known}
