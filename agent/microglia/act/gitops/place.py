"""Every change of a plan -> the edits that make it, or why it has no place in this checkout, and the way out."""

from collections.abc import Mapping
from dataclasses import dataclass

from microglia.act.gitops.counts import count_in
from microglia.act.gitops.files import Edit, Files, Hints, UnplacedError
from microglia.act.gitops.homes import homes, only
from microglia.act.gitops.kustomize import Kustomize, read_kustomize
from microglia.act.gitops.removals import removed_from
from microglia.act.gitops.scopes import scope_in
from microglia.act.gitops.values import Release, release_of, value_of
from microglia.model.ids import WorkloadId
from microglia.plan.change import Change, CountChange, RemoveChange, ScaleChange
from microglia.plan.document import Plan
from microglia.topology.nodes import Workload


@dataclass(frozen=True, slots=True)
class Placed:
    """A change of a plan, by its index, as edits; ``reason`` says why there are none."""

    index: int
    edits: tuple[Edit, ...] = ()
    reason: str = ""


def place(plan: Plan, workloads: Mapping[WorkloadId, Workload], files: Files, hints: Hints) -> tuple[Placed, ...]:
    """Place each change in turn; ``files`` is left as all of the edits make it."""
    found = []
    for index, change in enumerate(plan.changes):
        workload = workloads.get(change.id)
        marks = release_of(workload.labels, workload.annotations) if workload else Release("", "")
        try:
            edits = _edits(change, marks, files, hints)
        except UnplacedError as reason:
            found.append(Placed(index, reason=str(reason)))
            continue
        files.put(edits)
        found.append(Placed(index, edits))
    return tuple(found)


def _edits(change: Change, marks: Release, files: Files, hints: Hints) -> tuple[Edit, ...]:
    # Read anew for every change: an earlier one may have added to a kustomization.
    kustomize = read_kustomize(files)
    if isinstance(change, RemoveChange):
        return removed_from(files, kustomize, change, hints)
    if not isinstance(change, CountChange):
        return scope_in(files, kustomize, change, hints)
    if change.workload in hints.values:
        return value_of(files, change, marks, hints)
    found = homes(files, kustomize, change.ref, hints)
    # A chart's value for a count is not that for a minimum: of the latter people say which one it is.
    counted = isinstance(change, ScaleChange) and not (found.places or change.workload in hints.places)
    charted = value_of(files, change, marks, hints) if counted else ()
    if charted:
        return charted
    home = only(found, change.workload)
    if home is None:
        raise UnplacedError(_nowhere(change, files, kustomize, hints))
    return count_in(files, kustomize, home, change)


def _nowhere(change: CountChange, files: Files, kustomize: Kustomize, hints: Hints) -> str:
    ref = change.ref
    named = hints.places.get(change.workload)
    anywhere = homes(files, kustomize, ref, Hints()).places
    if named is not None and anywhere:
        return f"it is not in {named}, but in {', '.join(anywhere)}; name one of them with --at"
    broken = next((path for path in files.naming(ref.name) if files.fault(path) and "/templates/" not in path), "")
    if broken:
        return f"no file here holds it, as far as they can be read: {broken} is no YAML ({files.fault(broken)})"
    return (
        "no manifest, kustomization or chart of this repository makes it; is this the right one? --repo names another."
        f" If it comes from a chart that lies elsewhere: --values-path {change.workload}=FILE:PATH.TO.COUNT"
    )
