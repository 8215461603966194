"""Text -> policies and protections, or every error of it at once, each with file, line, column and field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from microglia.model.objects import Raw, ref_of
from microglia.policy.fields import close
from microglia.policy.markup import Document, Path, YamlError, read
from microglia.policy.mirror import mirrored
from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import API_VERSION, PruningPolicy
from microglia.policy.wording import field_name, sentence

_KINDS: Final[Mapping[str, type[PruningPolicy] | type[ProtectionObject]]] = {
    "PruningPolicy": PruningPolicy,
    "Protection": ProtectionObject,
}
_SERVER_SET: Final = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "managedFields", "finalizers",
     "ownerReferences", "selfLink", "deletionGracePeriodSeconds"}
)  # fmt: skip
_START: Final = f"apiVersion: {API_VERSION}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to correct. ``line`` and ``column`` count from 1; 0 where the whole source is meant."""

    source: str
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column} " if self.line else f"{self.source}:"
        return f"{place} {self.field}: {self.message}" if self.field else f"{place} {self.message}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read, in the order it was written; ``origins`` says where each came from, by kind and name."""

    policies: tuple[PruningPolicy, ...] = ()
    protections: tuple[ProtectionObject, ...] = ()
    errors: tuple[Problem, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)


def parse(text: bytes | str, source: str) -> Loaded:
    """Read one file. ``source`` is what errors call it. Never raises: what is wrong is in ``errors``.

    What breaks YAML itself is reported alone; otherwise every error of every document is.
    """
    try:
        documents = read(text)
    except YamlError as error:
        return Loaded(errors=(Problem(source, error.line, error.column, "", str(error)),))
    if not documents:
        return Loaded(errors=(Problem(source, 0, 0, "", f"empty; a policy begins with {_START}"),))
    return combine(_load(document, source) for document in documents)


def from_objects(objects: Iterable[Raw]) -> Loaded:
    """Read ``PruningPolicy`` and ``Protection`` objects as a cluster gives them; mirrors are left out. Never raises."""
    written = (raw for raw in objects if not (raw.get("kind") == "PruningPolicy" and mirrored(raw)))
    return combine(_load(Document(dict(raw)), f"{ref_of(str(raw.get('kind', 'object')), raw)}") for raw in written)


def combine(parts: Iterable[Loaded]) -> Loaded:
    """Several sources as one. Two documents of one kind and name are an error that names both places."""
    policies: list[PruningPolicy] = []
    protections: list[ProtectionObject] = []
    errors: list[Problem] = []
    origins: dict[str, str] = {}
    for part in parts:
        policies += part.policies
        protections += part.protections
        errors += part.errors
        for name, origin in part.origins.items():
            if name in origins:
                errors.append(_twice(name, origin, origins[name]))
            origins.setdefault(name, origin)
    return Loaded(tuple(policies), tuple(protections), tuple(errors), origins)


def _twice(name: str, origin: str, first: str) -> Problem:
    source, _, line = origin.rpartition(":")
    where = (source, int(line), 1) if line.isdigit() else (origin, 0, 0)
    return Problem(*where, "metadata.name", f"{name} is already defined in {first}; rename or remove one of them")


def _load(document: Document, source: str) -> Loaded:
    value = document.value
    if not isinstance(value, dict):
        return _wrong(document, source, (), f"not a policy; a policy begins with {_START}")
    kind = value.get("kind")
    if kind not in _KINDS:
        return _wrong(document, source, ("kind",), _unknown_kind(kind))
    if "apiVersion" not in value:
        return _wrong(document, source, ("apiVersion",), f"is missing; write {_START}")
    model = _KINDS[str(kind)]
    try:
        read_as = model.model_validate(_own(value), by_alias=True, by_name=False)
    except ValidationError as invalid:
        return Loaded(errors=_problems(invalid, document, source, model))
    name = f"{kind} {read_as.metadata.namespace}/{read_as.metadata.name}".replace(" /", " ")
    line = document.keys.get((), (0, 0))[0]
    origins = {name: f"{source}:{line}" if line else source}
    if isinstance(read_as, PruningPolicy):
        return Loaded(policies=(read_as,), origins=origins)
    return Loaded(protections=(read_as,), origins=origins)


def _unknown_kind(kind: Any) -> str:
    if kind is None:
        return "is missing; write PruningPolicy or Protection"
    near = close(str(kind), _KINDS)
    return f'"{kind}" is not read here; ' + (f'did you mean "{near}"?' if near else "write PruningPolicy or Protection")


def _own(value: Mapping[str, Any]) -> dict[str, Any]:
    # What the API server adds is welcome in a file that came from kubectl, and says nothing.
    body = {key: part for key, part in value.items() if key != "status"}
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping):
        body["metadata"] = {key: part for key, part in metadata.items() if key not in _SERVER_SET}
    return body


def _problems(
    invalid: ValidationError, document: Document, source: str, model: type[PruningPolicy] | type[ProtectionObject]
) -> tuple[Problem, ...]:
    found = []
    for error in invalid.errors(include_url=False):
        path = tuple(error["loc"])
        if error["type"] == "too_short" and error["input"]:
            continue  # its entries were refused, which is said where they stand
        at_key = error["type"] in {"extra_forbidden", "missing"}
        line, column = _place(document, path, at_key=at_key)
        found.append(Problem(source, line, column, field_name(path), sentence(error, model)))
    return tuple(sorted(found))


def _place(document: Document, path: Path, *, at_key: bool) -> tuple[int, int]:
    # What is missing has no place of its own: its section does.
    while path and path not in document.values:
        path, at_key = path[:-1], True
    return (document.keys if at_key else document.values).get(path, (0, 0))


def _wrong(document: Document, source: str, path: Path, message: str) -> Loaded:
    line, column = _place(document, path, at_key=False)
    return Loaded(errors=(Problem(source, line, column, field_name(path), message),))
