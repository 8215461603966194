"""Grounds, plans and records for tests of what is drafted, watched and given back."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from microglia.compete.selection import Account, Element, Selection, Spared, Undecided, Yielded
from microglia.lifecycle.states import Phase, State
from microglia.model.ids import WorkloadId
from microglia.model.objects import Raw, name_of
from microglia.model.snapshot import Snapshot
from microglia.plan.change import Change, Saving, ScaleChange, SidecarChange, Why, decision_digest
from microglia.plan.document import Plan
from microglia.plan.grounds import Grounds
from microglia.plan.history import History, Judgement, Record, Step
from microglia.plan.sidecar import body, sidecar_name
from microglia.protect.ledger import Guarded, ledger
from microglia.score.scores import Evidence, Judged, ReplicaScore, RouteScore, Scores
from microglia.topology.build import build
from tests.factories import NOW, WINDOW, deployment

WHY = Why(sentence="why", at_risk=0.0)


def wid(name: str, namespace: str = "shop") -> WorkloadId:
    """A Deployment of the shop."""
    return WorkloadId(namespace, name)


def host(name: str, namespace: str = "shop") -> str:
    """The FQDN of a Service of the shop."""
    return f"{name}.{namespace}.svc.cluster.local"


def step_lost(name: str, low: int, high: int, density: float = 0.0, lost_to: str | None = None) -> Yielded:
    """A replica step of ``shop/name`` that yielded."""
    one = wid(name)
    element = Element(f"replica:{one}:{low}-{high}", "replica", one, low, high, (), 0.1, (1.0, 1.0, 0.0, 1.0, 1.0))
    return Yielded(element, density, lost_to)


def route(name: str, *hosts: str, value: float = 0.009, cost: float = 10.0, **parts: Any) -> RouteScore:
    """Hosts that ``shop/name`` never called, unless told otherwise."""
    evidence = Evidence(parts.get("evidence", "IDLE"))
    judged = Judged(evidence, 1.0, "seen all along")
    return RouteScore(wid(name), "shop", tuple(sorted(hosts)), judged, parts.get("requests", 0.0), 336.0, value, cost)


def route_lost(score: RouteScore, density: float = 0.0, lost_to: str | None = None) -> Yielded:
    """A class of routes that yielded."""
    one = f"route:{score.client}:{score.namespace}:{score.hosts[0]}"
    element = Element(one, "route", score.client, 0, 0, score.hosts, score.value, (0.0, 0.0, score.cost, 0.0, 0.0))
    return Yielded(element, density, lost_to)


def selection(targets: Mapping[str, int] | None = None, cut: Iterable[RouteScore] = (), **parts: Any) -> Selection:
    """What the competition decided; ``excess`` is per resource."""
    accounts = tuple(
        Account(resource, 10.0, 0.0, 12.0, 11.0, 11.0 + amount, amount, 0.4)
        for resource, amount in parts.get("excess", {"cpu": 100.0}).items()
    )
    spared: tuple[Spared, ...] = parts.get("spared", ())
    undecided: tuple[Undecided, ...] = parts.get("undecided", ())
    return Selection(
        targets={wid(name): count for name, count in sorted((targets or {}).items())},
        cut=tuple(cut),
        yielded=tuple(parts.get("yielded", ())),
        spared=spared,
        undecided=undecided,
        accounts=accounts,
        value=90.0,
        bound=100.0,
        gap=0.1,
        lean=parts.get("lean", False),
        entered=parts.get("entered", 0),
        largest=parts.get("largest", 0.0),
    )


def grounds(seen: Snapshot, chosen: Selection, *replicas: ReplicaScore, **parts: Any) -> Grounds:
    """Everything one lap found out: ``protections`` as the rules found them, ``routes`` scored, ``history``."""
    protections: Iterable[Guarded] = parts.get("protections", ())
    scored = Scores({one.workload: one for one in replicas}, tuple(parts.get("routes", chosen.cut)))
    history: History = parts.get("history", History(None, ()))
    return Grounds(build(seen), scored, ledger(protections, parts.get("dangling", ())), chosen, history)


def pruning(number: int = 5, **parts: Any) -> State:
    """A structure in a round: the last one unless told, so that shares do not bind."""
    begun: datetime = parts.pop("begun", NOW)
    return State("default", Phase.PRUNING, begun, round=number, begun=begun, **parts)


def scaled(raw: Raw, before: int, after: int, **parts: Any) -> ScaleChange:
    """A change of a Deployment's count as it was drafted."""
    return ScaleChange(
        workload=f"shop/{name_of(raw)}",
        uid=parts.pop("uid", raw["metadata"]["uid"]),
        before=before,
        after=after,
        digest=decision_digest(raw),
        why=WHY,
        **parts,
    )


def own(name: str, *hosts: str) -> dict[str, Any]:
    """The Sidecar of ours that hides ``hosts`` from ``shop/name``, as the server keeps it."""
    found = body(wid(name), {"app": name}, hosts)
    assert found is not None
    found["metadata"] |= {"uid": "sidecar-uid", "resourceVersion": "7"}
    return found


def cut(name: str, *hosts: str, shown: tuple[str, ...] = (), **parts: Any) -> SidecarChange:
    """Hosts hidden from (or shown to) ``shop/name``."""
    raw = deployment(name)
    return SidecarChange(
        workload=f"shop/{name}",
        uid=raw["metadata"]["uid"],
        digest=decision_digest(raw),
        namespace="shop",
        name=sidecar_name(wid(name)),
        before=None,
        after=body(wid(name), {"app": name}, hosts),
        cut=hosts,
        shown=shown,
        why=WHY,
        **parts,
    )


def plan(*changes: Change, **parts: Any) -> Plan:
    """A plan of the default structure."""
    defaults: dict[str, Any] = {
        "structure": "default", "cluster": "cluster-uid", "made_at": NOW, "window_start": WINDOW.start,
        "window_end": WINDOW.end, "rule": "requests-at-risk", "policy": "default", "policy_digest": "p",
        "snapshot_digest": "s", "phase": "Pruning", "round": 1, "rounds": 5,
    }  # fmt: skip
    return Plan(changes=changes, **{**defaults, **parts})


def record(*changes: Change, at: datetime = NOW, verdicts: Iterable[str] = (), **parts: Any) -> Record:
    """A plan that was carried out at ``at``, with one judgement per change where ``verdicts`` are given."""
    state = parts.pop("state", "done")
    return Record(
        plan=plan(*changes, made_at=at, **parts),
        started=at,
        finished=at,
        steps=tuple(Step(index=index, state=state, at=at) for index in range(len(changes))),
        judgements=tuple(
            Judgement(index=index, verdict=word, at=at, why="because") for index, word in enumerate(verdicts)
        ),
    )


def saving(**parts: float) -> Saving:
    """What a change gives back."""
    return Saving.model_validate(parts)
