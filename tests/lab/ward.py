"""The small mesh of bad days on the lab: its objects once, and a Prometheus of its own for every day."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from microglia.model.window import floor_hour
from microglia.world.load import load, moved
from microglia.world.schema import Accident
from tests.lab import Lab, Span
from tests.lab.person import Person
from tests.lab.stage import Stage, put
from tests.lab.waiting import until

WORLDS = Path(__file__).parent / "worlds"
LEAD = timedelta(days=9)
_GONE_WITHIN = 60.0
_WARDS = count(1)
"""No two wards have a Prometheus of the same name, nor its folder: what one left behind is not in the way."""
DEPLOYMENTS = "/apis/apps/v1/namespaces/bad/deployments"


class Ward:
    """Made once per module; ``close`` leaves the lab as it was."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self._folder = folder
        self._now = datetime.now(UTC)
        self._world = moved(load(WORLDS / "bad-days.yaml"), floor_hour(self._now) - LEAD)
        self._servers: list[str] = []
        self.cluster: str = lab.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
        self._number = next(_WARDS)
        lab.wipe()
        try:
            put(lab, self._world)
            self.good = self.day("good")
        except BaseException:
            self.close()
            raise

    def day(
        self,
        name: str,
        accidents: Iterable[Accident] = (),
        *,
        span: Span | None = None,
        since: timedelta = LEAD,
        until: timedelta = timedelta(),
    ) -> Person:
        """Somebody whose Prometheus saw the mesh from ``since`` to ``until`` ago, with these accidents."""
        url = self.empty(name, span)
        stage = Stage(self.lab, self._world.model_copy(update={"accidents": tuple(accidents)}), url)
        stage.play(self._now - until, since=self._now - since if since < LEAD else None)
        return self.somebody(name, url)

    def empty(self, name: str, span: Span | None = None) -> str:
        """The URL of a Prometheus that never saw anything."""
        server = self.server(name)
        self._servers.append(server)
        return self.lab.another_prometheus(server, span)

    def stop(self, name: str) -> None:
        """That Prometheus is gone."""
        self.lab.processes.stop(self.server(name))

    def server(self, name: str) -> str:
        """How the lab calls that Prometheus among its processes."""
        return f"prometheus-{self._number}-{name}"

    def somebody(self, name: str, prometheus: str) -> Person:
        """An administrator of the cluster, with a state folder of their own."""
        return Person(self.lab.kubeconfig, prometheus, WORLDS / "bad-days-policy.yaml", self._folder / name)

    def deployment(self, name: str) -> dict[str, Any]:
        """A Deployment as it is now."""
        return self.lab.api.get(f"{DEPLOYMENTS}/{name}")

    def delete(self, name: str) -> None:
        """Somebody deletes a Deployment, and its pods go."""
        self.lab.api.delete(f"{DEPLOYMENTS}/{name}", {"propagationPolicy": "Foreground"})
        until(f"{name} goes", lambda: name if name in self.counts() else "", _GONE_WITHIN)

    def remake(self, name: str) -> None:
        """Somebody deletes a Deployment and makes it anew, from the same manifest."""
        raw = self.deployment(name)
        self.delete(name)
        kept = {key: raw["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
        again = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": kept, "spec": raw["spec"]}
        self.lab.apply([again])
        self.lab.wait_ready()

    def counts(self) -> dict[str, int]:
        """Replicas of every Deployment of the mesh that is there."""
        found = self.lab.api.get(DEPLOYMENTS)["items"]
        return {raw["metadata"]["name"]: raw["spec"]["replicas"] for raw in found}

    def close(self) -> None:
        """End what was started, whatever else fails."""
        with ExitStack() as ends:
            for server in self._servers:
                ends.callback(self.lab.processes.stop, server)
            ends.callback(self.lab.wipe)
