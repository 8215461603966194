"""Whether the window stands for the load to come, in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from microglia.model.ids import WorkloadId
from microglia.model.units import show_duration, show_share
from microglia.model.window import HOURS_OF_WEEK
from microglia.policy.schema import PolicySpec
from microglia.report.amounts import little, precise
from microglia.report.table import count, paragraph
from microglia.score.extremes import Exceedances, peaks_over
from microglia.score.panel import WHOLE
from microglia.score.season import STRONG
from microglia.score.seen import Seen, see_one
from microglia.score.unseen import Mass, unseen_by_class
from microglia.score.week import named
from microglia.topology.graph import Topology

_WEEK = timedelta(days=7)


def seen_text(found: Seen | None) -> str:
    """``7 of 14 days seen; the busiest hour of the week, Monday 09:00 UTC, was not.`` and what else a person would ask
    of the window; nothing where nothing was looked at."""
    return paragraph(f"The window: {seen_sentence(found)}") if found else ""


def seen_sentence(found: Seen) -> str:
    """What was seen, the seasons of the load, and how likely a higher peak is."""
    told = [f"{_days(found)}; {_busiest(found)}", _season(found), _record(found)]
    if found.missing:
        told.append(f"Not seen of the known peaks: {', '.join(found.missing)}")
    return " ".join(f"{one}." for one in told)


def _days(found: Seen) -> str:
    days = f"{found.days_seen} of {count(found.days, 'day')} seen" if found.days else "less than a day seen"
    left = HOURS_OF_WEEK - found.hours_seen
    return days if not left else f"{days}, {found.hours_seen} of {HOURS_OF_WEEK} hours of the week"


def _busiest(found: Seen) -> str:
    if found.busiest is None:
        return "there was no load to have a busiest hour"
    verdict = "was seen" if found.busiest_seen else "was not"
    return f"the busiest hour of the week, {named(found.busiest)}, {verdict}"


def _season(found: Seen) -> str:
    daily, weekly = found.season.daily, found.season.weekly
    told = [
        f"{name} season {'none seen, less than two of its periods were' if value is None else _strength(value)}"
        for name, value in (("daily", daily), ("weekly", weekly))
    ]
    said = f"{told[0][0].upper()}{told[0][1:]}, {told[1]}"
    if weekly is not None and weekly >= STRONG and found.cycle < _WEEK:
        length = show_duration(found.cycle)
        said += f", but spec.observation.cycles asks for periods of {length} alone: write {{length: 7d}}"
    return said


def _strength(value: float) -> str:
    return f"{'strong' if value >= STRONG else 'weak'} ({value:.2f})"


def _record(found: Seen) -> str:
    if not found.cycles:
        return "Not one whole cycle was seen, so nothing is known of the next one's peak"
    cycles = f"{count(found.cycles, 'whole cycle')} of {show_duration(found.cycle)}"
    return (
        f"After {cycles}, the next one holds a new highest peak with a chance of {show_share(round(found.record, 2))}"
    )


@dataclass(frozen=True, slots=True)
class Showing:
    """What the window showed of one workload: ``seen``, the tail of its ``peaks`` (None: too few), and how much of what
    it requests may be new, by class of hosts."""

    seen: Seen
    peaks: Exceedances | None
    unseen: Mapping[str, Mass]


def showing(target: WorkloadId, topology: Topology, spec: PolicySpec) -> Showing | None:
    """The same of ``target``; None where metrics never named it."""
    row = topology.rows.get(target)
    if row is None:
        return None
    activity = topology.activity
    heard = np.asarray((activity.workloads.seen[row] >= WHOLE) & activity.known, dtype=np.bool_)
    return Showing(
        see_one(activity.workloads.requests[row], heard, topology, spec),
        peaks_over(np.nan_to_num(activity.workloads.peak[row])),
        unseen_by_class(topology, target.key),
    )


def window_lines(target: WorkloadId, topology: Topology, spec: PolicySpec) -> list[tuple[str, str]]:
    """Labelled lines that say it."""
    found = showing(target, topology, spec)
    if found is None:
        return [("Window", "metrics never named it")]
    lines = [("Window", seen_sentence(found.seen))]
    if found.peaks:
        lines.append(("Peaks", _tail(found.peaks, spec.hardening.reopen.after)))
    if found.unseen:
        lines.append(("Unseen", "; ".join(_mass(name, mass) for name, mass in found.unseen.items())))
    return lines


def _tail(fit: Exceedances, again: timedelta) -> str:
    hours = again / timedelta(hours=1)
    fitted = f"zeta = {precise(fit.share)}, xi = {precise(fit.shape)}, sigma = {precise(fit.scale)} rps"
    level = f"u + sigma / xi x (({hours:g} x zeta)^xi - 1) = {precise(fit.level(hours))} rps"
    return (
        f"{count(fit.count, 'peak')} above u = {precise(fit.threshold)} rps (95 % of the hours lie below): {fitted};"
        f" {show_duration(again)} may bring {level}"
    )


def _mass(name: str, mass: Mass) -> str:
    return (
        f"hosts of {name}: {precise(mass.alone)} of {precise(mass.requests)} requests alone on their edge,"
        f" {little(mass.share)}, at most {little(mass.high)} (95 %)"
    )
