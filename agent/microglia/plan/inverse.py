"""What gives back: plans that only widen, made from the journal and from the objects as they are now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from microglia.model.objects import Objects, Raw, at, name_of, namespace_of
from microglia.plan.change import (
    Change,
    CountChange,
    MinimumChange,
    RemoveChange,
    ScaleChange,
    SidecarChange,
    Why,
    decision_digest,
)
from microglia.plan.document import Note, Plan
from microglia.plan.history import Record
from microglia.plan.minimum import raised
from microglia.plan.sidecar import client_of, edited, hidden, plain, whole, widened
from microglia.topology.sidecars import ours


@dataclass(frozen=True, slots=True)
class Taken:
    """A change that took something, and why it is to be given back."""

    change: Change
    why: str


def inverse(records: Sequence[Record], objects: Objects, now: datetime) -> Plan:
    """The plan that gives back everything that ``records`` took and that is still gone. ``records`` must not be empty.

    ``objects`` needs the workloads written and the Sidecars, nothing else: no metrics, no scores. Counts become
    max(now, before), hosts are shown again; nothing narrows. What is already back, gone or no longer ours is a note.
    """
    newest = sorted(records, key=lambda record: (record.started, record.id), reverse=True)
    taken = [
        Taken(record.plan.changes[index], f"gives back what {record.id} took")
        for record in newest
        for index in reversed(_written(record))
    ]
    return giving_back(taken, objects, newest[0].plan, now, "restore")


def giving_back(
    taken: Iterable[Taken], objects: Objects, like: Plan, now: datetime, purpose: Literal["restore", "regrow"]
) -> Plan:
    """Undo ``taken``, given newest first: replicas first, then routes, each in that order, one change per object."""
    scales: dict[str, list[Taken]] = {}
    routes: dict[str, list[Taken]] = {}
    removed: list[Note] = []
    for one in taken:
        if isinstance(one.change, CountChange):
            if not one.change.widens:
                scales.setdefault(f"{one.change.kind} {one.change.workload}", []).append(one)
        elif isinstance(one.change, RemoveChange):
            removed.append(_reverted(one.change))
        elif one.change.cut:
            routes.setdefault(one.change.workload, []).append(one)
    drawn = [*(_more(some, objects) for some in scales.values()), *(_shown(some, objects) for some in routes.values())]
    changes: tuple[Change, ...] = tuple(one for one in drawn if not isinstance(one, Note))
    notes = sorted(
        (*removed, *(one for one in drawn if isinstance(one, Note))), key=lambda note: (note.subject, note.why)
    )
    return Plan(
        purpose=purpose,
        structure=like.structure,
        cluster=like.cluster,
        made_at=now,
        window_start=like.window_start,
        window_end=like.window_end,
        rule=like.rule,
        policy=like.policy,
        policy_digest=like.policy_digest,
        snapshot_digest=like.snapshot_digest,
        phase=like.phase,
        round=like.round,
        rounds=like.rounds,
        changes=changes,
        held=tuple(notes),
    )


def _reverted(change: RemoveChange) -> Note:
    why = "it was taken out in Git: revert that commit, or apply the inverse patch that came with the proposal"
    return Note(subject=change.workload, what=f"{change.what} back", why=why)


def _written(record: Record) -> tuple[int, ...]:
    # A write that nobody knows the end of is given back too: widening what was never narrowed changes nothing.
    return tuple(step.index for step in record.steps if step.state in ("done", "writing"))


def _more(some: Sequence[Taken], objects: Objects) -> ScaleChange | MinimumChange | Note:
    least = [one.change for one in some if isinstance(one.change, MinimumChange)]
    return raised(least, some[0].why, objects) if least else _grown(some, objects)


def _grown(some: Sequence[Taken], objects: Objects) -> ScaleChange | Note:
    changes = [one.change for one in some if isinstance(one.change, ScaleChange)]
    first = changes[0]
    raw = _find(objects, first.id.kind, first.id.namespace, first.id.name)
    wanted = max(change.before for change in changes)
    what = f"back to {wanted}"
    if raw is None:
        return Note(subject=first.workload, what=what, why="it does not exist any more; there is nothing to give back")
    if at(raw, "metadata", "uid") not in {change.uid for change in changes}:
        why = "it was deleted and made anew since, so its count is somebody's new decision; scale it by hand if need be"
        return Note(subject=first.workload, what=what, why=why)
    present = int(at(raw, "spec", "replicas", default=1))
    if present >= wanted:
        return Note(subject=first.workload, what=what, why=f"it has {present} already")
    return ScaleChange(
        workload=first.workload,
        uid=str(at(raw, "metadata", "uid")),
        before=present,
        after=wanted,
        digest=decision_digest(raw),
        why=Why(sentence=some[0].why, at_risk=0.0),
    )


def _shown(some: Sequence[Taken], objects: Objects) -> SidecarChange | Note:
    changes = [one.change for one in some if isinstance(one.change, SidecarChange)]
    first = changes[0]
    cut = {host for change in changes for host in change.cut}
    raw = _find(objects, "Sidecar", first.namespace, first.name)
    still = cut & set(hidden(raw))
    shown = tuple(sorted(whole(raw, still))) if raw else ()
    client = _find(objects, first.id.kind, first.id.namespace, first.id.name)
    if raw is None or not ours(raw) or client_of(raw) != first.id or not shown:
        why = "no Sidecar of microglia's hides them any more"
    elif edited(raw):
        why = f"somebody edited Sidecar {first.namespace}/{first.name}; delete it by hand: that shows every host"
    elif client is None:
        why = f"the workload is gone; Sidecar {first.namespace}/{first.name} selects nothing, delete it when you like"
    else:
        return SidecarChange(
            workload=first.workload,
            uid=str(at(client, "metadata", "uid")),
            digest=decision_digest(client),
            namespace=first.namespace,
            name=first.name,
            before=plain(raw),
            after=widened(raw, shown),
            shown=shown,
            why=Why(sentence=some[0].why, at_risk=0.0),
        )
    return Note(subject=first.workload, what=f"{len(cut)} hosts visible again", why=why)


def _find(objects: Objects, kind: str, namespace: str, name: str) -> Raw | None:
    return next(
        (raw for raw in objects.of(kind) if name_of(raw) == name and namespace_of(raw) == namespace),
        None,
    )
