"""A plan on one screen: what changes, why, what was spared or undecided, what it saves, what refuses, what next."""

from dataclasses import dataclass
from typing import Any, Literal

from microglia.model.units import show_duration
from microglia.plan.change import Change, CountChange, RemoveChange
from microglia.plan.document import Plan
from microglia.report.amounts import figure, saved, saving, winner
from microglia.report.data import plain
from microglia.report.notes import held_text, spared_text, undecided_text
from microglia.report.seen import seen_text
from microglia.report.table import count, listed, paragraph, shorten, table
from microglia.report.totals import proof_text, replay_text, totals_text
from microglia.verify.clear import Checked, Refused

RESTING = frozenset({"lean", "hardened"})
"""What a structure without changes may be when all is well."""
HEADINGS = {"prune": "PRUNE", "restore": "RESTORE", "regrow": "GIVE BACK"}


@dataclass(frozen=True, slots=True)
class View:
    """How much to show, and where the facts are from: what may be done next depends on it. ``policy`` names the policy
    and where it was found."""

    everything: bool
    source: Literal["cluster", "snapshot", "demo"]
    currency: str
    policy: str


def plan_text(checked: Checked, view: View) -> str:
    """The whole screen."""
    plan = checked.plan
    parts = [
        _headline(plan, view),
        changes_text(plan, everything=view.everything),
        held_text(plan, everything=view.everything),
        spared_text(plan.spared, everything=view.everything),
        undecided_text(plan.undecided, everything=view.everything),
        totals_text(plan, view.currency),
        seen_text(checked.proof.seen),
        proof_text(checked),
        *(paragraph(f"Warning: {warning}") for warning in plan.warnings),
        _outcome(checked, view),
    ]
    return "\n\n".join(part for part in parts if part)


def consent_text(checked: Checked, view: View) -> str:
    """What a person is asked to agree to: every change, what it gives back, and the proof; or every no."""
    plan = checked.plan
    parts = [_headline(plan, view), changes_text(plan, everything=view.everything)]
    if isinstance(checked, Refused):
        parts.append(refusals_text(checked))
    elif plan.changes:
        parts += [paragraph(f"Saves {saved(plan.saving, view.currency)}.") if plan.purpose == "prune" else ""]
        parts += [replay_text(checked), *(paragraph(f"Warning: {warning}") for warning in plan.warnings)]
    return "\n\n".join(part for part in parts if part)


def plan_data(checked: Checked) -> dict[str, Any]:
    """The same for programs: ``id``, ``cleared``, the plan, the proof and every refusal."""
    refusals = checked.refusals if isinstance(checked, Refused) else ()
    return {
        "id": checked.plan.id,
        "cleared": not refusals,
        "plan": plain(checked.plan),
        "saving": plain(checked.plan.saving),
        "proof": plain(checked.proof),
        "refusals": plain(refusals),
    }


def refusals_text(refused: Refused) -> str:
    """Every no, with its evidence and its way out; alike ones together."""
    alike: dict[tuple[str, str], list[str]] = {}
    for refusal in refused.refusals:
        alike.setdefault((refusal.gate, refusal.message), []).append(refusal.subject)
    rows = [(gate, listed(sorted(set(subjects))), message) for (gate, message), subjects in alike.items()]
    head = f"Refused by {count(len({gate for gate, _ in alike}), 'gate')}; nothing was changed."
    return head + "\n" + table(("GATE", "ABOUT", "WHY"), rows)


def _headline(plan: Plan, view: View) -> str:
    span = show_duration(plan.window_end - plan.window_start)
    where = f"Round {plan.round} of {plan.rounds}" if plan.phase == "Pruning" else plan.phase
    return f"{where} · window {span} · rule {plan.rule} · policy: {view.policy}"


def changes_text(plan: Plan, *, everything: bool) -> str:
    """The table of what changes."""
    if not plan.changes:
        return paragraph("Nothing to change in this lap.")
    rows, more = shorten([_change(change) for change in plan.changes], everything=everything)
    header = (HEADINGS[plan.purpose], "FROM", "TO", "AT RISK/h", "SAVES", "WHY")
    return "\n".join(line for line in (table(header, rows, right=(1, 2, 3)), more) if line)


def _change(change: Change) -> tuple[str, ...]:
    why = change.why.sentence + (
        f"; lost to {winner(change.why.lost_to, change.workload)}" if change.why.lost_to else ""
    )
    if isinstance(change, CountChange):
        least = "" if change.unit == "replicas" else ": minimum"
        before, after, subject = str(change.before), str(change.after), f"{change.workload}{least}"
    elif isinstance(change, RemoveChange):
        before, after, subject = "", "", f"{change.workload}: remove {change.what}"
    else:
        hosts = count(len(change.cut) or len(change.shown), "host")
        before, after, subject = "", "", f"{change.workload} -> {hosts}"
        if change.shown and not change.cut:
            subject += " shown again"
    return subject, before, after, figure(change.why.at_risk), saving(change.saving), why


def _outcome(checked: Checked, view: View) -> str:
    if isinstance(checked, Refused):
        return refusals_text(checked)
    plan = checked.plan
    if not plan.changes:
        rests = [note.what for note in plan.held if note.subject == plan.structure]
        return "Nothing was changed; " + ("HELD NOW says why." if set(rests) - RESTING else "nothing needs to be.")
    match view.source:
        case "demo":
            return ""
        case "snapshot":
            return (
                "Nothing was changed. A plan from a snapshot file can be shown, not applied.\n"
                f"Explain one:  microglia explain {plan.changes[0].workload} --snapshot FILE"
            )
    return (
        f"Nothing was changed.  Apply:  microglia apply {plan.id}\n"
        f"Explain one:  microglia explain {plan.changes[0].workload}"
    )
