"""Snapshots without names: every name becomes the same hash wherever it stands, so that references still match."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from microglia.model.activity import EXTERNAL, UNKNOWN_PEER, Activity, Edge
from microglia.model.objects import BlindSpot, Objects, Raw, at, name_of, namespace_of, sorted_objects
from microglia.model.snapshot import Snapshot
from microglia.observe.digest import snapshot_digest

KEPT = frozenset({
    "", "default", "kube-system", "kube-public", "kube-node-lease", "istio-system", "kubernetes", "svc", "cluster",
    "local", "istio-proxy", "http", "https", "grpc", "tcp", "None", "true", "false", "enabled", "disabled", "com", "io",
    "dev", "net", "org", "v1", "*", "consul.hashicorp.com", UNKNOWN_PEER, *EXTERNAL,
})  # fmt: skip
"""Words that mean something to the rules, or nothing to anybody."""
_MEANT = re.compile(
    r"(^|\.)(kubernetes|k8s|istio|linkerd|cilium|kuma|k8gb|microglia|argoproj|fluxcd|knative|flagger|helm)\.(io|dev|sh|app)/"
    r"|^consul\.hashicorp\.com/(connect-service|service-sync)|^k8gb\.absa\.oss/|^io\.cilium/"
)
_NAMING = re.compile(
    r"(^|/)(name|instance|part-of|metadata\.name|hostname|pod-name|zone|region|controller-uid|job-name|rev)$"
)
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:]+:[0-9a-f:]*")
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_WHOLE = frozenset({"image", "uid", "podIP", "providerID", "resourceVersion"})
_FREE_TEXT = "microglia.dev/protect"


def redacted(snapshot: Snapshot) -> Snapshot:
    """``snapshot`` with namespaces, names, hosts, label values, images and addresses hashed, and a digest of its own.

    The key of the hash is the digest of the original, which the copy does not hold: names cannot be guessed and tried.
    """
    veil = _Veil(snapshot)
    source = replace(
        snapshot.source, cluster=veil.hash(snapshot.source.cluster), cluster_name="redacted", prometheus="redacted"
    )
    objects = Objects(
        {kind: sorted_objects(map(veil.raw, raws)) for kind, raws in snapshot.objects.kinds.items()},
        tuple(BlindSpot(fault.subject, veil.text(fault.reason)) for fault in snapshot.objects.faults),
    )
    activity = veil.activity(snapshot.activity)
    digest = snapshot_digest(source, objects, activity)
    return Snapshot(snapshot.taken_at, source, objects, activity, digest)


class _Veil:
    """Hashes the words of one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._key = bytes.fromhex(snapshot.digest)[:32]
        self._words = frozenset(_words(snapshot)) - KEPT

    def hash(self, word: str) -> str:
        """A DNS label for ``word``."""
        return "x" + blake2b(word.encode(), key=self._key, digest_size=6).hexdigest()

    def text(self, text: str) -> str:
        """``text`` with every known word hashed: whole, or between dots."""
        if text in self._words:
            return self.hash(text)
        if _ADDRESS.fullmatch(text):
            return self.hash(text)
        return _WORD.sub(lambda match: self._dotted(match[0]), text)

    def _dotted(self, word: str) -> str:
        if word in self._words:
            return self.hash(word)
        return ".".join(self.hash(part) if part in self._words else part for part in word.split("."))

    def raw(self, value: Any) -> Any:
        """An object or any part of it."""
        if isinstance(value, Mapping):
            return {self._field(key): self._under(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.raw(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _field(self, key: str) -> str:
        return self.text(key) if "/" in key or "." in key else key

    def _under(self, key: str, value: Any) -> Any:
        if key in _WHOLE and isinstance(value, str):
            return self.hash(value)
        if key == "annotations" and isinstance(value, Mapping):
            return {self._field(name): self._annotation(name, str(text)) for name, text in value.items()}
        return self.raw(value)

    def _annotation(self, name: str, text: str) -> str:
        if name == _FREE_TEXT:
            return "redacted"
        return self.text(text) if _MEANT.search(name) else self.hash(text)

    def activity(self, activity: Activity) -> Activity:
        """Keys hashed, and rows put into the order of the new keys."""
        workloads, containers, edges = activity.workloads, activity.containers, activity.edges
        zones = [self.text(zone) for zone in workloads.zones]
        by_zone = _order(zones)
        keys = [self.text(key) for key in workloads.keys]
        moved = _reordered(workloads, keys, skip=("zones",))
        pairs = [(self.text(workload), self.text(name)) for workload, name in containers.keys]
        calls = [Edge(self.text(e.client), self.text(e.host), self.text(e.server), e.protocol) for e in edges.keys]
        return replace(
            activity,
            workloads=replace(
                moved,
                zones=tuple(zones[i] for i in by_zone),
                zone_peak=moved.zone_peak[:, np.array(by_zone, dtype=int)],
            ),
            containers=_reordered(containers, pairs),
            edges=_reordered(edges, calls),
            hosts={self.text(host): since for host, since in activity.hosts.items()},
            faults=tuple(map(self.text, activity.faults)),
        )


def _order(keys: list[Any]) -> list[int]:
    return sorted(range(len(keys)), key=keys.__getitem__)


def _reordered(part: Any, keys: list[Any], skip: tuple[str, ...] = ()) -> Any:
    order = _order(keys)
    rows = np.array(order, dtype=np.int64)
    names = [name for name in part.__dataclass_fields__ if name != "keys" and name not in skip]
    moved = {name: getattr(part, name)[rows] for name in names}
    return replace(part, keys=tuple(keys[i] for i in order), **moved)


def _words(snapshot: Snapshot) -> Iterator[str]:
    """Everything that names something of theirs."""
    for raws in snapshot.objects.kinds.values():
        for raw in raws:
            yield from (name_of(raw), namespace_of(raw))
            yield from _label_words(at(raw, "metadata", default={}))
            yield from _label_words(at(raw, "spec", "template", "metadata", default={}))
            yield from _host_words(raw)
            yield from (file.partition(" ")[2] for file in at(raw, "found", "files", default=()))
    activity = snapshot.activity
    for edge in activity.edges.keys:
        for name in (edge.client, edge.server):
            yield from name.split("/")
        yield from _labels(edge.host)
    for key in activity.workloads.keys:
        yield from key.split("/")
    yield from activity.workloads.zones
    yield from (name for _, name in activity.containers.keys)


def _label_words(metadata: Mapping[str, Any]) -> Iterator[str]:
    for field in ("labels", "annotations"):
        for key, value in at(metadata, field, default={}).items():
            theirs = "/" in key and not _MEANT.search(key)
            if theirs:
                yield key.partition("/")[0]
            if field == "labels" and (theirs or "/" not in key or _NAMING.search(key)):
                yield str(value)


def _host_words(raw: Raw) -> Iterable[str]:
    hosts = (*at(raw, "spec", "hosts", default=()), at(raw, "spec", "externalName", default=""))
    rules = [rule.get("host", "") for rule in at(raw, "spec", "rules", default=()) if isinstance(rule, Mapping)]
    return [word for host in (*hosts, *rules) if isinstance(host, str) for word in _labels(host)]


def _labels(host: str) -> list[str]:
    """The labels of a host but its last, which says little and keeps wildcards matching."""
    return host.split(".")[:-1] or [host]
