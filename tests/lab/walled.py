"""A namespace that opted in, with the chart's admission policies around it, and the writer's own hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from microglia.model.kinds import BY_NAME
from microglia.plan.object import plan_object
from tests.autoscaling import hpa
from tests.factories import deployment
from tests.lab import Lab
from tests.lab.api import MERGE_PATCH, Api, ApiError
from tests.lab.helming import NAMESPACE, RELEASE, Helm
from tests.lab.waiting import until
from tests.planning import plan, scaled

SHOP, OTHER = "shop", "other"
WRITER = f"{RELEASE}-writer"
_ENFORCED_WITHIN = 60.0
_UNTIL = "2100-01-01T00:00:00Z"
SIDECARS = f"/apis/networking.istio.io/v1/namespaces/{SHOP}/sidecars"
PLANS = "/apis/microglia.dev/v1alpha1/pruningplans"


class Walled:
    """Made once per module; ``close`` leaves the lab as it was."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self.lab = lab
        lab.apply([_space(SHOP), _space(OTHER)])
        lab.apply(crd for crd in lab.istio_crds() if crd["spec"]["names"]["kind"] == "Sidecar")
        self._helm = Helm(lab.binaries.helm, home, lab.kubeconfig)
        self.install()
        lab.apply([pod_body("probe")])
        self.deployment("solo", 1)
        self.deployment("five", 5)
        self.probe = self.autoscaler("probe", 2)
        self.writer: Api = lab.api_for(NAMESPACE, WRITER)
        until("the admission policies bind", self._unbound, _ENFORCED_WITHIN)

    def install(self, **values: Any) -> None:
        """Install the chart, or install it anew with other values."""
        self._helm.install({"mode": "approve", "writer": {"namespaces": [SHOP]}, **values})

    def deployment(self, name: str, replicas: int) -> str:
        """A Deployment of the opted-in namespace; returns its name."""
        self.lab.apply([deployment_body(SHOP, name, replicas)])
        return name

    def protect(self, name: str, deployment: str, **spec: Any) -> None:
        """A Protection of that Deployment, in force: it also holds a probe, whose refusal tells that it is seen."""
        probe = self.deployment(f"probe-{name}", 3)
        targets = [{"kind": "Deployment", "name": one} for one in (deployment, probe)]
        body = {
            "apiVersion": "microglia.dev/v1alpha1",
            "kind": "Protection",
            "metadata": {"name": name, "namespace": SHOP},
            "spec": {"targets": targets, "reason": "drilled every quarter", **spec},
        }
        self.lab.apply([body])
        until(f"Protection {name} is seen", lambda: self._passes("protections", probe, 2), _ENFORCED_WITHIN)

    def rolls(self, name: str, replicas: int, **query: str) -> int:
        """The writer's write of a Rollout's count; returns what the server stored. Raises ApiError."""
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{SHOP}/rollouts/{name}/scale"
        body = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": replicas}}
        body["metadata"] = {"name": name, "namespace": SHOP}
        return int(self.writer.send("PUT", path, body, query=query)["spec"]["replicas"])

    def count(self, name: str) -> int:
        """How many replicas a Deployment asks for now."""
        path = f"/apis/apps/v1/namespaces/{SHOP}/deployments/{name}"
        return int(self.lab.api.get(path)["spec"]["replicas"])

    def scale(self, name: str, replicas: int, namespace: str = SHOP, **query: str) -> int:
        """The writer's write of a count; returns what the server stored. Raises ApiError.

        Without the resourceVersion that ``act`` sends: controllers move it all the time.
        """
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
        metadata = self.lab.api.get(path)["metadata"]
        body = {
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {key: metadata[key] for key in ("name", "namespace", "uid")},
            "spec": {"replicas": replicas},
        }
        return int(self.writer.send("PUT", f"{path}/scale", body, query=query)["spec"].get("replicas", 0))

    def autoscaler(self, name: str, least: int) -> dict[str, Any]:
        """A HorizontalPodAutoscaler of the Deployment of that name."""
        return self.scaler(hpa(name, least, name))

    def scaler(self, raw: Mapping[str, Any]) -> dict[str, Any]:
        """That autoscaler, as somebody else puts it there."""
        body = {key: raw[key] for key in ("apiVersion", "kind", "spec")}
        (made,) = self.lab.apply([{**body, "metadata": {"name": raw["metadata"]["name"], "namespace": SHOP}}])
        return made

    def lower(self, raw: Mapping[str, Any], least: int, **query: str) -> int:
        """The writer's write of a minimum; returns what the server stored. Raises ApiError."""
        field = "minReplicaCount" if raw["kind"] == "ScaledObject" else "minReplicas"
        return int(self.rewrite(raw, query, **{field: least})["spec"].get(field, 0))

    def rewrite(self, raw: Mapping[str, Any], query: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
        """The writer's write of other fields of an autoscaler's spec, whatever its version. Raises ApiError."""
        kind = BY_NAME[str(raw["kind"])]
        path = kind.path.replace(f"/{kind.plural}", f"/namespaces/{SHOP}/{kind.plural}/{raw['metadata']['name']}")
        now = self.lab.api.get(path)
        if not kind.optional:
            del now["metadata"]["resourceVersion"]  # its controller moves it all the time
        return self.writer.send("PUT", path, {**now, "spec": {**now["spec"], **spec}}, query=dict(query or {}))

    def sidecar(self, name: str, hosts: list[str], **labels: str) -> dict[str, Any]:
        """A Sidecar that somebody else puts there."""
        (made,) = self.lab.apply([sidecar_body(name, hosts, labels)])
        return made

    def writes(self, sidecar: Mapping[str, Any]) -> str:
        """What the writer meets that would make a Sidecar; empty when nothing is in its way."""
        try:
            self.writer.send("POST", SIDECARS, dict(sidecar), query={"dryRun": "All"})
        except ApiError as error:
            return str(error)
        return ""

    def close(self) -> None:
        """End what was started."""
        self.lab.wipe()

    def _unbound(self) -> str:
        return self._passes("last-copy", "solo", 0) or self._passes("step", "five", 3) or self._loose()

    def _passes(self, policy: str, deployment: str, replicas: int) -> str:
        return _allowed(policy, lambda: self.scale(deployment, replicas, dryRun="All"))

    def _loose(self) -> str:
        labelled = {"metadata": {"labels": {"team": "other"}}}
        signed = plan_object(plan(scaled(deployment("probe"), 3, 2)))
        signed["spec"]["approval"] = {"digest": signed["spec"]["digest"], "by": "nobody", "until": _UNTIL}
        dry = {"dryRun": "All"}
        pod = f"/api/v1/namespaces/{SHOP}/pods/probe"
        return (
            _allowed("pods", lambda: self.writer.send("PATCH", pod, labelled, MERGE_PATCH, dry))
            or _allowed("sidecars", lambda: self.writer.send("POST", SIDECARS, sidecar_body("x", [], {}), query=dry))
            or _allowed("autoscalers", lambda: self.rewrite(self.probe, dry, maxReplicas=3))
            or _allowed("plans", lambda: self.lab.api.send("POST", PLANS, signed, query=dry))
        )


def _allowed(policy: str, write: Callable[[], object]) -> str:
    """Empty once ``policy`` refuses the write."""
    try:
        write()
    except ApiError as error:
        return "" if f"{RELEASE}-{policy}'" in str(error) else str(error)
    return f"{policy} refuses nothing"


def sidecar_body(name: str, hosts: list[str], labels: Mapping[str, str]) -> dict[str, Any]:
    """A Sidecar of the opted-in namespace, in microglia's form."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Sidecar",
        "metadata": {"name": name, "namespace": SHOP, "labels": dict(labels)},
        "spec": {"workloadSelector": {"labels": {"app": name}}, "egress": [{"hosts": ["*/*", *hosts]}]},
    }


def pod_body(name: str) -> dict[str, Any]:
    """A pod of the opted-in namespace."""
    container = {"name": "main", "image": "example.invalid/app:1"}
    metadata = {"name": name, "namespace": SHOP, "labels": {"app": name}, "annotations": {"team": "shop"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


def _space(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def deployment_body(namespace: str, name: str, replicas: int) -> dict[str, Any]:
    """A Deployment of any namespace."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": pod_body(name)["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }
