"""Controllers of pods as manifests: what a chart and the sidecar injector would have made."""

from typing import Any

from microglia.model.units import quantity
from microglia.world.layout import meshed, pod_labels, replicas_of
from microglia.world.resources import PROXY_REQUESTS
from microglia.world.schema import Workload, World

Manifest = dict[str, Any]


def controller(world: World, key: str) -> Manifest:
    """The Deployment, StatefulSet, DaemonSet or CronJob of workload ``key``."""
    workload = world.workloads[key]
    namespace, name = key.split("/")
    meta: Manifest = {"name": name, "namespace": namespace, "labels": {"app": workload.app or name, **workload.labels}}
    if workload.annotations:
        meta["annotations"] = dict(workload.annotations)
    template = pod_template(world, key)
    match workload.kind:
        case "CronJob":
            return _cron_job(workload, meta, template)
        case "DaemonSet":
            spec: Manifest = {"updateStrategy": {"type": "RollingUpdate"}}
        case "StatefulSet":
            spec = {
                "replicas": replicas_of(world, workload),
                "serviceName": name,
                "podManagementPolicy": "OrderedReady",
            }
        case _:
            rolling = {"maxUnavailable": "25%", "maxSurge": "25%", **(workload.strategy or {})}
            strategy = {"type": "RollingUpdate", "rollingUpdate": rolling}
            spec = {"replicas": replicas_of(world, workload), "strategy": strategy}
    labels = pod_labels(key, workload)
    selector = {"matchLabels": {"app": labels["app"], "version": labels["version"], **workload.pod_labels}}
    body = {**spec, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": workload.kind, "metadata": meta, "spec": body}


def _cron_job(workload: Workload, meta: Manifest, template: Manifest) -> Manifest:
    template["spec"]["restartPolicy"] = "Never"
    job = {"spec": {"backoffLimit": 1, "template": template}}
    spec = {"schedule": workload.schedule, "concurrencyPolicy": "Forbid", "jobTemplate": job}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta, "spec": spec}


def pod_template(world: World, key: str) -> Manifest:
    """The template of the pods, with the sidecar where the workload is in the mesh."""
    workload = world.workloads[key]
    labels, annotations = pod_labels(key, workload), dict(workload.pod_annotations)
    containers = [_app(key, workload)]
    if meshed(world, key):
        labels["security.istio.io/tlsMode"] = "istio"
        annotations["sidecar.istio.io/status"] = '{"containers":["istio-proxy"]}'
        containers.append(_proxy(world))
    meta: Manifest = {"labels": labels}
    if annotations:
        meta["annotations"] = annotations
    spec: Manifest = {"containers": containers}
    if workload.region:
        spec["nodeSelector"] = {"topology.kubernetes.io/region": workload.region}
    if workload.priority_class:
        spec["priorityClassName"] = workload.priority_class
    if workload.kind not in {"DaemonSet", "CronJob"}:
        spec["topologySpreadConstraints"] = [_spread(workload, labels["app"])]
    return {"metadata": meta, "spec": spec}


def _spread(workload: Workload, app: str) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule" if workload.spread else "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": app, "version": workload.version, **workload.pod_labels}},
    }


def _app(key: str, workload: Workload) -> Manifest:
    requests = {"cpu": workload.cpu, "memory": workload.memory}
    limits = {"memory": workload.memory_limit or _bytes(2 * quantity(workload.memory))}
    if workload.cpu_limit:
        limits["cpu"] = workload.cpu_limit
    container: Manifest = {
        "name": "app",
        "image": f"{key.split('/')[1]}:{workload.version}",
        "resources": {"requests": requests, "limits": limits},
    }
    if workload.ports:
        container["ports"] = [{"name": port.name, "containerPort": port.port} for port in workload.ports]
    if workload.args:
        container["args"] = list(workload.args)
    return container


def _proxy(world: World) -> Manifest:
    limits = {"memory": "1Gi"}
    return {
        "name": "istio-proxy",
        "image": f"istio/proxyv2:{world.istio}",
        "ports": [{"name": "http-envoy-prom", "containerPort": 15090}],
        "resources": {"requests": dict(PROXY_REQUESTS), "limits": limits},
    }


def _bytes(count: float) -> str:
    return f"{round(count / 2**20)}Mi"
