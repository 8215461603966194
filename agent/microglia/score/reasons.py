"""Why a count is what it is, and what holds it: sentences with their numbers, for people who recompute them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from microglia.model.units import show_bytes, some
from microglia.score.load import Load
from microglia.score.need import LARGEST
from microglia.score.panel import Panel
from microglia.score.scores import Evidence, Hold, Judged
from microglia.score.stretch import MEMORY, memory_limit, release
from microglia.score.survivors import zones_unknown
from microglia.topology.nodes import Workload

EXPLAINED, BUSY = 0.5, 0.2
"""Below this R^2, and above this share of its CPU request, a workload is not driven by its requests."""
UNHEALTHY = 0.01
"""Share of unhealthy buckets above which a workload is not pruned."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One workload: row ``row`` of ``panel`` and ``load``. ``need`` is -1 when none; ``required`` survivors for
    requests, for CPU, in each zone; ``demand`` what need covers: requests per second, cores, requests per second of the
    busiest zone. ``floors`` by stretch, by failureStretch, by memory; ``survivors[k]`` for k = 0 .. current,
    ``failures`` how they are counted, ``told`` which peak the
    demand is."""

    panel: Panel
    load: Load
    row: int
    need: int
    required: tuple[int, int, int]
    demand: tuple[float, float, float]
    survivors: tuple[int, ...]
    floors: tuple[int, int, int]
    failures: str
    told: str = ""

    @property
    def workload(self) -> Workload:
        """Whom it is about."""
        return self.panel.workloads[self.row]

    @property
    def judged(self) -> Judged:
        """Its evidence."""
        return self.load.judged[self.row]

    @property
    def current(self) -> int:
        """Its present count."""
        return self.workload.replicas

    @property
    def least(self) -> int:
        """Nobody wants less: need, or one copy where the policy lets replicas below need compete."""
        weak = self.panel.policy.retention.weak.replicas
        return max(self.need, 0) if weak is None else min(1, max(self.need, 0))

    @property
    def peak(self) -> float:
        """Requests per second."""
        return float(self.load.peak[self.row])

    @property
    def cpu_peak(self) -> float:
        """Cores of all replicas together."""
        return float(self.load.cpu.values[self.row].max(initial=0.0))


def hold(case: Case) -> tuple[Hold, ...]:
    """Everything that holds the count, in the order of ``_HOLDS``; UNKNOWN evidence speaks for itself alone."""
    if case.judged.evidence is Evidence.UNKNOWN:
        return (Hold("unknown", case.current, case.judged.why),)
    return tuple(found for rule in _HOLDS for found in rule(case))


def _capacity(case: Case) -> Iterator[Hold]:
    capacity = case.load.capacities[case.row]
    if case.judged.evidence is Evidence.USED and capacity.rps is None:
        yield Hold("capacity", case.current, f"what one replica can serve is not known: {capacity.source}")
    elif case.judged.evidence is Evidence.USED and case.peak <= 0:
        why = "it is used, but its volume was never measured in requests, so its peak is not known"
        yield Hold("capacity", case.current, f"{why}; set microglia.dev/min-replicas to what it needs, or leave it")


def _cpu(case: Case) -> Iterator[Hold]:
    if not case.load.cpu.seen[case.row]:
        why = (
            "its CPU was not seen at every hour of the week; let Prometheus scrape cAdvisor, or wait for a whole window"
        )
        yield Hold("cpu-unseen", case.current, why)
        return
    explained = float(case.load.cpu.explained[case.row])
    request = case.workload.cpu * case.current
    if explained < EXPLAINED and case.cpu_peak > BUSY * request:
        why = (
            f"its CPU peak of {case.cpu_peak:.3g} cpu exceeds {BUSY:.0%} of the {request:.3g} cpu that it requests, and"
            f" its requests explain {explained:.0%} of it (less than {EXPLAINED:.0%}): it works on something else,"
            " such as a queue; scale it by that, or leave it"
        )
        yield Hold("not-request-driven", case.current, why)


def _zones(case: Case) -> Iterator[Hold]:
    why = zones_unknown(case.panel)
    if why:
        yield Hold("zones", case.current, why)
    if np.isnan(case.demand[2]):
        why = (
            "calls to it stay in their zone, but the peak of each zone was not seen; check that nodes carry zone labels"
        )
        yield Hold("zone-peaks", case.current, why)


def _health(case: Case) -> Iterator[Hold]:
    health, at = case.load.health, int(case.load.peak_at[case.row])
    share = float(health.share[case.row])
    if share > UNHEALTHY:
        why = f"{share:.1%} of its buckets were throttled, failing or slow; at most {UNHEALTHY:.0%} may be"
        yield Hold("unhealthy", case.current, f"{why}: give it more, or wait until they have left the window")
    elif at >= 0 and health.unhealthy[case.row, at]:
        moment = case.panel.topology.activity.window.moment(at)
        why = f"it was throttled, failing or slow at its peak, {moment:%a %d %b %H:%M} UTC"
        yield Hold("unhealthy", case.current, f"{why}: give it more, or wait until a healthy peak has been seen")


def _memory(case: Case) -> Iterator[Hold]:
    limit = memory_limit(case.workload)
    if limit <= 0:
        return
    if np.isnan(case.load.memory[case.row]):
        yield Hold("memory-unseen", case.current, "its memory was not seen; let Prometheus scrape cAdvisor")
    elif case.floors[2] > case.least:
        largest, slope = case.load.memory[case.row], case.load.memory_slope[case.row]
        why = (
            f"its largest pod took {show_bytes(largest)} and needs up to {show_bytes(slope)} for each request per"
            f" second; below {case.floors[2]} replicas, after a failure, that passes {MEMORY:.0%} of the limit of"
            f" {show_bytes(limit)}"
        )
        yield Hold("memory", case.floors[2], f"{why}; raise the limit")


def _count(case: Case) -> Iterator[Hold]:
    if case.need < 0:
        why = (
            f"no count up to {LARGEST} leaves {max(case.required[:2])} replicas (and {case.required[2]} in each zone)"
            " after the worst failure of retention.survive; look at its rollout strategy, its zones and its capacity"
        )
        yield Hold("no-count", case.current, why)
    elif case.need > case.current:
        yield Hold("short", case.current, f"it has {case.current} replicas and needs {case.need}; {explain(case)}")


def _steps(case: Case) -> Iterator[Hold]:
    retention = case.panel.policy.retention
    demonstrated = case.load.capacities[case.row].demonstrated
    named = (
        ("stretch", case.floors[0], retention.stretch),
        ("failureStretch", case.floors[1], retention.failure_stretch),
    )
    for code, floor, limit in named:
        if case.need < 0 or not case.least < floor <= case.current:
            continue
        count = floor - 1
        left = case.survivors[count] if code == "failureStretch" else count
        if not left:
            yield Hold(code, floor, f"with {some(count, 'replica')}, after the worst failure, none would be left")
            continue
        when = "after the worst failure" if code == "failureStretch" else "at its peak"
        needed = release(retention, case.peak, count, case.survivors[count])
        why = (
            f"with {some(count, 'replica')}, {when}, {case.peak / left:.4g} requests per second would fall on each, and"
            f" {limit:g} x the {demonstrated:.4g} seen healthy is the most; released once {needed:.4g} have been seen"
        )
        yield Hold(code, floor, why)


_HOLDS: tuple[Callable[[Case], Iterator[Hold]], ...] = (
    _capacity, _cpu, _zones, _health, _memory, _count, _steps,
)  # fmt: skip


def explain(case: Case) -> str:
    """The arithmetic of need."""
    capacity = case.load.capacities[case.row]
    retention = case.panel.policy.retention
    if case.judged.evidence is Evidence.UNKNOWN:
        return "need is not known"
    if case.judged.evidence is Evidence.IDLE and not max(case.required):
        return "idle: need is its floor"
    terms = []
    if capacity.rps:
        wanted = (1 + retention.headroom) * case.demand[0]
        terms.append(
            f"{capacity.rps:.5g} rps >= {1 + retention.headroom:g} x {case.demand[0]:.6g} = {wanted:.5g} rps{case.told}"
        )
    if case.required[1]:
        allowed = retention.utilisation * case.workload.cpu
        terms.append(f"{allowed:.4g} cpu >= {case.demand[1]:.4g} cpu")
    text = " and ".join(f"survivors(k) x {term}" for term in terms) or "survivors(k) >= 1"
    if case.required[2]:
        text += f", and {case.required[2]} left in every zone for its peak of {case.demand[2]:.4g} rps"
    count = case.need if case.need >= 0 else "nothing"
    return f"need {count}: least k with {text}{_around(case)}; survivors: {case.failures or 'k'}"


def _around(case: Case) -> str:
    """survivors(need) and of one less, where both are known."""
    if not 0 < case.need <= case.current:
        return ""
    below, at = case.survivors[case.need - 1], case.survivors[case.need]
    return f"; survivors({case.need - 1}) = {below}, survivors({case.need}) = {at}"
