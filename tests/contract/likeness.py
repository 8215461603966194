"""How two snapshots of one world may differ, in sentences; none where they are alike enough.

Samples are a scrape apart: what happens within one of a seam may be counted on either side of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

import numpy as np

from microglia.model.activity import F32, F64, Activity, Bools, Slowness, WorkloadActivity
from microglia.policy.schema import PolicySpec
from microglia.score.rules import score
from microglia.score.scores import Judged
from microglia.topology.graph import Topology

K = TypeVar("K")
SLOT = 300
GAPS = 0.85
"""An hour of which less was heard, but something, is not compared by volume: nobody knows what fell into the gap."""
HOME = ("default", "kube-system", "kube-public", "kube-node-lease")
"""Where a real API server keeps Services of its own."""


@dataclass(frozen=True, slots=True)
class Slack:
    """``share`` of the expected value, or ``count`` of it, whichever is more."""

    share: float
    count: float


_VOLUMES = ("requests", "failures", "unserved", "sent")
REQUESTS = Slack(0.04, 2)
CORES = Slack(0.1, 0.01)
BYTES = Slack(0.05, 1)


def volumes(expected: Activity, found: Activity) -> list[str]:
    """Requests of each workload and hour that was heard, and the total of each edge."""
    problems = []
    for name in _VOLUMES:
        problems += _hours(name, expected.workloads, found.workloads, REQUESTS)
    wanted, got = (dict(zip(one.edges.keys, one.edges.requests.tolist(), strict=True)) for one in (expected, found))
    return problems + [
        f"{edge}: {got[edge]:.1f} requests, not {count:.0f}"
        for edge, count in wanted.items()
        if edge in got and abs(got[edge] - count) > max(REQUESTS.count, REQUESTS.share * count)
    ]


def peaks(expected: Activity, found: Activity) -> list[str]:
    """The highest 5-minute rates: at most 25 % too high, never more than 15 % too low."""
    return [
        f"{key}, hour {hour}: peak {got[hour]:.3f} rps, not {wanted[hour]:.3f}"
        for key, wanted, got in _pairs(expected.workloads, found.workloads, "peak")
        for hour in range(len(wanted))
        if not _peak_holds(wanted, got, hour)
    ]


def _peak_holds(wanted: F64, got: F64, hour: int) -> bool:
    if np.isnan(wanted[hour]) or np.isnan(got[hour]):
        return bool(np.isnan(wanted[hour]) and np.isnan(got[hour]))
    near = slice(max(0, hour - 1), hour + 2)
    slack = REQUESTS.count / SLOT
    not_low = 0.85 * wanted[hour] - slack <= np.nanmax(got[near])
    return bool(not_low and got[hour] <= 1.25 * np.nanmax(wanted[near]) + slack)


def zones(expected: Activity, found: Activity) -> list[str]:
    """Where pods served: the zones' own peaks, as precise as the whole ones."""
    if expected.workloads.zones != found.workloads.zones:
        return [f"zones {found.workloads.zones}, not {expected.workloads.zones}"]
    problems = []
    for number, zone in enumerate(expected.workloads.zones):
        wanted, got = (_rows(one.keys, one.zone_peak[:, number]) for one in (expected.workloads, found.workloads))
        problems += [
            f"{key} in {zone}, hour {hour}: peak {got[key][hour]:.3f} rps, not {row[hour]:.3f}"
            for key, row in wanted.items()
            for hour in range(len(row))
            if not _peak_holds(row, got[key], hour)
        ]
    return problems


def places(expected: Activity, found: Activity) -> list[str]:
    """Replicas: how many, how ready, how uneven over zones, in which hours they changed."""
    problems = []
    for name, slack in (("placed", 0.0), ("fullest_zone", 0.0), ("ready", 0.1), ("rolling", 0.0)):
        problems += _hours(name, expected.workloads, found.workloads, Slack(0, slack))
    if (expected.away != found.away).any():
        problems.append(f"away in hours {np.flatnonzero(found.away)}, not {np.flatnonzero(expected.away)}")
    return problems


