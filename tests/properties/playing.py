"""A mesh that is watched for two days and then pruned lap by lap, as the command line does it."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from microglia import cycle
from microglia.act.apply import Conduct
from microglia.act.patience import Patience
from microglia.act.write import ClusterWriter
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, name_of, namespace_of
from microglia.model.ports import Cluster, Traffic
from microglia.plan.history import History, Record
from microglia.policy.schema import PruningPolicy
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.topology.graph import Topology
from microglia.topology.sidecars import ours
from microglia.undo import GivenBack, give_back
from microglia.world.memory import MemoryCluster
from microglia.world.schema import World
from microglia.world.traffic import MemoryTraffic

LEAD = timedelta(days=2, hours=2)
"""The window, and the hour that closes it."""
EVERY = timedelta(hours=25)


class Play:
    """The mesh two days after it began, and everything that laps need."""

    def __init__(self, world: World, folder: Path = Path("/nowhere")) -> None:
        self.world = world
        self.cluster = MemoryCluster(world)
        self.cluster.advance(self.cluster.now + LEAD)
        self.traffic = MemoryTraffic(self.cluster)
        self._journal = FileJournal(Folder(folder).cluster("random", "random"))
        patience = Patience(sleep=self._pause, ticks=self._ticks)
        self._writer = ClusterWriter(self.cluster, patience)
        self._conduct = Conduct(clock=lambda: self.cluster.now, stop=lambda: None, say=lambda _: None)

    def look(self, policy: PruningPolicy, cluster: Cluster | None = None, traffic: Traffic | None = None) -> Topology:
        """The mesh as it is now, or as another pair of eyes sees it."""
        seen = cycle.World(cluster or self.cluster, traffic or self.traffic, self._writer, self._journal)
        return cycle.look(seen, policy, self.cluster.now)

    def rehearse(self, policy: PruningPolicy, topology: Topology | None = None) -> cycle.Rehearsal:
        """What a first lap would decide, on ``topology`` if that is given."""
        seen = topology or self.look(policy)
        return cycle.rehearse(lambda: seen, History(None, ()), (policy,), cycle.Case(policy, self.cluster.now))

    def laps(self, policy: PruningPolicy, count: int) -> list[cycle.Lap]:
        """Do ``count`` laps, each followed by a day."""
        world = cycle.World(self.cluster, self.traffic, self._writer, self._journal)
        done = []
        for _ in range(count):
            case = cycle.Case(policy, self.cluster.now)
            done.append(cycle.lap(world, (policy,), case, self._conduct))
            self.cluster.advance(self.cluster.now + EVERY)
        return done

    def give_back(self, records: Sequence[Record]) -> GivenBack:
        """Restore plans."""
        world = cycle.World(self.cluster, self.traffic, self._writer, self._journal)
        return give_back(records, world, self._conduct)

    def counts(self) -> dict[str, int]:
        """What every Deployment and StatefulSet asks for."""
        found = (raw for kind in ("Deployment", "StatefulSet") for raw in self.cluster.objects(BY_NAME[kind]))
        return {f"{namespace_of(raw)}/{name_of(raw)}": raw["spec"]["replicas"] for raw in found}

    def sidecars(self) -> list[Raw]:
        """The Sidecars of ours."""
        return [raw for raw in self.cluster.objects(BY_NAME["Sidecar"]) if ours(raw)]

    def deployment(self, name: str) -> Raw | None:
        """A Deployment by ``namespace/name``."""
        return self.cluster.read(BY_NAME["Deployment"], *name.split("/"))

    def _ticks(self) -> float:
        return self.cluster.now.timestamp()

    def _pause(self, seconds: float) -> None:
        self.cluster.advance(self.cluster.now + timedelta(seconds=seconds))
