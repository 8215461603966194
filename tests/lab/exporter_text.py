"""The text format of Prometheus, and what it takes to play one product: its series, its noise and its target labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tests.lab.exporter import Target
from tests.lab.exporter_story import FATES, REPORTERS, Reporter

NAMESPACE = "shop"
CLIENT = "front"
HASH = "5d4f8c9b7"


@dataclass(frozen=True, slots=True)
class Product:
    """A product whose exporter is played. ``starts_at`` is 0 where series begin with their configuration, else None.

    ``labels`` are those that its usual scrape configuration adds; ``calls`` the series of one callee; ``always`` what a
    process exports besides, heartbeat and noise; ``strange`` the calls of somebody without a name, if it sees such.
    """

    name: str
    dialect: str
    starts_at: float | None
    labels: Callable[[Reporter], Mapping[str, str]]
    calls: Callable[[str, float], list[str]]
    always: Callable[[int], list[str]]
    strange: Callable[[str, float], list[str]] | None = None

    def callee(self, fate: str) -> str:
        """The name of a callee: of its workload, its Service, and its route."""
        return f"{self.name}-{fate}"

    def targets(self) -> list[Target]:
        """Its processes."""
        return [
            Target(self.name, reporter, self.labels(reporter), partial(self._text, reporter)) for reporter in REPORTERS
        ]

    def _text(self, reporter: Reporter, step: int) -> str:
        lines = self.always(step)
        for name, fates in FATES.items():
            for fate in fates:
                count = fate.shows(step, self.starts_at) if fate.reporter == reporter.name else None
                if count is not None:
                    lines += self.calls(self.callee(name), count)
        if self.strange is not None and reporter.name == "steady":
            lines += self.strange(self.callee("strange"), float(step))
        return "\n".join((*lines, ""))


def line(metric: str, count: float, **labels: str) -> str:
    """One sample."""
    written = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f"{metric}{{{written}}} {count:g}"


def pod_of(workload: str, namespace: str) -> Callable[[Reporter], Mapping[str, str]]:
    """The labels that a PodMonitor or the annotations of a pod add."""
    return lambda reporter: {"namespace": namespace, "pod": f"{workload}-{HASH}-{reporter.pod}", "container": workload}