def sight(expected: Activity, found: Activity) -> list[str]:
    """What was seen, and since when things are known."""
    problems = _hours("seen", expected.workloads, found.workloads, Slack(0, 0.05))
    born = [dict(zip(one.workloads.keys, one.workloads.born.tolist(), strict=True)) for one in (expected, found)]
    problems += [
        f"{key} born at {born[1].get(key)}, not {moment}"
        for key, moment in born[0].items()
        if abs(born[1].get(key, np.nan) - moment) >= SLOT or key not in born[1]
    ]
    missing = expected.hosts.items() - found.hosts.items()
    return problems + [f"host {host} known since {found.hosts.get(host)}, not {when}" for host, when in missing]


def resources(expected: Activity, found: Activity) -> list[str]:
    """Cores and bytes."""
    problems = _hours("cpu_peak", expected.workloads, found.workloads, Slack(0.25, 0.02))
    problems += _hours("memory", expected.workloads, found.workloads, BYTES)
    problems += _hours("throttled", expected.workloads, found.workloads, Slack(0, 0.02))
    wanted, got = (_rows(one.containers.keys, one.containers.cpu) for one in (expected, found))
    if wanted.keys() != got.keys():
        return [*problems, f"containers {sorted(wanted.keys() ^ got.keys())} are known to one only"]
    gaps = _gaps(expected.workloads)
    for key, row in wanted.items():
        problems += _apart(f"cpu of {'/'.join(key)}", row, np.where(gaps[key[0]], row, got[key]), CORES)
    return problems


def slowness(expected: Slowness, found: Slowness) -> list[str]:
    """Requests timed, hour by hour, and those slower than the bound, over all hours: counters show whole requests, each
    of many series rounds by one."""
    problems = []
    for key, wanted, got in zip(expected.keys, expected.timed, found.timed, strict=True):
        problems += _apart(f"timed of {key}", wanted.astype(np.float64), got.astype(np.float64), REQUESTS)
    for key, wanted, got in zip(expected.keys, expected.slow, found.slow, strict=True):
        total, seen = (float(np.nansum(one, dtype=np.float64)) for one in (wanted, got))
        if abs(seen - total) > max(REQUESTS.count, 0.05 * total) or (np.isnan(wanted) != np.isnan(got)).any():
            problems.append(f"slow of {key}: {seen:.1f}, not {total:.1f}")
    return problems


def signs(expected: Activity, found: Activity) -> list[str]:
    """The same edges, used or flowing alike."""
    problems = []
    for name in ("used", "flowing"):
        wanted, got = (
            {edge for edge, told in zip(one.edges.keys, getattr(one.edges, name), strict=True) if told}
            for one in (expected, found)
        )
        problems += [f"{name}: {edge} is missing" for edge in sorted(wanted - got)]
        problems += [f"{name}: {edge} is too much" for edge in sorted(got - wanted)]
    return problems


def objects(expected: Topology, found: Topology) -> list[str]:
    """The same workloads and Services, joined alike."""
    problems = [f"workload {key}: known to one only" for key in sorted(expected.workloads.keys() ^ found.workloads)]
    for key in sorted(expected.workloads.keys() & found.workloads.keys()):
        wanted, got = expected.workloads[key], found.workloads[key]
        problems += _parts(str(key), wanted, got, _OF_WORKLOADS)
        if len(wanted.pods) != len(got.pods) or any(pod.zone not in found.zones for pod in got.pods):
            problems.append(f"{key} has the pods {got.pods}, not {len(wanted.pods)} in zones")
    hosts = {host for host, service in found.services.items() if service.namespace not in HOME}
    problems += [f"Service {host}: known to one only" for host in sorted(hosts ^ expected.services.keys())]
    for host in sorted(hosts & expected.services.keys()):
        problems += _parts(host, expected.services[host], found.services[host], _OF_SERVICES)
    return [*problems, *_parts("topology", expected, found, _OF_TOPOLOGIES)]


