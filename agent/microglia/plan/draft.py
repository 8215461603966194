"""Selection -> Plan: this lap's part of what has to go, and a line about everything that stays."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from microglia.compete.selection import Account, Selection, Spared
from microglia.lifecycle.pace import allowance
from microglia.lifecycle.states import Phase, State
from microglia.model.ids import WorkloadId
from microglia.model.units import some
from microglia.plan.candidate import Candidate, Found, found
from microglia.plan.change import Change, SidecarChange
from microglia.plan.desk import Desk, desk
from microglia.plan.document import AccountLine, Competition, Note, Plan, Rule, Way
from microglia.plan.eligible import own_sidecars
from microglia.plan.grounds import Grounds
from microglia.plan.pick import caps, pick
from microglia.plan.rare import AT_ONCE
from microglia.plan.replicas import fewer, shrinking
from microglia.plan.rest import all_held, at_rest
from microglia.plan.routes import hide, hiding, upkeep
from microglia.plan.sidecar import allowed
from microglia.policy.digest import policy_digest
from microglia.policy.schema import PruningPolicy
from microglia.score.unseen import unseen_mass

__all__ = ["Grounds", "candidates", "draft", "widening"]


_FIRST = Note(subject="allow-lists", what="everything else", why="they are widened first; the next lap goes on")


def draft(
    grounds: Grounds,
    state: State,
    policy: PruningPolicy,
    now: datetime,
    way: Way = "cluster",
    *,
    left_over: bool = False,
) -> Plan:
    """What this lap would prune, and why everything else stays.

    Losers go in order of least density within the allowance of the round and the caps, one step per workload, never
    below what a score, a protection or the last step's watch holds. While a structure is exposing, the plan shows what
    its first round would take, for the gates to refuse; hardened, frozen or lean, it takes nothing. By ``way`` of
    Git, what is delivered from there goes too; ``left_over`` narrows that to what the cluster's plan must leave, and
    nobody has proposed yet.
    """
    spec = policy.spec
    reasons = list(at_rest(grounds, state, spec, now))
    exposing = state.phase is Phase.EXPOSING
    acting = replace(state, phase=Phase.PRUNING, round=1, entry=_excess(grounds.selection)) if exposing else state
    table = desk(grounds, acting, spec, way)
    kept, left_alone = upkeep(table)
    losers = candidates(table)
    if left_over:
        kept, losers = _left_over(table, kept, losers)
    if urgent := _urgent(kept):
        return _plan(grounds, state, policy, now).model_copy(update={"changes": urgent, "held": (_FIRST,), "way": way})
    taken, notes = ([], []) if reasons else _take(table, losers, now)
    # A client gets one change: one that hides hosts also shows those that are due.
    redrawn = {change.workload for change in taken if isinstance(change, SidecarChange)}
    if not (reasons or notes or taken):
        notes = list(all_held(state.structure, losers.held))
    gone, others = ((), ()) if reasons or way != "git" else _rare(grounds, state)
    if left_over:
        gone = tuple(change for change in gone if change.element not in _proposed(grounds))
    changes = [*(change for change in kept if change.workload not in redrawn), *taken, *gone]
    return _plan(grounds, state, policy, now).model_copy(
        update={"changes": tuple(changes), "held": (*reasons, *notes, *losers.held, *left_alone, *others), "way": way}
    )


def widening(grounds: Grounds, state: State, policy: PruningPolicy, now: datetime, way: Way) -> Plan | None:
    """What goes before anything else: allow-lists that hide something new. None when none does."""
    lists = (allowed(raw) for raw in own_sidecars(grounds.topology.objects).values())
    if all(one is None for one in lists):
        return None
    urgent = _urgent(upkeep(desk(grounds, state, policy.spec, way))[0])
    return draft(grounds, state, policy, now, way) if urgent else None


def _urgent(kept: Iterable[SidecarChange]) -> tuple[SidecarChange, ...]:
    return tuple(change for change in kept if allowed(change.before) is not None)


def candidates(table: Desk) -> Found:
    """Every loser that nothing holds now, least density first, and notes on what holds the others."""
    replicas, some = shrinking(table)
    routes, others = hiding(table)
    losers, rejected = (*replicas, *routes), table.grounds.rejected
    noes = (_rejected(one.subject, rejected[one.element]) for one in losers if one.element in rejected)
    return found((one for one in losers if one.element not in rejected), (*some, *others, *noes))


def _rejected(subject: str, why: str) -> Note:
    return Note(subject=subject, what="would lose something", why=why)


def _left_over(table: Desk, kept: list[SidecarChange], losers: Found) -> tuple[list[SidecarChange], Found]:
    cluster = replace(table, way="cluster")
    proposed = _proposed(table.grounds)
    shown = {change.element for change in upkeep(cluster)[0]} | proposed
    taken = {one.element for one in candidates(cluster).candidates} | proposed
    rest = tuple(one for one in losers.candidates if one.element not in taken)
    return [change for change in kept if change.element not in shown], replace(losers, candidates=rest)


def _proposed(grounds: Grounds) -> frozenset[str]:
    return frozenset(
        record.plan.changes[step.index].element
        for record in grounds.history.records
        for step in record.steps
        if step.state == "proposed"
    )


def _rare(grounds: Grounds, state: State) -> tuple[tuple[Change, ...], tuple[Note, ...]]:
    """What is only ever proposed takes nothing of a round's share, because the budgets never counted it."""
    noes = grounds.rejected
    changes = tuple(change for change in grounds.rare.changes if change.element not in noes)
    held = (_rejected(one.workload, noes[one.element]) for one in grounds.rare.changes if one.element in noes)
    kept = (*grounds.rare.kept, *held)
    if len(changes) > AT_ONCE:
        what = some(len(changes) - AT_ONCE, "more removal")
        kept = (Note(subject=state.structure, what=what, why="the proposal is full; the next one goes on"), *kept)
    return changes[:AT_ONCE], kept


