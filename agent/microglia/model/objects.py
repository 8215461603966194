"""Kubernetes objects as trimmed raw JSON: what rooms read of them, and nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from microglia.model.ids import ObjectRef

Raw: TypeAlias = Mapping[str, Any]
"""One object as JSON. Lists of it are sorted by namespace, then name."""


def at(raw: Any, *path: str | int, default: Any = None) -> Any:
    """The value at ``path``, or ``default`` where any step is missing, null or of another shape."""
    for step in path:
        if type(raw) is dict:
            # Asking costs half of failing, and most of what is looked for is not there.
            raw = raw.get(step)
        else:
            try:
                raw = raw[step]
            except (KeyError, IndexError, TypeError):
                return default
    return default if raw is None else raw


def name_of(raw: Raw) -> str:
    """``metadata.name``, empty when there is none."""
    return str(at(raw, "metadata", "name", default=""))


def namespace_of(raw: Raw) -> str:
    """``metadata.namespace``, empty for a cluster-scoped object."""
    return str(at(raw, "metadata", "namespace", default=""))


def labels_of(raw: Raw) -> Mapping[str, str]:
    """``metadata.labels``."""
    return _marks_of(raw, "labels")


def annotations_of(raw: Raw) -> Mapping[str, str]:
    """``metadata.annotations``."""
    return _marks_of(raw, "annotations")


def _marks_of(raw: Raw, part: str) -> Mapping[str, str]:
    # Every rule asks every object, so the usual shape has a short way.
    metadata = raw.get("metadata")
    found: Mapping[str, str] = metadata.get(part) or {} if type(metadata) is dict else at(metadata, part, default={})
    return found


def ref_of(kind: str, raw: Raw) -> ObjectRef:
    """How people name the object."""
    return ObjectRef(kind, namespace_of(raw), name_of(raw))


@dataclass(frozen=True, slots=True)
class BlindSpot:
    """A kind or a source that could not be read. ``reason`` is a sentence for people."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """All objects seen, by kind. A kind that is absent from the cluster is an empty tuple.

    ``faults`` names what could not be read: those kinds are *blind*, and must never be taken for empty.
    """

    kinds: Mapping[str, tuple[Raw, ...]]
    faults: tuple[BlindSpot, ...] = ()

    def of(self, kind: str) -> tuple[Raw, ...]:
        """The objects of ``kind``, sorted by namespace and name; empty where none are, or none were seen."""
        return self.kinds.get(kind, ())

    def one(self, ref: ObjectRef) -> Raw | None:
        """The object of that kind, namespace and name, None where none was seen."""
        return next((raw for raw in self.of(ref.kind) if ref_of(ref.kind, raw) == ref), None)

    def blind(self, kind: str) -> bool:
        """Whether ``kind`` could not be read."""
        return any(fault.subject == kind for fault in self.faults)


def sorted_objects(objects: Iterable[Raw]) -> tuple[Raw, ...]:
    """In the order that ``Objects`` promises."""
    return tuple(sorted(objects, key=lambda raw: (namespace_of(raw), name_of(raw))))


def selects(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a Kubernetes LabelSelector matches. ``None`` matches nothing, ``{}`` everything; an unknown operator
    matches, because what is not understood is protected."""
    if selector is None:
        return False
    if any(labels.get(key) != value for key, value in at(selector, "matchLabels", default={}).items()):
        return False
    return all(_expression(term, labels) for term in at(selector, "matchExpressions", default=[]))


def _expression(term: Raw, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(str(term.get("key"))), at(term, "values", default=[])
    match term.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return True


def maps(selector: Any, labels: Mapping[str, str]) -> bool:
    """Whether a Service's plain map selector matches; an empty or missing one selects nothing."""
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())
