"""A small shop to verify plans in, told as plain data so that case files can tell it too."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from microglia.lifecycle.states import Phase, Shield, State
from microglia.model.ids import WorkloadId, service_host
from microglia.model.objects import BlindSpot
from microglia.model.snapshot import Source
from microglia.plan.allowlist import release
from microglia.plan.change import Change, MinimumChange, ScaleChange, SidecarChange, Why, decision_digest
from microglia.plan.document import Plan
from microglia.plan.history import History, Judgement, Record, Step
from microglia.plan.rare import rare
from microglia.plan.replicas import victims
from microglia.plan.sidecar import Allowed, body, hidden, sidecar_name
from microglia.policy.digest import policy_digest
from microglia.policy.schema import PruningPolicy
from microglia.protect import protect
from microglia.score import score
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.topology.nodes import Workload
from tests import factories
from tests.autoscaling import lowering

NOW = factories.NOW
SHOP = "shop"
Tell = Mapping[str, Any]

ROOMY: dict[str, Any] = {"allocatable": {"cpu": "64", "memory": "64Gi", "pods": "110"}}
WORLD: dict[str, Any] = {
    # cart: 100 rps per replica, peak 150 rps, so 3 of its 6 are needed to outlive a zone; web calls cart, not search.
    "workloads": {
        "cart": {"replicas": 6, "peak": 150, "capacity": "100rps"},
        "web": {"replicas": 3, "peak": 10, "capacity": "100rps", "sent": 1000},
        "search": {"replicas": 3, "peak": 10, "capacity": "100rps"},
        "batch": {"replicas": 3, "peak": 10, "capacity": "100rps", "sent": 1000},
    },
    "services": {"cart": {}, "web": {}, "search": {}},
    "calls": [["web", "cart", 100000], ["batch", "search", 100000], ["unknown", "web", 100000]],
    "nodes": {f"node-{zone}": {"zone": zone, "status": ROOMY} for zone in "abc"},
    "objects": [],
    "blind": [],
    "istiod": ["1.31.0"],
    "cluster": "cluster-uid",
    "deaf_hours": [],
    "partial_hours": [],
    "taken_ago": 0,
}
POLICY: dict[str, Any] = {"pace": {"perNamespace": {"share": "100%", "atLeast": 4}, "perLap": {"share": "100%"}}}
PLAN: dict[str, Any] = {"scale": {"cart": {}}, "lower": {}, "hide": {}, "remove": False, "made_ago": 0}
HISTORY: dict[str, Any] = {"phase": "Pruning", "exposed": {}, "records": [], "shields": []}
HIDE: dict[str, Any] = {"hide": {"web": ["search"]}}


@dataclass(frozen=True)
class Scene:
    """A plan, and everything it is verified against."""

    plan: Plan
    topology: Topology
    history: History
    policy: PruningPolicy
    now: datetime = NOW


def merged(base: Any, tweak: Any) -> Any:
    """``tweak`` laid over ``base``: mappings are merged, everything else (and an empty mapping) replaces what was
    there; None takes a key away."""
    if not isinstance(base, Mapping) or not isinstance(tweak, Mapping):
        return deepcopy(tweak)
    both = {key: merged(base[key], tweak[key]) if key in base and tweak[key] else tweak[key] for key in tweak}
    return {key: value for key, value in {**deepcopy(dict(base)), **both}.items() if value is not None}


def scene(case: Tell | None = None) -> Scene:
    """Tell a case: ``world`` (as the plan saw it), ``since`` (what changed since), ``policy``, ``policy_since``,
    ``plan``, ``history``, each laid over the quiet shop."""
    told = dict(case or {})
    world = merged(WORLD, told.get("world", {}))
    policy = _policy(merged(POLICY, told.get("policy", {})))
    drafted = topology(world)
    plan = _plan(merged(PLAN, told.get("plan", {})), drafted, policy)
    fresh = topology(merged(world, told["since"])) if "since" in told else drafted
    later = (
        _policy(merged(merged(POLICY, told.get("policy", {})), told["policy_since"]))
        if "policy_since" in told
        else policy
    )
    return Scene(plan, fresh, _history(merged(HISTORY, told.get("history", {})), drafted, policy), later)


def _policy(spec: Tell) -> PruningPolicy:
    spec = dict(spec)
    name = spec.pop("name", "default")
    return PruningPolicy.model_validate({"metadata": {"name": name}, "spec": spec})


def topology(world: Tell) -> Topology:
    """The shop as a topology."""
    raws: list[Any] = []
    nodes = sorted(world["nodes"])
    for name, told in sorted(world["workloads"].items()):
        raws += factories.running(_deployment(name, told), told.get("on", nodes), meshed=told.get("meshed", True))
    for name, told in sorted(world["services"].items()):
        raws.append(factories.service(name, told.get("namespace", SHOP), told.get("selector")))
    for name, told in world["nodes"].items():
        raw = factories.node(name, told["zone"])
        raw["spec"], raw["status"] = told.get("spec", {}), told.get("status", {})
        raws.append(raw)
    raws += [deepcopy(raw) for raw in world["objects"]]
    faults = [BlindSpot(kind, "forbidden") for kind in world["blind"]]
    source = Source(
        world["cluster"], "test", "v1.34.0", "prometheus", "3.14.0", 60.0, "15d", tuple(world["istiod"]), ("istio",)
    )
    snapshot = factories.snapshot(*raws, activity=_activity(world), source=source, faults=faults)
    return build(replace(snapshot, taken_at=NOW - timedelta(minutes=world["taken_ago"])))


def _deployment(name: str, told: Tell) -> dict[str, Any]:
    annotations = dict(told.get("annotations", {}))
    if "capacity" in told:
        annotations["microglia.dev/capacity"] = told["capacity"]
    raw = factories.deployment(
        name,
        told.get("namespace", SHOP),
        told["replicas"],
        annotations=annotations,
        labels=dict(told.get("labels", {})),
        metadata=dict(told.get("metadata", {})),
        status=dict(told.get("status", {})),
        spec=dict(told.get("spec", {})),
        **({"pod_labels": dict(told["pod_labels"])} if "pod_labels" in told else {}),
    )
    if "uid" in told:
        raw["metadata"]["uid"] = told["uid"]
    return raw


def _key(name: str, world: Tell) -> str:
    return f"{world['workloads'][name].get('namespace', SHOP)}/{name}" if name in world["workloads"] else name


def _activity(world: Tell) -> Any:
    names = {_key(name, world): told for name, told in world["workloads"].items() if not told.get("unnamed")}
    seen = factories.workload_activity(names)
    for row, key in enumerate(seen.keys):
        told = names[key]
        weeks = told.get("weeks", [told.get("peak", 0)] * 2)
        for week, peak in enumerate(weeks):
            hours = slice(168 * week, 168 * (week + 1))
            seen.peak[row, hours] = peak
            seen.requests[row, hours] = peak * 100
        for hour, peak in told.get("spikes", {}).items():
            seen.peak[row, hour] = peak
        seen.sent[row] = told.get("sent", 0)
        seen.ready[row] = told["replicas"]
        seen.placed[row] = told["replicas"]
        seen.fullest_zone[row] = -(-told["replicas"] // 3) + told.get("skew", 0)
        seen.fullest_node[row] = seen.fullest_zone[row]
        seen.old_peak[row] = told.get("old_peak", 0)
        seen.seen[row, : told.get("heard_from", 0)] = 0
        seen.seen[row, list(told.get("deaf_hours", ()))] = 0
        seen.seen[row, -1] *= told.get("last_heard", 1)
        seen.born[row] = told.get("born", 0)
    seen.seen[:, world["deaf_hours"]] = 0
    known = np.ones(factories.WINDOW.hours, dtype=bool)
    known[world["partial_hours"]] = False
    hosts = {service_host(told.get("namespace", SHOP), name): 0.0 for name, told in world["services"].items()}
    return factories.activity(seen, _calls(world), known=known, hosts=hosts)


def _calls(world: Tell) -> Any:
    called = [
        (_key(client, world), host if "." in host else service_host(SHOP, host), _key(host, world))
        for client, host, *_ in world["calls"]
    ]
    found = factories.edges(*called)
    counts = dict(zip(called, world["calls"], strict=True))
    for row, edge in enumerate(found.keys):
        _, _, count, *when = counts[edge.client, edge.host, edge.server]
        found.requests[row] = count
        found.last[row] = (NOW + timedelta(minutes=when[0])).timestamp() if when else NOW.timestamp()
    return found


def _plan(told: Tell, drafted: Topology, policy: PruningPolicy) -> Plan:
    changes: list[Change] = [
        _scale(drafted.workloads[WorkloadId(SHOP, name)], dict(wish)) for name, wish in told["scale"].items()
    ]
    changes += [
        _hide(drafted, drafted.workloads[WorkloadId(SHOP, name)], hosts) for name, hosts in told["hide"].items()
    ]
    lowered = {drafted.workloads[WorkloadId(SHOP, name)]: after for name, after in told["lower"].items()}
    changes += [_lower(drafted, workload, after) for workload, after in lowered.items()]
    if told["remove"]:
        scored = score(drafted, policy.spec)
        changes += rare(drafted, scored, protect(drafted, scored, policy.spec, (), NOW), policy).changes
    snapshot = drafted.snapshot
    plan = Plan(
        structure=policy.metadata.name, cluster=snapshot.source.cluster,
        made_at=NOW - timedelta(minutes=told["made_ago"]),
        window_start=snapshot.window.start, window_end=snapshot.window.end, rule="requests-at-risk",
        policy=policy.metadata.name, policy_digest=policy_digest(policy), snapshot_digest=snapshot.digest,
        phase="Pruning", round=1, rounds=5, changes=tuple(changes),
        targets={str(one): workload.replicas for one, workload in drafted.workloads.items()},
    )  # fmt: skip
    return plan.model_copy(update=dict(told.get("fields", {})))


def _scale(workload: Workload, wish: dict[str, Any]) -> ScaleChange:
    after = wish.pop("after", workload.replicas - 1)
    gone = tuple(wish.pop("victims", victims(workload.pods, max(0, workload.replicas - after))))
    left: dict[str, int] = {}
    for pod in workload.pods:
        if pod.name not in gone:
            left[pod.zone or ""] = left.get(pod.zone or "", 0) + 1
    change = ScaleChange(
        workload=str(workload.id), uid=workload.uid, before=workload.replicas, after=after,
        digest=decision_digest(workload.raw), victims=gone, expected=left, why=Why(sentence="", at_risk=0),
    )  # fmt: skip
    return change.model_copy(update=wish)


def _lower(drafted: Topology, workload: Workload, after: int) -> MinimumChange:
    kinds = ("ScaledObject", "HorizontalPodAutoscaler")
    found = [(kind, raw) for kind in kinds for raw in drafted.objects.of(kind)]
    kind, scaler = next((kind, raw) for kind, raw in found if raw["metadata"]["name"] == workload.id.name)
    return lowering(workload.raw, {**scaler, "kind": kind}, after)


def _hide(drafted: Topology, workload: Workload, wish: Any) -> SidecarChange:
    wish = dict(wish) if isinstance(wish, Mapping) else {"hosts": wish}
    name = sidecar_name(workload.id)
    present = next((raw for raw in drafted.objects.of("Sidecar") if raw["metadata"]["name"] == name), None)
    before = {key: present[key] for key in ("apiVersion", "kind", "metadata", "spec")} if present else None
    cut = tuple(host if "." in host else service_host(SHOP, host) for host in wish.pop("hosts"))
    selector = wish.pop("selector", workload.pod_labels)
    listed = wish.pop("listed", None)
    allow = Allowed(tuple(listed), release(workload)) if listed else None
    change = SidecarChange(
        workload=str(workload.id), uid=workload.uid, digest=decision_digest(workload.raw), namespace=SHOP, name=name,
        before=before, after=body(workload.id, selector, {*hidden(before), *cut}, allow), cut=cut,
        why=Why(sentence="", at_risk=0),
    )  # fmt: skip
    return change.model_copy(update=wish)


def own_sidecar(client: str, *hosts: str) -> dict[str, Any]:
    """A Sidecar that microglia made for ``client``."""
    found = body(WorkloadId(SHOP, client), {"app": client}, (service_host(SHOP, host) for host in hosts))
    assert found is not None
    return found


def _history(told: Tell, drafted: Topology, policy: PruningPolicy) -> History:
    shields = tuple(
        Shield(one["element"], NOW + timedelta(hours=one["hours"]), "errors rose") for one in told["shields"]
    )
    state = State("default", Phase(told["phase"]), NOW, 1, exposed=told["exposed"], shields=shields)
    records = tuple(_record(one, drafted, policy) for one in told["records"])
    return History(None if told.get("stateless") else state, records)


def _record(told: Tell, drafted: Topology, policy: PruningPolicy) -> Record:
    plan = _plan(merged(PLAN, {"made_ago": told["ago"], **told.get("plan", {})}), drafted, policy)
    at = NOW - timedelta(minutes=told["ago"])
    steps = tuple(Step(index=index, state=told.get("state", "done"), at=at) for index in range(len(plan.changes)))
    verdict = told.get("verdict")
    judgements = (Judgement(index=0, verdict=verdict, at=at, why="not enough load yet"),) if verdict else ()
    return Record(plan=plan, started=at, finished=at, steps=steps, judgements=judgements)
