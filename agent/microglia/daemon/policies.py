"""The policies in force: one that cannot be read stops its own scope and no other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from microglia.model.objects import Raw, at, name_of
from microglia.policy.fields import close
from microglia.policy.guarding import Guard
from microglia.policy.load import from_objects
from microglia.policy.markup import YamlError, read
from microglia.policy.naming import Metadata
from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import MODES, Actuation, Mode, PolicySpec, PruningPolicy, Scope


@dataclass(frozen=True, slots=True)
class Ruled:
    """``policies`` all claim their workloads; those named in ``broken`` (with what is wrong) are only placeholders for
    the scope of a policy that could not be read, and get no laps. ``paused`` says why nobody may take anything: a
    policy whose very scope is not known may claim any workload. ``protections`` come from files. ``most`` is the mode
    that no policy may exceed; ``built_in`` says that nobody wrote any policy."""

    policies: tuple[PruningPolicy, ...]
    broken: Mapping[str, str] = field(default_factory=dict)
    paused: str = ""
    protections: tuple[ProtectionObject, ...] = ()
    most: Mode = "auto"
    built_in: bool = False

    @property
    def sound(self) -> tuple[PruningPolicy, ...]:
        """Those that get laps."""
        return tuple(one for one in self.policies if one.metadata.name not in self.broken)

    @property
    def says(self) -> tuple[object, ...]:
        """All that decides, to be compared: labels and annotations of a policy do not."""
        specs = tuple((one.metadata.name, one.spec) for one in self.policies)
        return specs, dict(self.broken), self.paused, self.protections

    def at_most(self, mode: Mode) -> "Ruled":
        """The same with no policy in a mode that may do more."""
        return replace(self, policies=tuple(_at_most(one, mode) for one in self.policies), most=mode)


def ruled(documents: Iterable[tuple[Raw, str]]) -> Ruled:
    """Read PruningPolicy and Protection documents, each with where it came from (empty for an object of the cluster).

    Without any policy the built-in one is in force, which only observes. Never raises.
    """
    policies: dict[str, list[PruningPolicy]] = {}
    broken: dict[str, str] = {}
    protections: list[ProtectionObject] = []
    paused = []
    for raw, source in documents:
        found, name = from_objects([raw]), name_of(raw)
        protections += found.protections
        said = "; ".join(f"{one.field}: {one.message}" if one.field else one.message for one in found.errors)
        if not said and found.policies and name in policies:
            said = f"is defined twice, also in {source or 'the cluster'}; rename or remove one of them"
        if not said:
            policies |= {one.metadata.name: [one] for one in found.policies}
            continue
        told = f"{source or ''}{': ' if source else ''}{said}"
        stand_in = _placeholder(raw)
        if stand_in is None:
            paused.append(f"{raw.get('kind', 'document')} {name or '(no name)'} cannot be read ({told})")
        else:
            # Of one name twice, both claims stand: nobody else inherits the workloads of either.
            policies.setdefault(name, []).append(stand_in)
            broken[name] = told
    built_in = not policies and not paused
    if built_in:
        policies["default"] = [PruningPolicy()]
    claims = tuple(one for name in sorted(policies) for one in policies[name])
    return Ruled(claims, broken, "; ".join(sorted(paused)), tuple(protections), built_in=built_in)


def _at_most(policy: PruningPolicy, mode: Mode) -> PruningPolicy:
    actuation = policy.spec.actuation
    least = min(actuation.mode, mode, key=MODES.index)
    lower = policy.spec.model_copy(update={"actuation": actuation.model_copy(update={"mode": least})})
    return policy.model_copy(update={"spec": lower})


def documents_in(paths: Iterable[Path]) -> list[tuple[Raw, str]]:
    """Every document of these files and of the YAML files in these folders, in order of path, with its file.

    A file that cannot be read at all is a document without a name and a scope.
    """
    found: list[tuple[Raw, str]] = []
    for given in paths:
        files = [given] if not given.is_dir() else _yaml(given)
        for path in files:
            try:
                found += [(_mapping(one.value), str(path)) for one in read(path.read_bytes())]
            except (OSError, YamlError) as error:
                found.append(({"kind": f"file ({error})"}, str(path)))
    return found


def _yaml(folder: Path) -> list[Path]:
    # A mounted ConfigMap keeps each file twice: under its name, and in a hidden folder that the name points to.
    every = (path for path in folder.rglob("*") if path.suffix in {".yaml", ".yml"})
    return sorted(path for path in every if not any(part.startswith("..") for part in path.relative_to(folder).parts))


def _mapping(value: object) -> Raw:
    return value if isinstance(value, dict) else {"kind": type(value).__name__}


_KNOWN = frozenset(str(field.alias or name) for name, field in PolicySpec.model_fields.items())


def _placeholder(raw: Raw) -> PruningPolicy | None:
    if raw.get("kind") != "PruningPolicy" or not name_of(raw):
        return None
    spec = at(raw, "spec", default={})
    if not isinstance(spec, Mapping) or any(close(str(word), ["scope"]) for word in set(spec) - _KNOWN):
        return None  # A misspelt scope is not the widest one.
    try:
        scope = Scope.model_validate(at(raw, "spec", "scope", default={}), by_alias=True, by_name=False)
    except ValidationError:
        return None
    guard, actuation = _part(spec, "guard", Guard), _part(spec, "actuation", Actuation)
    # What says nothing that can be read of its mode may have acted: then what hurt is given back.
    kept = PolicySpec(scope=scope, guard=guard or Guard(), actuation=actuation or Actuation(mode="auto"))
    return PruningPolicy(metadata=Metadata(name=name_of(raw)), spec=kept)


_T = TypeVar("_T", bound=BaseModel)


def _part(spec: Mapping[str, object], name: str, section: type[_T]) -> _T | None:
    try:
        return section.model_validate(spec.get(name, {}), by_alias=True, by_name=False)
    except ValidationError:
        return None
