"""What was seen, all of it, frozen."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from microglia.model.activity import Activity
from microglia.model.objects import BlindSpot, Objects
from microglia.model.units import seconds_of
from microglia.model.window import Window


@dataclass(frozen=True, slots=True)
class Source:
    """What answered: the cluster and its metrics.

    ``cluster`` is the uid of ``kube-system``; ``istiod`` the versions that serve, lowest first, empty when not seen;
    ``prometheus`` a name for people without credentials; ``scrape_seconds`` and ``retention`` None when not told;
    ``dialects`` the metric sources found; ``ahead`` seconds by which the metrics server's clock is ahead of ours (0:
    they agree within a minute; None: not told); ``proxies`` the containers by which pods are known to be heard by a
    source other than the meshes that everybody knows; ``untold`` the protocols of which sidecars told nothing at all,
    be it that nobody speaks them or that their metrics are dropped.
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
    ahead: float | None = None
    proxies: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()

    @property
    def kept(self) -> timedelta | None:
        """How long metrics are kept, as far as ``retention`` says so as a time."""
        seconds = seconds_of(self.retention)
        return None if seconds is None else timedelta(seconds=seconds)


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
