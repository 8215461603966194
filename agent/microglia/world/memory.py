"""Face three: the world as a live cluster in memory, behind the same ports as a real API server."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from microglia.model.kinds import BY_NAME, Kind
from microglia.model.objects import Raw, annotations_of, at, labels_of, name_of, namespace_of, selects
from microglia.model.ports import AbsentError, ClusterFacts, ConflictError, GoneError, UnreadableError
from microglia.world import statuses
from microglia.world.activity import Truth
from microglia.world.controllers import Controllers
from microglia.world.layout import Layout, build
from microglia.world.manifests import manager_of, manifests
from microglia.world.record import Record, Trouble, troubles
from microglia.world.schema import World
from microglia.world.scoping import cuts
from microglia.world.templates import Manifest

Key = tuple[str, str, str]


class MemoryCluster:
    """A cluster in memory: ``Cluster`` and ``WritableCluster`` at once, whose time only ``advance`` moves.

    ``before_write`` is called with the number of the write (from 1) and its verb and object before each write; what it
    raises is what the writer meets, and it may change the world first. ``forbidden`` names kinds that may not be read,
    ``absent`` those whose CRD is not installed.
    """

    def __init__(self, world: World, now: datetime | None = None) -> None:
        self.layout: Layout = build(world)
        self.record = Record(troubles=troubles(self.layout))
        self.truth = Truth(self.layout, self.record)
        self.time = self.layout.start
        self.before_write: Callable[[int, str], None] | None = None
        self.forbidden: frozenset[str] = frozenset()
        self.absent: frozenset[str] = frozenset()
        self.writes = 0
        self._version = 1000
        self._objects: dict[Key, Manifest] = {}
        self._controllers = Controllers(self.layout, self.record, self._objects, self._put)
        self._found()
        if now is not None:
            self.advance(now)

    @property
    def now(self) -> datetime:
        """The world's present."""
        return datetime.fromtimestamp(self.time, UTC)

    def advance(self, to: datetime) -> None:
        """Let time pass until ``to``. Raises ValueError when that is in the past."""
        moment = to.timestamp()
        if moment < self.time:
            raise ValueError(f"the world is already at {self.now}, and its time does not run back to {to}")
        self.time = moment
        self._controllers.reconcile(moment)

    def strike(self, trouble: Trouble) -> None:
        """An accident that the description did not announce."""
        self.record.troubles.append(trouble)
        self.truth.forget(trouble.start)
        self._controllers.reconcile(self.time)

    def facts(self) -> ClusterFacts:
        """Who this is."""
        uid = self._objects["Namespace", "", "kube-system"]["metadata"]["uid"]
        return ClusterFacts(uid, f"world {self.layout.world.name}", "v1.36.3")

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """Every object of ``kind``. Raises UnreadableError for kinds that ``forbidden`` names."""
        self._allow(kind)
        return [self._objects[mark] for mark in sorted(mark for mark in self._objects if mark[0] == kind.name)]

    def serves(self, kind: Kind) -> bool:
        """Whether the cluster knows the kind."""
        return kind.name not in self.absent and (not kind.optional or kind.group in _INSTALLED)

    def user(self) -> str:
        """Who asks."""
        return "ann"

    def read(self, kind: Kind, namespace: str, name: str) -> Raw | None:
        """The object as it is now."""
        self._allow(kind)
        return self._objects.get((kind.name, namespace, name))

    def pods(self, namespace: str, selector: Raw) -> Sequence[Raw]:
        """The pods of ``namespace`` that a LabelSelector matches."""
        every = self.objects(BY_NAME["Pod"])
        return [raw for raw in every if namespace_of(raw) == namespace and selects(selector, labels_of(raw))]

    def scale(self, raw: Raw, replicas: int, kind: Kind = BY_NAME["Deployment"]) -> Raw:
        """Set the count of a Deployment or StatefulSet, given its uid and resourceVersion."""
        self._begin("scale", raw)
        current = self._current(str(raw.get("kind", kind.name)), raw)
        changed = deepcopy(current)
        changed["spec"]["replicas"] = replicas
        changed["metadata"]["generation"] += 1
        _own_replicas(changed, "microglia")
        self._put(changed)
        self._resized(changed)
        meta = {key: changed["metadata"][key] for key in ("name", "namespace", "uid")}
        meta["resourceVersion"] = self._key_object(changed)["metadata"]["resourceVersion"]
        return {
            "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": meta, "spec": {"replicas": replicas},
            "status": {"replicas": at(changed, "status", "replicas", default=0)},
        }  # fmt: skip

    def create(self, kind: Kind, body: Raw) -> Raw:
        """Create an object. Raises ConflictError when one of that name exists."""
        self._begin("create", body)
        key = (kind.name, namespace_of(body), name_of(body))
        if key in self._objects:
            raise ConflictError(f'{kind.plural} "{key[2]}" already exists')
        if kind.namespaced and ("Namespace", "", key[1]) not in self._objects:
            raise GoneError(f'namespaces "{key[1]}" not found')
        fresh = deepcopy(dict(body))
        if kind.group == _OWN:
            fresh.pop("status", None)
        fresh.setdefault("kind", kind.name)
        fresh.setdefault("apiVersion", f"{kind.group}/{kind.version}" if kind.group else kind.version)
        found = self._add(fresh, "microglia")
        self._rescope()
        return found

    def replace(self, kind: Kind, body: Raw) -> Raw:
        """Replace an object, given its uid and resourceVersion. A Deployment's count follows."""
        self._begin("replace", body)
        current = self._current(kind.name, body)
        changed = deepcopy(dict(body))
        changed["metadata"]["generation"] = current["metadata"].get("generation", 1) + 1
        if kind.group == _OWN:
            changed = {**changed, "status": current.get("status", {})}
        self._put(changed)
        if kind.name in {"Deployment", "StatefulSet"}:
            self._resized(changed)
        self._rescope()
        return self._key_object(changed)

    def replace_status(self, kind: Kind, body: Raw) -> Raw:
        """Replace the status alone, given uid and resourceVersion."""
        self._begin("status", {"kind": kind.name, **body})
        current = self._current(kind.name, body)
        return self._key_object(self._put({**current, "status": deepcopy(body.get("status", {}))}))

    def delete(self, kind: Kind, raw: Raw) -> None:
        """Delete an object, given its uid and resourceVersion."""
        self._begin("delete", raw)
        current = self._current(kind.name, raw)
        del self._objects[kind.name, namespace_of(current), name_of(current)]
        if kind.name in {"Deployment", "StatefulSet", "DaemonSet"}:
            self._controllers.end(current, self.time)
            self.truth.forget(self.time)
        self._rescope()

    def annotate_pod(self, raw: Raw, annotations: Mapping[str, str | None]) -> None:
        """Merge annotations into a pod; None removes one."""
        self._begin("annotate", raw)
        current = self._current("Pod", raw, version=False)
        own = {**at(current, "metadata", "annotations", default={}), **annotations}
        changed = {**current, "metadata": {**current["metadata"]}}
        changed["metadata"]["annotations"] = {key: value for key, value in own.items() if value is not None}
        self._put(changed)

    def edit(self, kind: Kind, namespace: str, name: str, change: Callable[[Manifest], None]) -> Raw:
        """Somebody else changes an object: no preconditions, no write counted. Raises GoneError."""
        found = self._objects.get((kind.name, namespace, name))
        if found is None:
            raise GoneError(f'{kind.plural} "{name}" not found')
        changed = deepcopy(found)
        change(changed)
        if changed.get("spec") != found.get("spec") or (kind.name == "Deployment" and _noted(changed, found)):
            changed["metadata"]["generation"] = found["metadata"].get("generation", 1) + 1
        if kind.name == "Deployment" and at(changed, "spec", "template") != at(found, "spec", "template"):
            changed["metadata"]["annotations"][REVISION] = str(int(annotations_of(found)[REVISION]) + 1)
        self._put(changed)
        if kind.name in {"Deployment", "StatefulSet"}:
            self._resized(changed)
        self._rescope()
        return self._key_object(changed)

    def _found(self) -> None:
        world = self.layout.world
        known = {"default", "kube-system", "kube-public", "kube-node-lease", *world.namespaces}
        for name in sorted(known - set(world.namespaces)):
            meta = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}
            self._add({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}, "kube-apiserver")
        for raw in manifests(self.layout):
            self._add(raw, manager_of(world, raw))
        for raw in [raw for (kind, _, _), raw in self._objects.items() if kind in _CONTROLLERS]:
            self._controllers.resize(raw, self.layout.start)
        self._controllers.elect()
        self._controllers.reconcile(self.time)
        self._rescope()

    def _add(self, raw: Manifest, manager: str) -> Manifest:
        meta = raw["metadata"]
        mark = (raw["kind"], meta.get("namespace", ""), meta["name"])
        meta["uid"] = statuses.uid(self.layout.world.name, *mark, str(self._version))
        meta["generation"] = 1
        meta["creationTimestamp"] = statuses.stamp(self._born(mark))
        if raw["kind"] == "Deployment":
            meta["annotations"] = {**meta.get("annotations", {}), REVISION: "1"}
        if "replicas" in at(raw, "spec", default={}):
            _own_replicas(raw, manager)
        return self._put(raw)

    def _born(self, mark: Key) -> float:
        kind, namespace, name = mark
        world, day = self.layout.world, 86400
        if kind in _CONTROLLERS and f"{namespace}/{name}" in world.workloads:
            return self.layout.start + world.workloads[f"{namespace}/{name}"].created * day
        if kind == "Service" and (namespace, name) in self.layout.services:
            return self.layout.start + self.layout.services[namespace, name].created * day
        return self.layout.start - 90 * day if self.time <= self.layout.start else self.time

    def _put(self, raw: Manifest) -> Manifest:
        self._version += 1
        raw = {**raw, "metadata": {**raw["metadata"], "resourceVersion": str(self._version)}}
        self._objects[raw["kind"], namespace_of(raw), name_of(raw)] = raw
        return raw

    def _key_object(self, raw: Raw) -> Manifest:
        return self._objects[str(raw["kind"]), namespace_of(raw), name_of(raw)]

    def _current(self, kind: str, raw: Raw, *, version: bool = True) -> Manifest:
        found = self._objects.get((kind, namespace_of(raw), name_of(raw)))
        if found is None:
            raise GoneError(f'{kind} "{name_of(raw)}" not found')
        for part in ("uid", "resourceVersion") if version else ("uid",):
            sent, has = at(raw, "metadata", part), found["metadata"][part]
            if sent is not None and sent != has:
                raise ConflictError(f'{kind} "{name_of(raw)}": {part} is {has}, not {sent}: it has been modified')
        return found

    def _resized(self, changed: Manifest) -> None:
        self._controllers.resize(changed, self.time)
        self.truth.forget(self.time)
        self._controllers.reconcile(self.time)

    def _begin(self, verb: str, raw: Raw) -> None:
        self.writes += 1
        place = f"{namespace_of(raw)}/{name_of(raw)}" if namespace_of(raw) else name_of(raw)
        if self.before_write is not None:
            self.before_write(self.writes, f"{verb} {raw.get('kind', '')} {place}")

    def _allow(self, kind: Kind) -> None:
        if kind.name in self.forbidden:
            raise UnreadableError(f'{kind.plural} is forbidden: User "microglia" cannot list it at the cluster scope')
        if not self.serves(kind):
            raise AbsentError(f"the server could not find the requested resource: {kind.plural}")

    def _rescope(self) -> None:
        """What Sidecars hide now; cuts that ended stay in the record as history."""
        sidecars = [raw for (kind, _, _), raw in self._objects.items() if kind == "Sidecar"]
        if cuts(self.layout, self.record, sidecars, self.time):
            self.truth.forget(self.time)


_OWN = "microglia.dev"
_INSTALLED = ("networking.istio.io", _OWN)
_CONTROLLERS = ("Deployment", "StatefulSet", "DaemonSet")
REVISION = "deployment.kubernetes.io/revision"


def _noted(changed: Raw, found: Raw) -> bool:
    """Whether annotations differ: the API server moves a Deployment's generation with them."""
    return annotations_of(changed) != annotations_of(found)


def _own_replicas(raw: Manifest, manager: str) -> None:
    """Make ``manager`` the owner of ``spec.replicas`` in managedFields, as the API server records it."""
    scale = manager == "microglia"
    entry: dict[str, Any] = {
        "manager": manager,
        "operation": "Update" if scale or manager.startswith("kubectl-") else "Apply",
        "apiVersion": raw["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    }
    if scale:
        entry["subresource"] = "scale"
    raw["metadata"]["managedFields"] = [entry]
