"""Plans and changes over a filed cluster."""

from datetime import UTC, datetime, timedelta
from typing import Any

from microglia.act.patience import Patience
from microglia.model.ids import WorkloadId, service_host
from microglia.plan import sidecar
from microglia.plan.change import Change, ScaleChange, SidecarChange, Why, decision_digest
from microglia.plan.document import Plan
from tests.unit.act.filed_cluster import DEPLOYMENT, FiledCluster

NOW = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)
WHY = Why(sentence="4 of 5 replicas bear the peak", at_risk=0.9)


class Stopwatch:
    """A clock that sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.seconds += seconds

    def ticks(self) -> float:
        return self.seconds


def patience(watch: Stopwatch | None = None) -> Patience:
    watch = watch or Stopwatch()
    return Patience(sleep=watch.sleep, ticks=watch.ticks)


def scale(cluster: FiledCluster, name: str, after: int, **parts: Any) -> ScaleChange:
    """The change that a plan made of the Deployment as it is now."""
    raw = cluster.read(DEPLOYMENT, "shop", name)
    assert raw is not None
    given = {
        "workload": f"shop/{name}",
        "uid": raw["metadata"]["uid"],
        "before": raw["spec"]["replicas"],
        "after": after,
        "digest": decision_digest(raw),
        "why": WHY,
        **parts,
    }
    return ScaleChange(**given)


def body(name: str, *hosts: str, **metadata: Any) -> dict[str, Any]:
    """The Sidecar that hides these Services of namespace shop from ``shop/name``."""
    made = sidecar.body(WorkloadId("shop", name), {"app": name}, [service_host("shop", host) for host in hosts])
    assert made is not None
    made["metadata"].update(metadata)
    return made


def routes(cluster: FiledCluster, name: str, before: Any, after: Any, **parts: Any) -> SidecarChange:
    """The change of ``shop/name``'s Sidecar from one body to another."""
    raw = cluster.read(DEPLOYMENT, "shop", name)
    assert raw is not None
    given = {
        "workload": f"shop/{name}",
        "uid": raw["metadata"]["uid"],
        "digest": decision_digest(raw),
        "namespace": "shop",
        "name": f"microglia-{name}",
        "before": before,
        "after": after,
        "why": WHY,
        **parts,
    }
    return SidecarChange(**given)


def plan(*changes: Change, **parts: Any) -> Plan:
    """A pruning plan of structure ``default``."""
    given = {
        "structure": "default",
        "cluster": "uid-of-kube-system",
        "made_at": NOW,
        "window_start": NOW - timedelta(days=14),
        "window_end": NOW,
        "rule": "requests-at-risk",
        "policy": "default",
        "policy_digest": "p",
        "snapshot_digest": "s",
        "phase": "Pruning",
        "round": 1,
        "rounds": 4,
        "changes": changes,
        **parts,
    }
    return Plan(**given)


def scales(*names: str) -> tuple[ScaleChange, ...]:
    """Changes from 3 to 2 replicas of Deployments that need not exist."""
    return tuple(ScaleChange(workload=f"shop/{n}", uid=n, before=3, after=2, digest="d", why=WHY) for n in names)
