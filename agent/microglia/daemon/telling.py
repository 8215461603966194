"""A lap in conditions, a sentence and events."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from microglia.cycle import Rehearsal
from microglia.daemon.consent import ACTING
from microglia.daemon.events import Happening
from microglia.daemon.told import Told
from microglia.guard.verdict import Verdict
from microglia.lifecycle.states import Phase
from microglia.plan.condition import Condition, Status, condition
from microglia.plan.history import Record
from microglia.plan.standing import watched
from microglia.plan.status import Remark
from microglia.report.seen import seen_sentence
from microglia.report.table import count
from microglia.verify.clear import Refused

_SHOWN: Final = frozenset({"coverage", "hour-of-week", "weekly-cycle", "unseen-mass", "peak-honesty", "peak-tail"})
"""The gates that ask whether the load was representative."""
_WAITS: Final = {"approve": "WaitsForApproval", "auto": "WaitsForWriter"}


def conditions(told: Told) -> tuple[Condition, ...]:
    """What holds of the policy after this lap. The reader says what was seen and decided, the writer what it did; who
    watches for harm depends on the mode."""
    found = [*_looked(told)] if told.role == "reader" else [*_acted(told)]
    if told.rehearsal is not None and remembers(told):
        found.append(_harmed(told, ordered_back(told)))
    return tuple(found)


def rejected(why: str, at: datetime) -> Remark:
    """What is told of a policy that cannot be read."""
    message = f"{why}; correct it, then: microglia policy validate"
    return Remark((condition("Accepted", "False", "Invalid", message, at),), message, "Invalid")


def remark(told: Told) -> Remark:
    """What the policy's status tells after this lap. The sentence is the reader's, but for what the writer did or
    met."""
    refused = told.rehearsal is not None and isinstance(told.rehearsal.checked, Refused)
    told_by_reader = not (told.failure or told.record or refused or ordered_back(told))
    lapped = told.at if told.role == "reader" and not told.failure else None
    if told.role == "writer" and told_by_reader:
        return Remark(conditions(told), lapped=lapped)
    return Remark(conditions(told), saying(told), reason(told), lapped)


def guarded(told: Told) -> Remark:
    """What is told of a policy under which nothing but guard goes on."""
    return Remark((_harmed(told, ordered_back(told)),))


def saying(told: Told) -> str:
    """A sentence of what goes on, and why no more does."""
    result = told.rehearsal
    if result is None:
        return told.failure or told.why_not
    state = result.state
    phase = f"{state.phase}, round {state.round} of {told.policy.spec.pace.rounds}" if state.round else str(state.phase)
    return f"{phase}: {_why_no_more(told, result)[1]}"


def reason(told: Told) -> str:
    """Why no more goes on, in one word."""
    if told.rehearsal is None:
        return "LapFailed" if told.failure else "OnlyLooks"
    return _why_no_more(told, told.rehearsal)[0]


def remembers(told: Told) -> bool:
    """Whether this role keeps the phase: the writer in modes that act, else the reader."""
    return (told.role == "writer") == (told.policy.spec.actuation.mode in ACTING)


def happenings(told: Told) -> Iterator[Happening]:
    """What is worth an event."""
    if told.failure:
        yield Happening("LapFailed", "Look", told.failure, "Warning")
    if told.record is not None:
        yield _done(told.record)
    for verdict in ordered_back(told) if remembers(told) else ():
        yield Happening("Harm", "Guard", f"{verdict.element}: {verdict.why}", "Warning")
    if told.rehearsal is None:
        return
    result = told.rehearsal
    if told.before is not None and result.state.phase is not told.before and remembers(told):
        yield Happening(f"{result.state.phase}", "Decide", f"from {told.before} to {result.state.phase}")
    if told.owed and told.role == "reader":
        yield Happening("GitMustChange", "Guard", _debt(told), "Warning")
    if told.role == "reader" and isinstance(result.checked, Refused):
        gates = ", ".join(dict.fromkeys(one.gate for one in result.checked.refusals))
        yield Happening("Refused", "Verify", f"no plan passes the gates: {gates}")
    if told.offered and told.offered == result.plan.id:
        yield Happening("Offered", "Plan", _offer(told))


def ordered_back(told: Told) -> tuple[Verdict, ...]:
    """What guard wants given back."""
    found = told.rehearsal.verdicts if told.rehearsal else told.verdicts
    return tuple(one for one in found if one.verdict == "Regrow")


def _looked(told: Told) -> Iterator[Condition]:
    def says(name: str, status: Status, reason: str, message: str) -> Condition:
        return condition(name, status, reason, message, told.at)

    if told.conflicts:
        yield says("Accepted", "False", "Conflict", "; ".join(told.conflicts))
    else:
        yield says("Accepted", "True", "Valid", "")
    if told.rehearsal is None:
        yield says("Observed", "False", "Unreadable", told.failure)
        return
    blind = unseen(told)
    yield says("Observed", "True", "Partly" if blind else "Whole", blind)
    checked = told.rehearsal.checked
    if isinstance(checked, Refused):
        first = checked.refusals[0]
        yield says("Cleared", "False", _camel(first.gate), f"{first.subject}: {first.message}")
    else:
        changes = len(checked.plan.changes)
        yield says("Cleared", "True", "Passed" if changes else "NothingToDo", count(changes, "change"))
    if checked.proof.seen is not None:
        refusals = checked.refusals if isinstance(checked, Refused) else ()
        missed = next((one.gate for one in refusals if one.gate in _SHOWN), "")
        shown: Status = "False" if missed else "True"
        yield says("Representative", shown, _camel(missed) or "Seen", seen_sentence(checked.proof.seen))
    yield says("Hardened", "True" if told.rehearsal.state.phase is Phase.HARDENED else "False",
               str(told.rehearsal.state.phase), "")  # fmt: skip


def unseen(told: Told) -> str:
    """What could not be read in this lap, and why; empty when all could."""
    spots = told.rehearsal.grounds.topology.snapshot.blind_spots if told.rehearsal else ()
    return "; ".join(f"{one.subject}: {one.reason}" for one in spots)


def _acted(told: Told) -> Iterator[Condition]:
    if told.record is not None:
        other = next((step for step in told.record.steps if step.state != "done"), None)
        reason, why = ("AllWritten", "") if other is None else (other.state.capitalize(), other.message)
        yield condition(
            "Acting", "True" if other is None else "False", reason, f"{told.record.id} {why}".strip(), told.at
        )
    elif told.failure:
        yield condition("Acting", "False", "Failed", told.failure, told.at)
    elif told.result == "refused" and told.rehearsal is not None and isinstance(told.rehearsal.checked, Refused):
        first = told.rehearsal.checked.refusals[0]
        yield condition("Acting", "False", _camel(first.gate), f"{told.rehearsal.plan.id}: {first.message}", told.at)
    else:
        yield condition("Acting", "False", _camel(told.code) or "Waiting", told.why_not, told.at)
    # The writer looks with eyes of its own, under rights of its own: what it misses, the reader may well see.
    if told.rehearsal is not None:
        blind = unseen(told)
        yield condition("WriterObserved", "True", "Partly" if blind else "Whole", blind, told.at)


def _harmed(told: Told, verdicts: tuple[Verdict, ...]) -> Condition:
    if told.owed and not verdicts:
        return condition("Harmed", "True", "Owed", _debt(told), told.at)
    if not verdicts:
        return condition("Harmed", "False", "NoHarm", "", told.at)
    first, mode = verdicts[0], told.policy.spec.actuation.mode
    way_out = (
        "" if mode in ACTING else f"; mode {mode} never acts, so give it back by hand: microglia restore {first.record}"
    )
    if told.owed:
        way_out = f"; {_debt(told)}"
    return condition("Harmed", "True", "Regrow", f"{first.element}: {first.why}{way_out}", told.at)


def _why_no_more(told: Told, result: Rehearsal) -> tuple[str, str]:
    if told.owed:
        return "GitMustChange", _debt(told)
    back = ordered_back(told)
    if back:
        return "Harm", f"{count(len(back), 'change')} hurt and must come back"
    if isinstance(result.checked, Refused):
        first = result.checked.refusals[0]
        return f"Gate{_camel(first.gate)}", f"gate {first.gate} refuses: {first.message}"
    if told.record is not None:
        done = _done(told.record)
        return done.reason, done.note
    up = [_offer(told)] if told.offered else []
    up += [_for_git(told)] if told.proposed else []
    if up:
        waits = "WaitsForMerge" if not told.offered else _WAITS.get(told.policy.spec.actuation.mode, "WaitsForYou")
        return waits, "; ".join(up)
    return _quiet(told, result)


def _quiet(told: Told, result: Rehearsal) -> tuple[str, str]:
    under_watch = len(watched(result.grounds.history))
    if under_watch:
        return "UnderWatch", f"{count(under_watch, 'element')} under watch"
    if result.plan.changes:
        planned = count(len(result.plan.changes), "change")
        return "OnlyLooks", f"{planned} planned; mode {told.policy.spec.actuation.mode} only looks"
    if result.grounds.rejected:
        noes = count(len(result.grounds.rejected), "element")
        return "Rejected", f"{noes} held back by a person's rejection; microglia status says by whose, and until when"
    return ("Paused", told.why_not) if told.why_not else ("NothingToTake", "nothing to take")


def _offer(told: Told) -> str:
    mode = told.policy.spec.actuation.mode
    if mode == "approve":
        return f"{told.offered} waits for approval: microglia approve {told.offered}"
    if mode == "auto":
        return f"{told.offered} is up; the writer carries it out"
    return f"{told.offered} is up; mode {mode} never acts, you may: microglia apply {told.offered}"


def _for_git(told: Told) -> str:
    return f"{told.proposed} is for Git: microglia propose {told.proposed} --repo PATH"


def _debt(told: Told) -> str:
    what = f"{told.owed[0]} hurt" if len(told.owed) == 1 else f"{told.owed[0]} and {len(told.owed) - 1} more hurt"
    if told.proposed:
        return f"{what}, and only Git can give it back, now: microglia propose {told.proposed} --repo PATH"
    return f"{what}, and only Git can give it back: merge what was proposed, or revert the commit that took it, now"


def _done(record: Record) -> Happening:
    done, purpose = len(record.done()), record.plan.purpose
    word = "Pruned" if purpose == "prune" else "Regrown"
    whole = done == len(record.steps)
    note = f"{record.id}: {word.lower()} {done} of {count(len(record.steps), 'change')}"
    other = next((step for step in record.steps if step.state != "done"), None)
    if other is not None:
        note = f"{note}; {record.plan.changes[other.index].workload}: {other.state}, {other.message}"
    return Happening(word, "Apply", note, "Normal" if whole and purpose == "prune" else "Warning")


def _camel(code: str) -> str:
    return "".join(part.capitalize() for part in code.split("-"))
