"""Which file says a chart's value for this cluster: the one that fits, or a question."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from microglia.act.gitops.charts import Count, Release, chart_of, charts, counts, nested_in, release_of
from microglia.act.gitops.files import Edit, Files, Hints, UnplacedError, folder_of, joined
from microglia.act.gitops.marks import Spot, Steps
from microglia.plan.change import CountChange

_SHOWN = 4
_CARRIED: dict[str, tuple[Steps, tuple[str, ...]]] = {
    "HelmRelease": (("spec", "chart", "spec", "chart"), ("spec", "values")),
    "Application": (("spec", "source", "path"), ("spec", "source", "helm", "valuesObject")),
}
"""Where an object that orders a chart names its folder, and carries values of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """A number at a path of values in a file. ``default`` marks a chart's own values.yaml."""

    path: str
    keys: tuple[str, ...]
    spot: Spot
    default: bool

    @property
    def hint(self) -> str:
        """How a person names it on the command line."""
        return f"{self.path}:{'.'.join(self.keys)}"


def value_of(files: Files, change: CountChange, marks: Release, hints: Hints) -> tuple[Edit, ...]:
    """The edit of the value that is the count; nothing when no chart here makes the object. Raises UnplacedError."""
    named = hints.values.get(change.workload)
    if named is not None:
        return _named(files, change, *named)
    found = counts(files, marks, change.id.name)
    if not found:
        return ()
    said = tuple(one for count in found for one in _said(files, count))
    fitting = [one for one in said if one.spot.number() == change.before]
    if len(fitting) == 1 and not _may_differ(files, fitting[0], said):
        return (_edit(files, fitting[0], change),)
    raise UnplacedError(_question(change, found, fitting or said))


def _named(files: Files, change: CountChange, path: str, keys: tuple[str, ...]) -> tuple[Edit, ...]:
    if path not in files.texts:
        raise UnplacedError(
            f"there is no file {path} in this commit; --values-path takes a path from the root of the repository"
        )
    if files.fault(path):
        raise UnplacedError(f"{path} is no YAML: {files.fault(path)}; mend it first")
    for document in files.documents(path):
        spot = document.at(*keys)
        if spot is not None:
            return (_edit(files, Said(path, keys, spot, default=False), change),)
    raise UnplacedError(f"{path} has no value {'.'.join(keys)}; write it there first, with {change.before}")


def _edit(files: Files, said: Said, change: CountChange) -> Edit:
    if said.spot.number() != change.before:
        raise UnplacedError(
            f"{said.path} line {said.spot.line} says {said.spot.word() or 'something else'}, the cluster has"
            f" {change.before}: bring the two together first, then plan again"
        )
    text = said.spot.renumbered(change.after)
    if text is None:
        raise UnplacedError(f"{said.path} line {said.spot.line}: an alias or a tag shares this number; edit it by hand")
    return files.edit(said.path, text, f"value {'.'.join(said.keys)}")


def _said(files: Files, count: Count) -> Iterator[Said]:
    """Every file that says the value: the chart's own, those of charts that bring it along, and those of nobody."""
    below = {count.chart: count.path, **{outer: (*keys, *count.path) for outer, keys in nested_in(files, count.chart)}}
    folders = charts(files)
    for path in sorted(files.texts):
        if not path.endswith((".yaml", ".yml")) or "/templates/" in f"/{path}":
            continue
        home = chart_of(folders, path)
        ways = [below[home]] if home in below else ([*below.values()] if home is None else [])
        if home is None and not _is_values(path):
            yield from _delivered(files, path, below)
            continue
        for keys in dict.fromkeys(ways):
            for document in files.documents(path):
                spot = document.at(*keys)
                if spot is not None and spot.number() is not None:
                    own = home is not None and path == (f"{home}/values.yaml" if home else "values.yaml")
                    yield Said(path, keys, spot, own)


def _is_values(path: str) -> bool:
    return "values" in path.rpartition("/")[2] or "/values/" in f"/{path}"


def _delivered(files: Files, path: str, below: dict[str, tuple[str, ...]]) -> Iterator[Said]:
    """Values that a HelmRelease or an Application carries itself, when it names this chart by its folder."""
    if "HelmRelease" not in files.texts[path] and "Application" not in files.texts[path]:
        return
    for manifest in files.manifests(path):
        named, prefix = _CARRIED.get(manifest.kind, ((), ()))
        chart = manifest.spot.word(*named) if named else ""
        keys = below.get(joined("", chart) or "") if chart else None
        spot = manifest.spot.at(*prefix, *keys) if keys else None
        if keys and spot is not None and spot.number() is not None:
            yield Said(path, (*prefix, *keys), spot, default=False)


def _may_differ(files: Files, said: Said, everyone: Iterable[Said]) -> bool:
    """Whether a chart's own default may also be that of other releases: a values file beside it says nothing of its
    own, so it takes the default."""
    if not said.default:
        return False
    home, folders = folder_of(said.path), charts(files)
    speaking = {one.path for one in everyone}
    return any(
        path not in speaking and _is_values(path) and chart_of(folders, path) == home and "/templates/" not in path
        for path in files.texts
        if path.endswith((".yaml", ".yml"))
    )


def _question(change: CountChange, found: Iterable[Count], said: Iterable[Said]) -> str:
    counted, told = list(found), list(said)
    where = ", ".join(sorted({f"{one.template} (.Values.{'.'.join(one.path)})" for one in counted})[:_SHOWN])
    values = ", ".join([f"{one.hint} says {one.spot.word()}" for one in told][:_SHOWN]) or "no file says a number there"
    example = told[0].hint if told else f"values.yaml:{'.'.join(counted[0].path)}"
    return (
        f"which value is its count is not plain: {where}; {values}; the cluster has {change.before}. Say which one:"
        f" --values-path {change.workload}={example}"
    )


__all__ = ["Release", "release_of", "value_of"]
