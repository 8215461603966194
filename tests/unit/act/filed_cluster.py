"""A small cluster in one JSON file: it outlives a process that is killed. The writer contract keeps it honest."""

import copy
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from microglia.model.kinds import BY_NAME, Kind
from microglia.model.objects import Raw, annotations_of, at, labels_of, name_of, namespace_of, selects
from microglia.model.ports import ConflictError, GoneError

Json = dict[str, Any]
REVISION = "deployment.kubernetes.io/revision"
COST = "controller.kubernetes.io/pod-deletion-cost"


class FiledCluster:
    """WritableCluster. ``hook`` is called with the verb and ``Kind/namespace/name`` before every read and write, and
    with ``after`` in front of the verb after every write; what it raises is what the caller meets. ``controllers``
    False leaves pods as they are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.hook: Callable[[str, str], None] = lambda verb, what: None
        self.controllers = True
        self.log: list[str] = []

    def load(self) -> Json:
        found: Json = json.loads(self.path.read_text()) if self.path.exists() else {}
        return found

    def store(self, objects: Json) -> None:
        aside = self.path.with_suffix(".part")
        aside.write_text(json.dumps(objects))
        aside.replace(self.path)

    def put(self, raw: Raw) -> Json:
        """Somebody else writes an object: no preconditions. The generation moves with the spec and, of a Deployment,
        with annotations; the revision with the template."""
        objects, key = self.load(), _key(str(raw["kind"]), namespace_of(raw), name_of(raw))
        old, new = objects.get(key), copy.deepcopy(dict(raw))
        meta = new["metadata"]
        meta.setdefault("uid", f"uid-{key}")
        moved = at(old, "spec") != new.get("spec")
        if new["kind"] == "Deployment":
            meta["annotations"] = dict(meta.get("annotations", {}))
            moved = moved or meta["annotations"] != annotations_of(old or {})
            rolled = at(old, "spec", "template") != at(new, "spec", "template")
            meta["annotations"][REVISION] = str(int(annotations_of(old or {}).get(REVISION, "1")) + rolled)
        meta["generation"] = at(old, "metadata", "generation", default=0) + moved
        meta["resourceVersion"] = str(
            1 + max((int(o["metadata"]["resourceVersion"]) for o in objects.values()), default=0)
        )
        objects[key] = new
        if new["kind"] == "Deployment" and self.controllers:
            _control(objects, new)
        self.store(objects)
        return new

    def edit(self, kind: str, namespace: str, name: str, change: Callable[[Json], None]) -> Json:
        raw = self.load()[_key(kind, namespace, name)]
        change(raw)
        return self.put(raw)

    def remove(self, kind: str, namespace: str, name: str) -> None:
        objects = self.load()
        del objects[_key(kind, namespace, name)]
        self.store(objects)

    def read(self, kind: Kind, namespace: str, name: str) -> Raw | None:
        self.hook("read", _key(kind.name, namespace, name))
        return self.load().get(_key(kind.name, namespace, name))

    def pods(self, namespace: str, selector: Raw) -> Sequence[Raw]:
        self.hook("pods", namespace)
        found = [raw for key, raw in self.load().items() if key.startswith(f"Pod/{namespace}/")]
        return [raw for raw in found if selects(selector, labels_of(raw))]

    def scale(self, raw: Raw, replicas: int, kind: Kind = BY_NAME["Deployment"]) -> Raw:
        found = self._begin("scale", kind.name, raw)
        found["spec"]["replicas"] = replicas
        entry = {"manager": "microglia", "operation": "Update", "subresource": "scale"}
        found["metadata"]["managedFields"] = [{**entry, "fieldsV1": {"f:spec": {"f:replicas": {}}}}]
        new = self.put(found)
        return self._end("scale", {"kind": "Scale", "metadata": new["metadata"], "spec": {"replicas": replicas}}, new)

    def create(self, kind: Kind, body: Raw) -> Raw:
        key = _key(kind.name, namespace_of(body), name_of(body))
        self.hook("create", key)
        if key in self.load():
            raise ConflictError(f"{key} already exists")
        new = self.put({"kind": kind.name, **body})
        return self._end("create", new, new)

    def replace(self, kind: Kind, body: Raw) -> Raw:
        self._begin("replace", kind.name, body)
        new = self.put(body)
        return self._end("replace", new, new)

    def delete(self, kind: Kind, raw: Raw) -> None:
        found = self._begin("delete", kind.name, raw)
        self.remove(kind.name, namespace_of(raw), name_of(raw))
        self._end("delete", found, found)

    def annotate_pod(self, raw: Raw, annotations: Mapping[str, str | None]) -> None:
        found = self._begin("annotate", "Pod", raw, version=False)
        merged = {**annotations_of(found), **annotations}
        found["metadata"]["annotations"] = {key: value for key, value in merged.items() if value is not None}
        self._end("annotate", found, self.put(found))

    def _begin(self, verb: str, kind: str, raw: Raw, *, version: bool = True) -> Json:
        key = _key(kind, namespace_of(raw), name_of(raw))
        self.hook(verb, key)
        found: Json | None = self.load().get(key)
        if found is None:
            raise GoneError(f"{key} not found")
        for part in ("uid", "resourceVersion") if version else ("uid",):
            if raw["metadata"].get(part) != found["metadata"][part]:
                raise ConflictError(f"{key}: other {part}")
        return found

    def _end(self, verb: str, answer: Json, raw: Raw) -> Json:
        key = _key(str(raw["kind"]), namespace_of(raw), name_of(raw))
        self.log.append(f"{verb} {key}")
        self.hook(f"after {verb}", key)
        return answer


def nodes(*zones: str) -> list[Json]:
    """One node per zone, ``node-<zone>``."""
    labels = "topology.kubernetes.io/zone"
    return [{"kind": "Node", "metadata": {"name": f"node-{zone}", "labels": {labels: zone}}} for zone in zones]


def deployment(name: str, replicas: int, **metadata: Any) -> Json:
    """A Deployment of namespace shop."""
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}}
    return {"kind": "Deployment", "metadata": {"name": name, "namespace": "shop", **metadata}, "spec": spec}


def shop(path: Path, *deployments: Json) -> FiledCluster:
    """A cluster of three zones with these Deployments and their pods, spread by number."""
    cluster = FiledCluster(path)
    for raw in (*nodes("a", "b", "c"), *deployments):
        cluster.put(raw)
    return cluster


def _control(objects: Json, owner: Json) -> None:
    """What the Deployment and ReplicaSet controllers do: remove pods of lowest cost first, add pods zone by zone."""
    namespace, name, uid = owner["metadata"]["namespace"], owner["metadata"]["name"], owner["metadata"]["uid"]
    set_name = f"{name}-rs"
    meta = {"namespace": namespace, "uid": f"rs-{uid}", "resourceVersion": "1", "generation": 1}
    objects[_key("ReplicaSet", namespace, set_name)] = {
        "kind": "ReplicaSet",
        "metadata": {**meta, "name": set_name, "ownerReferences": [_reference("Deployment", name, uid)]},
    }
    prefix = f"Pod/{namespace}/{set_name}-"
    pods = [raw for key, raw in sorted(objects.items()) if key.startswith(prefix)]
    pods.sort(key=lambda raw: (int(annotations_of(raw).get(COST, "0")), name_of(raw)))
    want = owner["spec"]["replicas"]
    for pod in pods[: max(0, len(pods) - want)]:
        del objects[_key("Pod", namespace, name_of(pod))]
    numbers = (n for n in itertools.count() if f"{prefix}{n}" not in objects)
    for number in itertools.islice(numbers, max(0, want - len(pods))):
        zone = "abc"[number % 3]
        metadata = {**meta, "name": f"{set_name}-{number}", "uid": f"pod-{set_name}-{number}"}
        metadata["labels"] = owner["spec"]["selector"]["matchLabels"]
        metadata["ownerReferences"] = [_reference("ReplicaSet", set_name, f"rs-{uid}")]
        objects[f"{prefix}{number}"] = {
            "kind": "Pod", "metadata": metadata, "spec": {"nodeName": f"node-{zone}"}, "status": {"phase": "Running"},
        }  # fmt: skip


def _reference(kind: str, name: str, uid: str) -> Json:
    return {"kind": kind, "name": name, "uid": uid, "controller": True}


def _key(kind: str, namespace: str, name: str) -> str:
    return f"{kind}/{namespace}/{name}"


SIDECAR, DEPLOYMENT, POD = BY_NAME["Sidecar"], BY_NAME["Deployment"], BY_NAME["Pod"]
