"""An Istio Sidecar of microglia's own as a file beside the workload that it is for."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from microglia.act.gitops.charts import in_chart
from microglia.act.gitops.files import Edit, Files, Hints, Manifest, UnplacedError, folder_of
from microglia.act.gitops.homes import Homes, homes, only
from microglia.act.gitops.kustomize import Kustomize, Layer
from microglia.act.gitops.marks import inserted, removed
from microglia.model.ids import ObjectRef
from microglia.plan.change import SidecarChange


def written(body: Mapping[str, Any]) -> str:
    """A Sidecar as the text of its file."""
    stream = StringIO()
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(dict(body), stream)
    return stream.getvalue()


def scope_in(files: Files, kustomize: Kustomize, change: SidecarChange, hints: Hints) -> tuple[Edit, ...]:
    """The edits that create, replace or delete the Sidecar's file. Raises UnplacedError."""
    if change.before is None:
        return _created(files, kustomize, change, hints)
    present = only(homes(files, kustomize, ObjectRef("Sidecar", change.namespace, change.name), hints), change.workload)
    if present is None:
        raise UnplacedError(
            f"Sidecar {change.namespace}/{change.name} is in no file here, so Git does not keep it: microglia apply"
            " changes it in the cluster"
        )
    path = present.path if isinstance(present, Manifest) else present.manifest.path
    if files.texts[path] != written(change.before):
        raise UnplacedError(f"{path} is not as microglia wrote it; change the hosts there by hand")
    if change.after is not None:
        return (files.edit(path, written(change.after), "rewritten"),)
    edits = [files.edit(path, None, "deleted: it would hide nothing")]
    if not isinstance(present, Manifest):
        listing = next(layer for layer in present.layers if path in layer.files)
        edits.append(unlisted(files, listing, path))
    return tuple(edits)


def _created(files: Files, kustomize: Kustomize, change: SidecarChange, hints: Hints) -> tuple[Edit, ...]:
    body = change.after or {}
    client = ObjectRef(change.id.kind, change.id.namespace, change.id.name)
    home = only(homes(files, kustomize, client, hints), change.workload)
    if home is None:
        raise UnplacedError(_homeless(files, change, hints, homes(files, kustomize, client, Hints())))
    layer = None if isinstance(home, Manifest) else home.top
    folder = layer.folder if layer else folder_of(home.path if isinstance(home, Manifest) else home.manifest.path)
    path = f"{folder}/{change.name}.yaml" if folder else f"{change.name}.yaml"
    if path in files.texts:
        raise UnplacedError(f"{path} exists; delete or rename it")
    created = files.edit(path, written(body), "a new file")
    return (created,) if layer is None else (created, _listed(files, layer, change))


def _listed(files: Files, layer: Layer, change: SidecarChange) -> Edit:
    if layer.renamed(change.name) != change.name:
        raise UnplacedError(
            f"{layer.path} would rename the Sidecar (namePrefix, nameSuffix); add its file where names stay as they"
            f" are: --at {change.workload}=FOLDER"
        )
    text = inserted(layer.spot, "resources", f"{change.name}.yaml")
    if text is None:
        raise UnplacedError(f"{layer.path} writes its resources in a way that cannot be added to; add the file by hand")
    return files.edit(layer.path, text, "the file is listed")


def unlisted(files: Files, layer: Layer, path: str) -> Edit:
    """The edit that takes a file out of the resources of ``layer``. Raises UnplacedError."""
    entry = path.removeprefix(f"{layer.folder}/") if layer.folder else path
    text = removed(layer.spot, "resources", entry)
    if text is None:
        raise UnplacedError(f"{layer.path} lists {path} in a way that cannot be taken out alone; do it by hand")
    return files.edit(layer.path, text, "the file is not listed any more")


def _homeless(files: Files, change: SidecarChange, hints: Hints, anywhere: Homes) -> str:
    named = hints.places.get(change.workload)
    if named is not None and anywhere.places:
        return f"{change.workload} is not in {named}, but in {', '.join(anywhere.places)}; name one of them with --at"
    charted = sorted({folder_of(path) for path in files.naming(change.id.name) if in_chart(files, path)})
    if charted:
        return (
            f"it comes from a chart ({charted[0]}), where a file would reach every release of it; put the Sidecar where"
            " plain manifests are applied, or let microglia apply write it"
        )
    return f"no file here holds {change.workload}; is this the right repository? --repo names another"
