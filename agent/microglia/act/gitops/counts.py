"""A replica count in plain manifests and Kustomize folders."""

from typing import Final

from microglia.act.gitops.files import Edit, Files, Manifest, UnplacedError
from microglia.act.gitops.kustomize import Kustomize, Reached
from microglia.act.gitops.marks import ending, inserted
from microglia.act.gitops.setters import Setter, last_word
from microglia.plan.change import CountChange

PATCHES: Final = "microglia"
"""The folder of patches beside a kustomization."""


def count_in(files: Files, kustomize: Kustomize, home: Reached | Manifest, change: CountChange) -> tuple[Edit, ...]:
    """The edits that make the count the planned one. Raises UnplacedError."""
    if isinstance(home, Manifest):
        spot = home.spot.at("spec", change.field)
        setter = Setter("file", home.path, 0, spot) if spot else None
        _agrees(setter, home.path, change)
        text = setter.renumbered(change.after) if setter else None
        if text is None:
            raise UnplacedError(f"{home.path} writes its count in a way that cannot be edited alone; do it by hand")
        return (files.edit(home.path, text, "in place"),)
    setter = last_word(kustomize, home, change.field)
    _agrees(setter, home.manifest.path, change)
    for layer in home.layers:
        if f"spec.{change.field}" in layer.spot.text and layer.spot.at("replacements"):
            raise UnplacedError(f"{layer.path} sets counts by replacements; change the source of the replacement there")
    return _in_place(files, kustomize, home, setter, change) or _by_patch(files, home, change)


def _agrees(setter: Setter | None, path: str, change: CountChange) -> None:
    if setter is None:
        hand = "kubectl scale" if change.field == "replicas" else "kubectl edit"
        raise UnplacedError(
            f"{path} leaves spec.{change.field} out, so the count is not kept in Git: {hand} changes it,"
            f" or write {change.field}: {change.before} there first"
        )
    if setter.number != change.before:
        says = setter.spot.word() or "something else"
        raise UnplacedError(
            f"{setter.path} line {setter.spot.line if setter.inside is None else setter.inside.line} says {says}, the"
            f" cluster has {change.before}: bring the two together first, then plan again"
        )


def _in_place(
    files: Files, kustomize: Kustomize, home: Reached, setter: Setter | None, change: CountChange
) -> tuple[Edit, ...]:
    """Where the winning number is this kustomization's alone, it is changed where it stands."""
    if setter is None or kustomize.users(setter.path) not in {(home.top,), ()}:
        return ()
    mine = setter.depth == 0 or (setter.form == "file" and len(home.layers) == 1)
    text = setter.renumbered(change.after) if mine else None
    if text is None:
        return ()
    how = {"replicas": "its entry in replicas", "patch": "its patch", "file": "in place"}[setter.form]
    return (files.edit(setter.path, text, how),)


def _by_patch(files: Files, home: Reached, change: CountChange) -> tuple[Edit, ...]:
    """A strategic merge patch in a folder of its own, last in the list, so that it has the last word."""
    top, (namespace, name) = home.top, home.entry
    kind = change.ref.kind
    listed = f"{PATCHES}/{kind.lower()}-{name}.yaml"
    path = f"{top.folder}/{listed}" if top.folder else listed
    if path in files.texts:
        raise UnplacedError(f"{path} exists and is not in use; delete it, or list it in the patches of {top.path}")
    end = ending(top.spot.text)
    version = home.manifest.spot.word("apiVersion")
    lines = [f"apiVersion: {version}", f"kind: {kind}", "metadata:", f"  name: {name}"]
    lines += [f"  namespace: {namespace}"] if namespace else []
    lines += ["spec:", f"  {change.field}: {change.after}"]
    kustomization = inserted(top.spot, "patches", f"path: {listed}")
    if kustomization is None:
        raise UnplacedError(f"{top.path} writes its patches in a way that cannot be added to; add a patch by hand")
    return (
        files.edit(path, end.join(lines) + end, f"a patch for {top.path}"),
        files.edit(top.path, kustomization, "the patch is listed"),
    )
