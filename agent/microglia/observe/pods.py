"""Rows about pods, folded into workloads: peaks, what they use, where they ran, and whether they were heard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64
from microglia.observe.dialects.expressions import HOUR, SLOT
from microglia.observe.facts import NAN, Sums, blank
from microglia.observe.names import Names
from microglia.observe.replies import Row
from microglia.observe.spots import Spots

PER_HOUR = HOUR // SLOT
_WHOLE = 0.9
"""A pod that lived less than this share of an hour began or ended in it."""
_UNHEARD = 2.0
"""Scrapes that a pod's birth and end may cost without hiding anything: counters keep what they counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Lives:
    """(namespace, pod) -> share of each hour that it existed (hours,), its workload and its node."""

    shares: Mapping[tuple[str, str], F64]
    owners: Mapping[tuple[str, str], str]
    nodes: Mapping[tuple[str, str], str]


def marked(rows: Iterable[Row], what: str) -> list[Row]:
    """The rows of one arm of a combined expression."""
    return [row for row in rows if row.labels.get("what") == what]


def pod_of(labels: Mapping[str, str]) -> tuple[str, str]:
    """(namespace, pod)."""
    return labels.get("namespace", ""), labels.get("pod", "")


def read_lives(places: Sequence[Row], beats: Sequence[Row], names: Names, spots: Spots) -> Lives:
    """When pods existed: by kube-state-metrics, else, where it tells nothing, by their heartbeats; and by the objects
    of those that are there now, of which neither may have told.

    A pod that was never heard and is no longer there is left out: it had ended and waited for its removal.
    """
    heard = {pod_of(row.labels) for row in beats}
    told = [row for row in marked(places, "pod") if row.labels.get("node")]
    most = _most(told, spots)
    shares: dict[tuple[str, str], F64] = {}
    owners: dict[tuple[str, str], str] = {}
    nodes: dict[tuple[str, str], str] = {}
    for row in told or beats:
        pod = pod_of(row.labels)
        if pod in names.ended or (pod not in heard and pod not in names.pods):
            continue
        share = shares.setdefault(pod, blank(spots.count))
        where = spots.of(row.times)
        share[where] = np.maximum(share[where], np.minimum(1.0, row.values / most[where]) if told else 1.0)
        owners[pod] = names.workload(row.labels)
        nodes[pod] = row.labels.get("node") or names.places.get(pod, "")
    starts = spots.start + np.arange(spots.count) * spots.step
    for pod in names.pods.keys() - shares.keys() - names.ended:
        there = (names.made[pod] <= starts).astype(np.float64)
        if there.any():
            shares[pod], owners[pod], nodes[pod] = there, names.pods[pod], names.places.get(pod, "")
    return Lives(shares, owners, nodes)


def _most(rows: Iterable[Row], spots: Spots) -> F64:
    most = blank(spots.count)
    for row in rows:
        where = spots.of(row.times)
        most[where] = np.maximum(most[where], row.values)
    return most


def read_seen(lives: Lives, health: Sequence[Row], expected: float, spots: Spots) -> dict[str, F64]:
    """The worst pod's share of the scrapes that should have brought its heartbeat; 0 where an Envoy was not scraped.

    ``expected`` scrapes an hour. One scrape short is a matter of phase; pods that began or ended get two more. A pod
    that several sources hear is seen while each of them hears it.
    """
    beats: dict[tuple[str, str], dict[str, F64]] = {}
    for row in marked(health, "beats"):
        mine = beats.setdefault(pod_of(row.labels), {})
        mine.setdefault(row.labels.get("source", ""), blank(spots.count))[spots.of(row.times)] += row.values
    counts = {pod: np.minimum.reduce(list(mine.values())) for pod, mine in beats.items()}
    failed = {pod_of(row.labels): spots.of(row.times) for row in marked(health, "failed")}
    unheard = Sums(spots.count)
    for pod, share in lives.shares.items():
        due = expected * share - np.where(share < _WHOLE, _UNHEARD, 0.0)
        count = counts.get(pod, blank(spots.count))
        heard = np.where(count >= due - 1, 1.0, count / np.maximum(due, 1.0))
        heard[failed.get(pod, [])] = 0.0
        alive = np.flatnonzero(share > 0)
        unheard.highest(lives.owners[pod], alive, 1 - heard[alive])
    return {workload: 1 - np.where(np.isnan(row), 1.0, row) for workload, row in unheard.rows().items()}


def read_placed(lives: Lives, names: Names, hours: int) -> dict[str, dict[str, F64]]:
    """Per workload: ``placed``, ``fullest_zone``, ``fullest_node`` and ``rolling`` (1 or 0) of each hour.

    Pods count in the hours that they mostly lived in; where the zone of one is not known, neither is the fullest.
    """
    found: dict[str, dict[str, F64]] = {}
    groups: dict[tuple[str, str, str], F64] = {}
    for pod, share in lives.shares.items():
        workload, node = lives.owners[pod], lives.nodes[pod]
        columns = found.setdefault(workload, {name: blank(hours) for name in _PLACED})
        there = (share >= 0.5).astype(np.float64)
        columns["placed"] += there
        columns["rolling"] = np.maximum(columns["rolling"], (share > 0) & (share < _WHOLE))
        for column, group in (("fullest_node", node), ("fullest_zone", names.zone(node))):
            groups[workload, column, group] = groups.get((workload, column, group), blank(hours)) + there
    for (workload, column, group), count in groups.items():
        row = found[workload][column]
        found[workload][column] = np.where(count > 0, NAN, row) if not group else np.maximum(row, count)
    return found


_PLACED = ("placed", "fullest_zone", "fullest_node", "rolling")


def read_cpu(rows: Iterable[Row], names: Names, spots: Spots) -> Sums:
    """Mean cores by ``workload|container``, all replicas together."""
    found = Sums(spots.count)
    for row in rows:
        workload = names.workload(row.labels)
        found.add(f"{workload}|{row.labels.get('container', '')}", spots.of(row.times), row.values)
    return found


def read_cpu_peaks(rows: Iterable[Row], names: Names, spots: Spots) -> dict[str, F64]:
    """Per workload the highest 5-minute use of each hour in cores."""
    found = Sums(spots.count)
    for row in rows:
        found.add(names.workload(row.labels), spots.of(row.times), row.values)
    return {key: np.fmax.reduce(row.reshape(-1, PER_HOUR), axis=1) for key, row in found.rows().items()}


def read_use(rows: Sequence[Row], names: Names, spots: Spots) -> dict[str, Sums]:
    """``memory``: the largest pod's working set. ``throttled``: the worst pod's share of its CFS periods."""
    found = {"memory": Sums(spots.count), "throttled": Sums(spots.count)}
    for row in marked(rows, "memory"):
        found["memory"].highest(names.workload(row.labels), spots.of(row.times), row.values)
    short = Sums(spots.count)
    for row in marked(rows, "throttled"):
        short.add("/".join(pod_of(row.labels)), spots.of(row.times), row.values)
    for row in marked(rows, "periods"):
        where = spots.of(row.times)
        share = short.get("/".join(pod_of(row.labels)), 0.0)[where] / row.values
        found["throttled"].highest(names.workload(row.labels), where, np.clip(share, 0, 1))
    return found
