"""Who has the last word on a count in a Kustomize folder: a ``replicas`` entry, a patch, or the object's own file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ruamel.yaml.nodes import ScalarNode, SequenceNode

from microglia.act.gitops.files import Files, joined
from microglia.act.gitops.kustomize import Kustomize, Layer, Reached
from microglia.act.gitops.marks import Spot, UnparsedError, documents

_WRITES = {"replace", "add"}


@dataclass(frozen=True, slots=True, eq=False)
class Setter:
    """Where a count is set. ``spot`` is the number; for a patch written in a kustomization, a number in ``inside``.

    ``depth`` counts from the outermost kustomization, 0 is that one itself.
    """

    form: Literal["replicas", "patch", "file"]
    path: str
    depth: int
    spot: Spot
    inside: Spot | None = None

    @property
    def number(self) -> int | None:
        """What it says; None when that is no number."""
        return self.spot.number()

    def renumbered(self, number: int) -> str | None:
        """The text of ``path`` with another number; None where that cannot be done in place."""
        if self.inside is None:
            return self.spot.renumbered(number)
        return _renumbered_inside(self.inside, self.spot, number)


def last_word(kustomize: Kustomize, reached: Reached, field: str = "replicas") -> Setter | None:
    """The setter of ``spec.<field>`` that wins; None when nothing sets it. A ``replicas`` entry sets counts alone."""
    for depth, layer in enumerate(reversed(reached.layers)):
        place = len(reached.layers) - 1 - depth
        acting = [layer, *(kustomize.layers[one] for one in reversed(layer.components) if one in kustomize.layers)]
        for one in acting:
            # Within one kustomization, replicas are set after patches, and later patches after earlier ones.
            found = _replicas(one, reached, place, depth) if field == "replicas" else None
            found = found or _patched(kustomize.files, one, (reached, field), place, depth)
            if found:
                return found
    spot = reached.manifest.spot.at("spec", field)
    return Setter("file", reached.manifest.path, len(reached.layers), spot) if spot else None


def _replicas(layer: Layer, reached: Reached, place: int, depth: int) -> Setter | None:
    listed = layer.spot.at("replicas")
    for entry in listed.items() if listed else ():
        count = entry.at("count")
        if entry.word("name") in reached.names[: place + 2] and count:
            return Setter("replicas", layer.path, depth, count)
    return None


def _patched(files: Files, layer: Layer, wanted: tuple[Reached, str], place: int, depth: int) -> Setter | None:
    reached, field = wanted
    names = reached.names[: place + 1]
    found = None
    for target, path, document, inside in _patches(files, layer):
        spot = _sets(document, target, names, (reached.manifest.kind, field))
        if spot is not None:
            found = Setter("patch", path, depth, spot, inside)
    return found


def _patches(files: Files, layer: Layer) -> Iterator[tuple[Spot | None, str, Spot, Spot | None]]:
    """Each patch in the order in which it acts: its target, its file, its document, and the text that it is in."""
    for word in _items(layer, "patchesStrategicMerge"):
        yield from _patch(files, layer, None, word, word.word())
    for key in ("patches", "patchesJson6902"):
        for entry in _items(layer, key):
            inline = entry.at("patch")
            yield from _patch(files, layer, entry.at("target"), inline, entry.word("path"))


def _items(layer: Layer, key: str) -> Iterator[Spot]:
    listed = layer.spot.at(key)
    return listed.items() if listed else iter(())


def _patch(
    files: Files, layer: Layer, target: Spot | None, inline: Spot | None, path: str
) -> Iterator[tuple[Spot | None, str, Spot, Spot | None]]:
    file = joined(layer.folder, path) if path and "\n" not in path else None
    if file is not None and file in files.texts:
        for document in files.documents(file):
            yield target, file, document, None
    elif inline is not None and inline.word():
        try:
            found = documents(inline.word())
        except UnparsedError:
            return
        for document in found:
            yield target, layer.path, document, inline


def _sets(document: Spot, target: Spot | None, names: tuple[str, ...], wanted: tuple[str, str]) -> Spot | None:
    kind, field = wanted
    if isinstance(document.node, SequenceNode):
        if not _targets(target, names, kind):
            return None
        written = [
            one.at("value")
            for one in document.items()
            if one.word("path") == f"/spec/{field}" and one.word("op") in _WRITES
        ]
        return written[-1] if written else None
    named = document.word("kind") == kind and document.word("metadata", "name") in names
    meant = _targets(target, names, kind) if target else named
    return document.at("spec", field) if meant else None


def _targets(target: Spot | None, names: tuple[str, ...], kind: str) -> bool:
    if target is None:
        return False
    wanted, name = target.word("kind"), target.word("name")
    try:
        return (not wanted or re.fullmatch(wanted, kind) is not None) and (
            not name or any(re.fullmatch(name, one) for one in names)
        )
    except re.error:
        return False


def _renumbered_inside(inside: Spot, number: Spot, after: int) -> str | None:
    """A number in a block of text: the block has the same lines, only further to the right."""
    node = inside.node
    if not isinstance(node, ScalarNode) or node.style != "|":
        return None
    lines = inside.text.split("\n")
    line, column = int(node.start_mark.line) + 1 + int(number.node.start_mark.line), int(number.node.start_mark.column)
    inner = number.text.split("\n")[int(number.node.start_mark.line)]
    outer = lines[line].rstrip("\r")
    if not outer.endswith(inner) or outer[: len(outer) - len(inner)].strip():
        return None
    start = len(outer) - len(inner) + column
    end = start + len(number.source)
    changed = number.renumbered(after)
    if changed is None or outer[start:end] != number.source:
        return None
    fresh = changed.split("\n")[int(number.node.start_mark.line)]
    lines[line] = outer[: len(outer) - len(inner)] + fresh + lines[line][len(outer) :]
    return "\n".join(lines)
