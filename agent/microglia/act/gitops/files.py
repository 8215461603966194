"""The files of a commit as they will be: what earlier changes of the same proposal edited is read edited."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from microglia.act.gitops.marks import Spot, UnparsedError, documents

ENDINGS: Final = (".yaml", ".yml", ".json", "/Kustomization", ".tpl")
KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class UnplacedError(Exception):
    """A change has no place in these files; the message says why, and the way out."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One file of a proposal: its text before (None: there is none) and after (None: it goes), and ``how`` in words."""

    path: str
    before: str | None
    after: str | None
    how: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """An object written in a file. ``namespace`` is empty where the file leaves it to whoever applies it."""

    path: str
    kind: str
    namespace: str
    name: str
    spot: Spot


@dataclass(slots=True, eq=False)
class Files:
    """Texts by path, parsed once each. ``texts`` changes only through ``put``."""

    texts: dict[str, str]
    _parsed: dict[str, tuple[Spot, ...] | str] = field(default_factory=dict)

    def put(self, edits: Iterator[Edit] | tuple[Edit, ...]) -> None:
        """Let these edits be made."""
        for edit in edits:
            self._parsed.pop(edit.path, None)
            if edit.after is None:
                del self.texts[edit.path]
            else:
                self.texts[edit.path] = edit.after

    def documents(self, path: str) -> tuple[Spot, ...]:
        """The documents of a file; none where it is no YAML (``fault`` says why)."""
        found = self._read(path)
        return () if isinstance(found, str) else found

    def fault(self, path: str) -> str:
        """Why a file cannot be read; empty when it can."""
        found = self._read(path)
        return found if isinstance(found, str) else ""

    def manifests(self, path: str) -> Iterator[Manifest]:
        """The objects in a file, those of lists too."""
        for document in self.documents(path):
            listed = document.at("items")
            many = listed is not None and document.word("kind").endswith("List")
            for spot in listed.items() if many and listed is not None else (document,):
                kind, name = spot.word("kind"), spot.word("metadata", "name")
                if kind and name:
                    yield Manifest(path, kind, spot.word("metadata", "namespace"), name, spot)

    def naming(self, word: str) -> Iterator[str]:
        """The paths of YAML and JSON files that mention ``word``, sorted: only those are worth parsing."""
        for path in sorted(self.texts):
            if path.endswith((".yaml", ".yml", ".json")) and word in self.texts[path]:
                yield path

    def edit(self, path: str, after: str | None, how: str) -> Edit:
        """An edit of ``path`` as it is now."""
        return Edit(path, self.texts.get(path), after, how)

    def _read(self, path: str) -> tuple[Spot, ...] | str:
        if path not in self._parsed:
            try:
                self._parsed[path] = documents(self.texts[path])
            except UnparsedError as error:
                self._parsed[path] = str(error)
        return self._parsed[path]


@dataclass(frozen=True, slots=True)
class Hints:
    """What a person said about where things are, by workload: ``places`` the folder or file that counts, ``values`` the
    values file and the path of the count in it. ``under`` is the folder of the checkout that was named: what lies in
    another is read, as a base or a chart, but is no place of its own."""

    places: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    under: str = ""


def folder_of(path: str) -> str:
    """The folder of a file; empty for the root."""
    parent = str(PurePosixPath(path).parent)
    return "" if parent == "." else parent


def joined(folder: str, relative: str) -> str | None:
    """``relative`` as seen from ``folder``; None where it leads out of the repository or is an address."""
    if "://" in relative or relative.startswith("/"):
        return None
    parts = [part for part in folder.split("/") if part]
    for part in relative.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def within(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or lies in it."""
    return not folder or path == folder or path.startswith(f"{folder}/")
