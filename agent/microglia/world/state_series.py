"""What kube-state-metrics exports of the world's objects."""

from collections.abc import Iterator, Mapping

import numpy as np

from microglia.model.activity import F64, Bools
from microglia.world.demand import DAY
from microglia.world.layout import Layout
from microglia.world.manifests import node_names
from microglia.world.record import STARTUP, Pod, Record
from microglia.world.scraping import Series, Times, awake, sampled, ticks

JOB = {"job": "kube-state-metrics", "instance": "10.244.255.254:8080"}
_NAMES = {"Deployment": "deployment", "StatefulSet": "statefulset", "DaemonSet": "daemonset"}


class StateSeries:
    """The part of one span ``[start, end)``: gauges need no memory."""

    def __init__(self, layout: Layout, record: Record, interval: float, span: tuple[float, float]) -> None:
        self._layout = layout
        self._record = record
        times = ticks("kube-state-metrics", interval, *span)
        self._times: Times = awake(record, times)[0]
        self._seconds: F64 = self._times / 1000.0
        self._always = np.ones(len(self._times), dtype=np.bool_)
        self._pods = [pod for pod in record.pods if pod.start < span[1] and pod.end > span[0]]

    def all(self) -> Iterator[Series]:
        """Nodes, Services, controllers, ReplicaSets, pods."""
        yield from self._gauge("up", {}, 1.0)
        for zone, names in node_names(self._layout.world).items():
            for node in names:
                yield from self._node(node, zone)
        for (namespace, name), service in self._layout.services.items():
            labels = {"namespace": namespace, "service": name}
            yield from self._gauge("kube_service_created", labels, self._layout.start + service.created * DAY)
        for number in range(len(self._layout.keys)):
            yield from self._controller(number)
        yield from self._replica_sets()
        for pod in self._pods:
            yield from self._pod(pod)

    def _gauge(
        self, name: str, labels: Mapping[str, str], value: float | F64, present: Bools | None = None
    ) -> Iterator[Series]:
        values = np.full(len(self._times), value) if isinstance(value, float) else value
        shown = self._always if present is None else present
        series = sampled({"__name__": name, **JOB, **labels}, self._times, values, shown)
        if series is not None:
            yield series

    def _node(self, node: str, zone: str) -> Iterator[Series]:
        labels = {"node": node}
        yield from self._gauge("kube_node_created", labels, self._layout.start - 90 * DAY)
        info = {"node": node, "label_topology_kubernetes_io_zone": zone}
        yield from self._gauge("kube_node_labels", info, 1.0)
        away = self._during("zone", zone)
        for status, value in (("true", ~away), ("false", np.zeros_like(away)), ("unknown", away)):
            state = {**labels, "condition": "Ready", "status": status}
            yield from self._gauge("kube_node_status_condition", state, value.astype(np.float64))

    def _during(self, kind: str, target: str) -> Bools:
        found = np.zeros(len(self._times), dtype=np.bool_)
        for trouble in self._record.troubles:
            if trouble.kind == kind and trouble.target == target:
                found |= (self._seconds >= trouble.start) & (self._seconds < trouble.end)
        return found

    def _controller(self, number: int) -> Iterator[Series]:
        key, workload = self._layout.keys[number], self._layout.workloads[number]
        kind = _NAMES.get(workload.kind)
        if kind is None:
            return
        namespace, name = key.split("/")
        labels = {"namespace": namespace, kind: name}
        yield from self._gauge(f"kube_{kind}_created", labels, self._layout.start + workload.created * DAY)
        living, ready = np.zeros(len(self._times)), np.zeros(len(self._times))
        for pod in self._pods:
            if pod.workload == key:
                living += self._alive(pod)
                ready += self._ready(pod)
        if kind == "daemonset":
            yield from self._gauge("kube_daemonset_status_desired_number_scheduled", labels, living)
            yield from self._gauge("kube_daemonset_status_number_ready", labels, ready)
            return
        spec = "kube_deployment_spec_replicas" if kind == "deployment" else "kube_statefulset_replicas"
        yield from self._gauge(spec, labels, living)
        yield from self._gauge(f"kube_{kind}_status_replicas_ready", labels, ready)

    def _alive(self, pod: Pod) -> Bools:
        return (self._seconds >= pod.start) & (self._seconds < pod.end)

    def _ready(self, pod: Pod) -> Bools:
        dark = self._during("zone", pod.zone) | self._during("workload", pod.workload)
        return self._alive(pod) & (self._seconds >= pod.start + STARTUP) & ~dark

    def _replica_sets(self) -> Iterator[Series]:
        owners = {
            (pod.namespace, pod.owner): pod.workload.split("/")[1]
            for pod in self._pods
            if pod.owner and self._kind(pod) == "Deployment"
        }
        for (namespace, name), deployment in sorted(owners.items()):
            labels = {"namespace": namespace, "replicaset": name}
            owner = {"owner_kind": "Deployment", "owner_name": deployment, "owner_is_controller": "true"}
            yield from self._gauge("kube_replicaset_owner", {**labels, **owner}, 1.0)

    def _pod(self, pod: Pod) -> Iterator[Series]:
        kind = self._kind(pod)
        owner = ("ReplicaSet", pod.owner) if kind == "Deployment" else (kind, pod.workload.split("/")[1])
        labels = {"namespace": pod.namespace, "pod": pod.name, "uid": pod.uid}
        alive = self._alive(pod)
        info = {**labels, "node": pod.node, "created_by_kind": owner[0], "created_by_name": owner[1]}
        yield from self._gauge("kube_pod_info", {**info, "host_network": "false"}, 1.0, alive)
        owned = {**labels, "owner_kind": owner[0], "owner_name": owner[1], "owner_is_controller": "true"}
        yield from self._gauge("kube_pod_owner", owned, 1.0, alive)
        yield from self._gauge("kube_pod_created", labels, float(pod.start), alive)

    def _kind(self, pod: Pod) -> str:
        world = self._layout.world
        return world.workloads[pod.workload].kind if pod.workload in world.workloads else "Deployment"