_OF_WORKLOADS = (
    "replicas", "ready", "containers", "hosts", "meshed", "in_flight", "pod_labels", "owner.code", "owner.act",
)  # fmt: skip
_OF_SERVICES = ("headless", "external_name", "ports", "subsets", "workloads")
_OF_TOPOLOGIES = ("groups", "standbys", "zones", "sidecars", "ambiguous", "callees")


def _parts(what: str, expected: object, found: object, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        wanted, got = (attrgetter(name)(one) for one in (expected, found))
        if wanted != got:
            yield f"{what}: {name} is {got!r}, not {wanted!r}"


def evidence(expected: Topology, found: Topology) -> list[str]:
    """The same judgement on every workload and route, from as much sight."""
    wanted, got = (dict(_judged(one)) for one in (expected, found))
    problems = [f"{what}: judged by one only" for what in sorted(wanted.keys() ^ got.keys())]
    for what in sorted(wanted.keys() & got.keys()):
        one, other = wanted[what], got[what]
        if one.evidence != other.evidence or abs(one.coverage - other.coverage) > 0.005:
            problems.append(f"{what} is {other}, not {one}")
    return problems


def same(one: Topology, other: Topology) -> list[str]:
    """All of the above that does not depend on where a scheduler puts pods."""
    parts = (volumes, peaks, sight, resources, signs)
    problems = [f"{part.__name__}: {text}" for part in parts for text in part(one.activity, other.activity)]
    return problems + [f"{part.__name__}: {text}" for part in (objects, evidence) for text in part(one, other)]


def _judged(topology: Topology) -> Iterator[tuple[str, Judged]]:
    scores = score(topology, PolicySpec())
    for workload, replicas in scores.replicas.items():
        yield str(workload), replicas.judged
    for route in scores.routes:
        for host in route.hosts:
            if host.split(".")[1] not in HOME:
                yield f"{route.client} -> {host}", route.judged


def _rows(keys: Sequence[K], values: F32 | F64) -> Mapping[K, F64]:
    return dict(zip(keys, values.astype(np.float64), strict=True))


def _pairs(expected: WorkloadActivity, found: WorkloadActivity, name: str) -> Iterator[tuple[str, F64, F64]]:
    wanted, got = (_rows(one.keys, getattr(one, name)) for one in (expected, found))
    nothing = np.full(expected.requests.shape[1], np.nan)
    for key, row in wanted.items():
        yield str(key), row, got.get(key, nothing)


def _hours(name: str, expected: WorkloadActivity, found: WorkloadActivity, slack: Slack) -> list[str]:
    gaps = _gaps(expected) if name in _VOLUMES else {}
    return [
        text
        for key, wanted, got in _pairs(expected, found, name)
        for text in _apart(f"{name} of {key}", wanted, np.where(gaps.get(key, False), wanted, got), slack)
    ]


def _gaps(workloads: WorkloadActivity) -> Mapping[str, Bools]:
    return {key: (seen > 0) & (seen < GAPS) for key, seen in _rows(workloads.keys, workloads.seen).items()}


def _apart(what: str, wanted: F64, got: F64, slack: Slack) -> Iterator[str]:
    """Hours in which two rows differ by more than ``slack``, and so do their sums with either neighbour."""
    bad = _differ(wanted, got, slack)
    pairs = _differ(wanted[1:] + wanted[:-1], got[1:] + got[:-1], slack)
    for hour in np.flatnonzero(bad):
        beside = [pairs[near] for near in (hour - 1, hour) if 0 <= near < len(pairs)]
        if all(beside) or np.isnan(wanted[hour]) != np.isnan(got[hour]):
            yield f"{what}, hour {hour}: {got[hour]:.4g}, not {wanted[hour]:.4g}"


def _differ(wanted: F64, got: F64, slack: Slack) -> Bools:
    far = np.abs(wanted - got) > np.maximum(slack.count, slack.share * np.abs(wanted))
    return np.asarray(far | (np.isnan(wanted) != np.isnan(got)))
