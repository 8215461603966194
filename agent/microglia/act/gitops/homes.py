"""Where an object is written: in which kustomization, or in which plain file."""

from collections.abc import Sequence
from dataclasses import dataclass

from microglia.act.gitops.charts import in_chart
from microglia.act.gitops.files import Files, Hints, Manifest, UnplacedError, within
from microglia.act.gitops.kustomize import Kustomize, Reached
from microglia.model.ids import ObjectRef

_SHOWN = 4


@dataclass(frozen=True, slots=True, eq=False)
class Homes:
    """Where an object may be written: as kustomizations end up with it, and as plain files."""

    reached: tuple[Reached, ...]
    plain: tuple[Manifest, ...]

    @property
    def places(self) -> tuple[str, ...]:
        """Every one of them: the folder of a kustomization, or the file."""
        folders = [one.top.folder or "." for one in self.reached]
        return tuple(sorted({*folders, *(one.path for one in self.plain)}))


def homes(files: Files, kustomize: Kustomize, ref: ObjectRef, hints: Hints) -> Homes:
    """Every place that an object may be written in, below the place that a person named, if one was.

    Where any place says the namespace, those that leave it open are left out: they are of other namespaces.
    """
    named = hints.places.get(f"{ref.namespace}/{ref.name}", hints.under)
    roots = kustomize.roots()
    if named != hints.under and named in kustomize.layers:
        roots = (kustomize.layers[named],)
    else:
        roots = tuple(root for root in roots if within(root.folder, named))
    reached = [one for root in roots for one in kustomize.reaching(ref, root)]
    covered = kustomize.covered()
    plain = [
        one
        for path in files.naming(ref.name)
        if path not in covered and not in_chart(files, path) and within(path, named)
        for one in files.manifests(path)
        if (one.kind, one.name) == (ref.kind, ref.name) and one.namespace in {"", ref.namespace}
    ]
    sure = Homes(tuple(one for one in reached if one.namespaces[-1]), tuple(one for one in plain if one.namespace))
    return sure if sure.places else Homes(tuple(reached), tuple(plain))


def only(found: Homes, subject: str) -> Reached | Manifest | None:
    """The one place there is, None when there is none. Raises UnplacedError for several."""
    everything: Sequence[Reached | Manifest] = (*found.reached, *found.plain)
    if len(everything) > 1:
        places = found.places
        more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
        raise UnplacedError(
            f"it is written in several places ({', '.join(places[:_SHOWN])}{more}); say which one this cluster gets:"
            f" --at {subject}={places[0]}"
        )
    return everything[0] if everything else None
