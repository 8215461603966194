"""Are the peaks honest? Known ones were seen, a rising one may rise again, a heavy tail may go beyond all that was
seen."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from microglia.model.activity import F32, F64
from microglia.model.units import show_duration
from microglia.plan.change import SidecarChange
from microglia.score.extremes import peaks_over, record_chance
from microglia.score.known_peaks import names, occurrences, unknown
from microglia.topology.nodes import Workload
from microglia.verify.demand import read_demand
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection

_HOUR = timedelta(hours=1)


def honest(facts: Facts) -> Iterator[Objection]:
    """Known peaks lie in the window, and a peak that rose in the last cycle may rise as much once more.

    After n cycles without order, the next one holds a new record with chance 1 / (n + 1) (the record rule m / (n + m)).
    When the last cycle did bring a record, by more than the headroom, demand may not have come to rest: what survives
    the worst named failure must carry that rise once more.
    """
    shrinking = list(facts.shrinking)
    yield from _known(facts)
    demand = read_demand(facts.topology, facts.spec, facts.scores, (workload.id for _, _, workload in shrinking))
    for index, change, workload in shrinking:
        values = demand.peaks[demand.row[workload.id], :-1]
        score = facts.scores.replicas.get(workload.id)
        maxima = cycle_maxima(values, facts.spec.observation.cycles.length)
        if score is None or score.capacity.rps is None or maxima.size < 2 or maxima[:-1].max() <= 0:
            continue
        rise = maxima[-1] / maxima[:-1].max()
        served = score.survivors[min(change.after, score.current)] * score.capacity.rps
        if rise > 1 + facts.spec.retention.headroom and served < maxima[-1] * rise:
            yield Objection(
                index,
                change.workload,
                f"its peak rose {rise:.2f} times in the last cycle, to {maxima[-1]:.4g} rps, and the next one brings a"
                f" new record with a chance of {record_chance(maxima.size, 1):.0%}; after the worst failure"
                f" {change.after} replicas serve {served:.4g} rps, {maxima[-1] * rise:.4g} are asked for: wait for one"
                " more cycle",
            )


def cycle_maxima(values: F64 | F32, length: timedelta) -> F64:
    """The highest bucket of each whole cycle, counted back from the end of ``values`` (H,), oldest first."""
    hours = max(1, round(length / _HOUR))
    whole = values.size // hours
    found: F64 = values[values.size - whole * hours :].reshape(whole, hours).max(axis=1).astype(np.float64)
    return found


def _known(facts: Facts) -> Iterator[Objection]:
    window = facts.topology.activity.window
    for peak in facts.spec.observation.schedule:
        if occurrences(peak, window):
            continue
        for index, change, workload in facts.taking:
            behind = _behind(facts, change) if isinstance(change, SidecarChange) else ()
            if names(peak, workload) or any(names(peak, one) for one in behind):
                yield Objection(index, change.workload, unknown(peak))


def _behind(facts: Facts, change: SidecarChange) -> tuple[Workload, ...]:
    """Everybody whom a call to a hidden host may reach."""
    topology = facts.topology
    reached = {one for host in change.cut if host in topology.reach for one in topology.reach[host].workloads}
    return tuple(topology.workloads[one] for one in sorted(reached))


def tails(facts: Facts) -> Iterator[Objection]:
    """What is left serves, with nothing failing, the peak that a tail fitted over the 95th percentile expects until the
    structure is looked at again.

    A veto and never a licence: fitted to a week, such tails come out too low. Where what is left would not even have
    served the window, the policy let those peaks compete, and this gate has nothing to add.
    """
    shrinking, again = list(facts.shrinking), facts.spec.hardening.reopen.after
    demand = read_demand(facts.topology, facts.spec, facts.scores, (workload.id for _, _, workload in shrinking))
    for index, change, workload in shrinking:
        values = demand.peaks[demand.row[workload.id], :-1]
        score = facts.scores.replicas.get(workload.id)
        fit = peaks_over(values)
        if score is None or score.capacity.rps is None or fit is None:
            continue
        level, served = fit.level(again / _HOUR), change.after * score.capacity.rps
        if values.max() <= served < level:
            yield Objection(
                index,
                change.workload,
                f"its {fit.count} peaks above {fit.threshold:.4g} rps have a tail with xi = {fit.shape:.2f}: the"
                f" {show_duration(again)} of spec.hardening.reopen.after may bring {level:.4g} rps, and"
                f" {change.after} replicas serve {served:.4g}: watch"
                " longer (spec.observation.window) until the window holds such a peak, or keep what it would take"
                " (microglia.dev/min-replicas)",
            )
