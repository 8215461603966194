"""After an interruption: make the journal tell the truth. Reads the cluster, writes nothing to it."""

from dataclasses import replace
from datetime import datetime

from microglia.plan.history import History, Record, Step
from microglia.plan.ports import Journal, Writer

SETTLED = "found at the next start: "
"""How the message of a settled step begins."""


def settle(journal: Journal, writer: Writer, structure: str, now: datetime) -> History:
    """The structure's history with every interrupted record settled.

    A write in flight is compared with the world: equal to *after* is done, equal to *before* is not done (failed), else
    a surprise. While the world cannot be read it stays in flight. Changes not begun are dropped (skipped). Raises
    OSError when the journal cannot be read or written, among others because another process is writing it now.
    """
    surprises: list[str] = []
    for record in journal.history(structure).records:
        if record.finished is None or any(step.state == "writing" for step in record.steps):
            surprises += _settle(journal, writer, record, now)
    history = journal.history(structure)
    return replace(history, surprises=(*history.surprises, *surprises))


def _settle(journal: Journal, writer: Writer, record: Record, now: datetime) -> list[str]:
    surprises = []
    open_ends = False
    for step in record.steps:
        if step.state not in ("pending", "writing"):
            continue
        change = record.plan.changes[step.index]
        settled = _skipped(step) if step.state == "pending" else _found(writer.look(change), step.message)
        # It happened, if at all, when it was begun: what was seen since then was seen under it.
        at = step.at if step.state == "writing" and step.at else now
        journal.step(record.id, settled.model_copy(update={"index": step.index, "at": at}))
        open_ends = open_ends or settled.state == "writing"
        if settled.state in ("surprise", "writing"):
            surprises.append(f"{change.workload} ({record.id}, change {step.index + 1}): {settled.message}")
    if not open_ends:
        journal.finish(record.id, now)
    return surprises


def _skipped(step: Step) -> Step:
    return Step(index=step.index, state="skipped", message="not begun when the plan was interrupted")


def _found(seen: Step, before: str) -> Step:
    # A message from before the end says more than the bare count, such as a placement that could not be set back.
    said = seen.message or {"done": "it was written", "pending": "it was not written"}.get(seen.state, seen.state)
    earlier = f" ({before})" if before and not before.startswith(SETTLED) else ""
    state = "failed" if seen.state == "pending" else seen.state
    return seen.model_copy(update={"state": state, "message": f"{SETTLED}{said}{earlier}"})
