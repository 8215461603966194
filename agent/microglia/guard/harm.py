"""Signals of every workload around a change: which of them say that something got worse."""

import math
from dataclasses import dataclass, field
from datetime import datetime

from microglia.guard.hours import pairs
from microglia.guard.sequential import Comparison
from microglia.guard.signals import SIGNS
from microglia.guard.watch import Watch
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.topology.graph import Topology


@dataclass(frozen=True, slots=True)
class Harm:
    """``workload`` got worse: the sentence, with its numbers."""

    workload: WorkloadId
    why: str
    figures: dict[str, float]


@dataclass(slots=True)
class Looker:
    """Compares each workload once per hour of cut, however many changes lie around it."""

    topology: Topology
    spec: PolicySpec
    seen: dict[tuple[int, int], tuple[tuple[str, Comparison], ...]] = field(default_factory=dict)

    @property
    def alpha(self) -> float:
        """The chance of a false alarm that one signal of one round may have: ``guard.alpha`` over all of them."""
        looks = self.spec.pace.rounds * sum(len(SIGNS[one]) for one in set(self.spec.guard.signals))
        return self.spec.guard.alpha / max(1, looks)

    def harms(self, watch: Watch) -> tuple[Harm, ...]:
        """What got worse around ``watch`` since it was made, most certain first."""
        found = []
        for one in watch.around:
            row = self.topology.rows.get(one)
            if row is None:
                continue
            for words, comparison in self._compare(row, watch.standing.at):
                if comparison.harmed(self.alpha, self.spec.guard.tolerance):
                    found.append((comparison.log_e, self._harm(one, words, comparison)))
        return tuple(harm for _, harm in sorted(found, key=lambda pair: (-pair[0], pair[1].workload, pair[1].why)))

    def deaf(self, row: int, at: datetime) -> bool:
        """Whether latency was to be judged, and nothing could be compared."""
        words = SIGNS["latency"][0].words
        return any(text == words and not one.share for text, one in self._compare(row, at))

    def telling(self, row: int, at: datetime) -> bool:
        """Whether enough requests failed, before and after, for the test to have seen ``tolerance``."""
        words = SIGNS["errors"][0].words
        found = [one for text, one in self._compare(row, at) if text == words]
        return any(one.telling(self.alpha, self.spec.guard.tolerance) for one in found)

    def _compare(self, row: int, at: datetime) -> tuple[tuple[str, Comparison], ...]:
        key = (row, math.ceil(at.timestamp() / 3600))
        if key not in self.seen:
            seen, tolerance = self.topology.activity, self.spec.guard.tolerance
            hours = pairs(seen, row, at)
            self.seen[key] = tuple(
                (sign.words, sign.compare(seen, row, hours, tolerance))
                for name in sorted(set(self.spec.guard.signals))
                for sign in SIGNS[name]
            )
        return self.seen[key]

    def _harm(self, one: WorkloadId, words: str, comparison: Comparison) -> Harm:
        ratio = comparison.ratio
        times = f"{ratio:.3g}" if math.isfinite(ratio) else "infinitely"
        before = comparison.total - comparison.events
        numbers = f"{comparison.events:,.0f} since, {before:,.0f} before, exposure share {comparison.share:.3g}"
        figures = {"events": comparison.events, "before": before, "share": comparison.share, "log_e": comparison.log_e}
        return Harm(one, f"{one}: {words.format(times)} ({numbers}; ln E {comparison.log_e:.1f})", figures)
