"""Helm charts: which value is the replica count of an object, where that is plain to see.

A template ``replicas: {{ .Values.x.y }}`` of a Deployment that the object may come from, and one values file that says
the count that the cluster has. Charts are not rendered: where more than one value fits, a person is asked.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from microglia.act.gitops.files import Files, folder_of, joined, within

_CHART: Final = "Chart.yaml"
_DOCUMENT: Final = re.compile(r"(?m)^---.*$")
_KIND: Final = re.compile(r"(?m)^kind:\s*[\"']?(\w+)[\"']?\s*$")
_COUNT: Final = re.compile(r"(?m)^\s+replicas:\s*[\"']?\{\{-?\s*(.*?)\s*-?\}\}[\"']?\s*(?:#.*)?$")
_VALUE: Final = re.compile(r"\(?\s*(?:int\s+|int64\s+)?\$?\.Values\.([A-Za-z0-9_.]+)\s*\)?((?:\s*\|\s*[^|]*)*)")
_HARMLESS: Final = re.compile(r"\s*\|\s*(?:int|int64|quote|toString|default\s+\S+)\s*")
_NAME: Final = re.compile(r"(?m)^\s+name:\s*(.*?)\s*$")
_ACTION: Final = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")


@dataclass(frozen=True, slots=True)
class Release:
    """What the object's labels and annotations say of its release; empty where they say nothing."""

    name: str
    chart: str


@dataclass(frozen=True, slots=True)
class Count:
    """A value that a template takes a Deployment's count from: the chart's folder and the path below ``.Values``."""

    chart: str
    template: str
    path: tuple[str, ...]


def release_of(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Release:
    """Read the marks that Helm and charts leave: https://helm.sh/docs/chart_best_practices/labels/."""
    name = (
        annotations.get("meta.helm.sh/release-name")
        or labels.get("helm.toolkit.fluxcd.io/name")
        or labels.get("app.kubernetes.io/instance", "")
    )
    return Release(name, labels.get("helm.sh/chart", ""))


def charts(files: Files) -> dict[str, str]:
    """The name of every chart by its folder."""
    found = {}
    for path in sorted(files.texts):
        if path.rpartition("/")[2] == _CHART and files.documents(path):
            found[folder_of(path)] = files.documents(path)[0].word("name")
    return found


def in_chart(files: Files, path: str) -> bool:
    """Whether a file is a chart's: its templates are no manifests, and its values no objects."""
    folder = folder_of(path)
    while True:
        if (f"{folder}/{_CHART}" if folder else _CHART) in files.texts:
            return True
        if not folder:
            return False
        folder = folder_of(folder)


def chart_of(folders: Iterable[str], path: str) -> str | None:
    """The innermost of these folders of charts that a file lies in."""
    return max((folder for folder in folders if within(path, folder)), key=len, default=None)


def counts(files: Files, release: Release, name: str) -> tuple[Count, ...]:
    """Every value that may be the count of the Deployment ``name``; those whose template surely makes that name first,
    and alone when there are any."""
    sure: list[Count] = []
    likely: list[Count] = []
    for folder, own in charts(files).items():
        # A chart that is brought along under an alias calls itself by that.
        for chart in dict.fromkeys((own, *(keys[-1] for _, keys in nested_in(files, folder)))):
            if release.chart and not re.fullmatch(rf"{re.escape(chart)}-v?\d.*", release.chart):
                continue
            for found, fits in _counts(files, folder, Release(release.name, chart), name):
                (sure if fits == "sure" else likely).append(found)
    return tuple(dict.fromkeys(sure or likely))


def _counts(files: Files, folder: str, called: Release, name: str) -> Iterator[tuple[Count, str]]:
    for path, text in _templates(files, folder):
        for written, value in _deployments(text):
            fits = _fits(written, name, called.name, called.chart)
            if value is not None and fits:
                yield Count(folder, path, value), fits


def nested_in(files: Files, chart: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The charts that bring ``chart`` along, each with the path below which its values are kept."""
    known = charts(files)
    for folder in known:
        if folder == chart:
            continue
        spot = files.documents(f"{folder}/{_CHART}" if folder else _CHART)[0].at("dependencies")
        alias = known[chart]
        listed = False
        for one in spot.items() if spot else ():
            local = joined(folder, one.word("repository").removeprefix("file://"))
            if one.word("name") == known[chart] and (local == chart or not one.word("repository")):
                alias, listed = one.word("alias") or alias, True
        vendored = (f"{folder}/charts" if folder else "charts") == folder_of(chart)
        if listed or vendored:
            yield folder, (alias,)


def _templates(files: Files, folder: str) -> Iterator[tuple[str, str]]:
    below = f"{folder}/templates/" if folder else "templates/"
    for path in sorted(files.texts):
        if path.startswith(below):
            yield path, files.texts[path]


def _deployments(text: str) -> Iterator[tuple[str, tuple[str, ...] | None]]:
    """The name of every Deployment in a template as it is written, and the path of its count."""
    for part in _DOCUMENT.split(text):
        kind, name, count = _KIND.search(part), _NAME.search(part), _COUNT.search(part)
        if kind and kind.group(1) == "Deployment" and name and count:
            yield name.group(1), _path(count.group(1))


def _path(action: str) -> tuple[str, ...] | None:
    found = _VALUE.fullmatch(action)
    if found is None or _HARMLESS.sub("", found.group(2)).strip():
        return None
    return tuple(found.group(1).split("."))


def _fits(written: str, name: str, release: str, chart: str) -> str:
    """Whether a name as it is written in a template may come out as ``name``: "sure", "likely", or empty."""
    likely = False
    pattern = ""
    start = 0
    for action in _ACTION.finditer(written):
        pattern += re.escape(written[start : action.start()])
        start = action.end()
        known = _known(action.group(1), release, chart)
        likely = likely or known is None
        pattern += known or "[a-z0-9.-]+"
    pattern += re.escape(written[start:])
    if not re.fullmatch(pattern.strip("\"'"), name):
        return ""
    return "likely" if likely else "sure"


def _known(action: str, release: str, chart: str) -> str | None:
    expression = action.partition("|")[0].strip()
    if expression in {".Release.Name", "$.Release.Name"}:
        return re.escape(release) if release else None
    if expression in {".Chart.Name", "$.Chart.Name"}:
        return re.escape(chart)
    if release and re.fullmatch(r"(?:include|template)\s+\"[\w.-]*fullname\"\s+[.$]", expression):
        # What `helm create` writes: the release's name when it holds the chart's, else both.
        return re.escape(release) if chart in release else re.escape(f"{release}-{chart}")
    if re.fullmatch(r"(?:include|template)\s+\"[\w.-]*\.name\"\s+[.$]", expression):
        return re.escape(chart)
    return None
