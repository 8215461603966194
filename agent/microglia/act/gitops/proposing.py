"""A plan that may be proposed -> commits on a new branch, patches with their inverses, and a record in the journal."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from microglia.act.gitops.files import ENDINGS, Files, Hints
from microglia.act.gitops.git import GitError, Repository
from microglia.act.gitops.place import Placed, place
from microglia.model.ids import WorkloadId
from microglia.plan.change import Change
from microglia.plan.history import Step
from microglia.plan.ports import Journal
from microglia.report.proposal import Outcome, Part, commit_text, request_text
from microglia.topology.graph import Topology
from microglia.verify.clear import Proposable


@dataclass(frozen=True, slots=True)
class Place:
    """Where a proposal goes: a new ``branch`` of ``repository`` (empty: no branch), and a ``folder`` for patches and
    text; beside a branch that is a folder of our own, and what an earlier one left there goes. ``hints`` are what a
    person said about where things are."""

    repository: Repository
    branch: str
    folder: Path
    hints: Hints


def propose(checked: Proposable, topology: Topology, target: Place, currency: str) -> Outcome:
    """Write what ``checked`` would change. Nothing is written when no change has a place. Raises GitError, also
    when the folder cannot be written."""
    repository, plan = target.repository, checked.plan
    base = repository.head()
    if target.branch:
        repository.branch_is_free(target.branch)
    elif target.folder.is_dir() and any(target.folder.iterdir()):
        raise GitError(f"{target.folder} is not empty; name a new folder, or empty it")
    hints = replace(target.hints, under=repository.under)
    placed = place(plan, topology.workloads, Files(repository.files(base, ENDINGS)), hints)
    parts, patches = _committed(checked, placed, target, base)
    dirty = len(repository.dirty())
    if any(part.files for part in parts):
        _write(target.folder, patches, request_text(checked, parts, currency))
        if target.branch:
            repository.branch(target.branch, [part.commit for part in parts if part.commit][-1])
    return Outcome(parts, repository.root, base, target.branch, target.folder, dirty)


def note(checked: Proposable, outcome: Outcome, journal: Journal, now: datetime) -> None:
    """Remember what was proposed, so that it is recognised once it is merged. Raises OSError."""
    plan = checked.plan
    if not any(part.files for part in outcome.parts):
        return
    journal.begin(plan, now)
    where = outcome.branch or str(outcome.folder)
    for part in outcome.parts:
        step = Step(index=part.index, state="skipped", at=now, message=part.reason)
        if part.files:
            step = Step(index=part.index, state="proposed", at=now, message=f"proposed in {where}")
        journal.step(plan.id, step)
    journal.finish(plan.id, now)


def _committed(
    checked: Proposable, placed: Sequence[Placed], target: Place, base: str
) -> tuple[tuple[Part, ...], dict[str, tuple[str, str]]]:
    """One commit on top of the other, and what turns each into the next and back. Objects that no branch names are
    git's to clean up."""
    repository, parts, patches = target.repository, list[Part](), dict[str, tuple[str, str]]()
    parent, before = base, repository.tree(base, {})
    for one in placed:
        if not one.edits:
            parts.append(Part(one.index, reason=one.reason))
            continue
        after = repository.tree(before, {edit.path: edit.after for edit in one.edits})
        if target.branch:
            parent = repository.commit(after, parent, commit_text(checked.plan, one.index))
        name = f"{one.index + 1:04d}-{_file_name(checked.plan.changes[one.index])}.patch"
        patches[name] = (repository.patch(before, after), repository.patch(after, before))
        before = after
        files = tuple((edit.path, edit.how) for edit in one.edits)
        parts.append(Part(one.index, files, commit=parent if target.branch else ""))
    return tuple(parts), patches


def _file_name(change: Change) -> str:
    target: WorkloadId = change.id
    return f"{target.namespace}-{target.name}-{change.kind}"


def _write(folder: Path, patches: dict[str, tuple[str, str]], text: str) -> None:
    inverses = folder / "inverse"
    try:
        if folder.is_dir() and any(folder.iterdir()):
            shutil.rmtree(folder)
        inverses.mkdir(parents=True, exist_ok=True)
        for name, (forward, inverse) in patches.items():
            (folder / name).write_bytes(forward.encode())
            (inverses / name).write_bytes(inverse.encode())
        (folder / "pull-request.md").write_text(text, encoding="utf-8")
    except OSError as error:
        raise GitError(f"{folder}: cannot be written: {error.strerror}") from None
