"""Why a lap takes nothing: at rest, nothing in excess, nothing decided, or everything held."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from microglia.lifecycle.pace import frozen
from microglia.lifecycle.states import Phase, State
from microglia.model.units import some
from microglia.plan.document import Note
from microglia.plan.grounds import Grounds
from microglia.policy.schema import PolicySpec
from microglia.score.holds import STEPWISE
from microglia.score.scores import Evidence

HELD_BY, ROUTE = "held by ", " -> "
LOAD = "by stretch or failureStretch (more load per replica than was seen healthy; released as load is seen)"


def at_rest(grounds: Grounds, state: State, spec: PolicySpec, now: datetime) -> Iterator[Note]:
    """What keeps the whole structure from being pruned, each with its way out."""
    subject = state.structure
    if state.phase is Phase.HARDENED:
        reopens = state.since + spec.hardening.reopen.after
        why = f"hardened since {state.since:%d %b %Y}, until {reopens:%d %b %Y} or microglia reopen {subject}"
        yield Note(subject=subject, what="hardened", why=why)
    if (ice := frozen(spec.pace.freeze, now)) is not None:
        why = f'frozen by spec.pace.freeze "{ice.freeze.cron}" until {ice.until:%d %b %Y %H:%M} UTC'
        yield Note(subject=subject, what="frozen", why=why)
    if grounds.selection.lean:
        yield _nothing_lost(grounds, subject)


def all_held(subject: str, held: Iterable[Note]) -> Iterator[Note]:
    """One line for a lap in which everything that lost is held by something: by what, and how many."""
    kinds: dict[str, str] = {}
    for note in held:
        kinds[note.subject] = min(kinds.get(note.subject, "~"), _kind(note.why))
    counts = Counter(kinds.values())
    if counts:
        told = "; ".join(f"{counts[kind]} {kind}" for kind in sorted(counts))
        yield Note(subject=subject, what="held", why=f"not lean: all that should go is held for now, {told}")


def _kind(why: str) -> str:
    code = why.removeprefix(HELD_BY).partition(":")[0]
    if why.startswith("one step may not") or (why.startswith(HELD_BY) and code in STEPWISE):
        return LOAD
    return f"by {code}" if why.startswith(HELD_BY) else "for another reason, told below"


def _nothing_lost(grounds: Grounds, subject: str) -> Note:
    """Nothing yields: because all of it fits, or because nothing may compete at all."""
    selection, unseen = grounds.selection, _unseen(grounds)
    if selection.entered and not selection.accounts:
        why = "nothing is scarce: spec.budget names no resource; name one, such as cpu: {spare: 20%}"
        return Note(subject=subject, what="no budget", why=why)
    if selection.entered:
        lean = "nothing exceeds the load-bearing cost and its spare; a smaller spec.budget would change that"
        why = f"lean as far as anything is decided: {lean}; {unseen}" if unseen else f"lean: {lean}"
        return Note(subject=subject, what="lean", why=why)
    unseen = unseen or _silent_routes(grounds)
    if unseen:
        why = f"not lean: too little is known for anything to compete; {unseen}"
        return Note(subject=subject, what="undecided", why=why)
    if selection.targets:
        why = "all of it is load-bearing or pinned by a rule, so nothing competes; see microglia map --protected"
        return Note(subject=subject, what="nothing competes", why=why)
    why = "no replica is in scope, and no route may go; spec.scope says what is, microglia map --all shows everything"
    return Note(subject=subject, what="nothing in scope", why=why)


def _unseen(grounds: Grounds) -> str:
    """How many workloads stay only for want of sight, and what to do about it; empty where none does."""
    targets, protections = grounds.selection.targets, grounds.protections
    undecided = {one.subject for one in grounds.selection.undecided if ROUTE not in one.subject}
    undecided |= {
        str(one)
        for one in targets
        if one in grounds.scores.replicas and grounds.scores.replicas[one].judged.evidence is Evidence.UNKNOWN
    }
    blind = sum(any(one.blind for one in protections.of(target)) for target in targets)
    whole, told = some(len(targets), "workload"), []
    if undecided:
        told.append(
            f"{len(undecided)} of {whole} undecided: microglia map --protected and UNDECIDED say what is missing"
        )
    if blind:
        told.append(f"{blind} of {whole} protected for want of sight: microglia doctor says what to grant or to mend")
    return "; ".join(told)


def _silent_routes(grounds: Grounds) -> str:
    clients = {one.subject.partition(ROUTE)[0] for one in grounds.selection.undecided}
    return f"routes of {some(len(clients), 'workload')} undecided: UNDECIDED says what is missing" if clients else ""
