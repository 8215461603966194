"""What moves a structure from one phase or round to the next: a table, read from the top."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from microglia.lifecycle.pace import allowance
from microglia.lifecycle.states import Phase, Shield, Signals, State
from microglia.policy.schema import PolicySpec, PruningPolicy

LOOK = timedelta(hours=1)
"""A round cannot end on the facts that it began with: a new look needs a new closed bucket."""
NOTHING = 1e-9
"""An excess at or below this is none."""
STAYS = "stays as it is: "
"""Begins, in ``State.why``, the reason why a blind lap moved nothing; the first lap that sees takes it out again."""


@dataclass(frozen=True, slots=True)
class Lap:
    """What a transition is decided by: the state with this lap's receipts in it, what was seen, policy and time.
    ``harmed`` says whether anything hurt that had not hurt before."""

    state: State
    signals: Signals
    policy: PolicySpec
    now: datetime
    harmed: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """In ``phase``, when ``when`` holds: ``then``. ``name`` says it in words; ``blindly`` that it does not rest on what
    workloads there are."""

    name: str
    phase: Phase
    when: Callable[[Lap], bool]
    then: Callable[[Lap], State]
    blindly: bool = False


def step(state: State | None, signals: Signals, policy: PruningPolicy, now: datetime) -> State:
    """The state that holds from this lap on: memory brought up to date, then the first transition that applies.

    A lap that was blind for workloads moves neither phase nor round, but for harm: what it did not see looks like a
    structure that went, or like one in which nothing is left to prune.
    """
    begun = state or State(policy.metadata.name, Phase.EXPOSING, now)
    harmed = {shield.element for shield in signals.regrown} - {shield.element for shield in begun.shields}
    lap = Lap(_remember(begun, signals, now), signals, policy.spec, now, bool(harmed))
    for transition in TRANSITIONS:
        sees = transition.blindly or not signals.blind
        if sees and transition.phase is lap.state.phase and transition.when(lap):
            return replace(transition.then(lap), why=transition.name)
    return replace(lap.state, why=_kept(lap.state.why, signals.blind))


def _kept(why: str, blind: str) -> str:
    moved = why.partition(STAYS)[0].removesuffix("; ")
    return "; ".join(filter(None, (moved, blind and f"{STAYS}{blind}")))


def merged(old: Iterable[Shield], new: Iterable[Shield], now: datetime) -> tuple[Shield, ...]:
    """Shields still in force, one per element: the one that lasts longest, the older one on a tie. Sorted."""
    kept: dict[str, Shield] = {}
    for shield in (*old, *new):
        known = kept.get(shield.element)
        if shield.until > now and (known is None or shield.until > known.until):
            kept[shield.element] = shield
    return tuple(sorted(kept.values()))


def _remember(state: State, signals: Signals, now: datetime) -> State:
    pruning = state.phase is Phase.PRUNING
    return replace(
        state,
        taken=_sorted(signals.took) if pruning else state.taken,
        moved=signals.moved if pruning else 0,
        exposed=dict(sorted({**signals.replicas, **state.exposed}.items())),
        shields=merged(state.shields, signals.regrown, now),
    )


def _worth_pruning(lap: Lap) -> bool:
    return lap.signals.representative and any(amount > NOTHING for amount in lap.signals.excess.values())


def _begin(lap: Lap) -> State:
    entry = {name: amount for name, amount in sorted(lap.signals.excess.items()) if amount > NOTHING}
    return replace(
        lap.state, phase=Phase.PRUNING, since=lap.now, begun=lap.now, round=1, entry=entry, taken={}, moved=0, clean=0
    )


def _round_over(lap: Lap) -> bool:
    signals = lap.signals
    looked_anew = lap.state.begun is None or lap.now - lap.state.begun >= LOOK
    used = lap.state.moved > 0 and all(amount <= NOTHING for amount in allowance(lap.state, lap.policy.pace).values())
    return signals.representative and looked_anew and not signals.watching and (used or not signals.movable)


def _harmed(lap: Lap) -> bool:
    return lap.harmed


def _step_back(lap: Lap) -> State:
    return replace(lap.state, round=max(1, lap.state.round - 1), begun=lap.now, moved=0, clean=0)


def _more_rounds(lap: Lap) -> bool:
    return _round_over(lap) and lap.state.round < lap.policy.pace.rounds


def _next_round(lap: Lap) -> State:
    return replace(lap.state, round=lap.state.round + 1, begun=lap.now, moved=0)


def _worked(lap: Lap) -> bool:
    return _round_over(lap) and lap.state.moved > 0


def _look_again(lap: Lap) -> State:
    return replace(lap.state, begun=lap.now, moved=0, clean=0)


def _clean_enough(lap: Lap) -> bool:
    return _round_over(lap) and lap.state.clean + 1 >= lap.policy.hardening.clean_rounds


def _harden(lap: Lap) -> State:
    return replace(_rest(lap, Phase.HARDENED), clean=lap.state.clean + 1, demand=_sorted(lap.signals.demand))


def _count_clean(lap: Lap) -> State:
    return replace(lap.state, begun=lap.now, clean=lap.state.clean + 1)


def _look_due(lap: Lap) -> bool:
    reopen, now = lap.policy.hardening.reopen, _heard(lap)
    return (
        lap.signals.reopened
        or lap.now - lap.state.since >= reopen.after
        or drift(lap.state.demand, now) >= reopen.drift
        or turnover(lap.state.demand, now) >= reopen.drift
    )


def _heard(lap: Lap) -> Mapping[str, float]:
    # Metrics that tell nothing of a workload that is there are no drift: its demand counts as it was.
    unheard = {name: amount for name, amount in lap.state.demand.items() if name in lap.signals.replicas}
    return {**unheard, **lap.signals.demand}


def _reopen(lap: Lap) -> State:
    return replace(_rest(lap, Phase.EXPOSING), demand={})


def _rest(lap: Lap, phase: Phase) -> State:
    return replace(lap.state, phase=phase, since=lap.now, begun=None, round=0, entry={}, taken={}, moved=0, clean=0)


def drift(then: Mapping[str, float], now: Mapping[str, float]) -> float:
    """How far demand moved: the sum of every workload's change over the sum then, both in requests per hour.

    0 when nothing was known then. Rises and falls do not cancel out, because capacity cannot move between workloads.
    """
    before = sum(then.values())
    if before <= 0:
        return 0.0
    return sum(abs(now.get(name, 0.0) - then.get(name, 0.0)) for name in sorted({*then, *now})) / before


def turnover(then: Iterable[str], now: Iterable[str]) -> float:
    """How far the structure moved: workloads that came or went, over those there were then; 0 when none was known."""
    before, after = set(then), set(now)
    return len(before ^ after) / len(before) if before else 0.0


def _sorted(amounts: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(amounts.items()))


TRANSITIONS: tuple[Transition, ...] = (
    Transition("representative, and there is excess", Phase.EXPOSING, _worth_pruning, _begin),
    Transition("something hurt: the round steps back", Phase.PRUNING, _harmed, _step_back, blindly=True),
    Transition("the round is over, more are due", Phase.PRUNING, _more_rounds, _next_round),
    Transition("the last round took something: look again", Phase.PRUNING, _worked, _look_again),
    Transition("enough rounds in a row found nothing", Phase.PRUNING, _clean_enough, _harden),
    Transition("a round found nothing", Phase.PRUNING, _round_over, _count_clean),
    Transition("reopened, too old, or demand or structure drifted", Phase.HARDENED, _look_due, _reopen),
)
"""Every transition there is; the first that applies is taken, at most one in a lap. A structure without excess is lean
and stays in Exposing; outside Pruning a regrow moves nothing, it only adds shields. Harm makes the count of clean
rounds start again."""
