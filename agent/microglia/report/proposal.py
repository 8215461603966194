"""What reviewers read: a pull request with the evidence, the message of each commit, and the closing screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from microglia.model.units import show_duration
from microglia.plan.change import Change, CountChange, RemoveChange, Saving, ScaleChange, SidecarChange
from microglia.plan.document import Plan
from microglia.report.amounts import element, figure, saving
from microglia.report.data import plain
from microglia.report.table import count, paragraph, table
from microglia.report.totals import proof_text
from microglia.verify.clear import Checked

_SUBJECT = 72
_HOSTS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One change of the plan, by its index: the files that make it, each with how, or the reason why there are none.
    ``commit`` is empty where none was made."""

    index: int
    files: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a proposal went: ``branch`` (empty: files only) of the checkout ``repository``, made from ``base``; the
    ``folder`` of patches and text; ``dirty`` counts files of the checkout that were not looked at."""

    parts: tuple[Part, ...]
    repository: PurePath
    base: str
    branch: str
    folder: PurePath
    dirty: int


def title(change: Change) -> str:
    """``shop/cart: 5 -> 4 replicas``, in as many characters as git shows."""
    if isinstance(change, CountChange):
        text = f"{change.workload}: {change.before} -> {change.after} {change.unit}"
    elif isinstance(change, RemoveChange):
        text = f"{change.workload}: remove {change.what}"
    else:
        cut, shown = len(change.cut), len(change.shown)
        deeds = [f"hide {count(cut, 'host')}"] if cut else []
        deeds += [f"show {count(shown, 'host')}"] if shown else []
        text = f"{change.workload}: {', '.join(deeds)}"
    return text if len(text) <= _SUBJECT else f"{text[: _SUBJECT - 3]}..."


def commit_text(plan: Plan, index: int) -> str:
    """The message of the commit that makes one change."""
    change = plan.changes[index]
    span = show_duration(plan.window_end - plan.window_start)
    lines = [title(change), "", _why(change) + "."]
    lines += [f"Requests at risk per hour: {figure(change.why.at_risk)}.{_saves(change.saving, '')}"]
    lines += [f"Seen over {span} until {plan.window_end:%d %b %Y %H:%M} UTC; {plan.id}, change {index + 1}."]
    return "\n".join([*lines, "", "To undo it, revert this commit."]) + "\n"


def request_text(checked: Checked, parts: Sequence[Part], currency: str) -> str:
    """The text of the pull request, in Markdown."""
    plan = checked.plan
    placed = [part for part in parts if part.files]
    span = show_duration(plan.window_end - plan.window_start)
    verb = "Prune" if plan.purpose == "prune" else "Give back"
    seen = f"microglia looked at {span} of traffic, until {plan.window_end:%d %b %Y %H:%M} UTC, under policy"
    saved = _saves(plan.only(*(part.index for part in placed)).saving, currency)
    chunks = [
        f"# {verb} {count(len(placed), 'element')} of {plan.structure} ({plan.id})",
        f"{seen} {plan.policy}, rule {plan.rule}: {plan.phase}, round {plan.round} of {plan.rounds}.{saved}",
        _harm(plan, placed),
        _changes(plan, placed, currency),
        "## Evidence\n\n```\n" + proof_text(checked) + "\n```" + _whole(plan, placed),
        _victims(plan, placed),
        _hosts(plan, placed),
        _removed(plan, placed),
        _warnings(plan),
        _unplaced(plan, parts),
        _afterwards(plan),
    ]
    return "\n\n".join(chunk for chunk in chunks if chunk) + "\n"


def outcome_text(plan: Plan, outcome: Outcome) -> str:
    """The closing screen of ``microglia propose``."""
    placed = [part for part in outcome.parts if part.files]
    lines = []
    rows = [(title(plan.changes[part.index]), f"{path} ({how})") for part in placed for path, how in part.files]
    if rows:
        lines.append(table(("PROPOSED", "FILE"), rows))
    missing = [(title(plan.changes[part.index]), part.reason) for part in outcome.parts if not part.files]
    if missing:
        lines.append(table(("NOT PLACED", "BECAUSE"), missing))
    if not placed:
        return "\n\n".join([*lines, "Nothing was written: no change has a place in this repository."])
    where = [f"Patches, their inverses and the text of the pull request: {outcome.folder}"]
    if outcome.branch:
        commits = count(len(placed), "commit")
        where.insert(0, f"Branch {outcome.branch} of {outcome.repository} has {commits}; nothing was pushed.")
        where.append(f"Push it:  git -C {outcome.repository} push origin {outcome.branch}")
    if outcome.dirty:
        files = count(outcome.dirty, "file")
        where.append(paragraph(f"{files} of the checkout not committed: the proposal rests on {outcome.base[:12]}."))
    return "\n\n".join([*lines, "\n".join(where)])


def outcome_data(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """The same for programs."""
    return {
        "id": plan.id,
        "branch": outcome.branch or None,
        "base": outcome.base,
        "folder": str(outcome.folder),
        "changes": [
            {
                "change": plain(plan.changes[part.index]),
                "files": [{"path": path, "how": how} for path, how in part.files],
                "commit": part.commit or None,
                "reason": part.reason or None,
            }
            for part in outcome.parts
        ],
    }


def _saves(amount: Saving, currency: str) -> str:
    told = saving(amount, currency)
    return "" if told == "-" else f" Saves {told}."


def _harm(plan: Plan, placed: Sequence[Part]) -> str:
    """Why it is urgent: what was merged before, and what it did."""
    if plan.purpose != "regrow":
        return ""
    lines = [f"* {plan.changes[part.index].workload}: {plan.changes[part.index].why.sentence}" for part in placed]
    return "## Harm\n\nWhat was taken by an earlier merge hurts. Give it back now.\n\n" + "\n".join(lines)


def _whole(plan: Plan, placed: Sequence[Part]) -> str:
    if len(placed) == len(plan.changes):
        return ""
    return f"\n\nReplayed with all {len(plan.changes)} changes of the plan, also those that are not in this proposal."


def _why(change: Change) -> str:
    return change.why.sentence + (f"; lost to {element(change.why.lost_to)}" if change.why.lost_to else "")


def _changes(plan: Plan, placed: Sequence[Part], currency: str) -> str:
    rows = []
    for part in placed:
        change = plan.changes[part.index]
        files = "<br>".join(f"`{path}` ({how})" for path, how in part.files)
        told = (title(change), figure(change.why.at_risk), saving(change.saving, currency), _why(change))
        rows.append((*(_cell(one) for one in told), files))
    head = ("Change", "Requests at risk/h", "Saves", "Why", "Files")
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _victims(plan: Plan, placed: Sequence[Part]) -> str:
    """The proof rests on which pods go, and Git cannot say it."""
    lines = []
    for part in placed:
        change = plan.changes[part.index]
        if isinstance(change, ScaleChange) and change.victims:
            pods = " ".join(change.victims)
            mark = "controller.kubernetes.io/pod-deletion-cost=-100"
            lines.append(f"kubectl -n {change.id.namespace} annotate pod {pods} {mark}")
    if not lines:
        return ""
    told = (
        "## Which pods go\n\nThe proof assumes that the pods below go, so that zones and nodes stay covered. Kubernetes"
        " takes them first when they are marked right before the merge; unmarked, it chooses without looking at zones."
    )
    return told + "\n\n```\n" + "\n".join(lines) + "\n```"


def _hosts(plan: Plan, placed: Sequence[Part]) -> str:
    lines = []
    for part in placed:
        change = plan.changes[part.index]
        if isinstance(change, SidecarChange) and change.cut:
            shown = [f"`{host}`" for host in change.cut[:_HOSTS]]
            more = [f"and {len(change.cut) - _HOSTS} more"] if len(change.cut) > _HOSTS else []
            lines.append(f"* {change.workload}: {', '.join([*shown, *more])}")
    return "## Hosts that are hidden\n\n" + "\n".join(lines) if lines else ""


def _removed(plan: Plan, placed: Sequence[Part]) -> str:
    """No watch follows what nobody reached, so people are told what to look for."""
    gone = [plan.changes[part.index] for part in placed if isinstance(plan.changes[part.index], RemoveChange)]
    if not gone:
        return ""
    told = (
        "## What is removed\n\nNothing of this was served or matched in the window, so there is no traffic to watch"
        " afterwards: whoever knows a use that no metric shows should say so here."
    )
    return told + "\n\n" + "\n".join(f"* {change.workload}: {change.why.sentence}" for change in gone)


def _warnings(plan: Plan) -> str:
    return "## Warnings\n\n" + "\n".join(f"* {warning}" for warning in plan.warnings) if plan.warnings else ""


def _unplaced(plan: Plan, parts: Sequence[Part]) -> str:
    lines = [f"* {title(plan.changes[part.index])}: {part.reason}" for part in parts if not part.files]
    return "## Not in this proposal\n\n" + "\n".join(lines) if lines else ""


def _afterwards(plan: Plan) -> str:
    if plan.purpose != "prune":
        told = (
            "## Afterwards\n\nThis only gives back, so it can be merged at once; microglia recognises it once it is"
            " rolled out (receipt: by Git). Each change is a commit of its own."
        )
        hurt = " Until then it goes on hurting, because microglia does not write what Git owns."
        return told + (hurt if plan.purpose == "regrow" else "")
    undo = "Each change is a commit of its own: revert the one that hurts, or all of them."
    return (
        "## Afterwards\n\nOnce this is merged and rolled out, microglia recognises it as its own (receipt: by Git) and"
        f" watches errors, latency and missing demand as after any prune; `microglia status` shows how it fares. {undo}"
    )
