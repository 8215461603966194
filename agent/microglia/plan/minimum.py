"""The minimum of an autoscaler: lowered, and raised again."""

from collections.abc import Sequence

import numpy as np

from microglia.model.ids import ObjectRef
from microglia.model.objects import Objects, at
from microglia.plan.change import MinimumChange, Saving, Why, minimum_digest
from microglia.plan.document import Note
from microglia.plan.grounds import Grounds
from microglia.topology.graph import Topology
from microglia.topology.levers import least_of
from microglia.topology.nodes import Lever, Workload


def lowered(grounds: Grounds, workload: Workload, lever: Lever, after: int, why: Why) -> MinimumChange:
    """``after`` copies at least instead of ``lever.least``. What it saves counts for the hours at the minimum alone:
    in the others the autoscaler held more anyway."""
    count, share = lever.least - after, at_minimum(grounds.topology, workload, lever.least)
    unit = grounds.scores.replicas[workload.id].unit
    hours = f"it rested at its minimum in {share:.0%} of the hours seen"
    return MinimumChange(
        workload=str(workload.id),
        uid=workload.uid,
        before=lever.least,
        after=after,
        digest=minimum_digest(workload.raw, lever.raw),
        scaler="ScaledObject" if lever.ref.kind == "ScaledObject" else "HorizontalPodAutoscaler",
        name=lever.ref.name,
        scaler_uid=str(at(lever.raw, "metadata", "uid", default="")),
        saving=Saving(
            cpu=unit.get("cpu", 0.0) * count * share,
            memory=unit.get("memory", 0.0) * count * share,
            replicas=int(count * share),
            money=unit.get("money", 0.0) * count * share,
        ),
        why=why.model_copy(update={"sentence": f"{lever.field} of {lever.ref}: {why.sentence}; {hours}"}),
    )


def at_minimum(topology: Topology, workload: Workload, least: int) -> float:
    """Share of the hours of the window in which as many copies were ready as the minimum says; an hour that was not
    seen is none of them."""
    row = topology.rows.get(workload.id)
    if row is None:
        return 0.0
    ready = topology.activity.workloads.ready[row]
    return float(np.count_nonzero(ready == least)) / ready.size if ready.size else 0.0


def raised(changes: Sequence[MinimumChange], why: str, objects: Objects) -> MinimumChange | Note:
    """What gives back the highest minimum of ``changes``, newest first, of one workload; a note where there is nothing
    to give back."""
    first, wanted = changes[0], max(change.before for change in changes)
    what = f"back to {wanted} at least"
    raw = objects.one(first.ref)
    target = objects.one(ObjectRef(first.id.kind, first.id.namespace, first.id.name))
    if raw is None or target is None:
        gone = first.ref if raw is None else "the workload"
        return Note(subject=first.workload, what=what, why=f"{gone} does not exist any more; nothing to give back")
    if at(raw, "metadata", "uid") not in {change.scaler_uid for change in changes}:
        told = f"{first.ref} was deleted and made anew since: its minimum is somebody's new decision; raise it by hand"
        return Note(subject=first.workload, what=what, why=told)
    present = least_of(raw, first.scaler)
    if present >= wanted:
        return Note(subject=first.workload, what=what, why=f"{first.ref} keeps {present} already")
    return first.model_copy(
        update={
            "uid": str(at(target, "metadata", "uid")),
            "before": present,
            "after": wanted,
            "digest": minimum_digest(target, raw),
            "saving": Saving(),
            "why": Why(sentence=why, at_risk=0.0),
        }
    )
