"""One world seen twice: through the lab's API server and Prometheus, and in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from microglia.model.activity import Activity, Slowness
from microglia.model.kinds import BY_NAME
from microglia.model.ports import Cluster, Traffic
from microglia.model.window import Window
from microglia.observe.kube import connect
from microglia.observe.look import observe
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.traffic import PrometheusTraffic
from microglia.plan.change import MANAGER
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from microglia.world.traffic import MemoryTraffic
from tests.lab import Lab, Span
from tests.lab.api import MERGE_PATCH
from tests.lab.stage import put

LEAD = timedelta(days=1)
"""Of history before the first window: longer than signs look back."""
FOREVER = Span(retention="20y", out_of_order="20y")


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """What the lab showed and what memory says; ``truth``: what went on among the lab's own pods."""

    real: Topology
    fake: Topology
    truth: Activity


class Scene:
    """``world`` alone on the lab, and in memory; what happens to one happens to the other."""

    def __init__(self, lab: Lab, world: World, window: Window) -> None:
        lab.wipe()
        self._lab = lab
        self._name = f"prometheus-of-{world.name}"
        url = lab.another_prometheus(self._name, FOREVER)
        self._stage = put(lab, world, url)
        self._real: tuple[Cluster, Traffic] = (
            connect(kubeconfig=lab.kubeconfig),
            PrometheusTraffic(PrometheusServer(url)),
        )
        self._memory = MemoryCluster(world)
        self._fake: tuple[Cluster, Traffic] = (self._memory, MemoryTraffic(self._memory))
        self._since = window.start - LEAD

    def view(self, window: Window, now: datetime) -> Views:
        """Let time pass until ``now`` and look at ``window`` from both sides."""
        self._stage.play(now, since=self._since)
        self._memory.advance(now)
        real, fake = (build(observe(*side, window, now)) for side in (self._real, self._fake))
        return Views(real, fake, self._stage.truth.activity(window, self._since.timestamp()))

    def slowness(self, workloads: Sequence[str], window: Window, now: datetime, above: float) -> tuple[Slowness, ...]:
        """How slow requests were in ``window``, seen from both sides: the lab's, then memory's."""
        return tuple(traffic.slowness(workloads, window, now, above) for _, traffic in (self._real, self._fake))

    def scale(self, namespace: str, name: str, replicas: int) -> None:
        """The count of a Deployment changes, here and there, as microglia would do it."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"
        change, query = {"spec": {"replicas": replicas}}, {"fieldManager": MANAGER}
        self._lab.api.send("PATCH", path, change, MERGE_PATCH, query)
        raw = self._memory.read(BY_NAME["Deployment"], namespace, name)
        assert raw is not None, f"the world has no Deployment {namespace}/{name}"
        self._memory.scale(raw, replicas)

    def close(self) -> None:
        """Leave the lab as it was."""
        self._lab.wipe()
        self._lab.processes.stop(self._name)
