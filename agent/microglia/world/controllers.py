"""The controllers of the in-memory cluster: pods follow counts, statuses follow pods."""

from collections.abc import Callable
from dataclasses import replace

from microglia.model.objects import at
from microglia.world import statuses
from microglia.world.layout import Layout
from microglia.world.manifests import leases, node_names
from microglia.world.record import STARTUP, Pod, Record
from microglia.world.scheduling import place, victims
from microglia.world.templates import Manifest

Key = tuple[str, str, str]


class Controllers:
    """Keeps pods, ReplicaSets, EndpointSlices and statuses in line with what the cluster's specs ask for."""

    def __init__(
        self, layout: Layout, record: Record, objects: dict[Key, Manifest], put: Callable[[Manifest], Manifest]
    ) -> None:
        self._layout = layout
        self._record = record
        self._objects = objects
        self._put = put
        self._serial = 0

    def resize(self, owner: Manifest, now: float) -> None:
        """Start or end pods of a controller until their count is the one that its spec asks for."""
        key = f"{owner['metadata']['namespace']}/{owner['metadata']['name']}"
        if key not in self._layout.index:
            return
        living = self._record.alive(key, now)
        if owner["kind"] == "DaemonSet":
            self._one_per_node(key, living, now)
            return
        wanted = owner["spec"]["replicas"]
        for number in range(len(living), wanted):
            node, zone = place(self._layout, self._record, key, now)
            self._start(key, self._pod_name(owner, number), node, zone, now)
        if wanted < len(living):
            self._stop(self._doomed(owner, living, now, len(living) - wanted), now)

    def end(self, owner: Manifest, now: float) -> None:
        """End all pods of a deleted controller, and its ReplicaSet."""
        key = f"{owner['metadata']['namespace']}/{owner['metadata']['name']}"
        self._stop(self._record.alive(key, now), now)
        for mark, raw in list(self._objects.items()):
            if mark[0] == "ReplicaSet" and at(raw, "metadata", "ownerReferences", 0, "uid") == owner["metadata"]["uid"]:
                del self._objects[mark]
        self.reconcile(now)

    def elect(self) -> None:
        """Create the Leases of the workloads that elect a leader."""
        for raw in leases(self._layout, self._record.pods):
            raw["metadata"]["uid"] = statuses.uid(raw["metadata"]["namespace"], raw["metadata"]["name"])
            self._put(raw)

    def reconcile(self, now: float) -> None:
        """Write what controllers would write by ``now``; only what differs gets a new resourceVersion."""
        living = [pod for pod in self._record.pods if pod.start <= now < pod.end]
        ready = {pod.uid: self._serves(pod, now) for pod in living}
        by_workload: dict[str, list[Pod]] = {}
        for pod in living:
            by_workload.setdefault(pod.workload, []).append(pod)
        for kind in ("Deployment", "StatefulSet", "DaemonSet"):
            for raw in self._of(kind):
                pods = by_workload.get(f"{raw['metadata']['namespace']}/{raw['metadata']['name']}", [])
                self._controller(raw, pods, ready)
        self._nodes(now)
        self._slices(living)

    def _controller(self, raw: Manifest, pods: list[Pod], ready: dict[str, bool]) -> None:
        serving, meta = sum(ready[pod.uid] for pod in pods), raw["metadata"]
        owner = raw
        if raw["kind"] == "Deployment":
            owner = self._same(statuses.replica_set(raw, self._set_name(raw)), counts=(len(pods), serving))
        for pod in pods:
            self._pod(pod, owner, ready=ready[pod.uid])
        if raw["kind"] == "DaemonSet":
            status: Manifest = {"desiredNumberScheduled": len(pods), "numberReady": serving}
        else:
            status = statuses.counts(raw["spec"]["replicas"], serving, pods=len(pods))
        if raw["kind"] == "Deployment":
            since = self._layout.start
            status["conditions"] = statuses.deployment_conditions(raw["spec"]["replicas"], serving, since)
        self._write({**raw, "status": {**status, "observedGeneration": meta["generation"]}})

    def _same(self, raw: Manifest, counts: tuple[int, int]) -> Manifest:
        """Give a generated object the identity of the one that exists, and write it where it differs."""
        meta = raw["metadata"]
        old = self._objects.get((raw["kind"], meta["namespace"], meta["name"]))
        born = old["metadata"]["creationTimestamp"] if old else statuses.stamp(self._layout.start)
        uid = statuses.uid(raw["kind"], meta["namespace"], meta["name"], meta["ownerReferences"][0]["uid"])
        meta.update({"uid": uid, "generation": 1, "creationTimestamp": born})
        if raw["kind"] == "ReplicaSet":
            raw["status"] = {**statuses.counts(raw["spec"]["replicas"], counts[1], pods=counts[0])}
        return self._write(raw)

    def _pod(self, life: Pod, owner: Manifest, *, ready: bool) -> None:
        old = self._objects.get(("Pod", life.namespace, life.name))
        marks = at(old, "metadata", "annotations", default={})
        self._write(statuses.pod(life, owner, ready=ready, annotations=marks))

    def _slices(self, living: list[Pod]) -> None:
        zones = {pod.uid: pod.zone for pod in living}
        pods: dict[str, list[Manifest]] = {}
        for raw in self._of("Pod"):
            pods.setdefault(raw["metadata"]["namespace"], []).append(raw)
        for service in self._of("Service"):
            if at(service, "spec", "selector"):
                mine = [
                    raw for raw in pods.get(service["metadata"]["namespace"], []) if statuses.selected(service, raw)
                ]
                found = statuses.slice_of(service, [(raw, zones[raw["metadata"]["uid"]]) for raw in mine])
                self._same(found, counts=(0, 0))
        for budget in self._of("PodDisruptionBudget"):
            status = statuses.budget_status(budget, pods.get(budget["metadata"]["namespace"], []))
            self._write({**budget, "status": status})

    def _nodes(self, now: float) -> None:
        dark = {each.target for each in self._record.troubles if each.kind == "zone" and each.start <= now < each.end}
        for raw in self._of("Node"):
            state = "Unknown" if raw["metadata"]["labels"]["topology.kubernetes.io/zone"] in dark else "True"
            conditions = statuses.node_conditions(state, self._layout.start)
            self._write({**raw, "status": {**raw["status"], "conditions": conditions}})

    def _write(self, raw: Manifest) -> Manifest:
        """Put ``raw`` unless the same, but for its resourceVersion, is there."""
        meta = raw["metadata"]
        old = self._objects.get((raw["kind"], meta.get("namespace", ""), meta["name"]))
        if old is not None:
            version = old["metadata"]["resourceVersion"]
            if {**raw, "metadata": {**meta, "resourceVersion": version}} == old:
                return old
        return self._put(raw)

    def _of(self, kind: str) -> list[Manifest]:
        return [self._objects[mark] for mark in sorted(mark for mark in self._objects if mark[0] == kind)]

    def _serves(self, pod: Pod, now: float) -> bool:
        bad = [each for each in self._record.troubles if each.kind in {"zone", "workload"} and each.hits(pod)]
        return not any(each.start <= now < each.end for each in bad)

    def _doomed(self, owner: Manifest, living: list[Pod], now: float, count: int) -> list[Pod]:
        if owner["kind"] == "StatefulSet":
            return sorted(living, key=lambda pod: -int(pod.name.rsplit("-", 1)[1]))[:count]
        ready = {pod.name: self._serves(pod, now) for pod in living}
        marks = {
            pod.name: at(self._objects.get(("Pod", pod.namespace, pod.name)), "metadata", "annotations", default={})
            for pod in living
        }
        return victims(living, ready, marks, now, count)

    def _one_per_node(self, key: str, living: list[Pod], now: float) -> None:
        has = {pod.node for pod in living}
        for zone, nodes in node_names(self._layout.world).items():
            for node in sorted(set(nodes) - has):
                name = f"{key.split('/')[1]}-{statuses.digest(key, node, length=5)}"
                self._start(key, name, node, zone, now)

    def _start(self, key: str, name: str, node: str, zone: str, now: float) -> None:
        # It serves at once: what a rollout waits for is not what this world is about.
        born = now - STARTUP if now > self._layout.start else now
        uid = statuses.uid(key, name, str(self._serial))
        self._record.pods.append(Pod(key, name, node, zone, born, owner=name.rpartition("-")[0], uid=uid))

    def _stop(self, pods: list[Pod], now: float) -> None:
        doomed = {pod.uid for pod in pods}
        for position, pod in enumerate(self._record.pods):
            if pod.uid in doomed and pod.end > now:
                self._record.pods[position] = replace(pod, end=now)
                self._objects.pop(("Pod", pod.namespace, pod.name), None)

    def _pod_name(self, owner: Manifest, number: int) -> str:
        self._serial += 1
        name = owner["metadata"]["name"]
        if owner["kind"] == "StatefulSet":
            return f"{name}-{number}"
        return f"{self._set_name(owner)}-{statuses.digest(name, str(self._serial), length=5)}"

    def _set_name(self, owner: Manifest) -> str:
        mark = statuses.digest(owner["metadata"]["namespace"], owner["metadata"]["name"], "1")
        return f"{owner['metadata']['name']}-{mark}"