def _take(table: Desk, losers: Found, now: datetime) -> tuple[list[Change], list[Note]]:
    grounds, state, spec = table.grounds, table.state, table.spec
    populations = Counter(target.namespace for target in grounds.selection.targets)
    for client in table.lost.rows:
        populations[client.namespace] += client not in grounds.selection.targets
    allowed = caps(spec.pace, populations, grounds.history, now)
    picks = pick(losers.candidates, allowance(state, spec.pace), allowed, first=state.moved == 0)
    changes = [_change(table, candidate, count) for candidate, count in picks.taken]
    left = len(losers.candidates) - len(picks.taken)
    notes = []
    if picks.capped:
        why = f"the lap is full ({allowed.why}, spec.pace.perNamespace); the next lap goes on"
        notes.append(Note(subject=state.structure, what=some(picks.capped, "more change"), why=why))
    if left > picks.capped:
        why = f"round {state.round} of {spec.pace.rounds} has used its share of the excess; the next round goes on"
        notes.append(Note(subject=state.structure, what=some(left - picks.capped, "more change"), why=why))
    return changes, notes


def _change(table: Desk, candidate: Candidate, count: int) -> Change:
    target = WorkloadId.parse(candidate.subject)
    if candidate.element.startswith("routes:"):
        return hide(table, target, count)
    return fewer(table, target, count)


def _plan(grounds: Grounds, state: State, policy: PruningPolicy, now: datetime) -> Plan:
    topology, selection, spec = grounds.topology, grounds.selection, policy.spec
    window = topology.snapshot.window
    return Plan(
        structure=state.structure,
        cluster=topology.snapshot.source.cluster,
        made_at=now,
        window_start=window.start,
        window_end=window.end,
        rule=spec.retention.rule,
        policy=policy.metadata.name,
        policy_digest=policy_digest(policy),
        snapshot_digest=topology.snapshot.digest,
        phase=state.phase.value,
        round=state.round,
        rounds=spec.pace.rounds,
        changes=(),
        targets={str(target): count for target, count in sorted(selection.targets.items())},
        spared=tuple(_spared(one) for one in selection.spared),
        undecided=tuple(Note(subject=one.subject, what="stays", why=one.missing) for one in selection.undecided),
        accounts=tuple(_account(account) for account in selection.accounts),
        competition=Competition(
            value=selection.value,
            bound=selection.bound,
            gap=selection.gap,
            unseen=unseen_mass(topology).share,
            elements=selection.entered,
            largest=selection.largest,
        ),
        warnings=tuple(_warnings(grounds)),
    )


def _spared(one: Spared) -> Note:
    rules = tuple(
        Rule(rule=each.rule, object=str(each.source), field=each.field, value=each.value, reason=each.reason)
        for each in one.protections
    )
    why = "; ".join(dict.fromkeys(f"{each.rule}: {each.reason}" for each in rules))
    return Note(subject=one.subject, what=one.would, why=why, rules=tuple(dict.fromkeys(rules)))


def _account(account: Account) -> AccountLine:
    return AccountLine(
        resource=account.resource,
        load_bearing=account.load_bearing,
        budget=account.budget,
        kept=account.kept,
        present=account.present,
        excess=account.excess,
        price=account.price,
        short=account.short,
        held_up_by=account.held_up_by,
        outside=account.outside,
    )


def _warnings(grounds: Grounds) -> Iterable[str]:
    for spot in grounds.topology.snapshot.blind_spots:
        yield f"{spot.subject} could not be read whole ({spot.reason}): what it hides stays"
    for one in grounds.protections.dangling:
        yield f"{one.source}: {one.field} {one.value} protects nothing; {one.reason}"
    yield from grounds.history.surprises


def _excess(selection: Selection) -> dict[str, float]:
    return {account.resource: account.excess for account in selection.accounts if account.excess > 0}
