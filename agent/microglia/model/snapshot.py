"""What was seen, all of it, frozen."""

from dataclasses import dataclass
from datetime import datetime

from microglia.model.activity import Activity
from microglia.model.objects import BlindSpot, Objects
from microglia.model.window import Window


@dataclass(frozen=True, slots=True)
class Source:
    """What answered: the cluster and its metrics.

    ``cluster`` is the uid of ``kube-system``; ``istiod`` the versions that serve, lowest first, empty when not seen;
    ``prometheus`` a name for people without credentials; ``scrape_seconds`` and ``retention`` None when not told;
    ``dialects`` the metric sources found.
    """

    cluster: str
    cluster_name: str
    server_version: str
    prometheus: str
    prometheus_version: str
    scrape_seconds: float | None
    retention: str | None
    istiod: tuple[str, ...]
    dialects: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """One look at the world. ``digest`` is the SHA-256 of its canonical form: same world, same digest."""

    taken_at: datetime
    source: Source
    objects: Objects
    activity: Activity
    digest: str

    @property
    def window(self) -> Window:
        """The observed span."""
        return self.activity.window

    @property
    def blind_spots(self) -> tuple[BlindSpot, ...]:
        """Kinds and metric replies that could not be read."""
        return (*self.objects.faults, *(BlindSpot("metrics", fault) for fault in self.activity.faults))
