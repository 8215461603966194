"""Rows of a dialect under the labels that every other row has. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from microglia.model.activity import UNKNOWN_PEER
from microglia.observe.dialects.schema import Counter, Dialect, Taken
from microglia.observe.names import Names
from microglia.observe.replies import Row
from microglia.observe.routes import behind

_ENDS = ("source", "destination")
_WHAT = {"requests": "requests", "used": "requests", "connections": "connections", "bytes": "sent", "messages": "asked"}
Places = Mapping[str, Sequence[tuple[str, str]]]
"""A name as metrics write it -> (namespace, name) of what it may mean."""


def volume(rows: Iterable[Row], dialect: Dialect, names: Names) -> list[Row]:
    """Calls and connections by hour. A callee of which only the workload is told has no host: it is nobody's route. A
    name that may mean several counts for none of them: it is known who was used, not how much."""
    places = whereabouts(names)
    found = [(row, _found(told, places, names)) for row, told in _mapped(rows, dialect, names, places)]
    return [replace(row, labels=each[0]) for row, each in found if len(each) == 1]


def signs(rows: Iterable[Row], dialect: Dialect, names: Names) -> list[Row]:
    """Use in the block. Where several may have been meant each of them was used: every workload and Service of a bare
    name, and every Service that selects the workload that was called."""
    places = whereabouts(names)
    fronts: dict[str, list[str]] = defaultdict(list)
    for host, workloads in sorted(names.services.items()):
        for workload in workloads:
            fronts[workload].append(host)
    return [
        replace(row, labels=labels)
        for row, told in _mapped(rows, dialect, names, places)
        for one in _found(told, places, names)
        for labels in _fronted(one, fronts)
    ]


def whereabouts(names: Names) -> Places:
    """Where names without a namespace may belong: bare, or written as ``namespace-name``."""
    known = {(namespace, name) for namespace, _, name in (key.partition("/") for key in names.workloads)}
    known |= {(host.split(".")[1], host.split(".")[0]) for host in names.services}
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for namespace, name in sorted(known):
        found[name].append((namespace, name))
        found[f"{namespace}-{name}"].append((namespace, name))
    return found


def _mapped(rows: Iterable[Row], dialect: Dialect, names: Names, places: Places) -> list[tuple[Row, dict[str, str]]]:
    found, known = [], frozenset((*names.workloads, *places))
    for row in rows:
        counter = dialect.counters[int(row.labels["arm"].rpartition(" ")[2])]
        told = canonical(row.labels, counter, dialect.name, known)
        found.append((row, {**told, "witness": dialect.name} if dialect.served is None else told))
    return found


def canonical(
    labels: Mapping[str, str], counter: Counter, name: str, known: Collection[str] = frozenset()
) -> dict[str, str]:
    """The labels of one row of ``counter``: of each the first that is not empty. Ends that nobody names are unknown.

    What looks like the hashes of a pod may be the end of a workload's own name, and a port's name may have several
    parts: of several names the longest counts that is one of the ``known``, ``namespace/name`` or as ``Places`` has it.
    """
    told = {key: [text for one in each if (text := _taken(labels, one))] for key, each in counter.labels.items()}
    found = {key: texts[0] if texts else "" for key, texts in told.items()}
    for end in _ENDS:
        space = found.get(f"{end}_workload_namespace", "")
        meant = [one for one in told.get(f"{end}_workload", ()) if (one if "/" in one else f"{space}/{one}") in known]
        if meant:
            found[f"{end}_workload"] = max(meant, key=len)
        # A workload written as namespace/name has its namespace with it.
        namespace, slash, workload = found.get(f"{end}_workload", "").rpartition("/")
        if slash:
            found[f"{end}_workload_namespace"], found[f"{end}_workload"] = namespace, workload
        if not found.get(f"{end}_workload"):
            found[f"{end}_workload"] = UNKNOWN_PEER
    if not found.get("destination_service_namespace"):
        named = [one for one in told.get("destination_service_name", ()) if one in known]
        if named:
            found["destination_service_name"] = max(named, key=len)
    return {**found, "what": _WHAT[counter.what], "reporter": f"{name} {counter.reporter}"}


def _taken(labels: Mapping[str, str], one: Taken) -> str:
    if one.value:
        return one.value
    text = labels.get(one.label, "")
    if not one.match:
        return text
    match = re.fullmatch(one.match, text)
    return (match[1] or "") if match else ""


def _found(told: Mapping[str, str], places: Places, names: Names) -> list[dict[str, str]]:
    """``told`` with every namespace that it leaves open filled in, in each way that the cluster allows, and a route
    object as each Service behind it. A route that is not there tells nothing."""
    found = [dict(told)]
    if told.get("destination_route"):
        found = [{**told, **_service(host)} for host in behind(names.routes, told["destination_route"])]
    for key in ("source_workload", "destination_workload", "destination_service_name"):
        name, space = told.get(key, ""), f"{key.removesuffix('_name')}_namespace"
        if not name or name == UNKNOWN_PEER or told.get(space):
            continue
        meant = places.get(name, ()) or (("", name),)
        found = [{**one, space: each[0], key: each[1]} for one in found for each in meant]
    return found


def _fronted(labels: dict[str, str], fronts: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    if labels.get("destination_service_name"):
        return [labels]
    workload = f"{labels.get('destination_workload_namespace', '')}/{labels['destination_workload']}"
    return [{**labels, **_service(host)} for host in fronts.get(workload, ())] or [labels]


def _service(host: str) -> dict[str, str]:
    name, namespace, *_ = [*host.split("."), ""]
    return {
        "destination_service": host,
        "destination_service_name": name,
        "destination_service_namespace": namespace,
    }
