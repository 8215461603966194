"""Reads a protection case: a small world of plain Kubernetes objects, and what exactly one rule keeps of it.

``objects`` are merged over safe defaults (``tests/factories.py``); controllers get pods on node-a, node-b and node-c in
turn unless ``pods: {on: [...], meshed: false}`` beside their kind says otherwise. ``rule`` is the file's name unless
told. Everything is trimmed as when it is observed. ``expect`` is everything that the rule may find: what is not listed
must not be protected by it. ``because: [object, field, value, reason]`` beside an entry is what it must say (of the
reason, some words). ``untold`` are protocols of which no sidecar tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from microglia.lifecycle.states import Shield
from microglia.model.ids import WorkloadId, service_host
from microglia.model.objects import BlindSpot, Raw
from microglia.observe.trim import trimmed
from microglia.policy.schema import PolicySpec
from microglia.protect.ledger import Level, Protection, Protections
from microglia.protect.look import Look, look_at
from microglia.score.scores import Evidence, Judged, RouteScore, Scores
from microglia.topology.build import build
from microglia.topology.graph import Topology
from tests import factories

FOLDER = Path(__file__).parent
Found = tuple[str, str, str, str, int]
"""Workload, client, host, level, floor."""
_NODES = factories.nodes()
_RUNNING = {"Deployment": factories.deployment, "StatefulSet": factories.stateful_set}


@dataclass(frozen=True, slots=True)
class Case:
    """One file."""

    name: str
    rule: str
    document: Mapping[str, Any]

    def look(self) -> Look:
        """The world as rules see it."""
        said = self.document
        raws = [_observed(part) for raw in said["objects"] for part in _objects(raw)]
        calls = factories.edges(*((client, _host(host), server) for client, host, server in said.get("calls", ())))
        faults = [BlindSpot(kind, "forbidden") for kind in said.get("blind", ())]
        nodes = [] if any(raw["kind"] == "Node" for raw in raws) else _NODES
        taken = factories.snapshot(*nodes, *raws, calls=calls, faults=faults)
        topology = build(replace(taken, source=replace(taken.source, untold=tuple(said.get("untold", ())))))
        shields = [
            Shield(one["element"], datetime.fromisoformat(one["until"]), "it hurt") for one in said.get("shields", ())
        ]
        policy = PolicySpec.model_validate(said.get("policy", {}))
        return look_at(topology, _scores(topology, said), policy, shields, factories.NOW)

    @property
    def expected(self) -> list[Found]:
        """What the rule must find, and nothing else."""
        return sorted(_expected(one) for one in self.document["expect"])

    def unsaid(self, protections: Protections) -> list[str]:
        """What people would not be told of what they must."""
        return [
            f"{_expected(one)}: {one['because']}"
            for one in self.document["expect"]
            if "because" in one and not any(_says(one["because"], kept) for kept in _kept(self.rule, one, protections))
        ]


def load(path: Path) -> Case:
    """Read one case file."""
    document = YAML(typ="safe").load(path)
    return Case(path.stem, document.get("rule", path.stem), document)


def found_by(rule: str, protections: Protections) -> list[Found]:
    """What ``rule`` alone protects, sorted and without repetition."""
    found: set[Found] = set()
    for target, kept in protections.workloads.items():
        found |= {(str(target), "", "", str(one.level), one.floor) for one in kept if one.rule == rule}
    for client, kept in protections.clients.items():
        found |= {("", str(client), "", str(one.level), one.floor) for one in kept if one.rule == rule}
    for host, kept in protections.hosts.items():
        found |= {("", "", host, str(one.level), one.floor) for one in kept if one.rule == rule}
    for (client, host), kept in protections.routes.items():
        found |= {("", str(client), host, str(one.level), one.floor) for one in kept if one.rule == rule}
    return sorted(found)


def _kept(rule: str, one: Mapping[str, Any], protections: Protections) -> list[Protection]:
    target, client, host, _, _ = _expected(one)
    if target:
        held = protections.workloads.get(WorkloadId.parse(target), ())
    elif client and host:
        held = protections.routes.get((WorkloadId.parse(client), host), ())
    else:
        held = protections.clients.get(WorkloadId.parse(client), ()) if client else protections.hosts.get(host, ())
    return [kept for kept in held if kept.rule == rule]


def _says(because: Sequence[Any], kept: Protection) -> bool:
    source, field, value, reason = map(str, because)
    return (str(kept.source), kept.field, kept.value) == (source, field, value) and reason in kept.reason


def _objects(raw: Mapping[str, Any]) -> Sequence[Raw]:
    kind, meta = raw["kind"], raw.get("metadata", {})
    pods = raw.get("pods", {})
    given = {key: value for key, value in raw.items() if key != "pods"}
    namespace = meta.get("namespace", "" if kind in _CLUSTER else "shop")
    if kind in _RUNNING:
        base = _RUNNING[kind](meta["name"], namespace, replicas=raw.get("spec", {}).get("replicas", 3))
        whole = _merged(base, given)
        counts = {**base["status"], **raw.get("status", {})}
        return factories.running(
            {**whole, "status": counts}, pods.get("on", ("node-a", "node-b", "node-c")), meshed=pods.get("meshed", True)
        )
    if kind == "Service":
        selector = raw.get("spec", {}).get("selector")
        base = factories.service(meta["name"], namespace, selector=selector)
    else:
        base = factories.thing(kind, meta["name"], namespace)
    return [_merged(base, given)]


def _observed(raw: Raw) -> Raw:
    """As it is read from an API server: what does not survive that, no rule may rely on. What was ``found`` is told."""
    kept = {"kind": raw["kind"], **trimmed(raw["kind"], raw)}
    return {**kept, "found": {**kept.get("found", {}), **raw["found"]}} if "found" in raw else kept


_CLUSTER = frozenset(
    {
        "Namespace", "Node", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService",
        "CustomResourceDefinition", "PriorityClass",
    }
)  # fmt: skip


def _merged(base: Any, given: Any) -> Any:
    if isinstance(base, Mapping) and isinstance(given, Mapping):
        keys = {**base, **given}
        # Labels are a whole: what a case says replaces the default.
        return {
            key: given[key]
            if key == "labels" and key in given
            else _merged(base.get(key), given.get(key, base.get(key)))
            for key in keys
        }
    return given


def _scores(topology: Topology, said: Mapping[str, Any]) -> Scores:
    told = said.get("scores", {})
    replicas = []
    for one in topology.workloads.values():
        parts = dict(told.get(str(one.id), {}))
        if not parts.pop("absent", False):
            replicas.append(factories.replica_score(one.id, one.replicas, parts.pop("need", 2), **parts))
    routes = [
        RouteScore(WorkloadId.parse(client), "", (_host(host),), Judged(evidence, 1.0, ""), 1.0, 1.0, 1.0, 1.0)
        for key, evidence in (("uses", Evidence.USED), ("idles", Evidence.IDLE))
        for client, host in said.get(key, ())
    ]
    return factories.scores(*replicas, routes=routes)


def _expected(one: Mapping[str, Any]) -> Found:
    host = _host(one["host"]) if "host" in one else ""
    level = Level.FLOOR if "floor" in one else Level.PIN
    return one.get("target", ""), one.get("client", ""), host, str(level), one.get("floor", 0)


def _host(text: str) -> str:
    """``cart.shop`` for short."""
    match text.split("."):
        case [name, namespace]:
            return service_host(namespace, name)
    return text
