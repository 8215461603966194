"""Reading a world: from the package by name, or from a file by path."""

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from microglia.world.layout import WorldError, build
from microglia.world.schema import World


class WorldFileError(ValueError):
    """The file is no world; the message names file, field and remedy."""


def names() -> tuple[str, ...]:
    """The worlds that come with the package."""
    return tuple(sorted(Path(each.name).stem for each in _folder().iterdir() if each.name.endswith(".yaml")))


def load(name: str | Path, start: datetime | None = None) -> World:
    """The world called ``name``, or the one in that file; ``start`` moves it in time.

    Raises WorldFileError when there is none or it does not hold together.
    """
    path = Path(name)
    if path.suffix in {".yaml", ".yml"}:
        text = _read(path)
    elif str(name) in names():
        text = _folder().joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise WorldFileError(f'no world "{name}"; there are {", ".join(names())}, or give a .yaml file')
    world = parse(text, str(name))
    return world if start is None else moved(world, start)


def moved(world: World, start: datetime) -> World:
    """The same world, beginning at ``start`` (a whole hour)."""
    return world.model_validate({**world.model_dump(by_alias=True), "start": start})


def parse(text: str, source: str) -> World:
    """A world from YAML. Raises WorldFileError with ``source``, the field and what is wrong with it, all at once."""
    try:
        data = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise WorldFileError(f"{source}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, Mapping):
        raise WorldFileError(f"{source}: a world is a mapping with name, start, zones, namespaces and workloads")
    try:
        world = World.model_validate(_with_defaults(data))
        build(world)
    except ValidationError as error:
        lines = [f"{source}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise WorldFileError("\n".join(lines)) from None
    except WorldError as error:
        raise WorldFileError(f"{source}: {error}") from None
    return world


def _with_defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """``defaults`` are fields that every workload of the file has unless it says otherwise."""
    rest = {key: value for key, value in data.items() if key != "defaults"}
    defaults, workloads = data.get("defaults", {}), rest.get("workloads")
    if isinstance(defaults, Mapping) and isinstance(workloads, Mapping):
        rest["workloads"] = {
            key: {**defaults, **(own or {})} if isinstance(own or {}, Mapping) else own
            for key, own in workloads.items()
        }
    return rest


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorldFileError(f"{path}: cannot be read: {error}") from None


def _folder() -> Any:
    return files("microglia.world") / "worlds"
