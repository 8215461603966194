"""What was done, what is watched, and what can be undone."""

from collections.abc import Collection, Sequence

from microglia.lifecycle.states import State
from microglia.plan.change import CountChange, SidecarChange
from microglia.plan.history import History, Judgement, Record
from microglia.plan.standing import Standing, standing
from microglia.report.amounts import resource
from microglia.report.table import count, paragraph, table
from microglia.verify.clear import Checked, Refused


def record_text(record: Record) -> str:
    """The closing line of an apply or a restore, and what became of what was not done."""
    done = len(record.done())
    verb = "Pruned" if record.plan.purpose == "prune" else "Restored"
    lines = [f"{verb} {done} of {len(record.steps)}."]
    if record.plan.purpose == "prune" and done:
        lines.append(f"Undo it:  microglia restore {record.id}      Watch it:  microglia status")
    return "\n".join(lines)


def again_text(record: Record) -> str:
    """What becomes of a plan that was applied before, and how to undo it or go on."""
    done, whole = len(record.done()), len(record.steps)
    told = (
        f"{record.id} was applied already, on {record.started:%d %b %Y %H:%M} UTC: {done} of {count(whole, 'change')}"
    )
    if record.restored_by:
        return f"{told} done, and given back since by {record.restored_by[-1]}.\nMake a new one:  microglia plan"
    return f"{told} done.\nUndo it:  microglia restore {record.id}      Make a new one:  microglia plan"


def restorable_text(records: Sequence[Record]) -> str:
    """The plans that can be undone, newest first."""
    open_ones = [record for record in reversed(records) if record.plan.purpose == "prune" and record.done()]
    open_ones = [record for record in open_ones if not record.restored_by]
    if not open_ones:
        return "Nothing to undo: no plan in this journal has changed anything that was not given back already."
    rows = [
        (record.id, f"{record.started:%d %b %H:%M}", count(len(record.done()), "change"), _verdicts(record))
        for record in open_ones
    ]
    head = f"{count(len(open_ones), 'plan')} can be undone:"
    return f"{head}\n{table(('PLAN', 'APPLIED', 'CHANGES', 'VERDICT'), rows)}\nmicroglia restore {open_ones[0].id}"


def status_text(history: History, state: State) -> str:
    """Phase, round, what is under watch and with which figures, what was surprising."""
    phase = f"{state.phase}, round {state.round}" if state.round else str(state.phase)
    if history.state is None:
        lines = [f"Structure {state.structure}: nothing was done here yet; the first lap would be {phase}."]
    else:
        lines = [f"Structure {state.structure}: {phase}, since {state.since:%d %b %H:%M} UTC."]
    lines += [paragraph(f"Surprise: {one}") for one in history.surprises]
    lines += _standing(standing(history))
    shields = [(one.element, f"{one.until:%d %b %Y}", one.reason) for one in state.shields]
    if shields:
        lines.append(table(("SHIELDED", "UNTIL", "BECAUSE"), shields))
    entry = {name: amount for name, amount in sorted(state.entry.items()) if amount}
    if entry and history.state is not None:
        taken = ", ".join(
            f"{resource(name, state.taken.get(name, 0))} of {resource(name, entry[name])} ({name})" for name in entry
        )
        lines.append(paragraph(f"Taken of the excess at entry: {taken}."))
    return "\n".join(lines)


def orphans_text(records: Sequence[Record], named: Collection[str]) -> str:
    """What is in force under policies that are not ``named``, and how it gets one again; empty when nothing is."""
    lines = []
    for name in sorted({record.plan.structure for record in records} - set(named)):
        own = tuple(record for record in records if record.plan.structure == name)
        left = standing(History(None, own))
        if left:
            newest = left[-1].record.id
            lines.append(
                f"Policy {name} is gone or cannot be read, and {count(len(left), 'change')} made under it in force: no "
                "more is taken, an agent that acts guards on. Bring the policy back, or give them back: microglia "
                f"restore {newest}"
            )
    return "\n".join(paragraph(line) for line in lines)


def outlook_text(checked: Checked, mode: str, saying: str) -> str:
    """What the next lap would do, and what keeps it from more; ``saying`` is the agent's own last sentence, empty where
    none runs."""
    if isinstance(checked, Refused):
        first, others = checked.refusals[0], len(checked.refusals) - 1
        more = f"; and {count(others, 'more refusal')}: microglia plan" if others else ""
        told = f"No plan passes: gate {first.gate} refuses {first.subject}: {first.message}{more}"
    elif checked.plan.changes:
        told = f"{count(len(checked.plan.changes), 'change')} could be made now; see them with: microglia plan"
    else:
        told = "Nothing can be taken now; microglia plan says what holds what is left."
    agent = f"The agent, mode {mode}, says: {saying}" if saying else ""
    return "\n".join(paragraph(one) for one in (told, agent) if one)


def _standing(changes: Sequence[Standing]) -> list[str]:
    plans: dict[str, list[Standing]] = {}
    for one in changes:
        if one.watched:
            plans.setdefault(one.record.id, []).append(one)
    lines = [] if plans else [paragraph("Nothing is under watch.")]
    for name, watched in plans.items():
        rows = [(_what(one.change), *_word(one.judgement)) for one in watched]
        lines.append(table((f"WATCHED, OF {name}", "VERDICT", "WHY"), rows))
    kept = len(changes) - sum(map(len, plans.values()))
    return [*lines, paragraph(f"{count(kept, 'earlier change')} kept for good.")] if kept else lines


def _what(change: CountChange | SidecarChange) -> str:
    if isinstance(change, CountChange):
        least = "" if change.unit == "replicas" else " at least"
        return f"{change.workload} {change.before} -> {change.after}{least}"
    return f"{change.workload} -> {count(len(change.cut), 'host')} hidden"


def _word(judgement: Judgement | None) -> tuple[str, str]:
    return (judgement.verdict, judgement.why) if judgement else ("Wait", "not judged yet; the next lap does")


def _verdicts(record: Record) -> str:
    words = [judged.verdict for index in record.done() if (judged := record.verdict(index))]
    return (
        ", ".join(f"{words.count(word)} {word}" for word in ("Keep", "Wait", "Regrow") if word in words) or "not judged"
    )
