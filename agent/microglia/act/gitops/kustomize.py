"""Kustomize folders: which kustomization reaches an object, and under which name it knows it.

Read as https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ describes them: resources first, then
``namespace``, ``namePrefix`` and ``nameSuffix`` of each level. Remote bases are not followed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from microglia.act.gitops.files import KUSTOMIZATIONS, Files, Manifest, folder_of, joined
from microglia.act.gitops.marks import Spot
from microglia.model.ids import ObjectRef


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One kustomization. ``files`` and ``folders`` are its resources, ``components`` folders that act on them."""

    folder: str
    path: str
    spot: Spot
    files: tuple[str, ...]
    folders: tuple[str, ...]
    components: tuple[str, ...]

    def renamed(self, name: str) -> str:
        """What it calls a resource that came to it as ``name``."""
        return f"{self.spot.word('namePrefix')}{name}{self.spot.word('nameSuffix')}"


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """An object as a kustomization ends up with it.

    ``layers`` lead from the file outwards; ``names`` and ``namespaces`` are what the object is called on entering each,
    and, last, on leaving the outermost.
    """

    manifest: Manifest
    layers: tuple[Layer, ...]
    names: tuple[str, ...]
    namespaces: tuple[str, ...]

    @property
    def top(self) -> Layer:
        """The outermost kustomization."""
        return self.layers[-1]

    @property
    def entry(self) -> tuple[str, str]:
        """Namespace and name under which the object enters the outermost kustomization."""
        return self.namespaces[-2], self.names[-2]


@dataclass(frozen=True, slots=True, eq=False)
class Kustomize:
    """Every kustomization of the files, by folder."""

    files: Files
    layers: dict[str, Layer]

    def roots(self) -> tuple[Layer, ...]:
        """Those that no other one builds on, sorted by folder."""
        used = {folder for layer in self.layers.values() for folder in (*layer.folders, *layer.components)}
        return tuple(layer for folder, layer in sorted(self.layers.items()) if folder not in used)

    def covered(self) -> frozenset[str]:
        """Files that some kustomization lists: they are applied as it makes them, not as they are."""
        found: set[str] = set()
        for layer in self.layers.values():
            found |= {layer.path, *layer.files, *patch_files(layer)}
        return frozenset(found)

    def users(self, path: str) -> tuple[Layer, ...]:
        """The roots that build on a file."""
        return tuple(root for root in self.roots() if path in self._closure(root, ()))

    def reaching(self, ref: ObjectRef, root: Layer) -> Iterator[Reached]:
        """The objects that ``root`` ends up calling so; a namespace that it does not say matches any."""
        for found in self._reached(root, ref, ()):
            if found.names[-1] == ref.name and found.namespaces[-1] in {"", ref.namespace}:
                yield found

    def _reached(self, layer: Layer, ref: ObjectRef, above: tuple[str, ...]) -> Iterator[Reached]:
        if layer.folder in above:
            return
        inside = [
            Reached(manifest, (), (manifest.name,), (manifest.namespace,))
            for path in layer.files
            if path in self.files.texts
            for manifest in self.files.manifests(path)
            if manifest.kind == ref.kind
        ]
        for folder in (*layer.folders, *layer.components):
            if folder in self.layers:
                inside += self._reached(self.layers[folder], ref, (*above, layer.folder))
        for one in inside:
            name = layer.renamed(one.names[-1])
            namespace = layer.spot.word("namespace") or one.namespaces[-1]
            yield Reached(one.manifest, (*one.layers, layer), (*one.names, name), (*one.namespaces, namespace))

    def _closure(self, layer: Layer, above: tuple[str, ...]) -> set[str]:
        found = {layer.path, *layer.files, *patch_files(layer)}
        for folder in (*layer.folders, *layer.components):
            if folder in self.layers and folder not in above:
                found |= self._closure(self.layers[folder], (*above, layer.folder))
        return found


def read_kustomize(files: Files) -> Kustomize:
    """Find every kustomization; one that is no YAML is left out."""
    layers: dict[str, Layer] = {}
    for path in sorted(files.texts):
        if path.rpartition("/")[2] in KUSTOMIZATIONS and files.documents(path):
            layers[folder_of(path)] = _layer(files, path)
    return Kustomize(files, layers)


def patch_files(layer: Layer) -> tuple[str, ...]:
    """The files that a kustomization takes patches from."""
    listed = [one.word("path") for key in ("patches", "patchesJson6902") for one in _items(layer, key)]
    listed += [word for word in layer.spot.words("patchesStrategicMerge") if "\n" not in word]
    paths = (joined(layer.folder, word) for word in listed if word)
    return tuple(path for path in paths if path is not None)


def _items(layer: Layer, key: str) -> Iterator[Spot]:
    listed = layer.spot.at(key)
    return listed.items() if listed else iter(())


def _layer(files: Files, path: str) -> Layer:
    spot, folder = files.documents(path)[0], folder_of(path)
    listed = [joined(folder, word) for key in ("resources", "bases") for word in spot.words(key)]
    parts = [joined(folder, word) for word in spot.words("components")]
    return Layer(
        folder,
        path,
        spot,
        files=tuple(one for one in listed if one is not None and one in files.texts),
        folders=tuple(one for one in listed if one is not None and one not in files.texts),
        components=tuple(one for one in parts if one is not None),
    )
