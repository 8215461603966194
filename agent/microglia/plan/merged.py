"""What was proposed in Git, and what the cluster shows of it: merged, waiting, overtaken or too old."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from microglia.model.objects import Objects, Raw, at, name_of, namespace_of
from microglia.plan.change import Change, CountChange, MinimumChange, RemoveChange, SidecarChange
from microglia.plan.history import Record, Step
from microglia.plan.sidecar import client_of
from microglia.topology.levers import least_of
from microglia.topology.sidecars import ours

BY_GIT: Final = "by Git"
"""How the receipt of a merged proposal begins."""
PROPOSAL_LASTS: Final = timedelta(days=30)
"""After so long, whoever sets a count to the proposed one did so for reasons of their own."""


@dataclass(frozen=True, slots=True)
class Found:
    """What became of one proposed change: the record that it is in, and its step as it should read now."""

    record: str
    step: Step


def asked(records: Iterable[Record]) -> tuple[str, ...]:
    """The kinds of the objects that proposals wait for, sorted."""
    kinds = {
        kind_of(record.plan.changes[step.index])
        for record in records
        for step in record.steps
        if step.state == "proposed"
    }
    return tuple(sorted(kinds))


def waiting(records: Iterable[Record]) -> bool:
    """Whether any change is proposed and not known to be merged."""
    return any(step.state == "proposed" for record in records for step in record.steps)


def merged(records: Sequence[Record], objects: Objects, now: datetime) -> tuple[Found, ...]:
    """The proposed changes of ``records`` (oldest first) of which something is known by now.

    A change is *done* once the very object that it was planned for is as it says, and the controllers have followed:
    it was merged and rolled out, whoever merged it. It is *skipped* when a later record touches the same element, or
    after ``PROPOSAL_LASTS``. ``objects`` needs the kinds of ``asked``, trimmed or whole; of one that could not be read
    nothing is concluded.
    """
    found: list[Found] = []
    later: set[str] = set()
    for record in reversed(records):
        for step in reversed(record.steps):
            change = record.plan.changes[step.index]
            told = step
            if step.state == "proposed":
                told = _told(change, record, objects, now, overtaken=change.element in later)
                if told is not step:
                    told = told.model_copy(update={"index": step.index, "at": now})
                    found.append(Found(record.id, told))
            if told.state in {"done", "writing"}:
                later.add(change.element)
    return tuple(reversed(found))


def _told(change: Change, record: Record, objects: Objects, now: datetime, *, overtaken: bool) -> Step:
    step = next(one for one in record.steps if record.plan.changes[one.index] is change)
    if objects.blind(kind_of(change)):
        return step
    if overtaken:
        return Step(index=0, state="skipped", message="a later plan wrote the same element before it was merged")
    there = _there(change, objects)
    if there is not None:
        return Step(index=0, state="done", message=f"{BY_GIT}: {there}")
    if now - record.started > PROPOSAL_LASTS:
        return Step(index=0, state="skipped", message=f"it was not merged within {PROPOSAL_LASTS.days} days")
    return step


def kind_of(change: Change) -> str:
    """The kind of the object that a change writes."""
    if isinstance(change, MinimumChange):
        return change.scaler
    return "Sidecar" if isinstance(change, SidecarChange) else change.id.kind


def _there(change: Change, objects: Objects) -> str | None:
    if isinstance(change, MinimumChange):
        return _lowered(change, objects)
    if isinstance(change, CountChange):
        return _scaled(change, objects)
    return _scoped(change, objects) if isinstance(change, SidecarChange) else _removed(change, objects)


def _removed(change: RemoveChange, objects: Objects) -> str | None:
    raw = _find(objects.of(change.id.kind), change.id.namespace, change.id.name)
    if raw is None or at(raw, "metadata", "uid") != change.uid:
        return "it is gone"
    left = change.after and {key: at(raw, "spec", key) for key in change.after}
    item = "rules" if change.rule is None else "backends"
    return f"its {item} are gone" if left and left == change.after else None


def _lowered(change: MinimumChange, objects: Objects) -> str | None:
    raw = objects.one(change.ref)
    if raw is None or at(raw, "metadata", "uid") != change.scaler_uid:
        return None
    least = least_of(raw, change.scaler)
    there = least >= change.after if change.widens else least == change.after
    return f"its minimum is {least}" if there else None


def _scaled(change: CountChange, objects: Objects) -> str | None:
    raw = _find(objects.of(change.id.kind), change.id.namespace, change.id.name)
    if raw is None or at(raw, "metadata", "uid") != change.uid:
        return None
    count, pods = at(raw, "spec", "replicas", default=1), at(raw, "status", "replicas", default=0)
    if change.widens:
        return f"it has {count} replicas" if count >= change.after else None
    followed = at(raw, "status", "observedGeneration", default=0) >= at(raw, "metadata", "generation", default=0)
    return f"it has {count} replicas" if count == change.after and pods <= count and followed else None


def _scoped(change: SidecarChange, objects: Objects) -> str | None:
    raw = _find(objects.of("Sidecar"), change.namespace, change.name)
    if change.after is None:
        return "its Sidecar is gone" if raw is None else None
    # Whoever delivers it adds labels and annotations of its own: what it hides, and from whom, decides.
    if raw is None or not ours(raw) or client_of(raw) != change.id or at(raw, "spec") != change.after["spec"]:
        return None
    return "its Sidecar is as proposed"


def _find(raws: Iterable[Mapping[str, object]], namespace: str, name: str) -> Raw | None:
    return next((raw for raw in raws if name_of(raw) == name and namespace_of(raw) == namespace), None)
