"""A cleared plan is carried out: one write at a time, in the journal before and after each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from microglia.model.units import show_duration
from microglia.plan.change import Change, CountChange
from microglia.plan.document import Plan
from microglia.plan.history import Record, Step
from microglia.plan.ports import Journal, Writer
from microglia.verify.clear import Cleared
from microglia.verify.identity import SNAPSHOT_LASTS


@dataclass(frozen=True, slots=True)
class Conduct:
    """How to go about it. ``clock`` gives the time for the journal; ``stop`` is asked before every write and gives the
    reason to stop, None or empty to go on (a person's Ctrl-C, a lost lock); ``say`` is told each step."""

    clock: Callable[[], datetime]
    stop: Callable[[], str | None]
    say: Callable[[str], None]


def apply(cleared: Cleared, writer: Writer, journal: Journal, conduct: Conduct) -> Record:
    """Carry out ``cleared`` and return its record, which is also in the journal.

    A pruning plan that was cleared too long ago is not begun: its facts are no longer fresh, whoever thought it over.
    A pruning plan stops at the first change that went otherwise than planned, unless it was taken back cleanly;
    restore and regrow only give, and go on. A record with a write that nobody knows the outcome of stays open: the
    next ``settle`` closes it. Raises OSError when the journal cannot be written: then nothing more is.
    """
    plan = cleared.plan
    writer.tidy(_last(journal))
    started = conduct.clock()
    journal.begin(plan, started)
    steps: list[Step] = []
    why_not = _late(cleared, started)
    for index, change in enumerate(plan.changes):
        why_not = why_not or conduct.stop() or ""
        if why_not:
            step = Step(index=index, state="skipped", at=conduct.clock(), message=why_not)
        else:
            journal.step(plan.id, Step(index=index, state="writing", at=conduct.clock()))
            step = writer.write(change).model_copy(update={"index": index, "at": conduct.clock()})
            why_not = _stops(plan, step, change)
        journal.step(plan.id, step)
        steps.append(step)
        conduct.say(_line(plan, change, step))
    finished = None
    if all(step.state != "writing" for step in steps):
        finished = conduct.clock()
        journal.finish(plan.id, finished)
    return Record(plan=plan, started=started, finished=finished, steps=tuple(steps))


def _late(cleared: Cleared, now: datetime) -> str:
    age = now - cleared.at
    if cleared.plan.purpose != "prune" or age <= SNAPSHOT_LASTS:
        return ""
    return (
        f"not begun: it was checked {show_duration(age)} ago, and facts are fresh for {show_duration(SNAPSHOT_LASTS)};"
        " apply it again"
    )


def _stops(plan: Plan, step: Step, change: Change) -> str:
    if plan.purpose != "prune" or step.state in ("done", "undone"):
        return ""
    return f"not begun: {change.workload} went otherwise than planned, and a pruning plan stops there"


def _line(plan: Plan, change: Change, step: Step) -> str:
    what = f"{change.before} -> {change.after} {change.unit}" if isinstance(change, CountChange) else "routes"
    message = f": {step.message}" if step.message else ""
    return f"{step.index + 1}/{len(plan.changes)} {change.workload} {what}: {step.state}{message}"


def _last(journal: Journal) -> list[Change]:
    # One plan is written at a time, so only the newest record can have left anything behind: by a crash, or because
    # nobody answered when it was to be taken away.
    records = [record for record in journal.records() if record.plan.way == "cluster"]
    begun = [step.index for step in records[-1].steps if step.state not in ("pending", "skipped")] if records else []
    return [records[-1].plan.changes[index] for index in begun]
