"""An object, or rules or backends of one, taken out of the files that make it; every other character stays."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from microglia.act.gitops.charts import in_chart
from microglia.act.gitops.cuts import contents, without_document, without_items
from microglia.act.gitops.files import Edit, Files, Hints, Manifest, UnplacedError, folder_of
from microglia.act.gitops.homes import homes, only
from microglia.act.gitops.kustomize import Kustomize, Reached, patch_files
from microglia.act.gitops.marks import UnparsedError, documents
from microglia.act.gitops.scopes import unlisted
from microglia.model.ids import ObjectRef
from microglia.plan.change import RemoveChange
from microglia.plan.routed import BACKENDS

_PATCHING: Final = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements")

_DEFAULTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "matches": ([{"path": {"type": "PathPrefix", "value": "/"}}],),
    "path": ({"type": "PathPrefix", "value": "/"},),
    "type": ("PathPrefix", "Exact"),
    "value": ("/",),
    "group": ("",),
    "kind": ("Service",),
    "weight": (1,),
    "statusCode": (302,),
}
"""What the API server fills into the rules of a route (gateway-api: the ``default`` fields of
config/crd/standard/gateway.networking.k8s.io_httproutes.yaml and ..._grpcroutes.yaml)."""


def removed_from(files: Files, kustomize: Kustomize, change: RemoveChange, hints: Hints) -> tuple[Edit, ...]:
    """The edits that take out what ``change`` says. Raises UnplacedError."""
    ref = ObjectRef(change.id.kind, change.id.namespace, change.id.name)
    home = only(homes(files, kustomize, ref, hints), change.id.key)
    if home is None:
        raise UnplacedError(_nowhere(files, ref))
    manifest = home if isinstance(home, Manifest) else home.manifest
    if isinstance(home, Reached):
        _alone(files, kustomize, home)
    _agrees(manifest, change)
    if change.after is not None:
        return (_shortened(files, manifest, change),)
    return tuple(_deleted(files, home, manifest))


def _alone(files: Files, kustomize: Kustomize, home: Reached) -> None:
    """Nobody else builds on the file, and no patch waits for what goes: without its target it breaks the build."""
    path, name = home.manifest.path, home.manifest.name
    users = kustomize.users(path)
    if users != (home.top,):
        listed = ", ".join(user.folder or "." for user in users)
        raise UnplacedError(f"{path} is shared by {listed}; take it out there by hand, once nobody needs it")
    parts = [kustomize.layers[one] for layer in home.layers for one in layer.components if one in kustomize.layers]
    for layer in (*home.layers, *parts):
        written = [spot.source for key in _PATCHING if (spot := layer.spot.at(key)) is not None]
        written += [files.texts[one] for one in patch_files(layer) if one in files.texts]
        if any(name in text for text in written):
            raise UnplacedError(f"{layer.path} patches it, or what is called like it; take the patch out by hand first")


def _agrees(manifest: Manifest, change: RemoveChange) -> None:
    spec = _spec(manifest)
    for key, seen in change.before.items():
        said = spec.get(key)
        # Kustomize may add labels to a selector; a list of rules it leaves as it is.
        fits = _says(change, said, seen) if change.items else isinstance(said, dict) and said.items() <= seen.items()
        if not fits:
            raise UnplacedError(
                f"{manifest.path} line {manifest.spot.line} says another spec.{key} than the cluster has: bring the two"
                " together first, then plan again"
            )


def _shortened(files: Files, manifest: Manifest, change: RemoveChange) -> Edit:
    (key,) = change.before
    steps = () if change.rule is None else (change.rule, BACKENDS[change.id.kind])
    listed = manifest.spot.at("spec", key, *steps)
    text = without_items(listed, change.items) if listed else None
    left = [_spec(one).get(key) for one in _again(manifest, text)] if text else []
    if text is None or not any(_says(change, said, (change.after or {})[key]) for said in left):
        raise UnplacedError(f"{manifest.path} writes spec.{key} in a way that cannot be cut alone; do it by hand")
    return files.edit(manifest.path, text, f"{change.what} taken out")


def _deleted(files: Files, home: Reached | Manifest, manifest: Manifest) -> Iterator[Edit]:
    path = manifest.path
    if len(list(files.manifests(path))) == 1 and len(files.documents(path)) == 1:
        yield files.edit(path, None, "deleted: it holds nothing else")
        if isinstance(home, Reached):
            listing = next((layer for layer in home.layers if path in layer.files), None)
            if listing is not None:
                yield unlisted(files, listing, path)
        return
    whole = any(manifest.spot.node is one.node for one in files.documents(path))
    text = without_document(manifest.spot) if whole else None
    left = [contents(one) for one in files.documents(path) if one.node is not manifest.spot.node]
    if text is None or _read(text) != left:
        raise UnplacedError(f"{path} holds it in a way that cannot be cut alone; take it out by hand")
    yield files.edit(path, text, "its document taken out")


def _says(change: RemoveChange, said: Any, seen: Any) -> bool:
    """Whether the file says what the cluster has; the API server writes out what a Gateway API route leaves out."""
    if change.id.kind == "VirtualService":
        return bool(said == seen)
    if isinstance(said, dict) and isinstance(seen, dict):
        filled = all(seen[key] in _DEFAULTS.get(key, ()) for key in seen.keys() - said.keys())
        return filled and said.keys() <= seen.keys() and all(_says(change, said[key], seen[key]) for key in said)
    if isinstance(said, list) and isinstance(seen, list) and len(said) == len(seen):
        return all(_says(change, one, other) for one, other in zip(said, seen, strict=True))
    return bool(said == seen and type(said) is type(seen))


def _spec(manifest: Manifest) -> dict[str, Any]:
    found = contents(manifest.spot).get("spec")
    return found if isinstance(found, dict) else {}


def _again(manifest: Manifest, text: str) -> Iterator[Manifest]:
    for one in Files({manifest.path: text}).manifests(manifest.path):
        if (one.kind, one.namespace, one.name) == (manifest.kind, manifest.namespace, manifest.name):
            yield one


def _read(text: str) -> list[Any] | None:
    try:
        return [contents(one) for one in documents(text)]
    except UnparsedError:
        return None


def _nowhere(files: Files, ref: ObjectRef) -> str:
    charted = sorted({folder_of(path) for path in files.naming(ref.name) if in_chart(files, path)})
    if charted:
        return f"it may come from a chart ({charted[0]}): take it out of the template, for every release of it"
    return f"no file here holds {ref}; is this the right repository? --repo names another"
