"""Reader and writer as the chart installs them, with their own tokens and rights, on the clock of a simulated world."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from microglia.act.lock import Time
from microglia.cli.agents import Role, Station, engaged
from microglia.daemon.agent import Agent
from microglia.daemon.health import Pulse
from microglia.daemon.metrics import Metrics
from microglia.observe.kube import connect
from microglia.settings import Settings
from tests.lab import Lab
from tests.lab.helming import NAMESPACE, RELEASE, Helm
from tests.lab.stage import Stage

PLANS = "/apis/microglia.dev/v1alpha1/pruningplans"
POLICIES = "/apis/microglia.dev/v1alpha1/pruningpolicies"
ROLES: tuple[Role, ...] = ("reader", "writer")


class Ears(logging.Handler):
    """Everything that the agents log."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Remember it."""
        self.heard.append(record)

    def warnings(self) -> list[str]:
        """What somebody should look at."""
        return [one.getMessage() for one in self.heard if one.levelno >= logging.WARNING]


class Crew:
    """Both roles in mode auto, for a policy called ``name`` with ``spec``; ``close`` ends the listening."""

    def __init__(self, stage: Stage, lab: Lab, home: Path, name: str, spec: Mapping[str, Any]) -> None:
        self.stage, self.lab, self.name = stage, lab, name
        values = {
            "mode": "auto",
            "writer": {"namespaces": ["bad"]},
            "prometheus": {"url": stage.prometheus_url},
            "defaultPolicy": {"name": name, "spec": spec},
        }
        Helm(lab.binaries.helm, home / "helm", lab.kubeconfig).install(values)
        self.ears = Ears()
        logger = logging.getLogger("microglia")
        logger.setLevel(logging.INFO)
        logger.addHandler(self.ears)
        self.agents: dict[Role, Agent] = {role: self._agent(role, home / role) for role in ROLES}

    def round(self) -> None:
        """The reader looks, and then the writer."""
        for role in ROLES:
            self.agents[role].round()

    def policy(self) -> dict[str, Any]:
        """The policy's status."""
        found: dict[str, Any] = self.lab.api.get(f"{POLICIES}/{self.name}").get("status", {})
        return found

    def plans(self, purpose: str) -> list[dict[str, Any]]:
        """Those of this purpose that were begun, oldest first."""
        found = [one for one in self.lab.api.get(PLANS)["items"] if one.get("status", {}).get("started")]
        return sorted(
            (one for one in found if one["spec"]["purpose"] == purpose), key=lambda one: str(one["status"]["started"])
        )

    def close(self) -> None:
        """Hear no more."""
        logging.getLogger("microglia").removeHandler(self.ears)

    def _agent(self, role: Role, state: Path) -> Agent:
        kubeconfig = self.lab.kubeconfig_for(NAMESPACE, f"{RELEASE}-{role}")
        settings = Settings(kubeconfig=kubeconfig, prometheus=self.stage.prometheus_url, state=state)
        cluster = connect(kubeconfig=kubeconfig)
        station = Station(settings, cluster, cluster.facts(), Time(now=lambda: self.stage.now))
        return engaged(station, role, Metrics(CollectorRegistry()), Pulse(time.monotonic, 600.0), lambda: None)
