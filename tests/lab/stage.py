"""A world on the lab: its objects in the API server, its past in Prometheus, under the names that controllers gave.

Objects are seconds old in the lab and pods have random names. So the past is written once they are there, as if they
had been there all along; what changes afterwards is read back, and their counters go on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain

import numpy as np

from microglia.model.objects import name_of, namespace_of
from microglia.world.activity import Truth
from microglia.world.demand import DAY
from microglia.world.layout import build
from microglia.world.manifests import leases, manager_of, manifests
from microglia.world.placement import placement
from microglia.world.record import STARTUP, Record, troubles
from microglia.world.schema import World
from microglia.world.scoping import cuts
from microglia.world.scraping import Series as Exported
from microglia.world.scraping import awake, sampled, ticks
from microglia.world.series import Exporter
from microglia.world.state_series import JOB
from tests.lab import remote_write
from tests.lab.laboratory import Lab, Say
from tests.lab.remote_write import Series

_PODS, _NODES, _SERVICES = "/api/v1/pods", "/api/v1/nodes", "/api/v1/services"
_SIDECARS = "/apis/networking.istio.io/v1/sidecars"


class Stage:
    """One world on one lab. ``now`` is the world's present: its history ends there.

    ``record`` and ``truth`` say what really happened, pod by pod. Made by ``put``.
    """

    def __init__(self, lab: Lab, world: World, prometheus_url: str) -> None:
        self.layout = build(world)
        self.record = Record(troubles=troubles(self.layout))
        self.truth = Truth(self.layout, self.record)
        self.prometheus_url = prometheus_url
        self._lab = lab
        self._exporter = Exporter(self.truth)
        self._reached: float | None = None

    @property
    def now(self) -> datetime:
        """Where history ends; the world's beginning before any was written."""
        return datetime.fromtimestamp(self.layout.start if self._reached is None else self._reached, UTC)

    def play(self, until: datetime, *, since: datetime | None = None, say: Say | None = None) -> int:
        """Write the history from ``now`` to ``until`` and return its count of samples.

        The pods are those that the API server has at this moment, and so are the Sidecars that hide hosts. The first
        call may leave out what was before ``since``. Raises LabError when something does not get ready or is refused.
        """
        self.follow()
        if since is not None and self._reached is None:
            self._reached = since.timestamp()
        span = (self.now.timestamp(), until.timestamp())
        written = remote_write.write(self.prometheus_url, self.past(span), say)
        self._reached = span[1]
        return written

    def past(self, span: tuple[float, float]) -> Iterator[Series]:
        """What was scraped within ``span``, epoch seconds, of the pods that ``follow`` found last."""
        for one in chain(self._exporter.series(*span), self._strangers(span)):
            yield Series(one.labels, one.times, one.values)

    def follow(self) -> None:
        """Take over what lives in the API server, as of the world's present."""
        self._lab.wait_ready()
        api, now = self._lab.api, self.now.timestamp()
        # Who is there at the beginning was there all along; who came later serves at once.
        born = now - STARTUP if self.record.pods else self.layout.start
        found = placement(self.layout, api.get(_PODS)["items"], api.get(_NODES)["items"], born)
        self.record.follow(found, now)
        cuts(self.layout, self.record, api.get(_SIDECARS)["items"], now)
        self.truth.forget(now)

    def _strangers(self, span: tuple[float, float]) -> Iterator[Exported]:
        """Since when the Services exist that the world does not know, such as the API server's own."""
        times, alive = awake(self.record, ticks("kube-state-metrics", self.layout.world.scrape, *span))
        for raw in self._lab.api.get(_SERVICES)["items"]:
            place = (namespace_of(raw), name_of(raw))
            if place not in self.layout.services:
                labels = {"__name__": "kube_service_created", **JOB, "namespace": place[0], "service": place[1]}
                born = np.full(len(times), self.layout.start - 90 * DAY)
                found = sampled(labels, times, born, alive)
                if found is not None:
                    yield found


def put(lab: Lab, world: World, prometheus_url: str | None = None) -> Stage:
    """Create the objects of ``world``, Istio's CRDs first, and wait until its pods are ready; no history yet.

    Every object is created in the name of the field manager that the world gives it. Raises LabError.
    """
    stage = Stage(lab, world, prometheus_url or lab.prometheus_url)
    found = manifests(stage.layout)
    lab.apply([*lab.istio_crds(), *(raw for raw in found if raw["kind"] == "Node")])
    lab.wait_nodes()
    lab.apply((raw for raw in found if raw["kind"] != "Node"), lambda raw: manager_of(world, dict(raw)))
    stage.follow()
    lab.apply(leases(stage.layout, stage.record.pods))
    return stage
