"""Rare kinds, only ever proposed: Services and backends that nothing stands behind, rules that nothing reaches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, annotations_of, at, labels_of, name_of, namespace_of
from microglia.plan.backends import empty_backends
from microglia.plan.change import RemoveChange
from microglia.plan.document import Note
from microglia.plan.orphans import orphans
from microglia.plan.outranked import outranked
from microglia.plan.routed import RULES
from microglia.plan.shadowed import shadowed
from microglia.policy.schema import PolicySpec, PruningPolicy
from microglia.policy.scope import assign
from microglia.protect.ledger import Protections
from microglia.protect.marks import MARKS, counts
from microglia.protect.not_understood import MARKING
from microglia.protect.people import IGNORE, MINIMUM, PROTECT
from microglia.protect.platform import SYSTEM
from microglia.score.scores import Scores
from microglia.topology.graph import Topology
from microglia.topology.roles import BACKUP_FOR

AT_ONCE: Final = 20
"""So many of them in one proposal; more than people read is not reviewed."""
_OURS: Final = frozenset({PROTECT, IGNORE, MINIMUM, BACKUP_FOR})
_HARMLESS: Final = frozenset({"nothing", "zones"})


@dataclass(frozen=True, slots=True)
class Rare:
    """What may be proposed, sorted by kind and object, and why the rest of what looked alike is kept."""

    changes: tuple[RemoveChange, ...] = ()
    kept: tuple[Note, ...] = ()


NOTHING_RARE: Final = Rare()


def rare(
    topology: Topology,
    scores: Scores,
    protections: Protections,
    policy: PruningPolicy,
    policies: Sequence[PruningPolicy] = (),
) -> Rare:
    """Everything in the scope of ``policy`` that nobody can be using, whatever the traffic of tomorrow.

    ``scores`` are those of the whole mesh, because any client counts; where ``policies`` are all in force, the most
    specific one speaks for an object. Whatever could not be read protects everything.
    """
    if "Route" not in policy.spec.scope.elements:
        return Rare()
    blind = [fault.subject for fault in topology.objects.faults if _hides(fault.subject)]
    if blind:
        why = f"{', '.join(sorted(set(blind)))} could not be read, and may hold or name any of them"
        return Rare(kept=(Note(subject="orphan Services, dead rules, empty backends", what="stay", why=why),))
    # What goes of a route goes one after the other: the places in its list are those of the list as it is.
    found = [*orphans(topology, scores, protections), *shadowed(topology), *outranked(topology),
             *empty_backends(topology, scores, protections)]  # fmt: skip
    raws = {(kind, namespace_of(raw), name_of(raw)): raw for kind in ("Service", *RULES)
            for raw in topology.objects.of(kind)}  # fmt: skip
    owned = {one.id: labels_of(raws[one.id.kind, one.id.namespace, one.id.name]) for one, _ in found}
    mine = assign(policies or (policy,), owned).policies
    spaces = {name_of(raw): raw for raw in topology.objects.of("Namespace")}
    changes: dict[str, RemoveChange] = {}
    kept = []
    for change, doubt in found:
        if change.workload in changes or change.id not in mine or mine[change.id].metadata.name != policy.metadata.name:
            continue
        raw = raws[change.id.kind, change.id.namespace, change.id.name]
        why = _left_alone(raw, spaces.get(change.id.namespace, {}), change, policy.spec) or doubt
        if why:
            kept.append(Note(subject=change.workload, what=f"{change.what} stays", why=why))
        else:
            changes[change.workload] = change
    some = sorted(changes.values(), key=lambda one: (one.id.kind, one.id))
    return Rare(tuple(some), tuple(sorted(kept, key=lambda note: note.subject)))


def _hides(subject: str) -> bool:
    return subject not in BY_NAME or BY_NAME[subject].hides not in _HARMLESS


def _left_alone(raw: Raw, space: Raw, change: RemoveChange, spec: PolicySpec) -> str:
    """Why nobody's silence matters: the object, or its namespace, is to be left alone; empty when nothing says so."""
    if change.id.namespace in SYSTEM:
        return "it is part of the platform"
    mark = _mark((("it", raw), ("its namespace", space)))
    if mark:
        return mark
    owners = at(raw, "metadata", "ownerReferences", default=())
    if owners:
        return f"{owners[0].get('kind')} {owners[0].get('name')} owns it; remove it there"
    for i, always in enumerate(spec.protect.always):
        named = always.kind == change.id.kind and fnmatchcase(change.id.name, always.name)
        spaced = always.kind == "Namespace" and fnmatchcase(change.id.namespace, always.name)
        if spaced or (named and fnmatchcase(change.id.namespace, always.namespace)):
            return f"spec.protect.always[{i}] names it: {always.reason}"
    return ""


def _mark(marked: Iterable[tuple[str, Raw]]) -> str:
    for whose, raw in marked:
        parts: tuple[Mapping[str, str], ...] = (annotations_of(raw), labels_of(raw))
        for marks in parts:
            for key in sorted(marks):
                if key in _OURS or key.startswith(MARKING) or (key in MARKS and counts(key, marks[key])):
                    return f"{whose} is marked {key}: {marks[key]}"
    return ""
