"""The world's metrics behind the ``Traffic`` port, computed from the truth instead of read from Prometheus."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from microglia.model.activity import Activity, Slowness
from microglia.model.latency import bound_over
from microglia.model.objects import Raw
from microglia.model.ports import ClusterFacts, UnreadableError
from microglia.model.snapshot import Source
from microglia.model.window import Window
from microglia.world.memory import MemoryCluster


class MemoryTraffic:
    """What a healthy Prometheus of the world would tell. Weekly peaks and uses seen once are remembered.

    ``down`` is a sentence that makes every reading fail with it, as an unreachable server would.
    """

    def __init__(self, cluster: MemoryCluster) -> None:
        self._cluster = cluster
        self._since: float | None = None
        self.down = ""

    def describe(self, facts: ClusterFacts, now: datetime) -> Source:
        """What answers. Raises UnreadableError while ``down``."""
        self._up()
        world = self._cluster.layout.world
        return Source(
            cluster=facts.uid,
            cluster_name=facts.name,
            server_version=facts.version,
            prometheus=f"world {world.name} at {now:%Y-%m-%d %H:%M}",
            prometheus_version="3.14.0",
            scrape_seconds=world.scrape,
            retention="400d",
            istiod=(world.istio,),
            dialects=("istio", "kube-state-metrics", "cadvisor"),
        )

    def activity(self, objects: Mapping[str, Sequence[Raw]], window: Window, now: datetime) -> Activity:
        """Everything about ``window``; without Nodes, zones are unknown. Raises UnreadableError while ``down``."""
        self._up()
        if window.end > now:
            raise UnreadableError(f"the window ends at {window.end}, after now ({now}): ask for closed hours")
        start = window.start.timestamp()
        self._since = start if self._since is None else min(self._since, start)
        found = self._cluster.truth.activity(window, self._since)
        return found if objects.get("Node", ()) or not objects else _without_zones(found)

    def slowness(self, workloads: Sequence[str], window: Window, now: datetime, above: float) -> Slowness:
        """Requests slower than the bound over ``above`` milliseconds. Raises UnreadableError while ``down``."""
        self._up()
        if window.end > now:
            raise UnreadableError(f"the window ends at {window.end}, after now ({now}): ask for closed hours")
        return self._cluster.truth.slowness(workloads, window, bound_over(above))

    def _up(self) -> None:
        if self.down:
            raise UnreadableError(self.down)


def _without_zones(activity: Activity) -> Activity:
    workloads = activity.workloads
    unknown = np.full_like(workloads.fullest_zone, np.nan)
    blind = replace(workloads, zones=(), zone_peak=workloads.zone_peak[:, :0], fullest_zone=unknown)
    return replace(activity, workloads=blind, away=np.zeros_like(activity.away))
