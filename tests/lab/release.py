"""The chart installed on the small mesh of bad days, with every container that it renders."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from ruamel.yaml import YAML

from microglia.act.lock import Time
from microglia.cli.agents import Role, Station, engaged
from microglia.daemon.agent import Agent
from microglia.daemon.health import Pulse
from microglia.daemon.metrics import Metrics
from microglia.observe.kube import connect
from microglia.settings import Settings
from tests.lab import Lab
from tests.lab.helming import NAMESPACE, RELEASE, Helm
from tests.lab.hosted import Hosted
from tests.lab.processes import Child
from tests.lab.ward import DEPLOYMENTS, WORLDS, Ward

PLANS = "/apis/microglia.dev/v1alpha1/pruningplans"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
PROTECTIONS = "/apis/microglia.dev/v1alpha1/namespaces/bad/protections"
POLICIES = "/apis/microglia.dev/v1alpha1/pruningpolicies"
POLICY = f"{POLICIES}/bad-days"
SIDECARS = "/apis/networking.istio.io/v1/namespaces/bad/sidecars"


class Release:
    """In mode auto; ``close`` leaves the lab as it was."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self.lab = lab
        self._name = home.name
        self.ward = Ward(lab, home / "ward")
        self.hosted = Hosted(lab, home / "state")
        try:
            self._install(home)
        except BaseException:
            self.close()
            raise

    def _install(self, home: Path) -> None:
        lab = self.lab
        self.before = self.ward.counts()
        self.helm = Helm(lab.binaries.helm, home / "helm", lab.kubeconfig)
        spec = YAML(typ="safe").load((WORLDS / "bad-days-policy.yaml").read_text(encoding="utf-8"))["spec"]
        self.values: dict[str, Any] = {
            "mode": "auto",
            "interval": 2,
            "writer": {"namespaces": ["bad"]},
            "restoreOnUninstall": True,
            "prometheus": {"url": self.ward.good.prometheus},
            "defaultPolicy": {"name": "bad-days", "spec": spec},
        }
        self.helm.install(self.values)

    def pod(self, kind: str, name: str) -> dict[str, Any]:
        """The spec of a pod that the chart renders."""
        found = [
            one for one in self.helm.template(self.values) if (one["kind"], one["metadata"]["name"]) == (kind, name)
        ]
        (one,) = found
        spec: dict[str, Any] = one["spec"] if kind == "Pod" else one["spec"]["template"]["spec"]
        return spec

    def agent(self, role: str, **settings: str) -> Child:
        """Start the reader or the writer."""
        # A log outlives the lab's next release, and must not tell of this one there.
        return self.hosted.start(f"{self._name}-{role}", self.pod("Deployment", f"{RELEASE}-{role}"), **settings)

    def engage(self, role: Role, **other: Any) -> tuple[Agent, Station]:
        """The reader or the writer in this process, with its own token, for a round at a time; and where it works.
        ``other`` are settings that differ from the usual."""
        kubeconfig = self.lab.kubeconfig_for(NAMESPACE, f"{RELEASE}-{role}")
        state = self.hosted.home / f"engaged-{role}"
        usual = {"kubeconfig": kubeconfig, "prometheus": self.ward.good.prometheus, "state": state}
        settings = Settings.model_validate({**usual, **other})
        cluster = connect(kubeconfig=kubeconfig)
        station = Station(settings, cluster, cluster.facts(), Time())
        pulse = Pulse(time.monotonic, 600.0)
        return engaged(station, role, Metrics(CollectorRegistry()), pulse, lambda: None), station

    def reset(self) -> None:
        """Everything is as it was before the first plan, and forgotten."""
        for name, count in self.before.items():
            self.lab.api.patch(f"{DEPLOYMENTS}/{name}", {"spec": {"replicas": count}})
        for raw in self.lab.api.get(PLANS)["items"]:
            self.lab.api.delete(f"{PLANS}/{raw['metadata']['name']}")
        for raw in self.lab.api.get(PROTECTIONS)["items"]:
            self.lab.api.delete(f"{PROTECTIONS}/{raw['metadata']['name']}")
        for raw in self.lab.api.get(SIDECARS)["items"]:
            self.lab.api.delete(f"{SIDECARS}/{raw['metadata']['name']}")
        self.lab.api.patch(f"{POLICY}/status", {"status": None})
        self.lab.wait_ready()

    def done(self) -> list[dict[str, Any]]:
        """The pruning plans that were carried out whole."""
        found = self.lab.api.get(PLANS)["items"]
        return [
            one for one in found if one.get("status", {}).get("state") == "Done" and one["spec"]["purpose"] == "prune"
        ]

    def untold(self) -> str:
        """What people cannot read yet: floors as Protections, the policy's status, an event."""
        labels = {"labelSelector": "microglia.dev/managed-by=microglia"}
        mirrored = self.lab.api.get(PROTECTIONS, **labels)["items"]
        status = self.lab.api.get(POLICY).get("status", {})
        events = self.lab.api.get("/apis/events.k8s.io/v1/namespaces/default/events")["items"]
        said = {
            "the floor of worker": "microglia-worker" in {one["metadata"]["name"] for one in mirrored},
            "the phase": status.get("phase") == "Pruning",
            "what goes on": bool(status.get("saying")),
            "an event": any(one["reportingController"] == "microglia.dev/writer" for one in events),
        }
        return ", ".join(name for name, told in said.items() if not told)

    def close(self) -> None:
        """End what was started, each thing whatever becomes of the others."""
        with ExitStack() as ends:
            ends.callback(self.ward.close)
            # Killed agents let nothing go, and the next ones would wait for that.
            ends.callback(self._free)
            ends.callback(self.hosted.close)

    def _free(self) -> None:
        for raw in self.lab.api.get(LEASES)["items"]:
            if raw["metadata"]["name"].startswith("microglia"):
                self.lab.api.delete(f"{LEASES}/{raw['metadata']['name']}")
