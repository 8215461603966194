"""The rights that microglia needs, as RBAC objects: to read for a rehearsal, and, apart from that, to act."""

from collections.abc import Iterable, Sequence
from typing import Any

from microglia.model.kinds import BY_NAME, KINDS
from microglia.plan.object import PLAN_KIND
from microglia.report.data import to_yaml
from microglia.report.rights import ACTS, LOCKS, RECORDS, Access

REHEARSAL, ACT = "microglia-rehearsal", "microglia-act"
_GROUP = "rbac.authorization.k8s.io"


CLIENTS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Rollout", "ReplicaSet", "Job", "Pod")
"""Workloads whose routes may be cut: each is read again before that."""


def _reading(kind: str, *verbs: str) -> Access:
    return Access(BY_NAME[kind].group, BY_NAME[kind].plural, verbs)


LOOKING_AGAIN: tuple[Access, ...] = (
    _reading("Sidecar", "get"),
    _reading("Pod", "list"),
    _reading("Node", "get"),
    _reading("HorizontalPodAutoscaler", "get"),
    _reading("ScaledObject", "get"),
    *(_reading(kind, "get") for kind in CLIENTS),
)
"""What is read around each write."""
ACTING: tuple[Access, ...] = (*ACTS, *LOOKING_AGAIN)
"""What ``apply`` and ``restore`` ask of the API server beside a rehearsal, but for the journal and the Lease. A test
compares it with the requests that are sent."""
KEEPING: tuple[Access, ...] = (*RECORDS, _reading("PruningPolicy", "get"))
"""What the journal asks for where the cluster keeps it, whoever writes there, likewise."""


def cluster_role() -> dict[str, Any]:
    """Read-only; no secrets; ``services/proxy`` only reaches a Prometheus that is given no URL."""
    groups: dict[str, set[str]] = {}
    for kind in (*KINDS, PLAN_KIND):
        for place in kind.places:
            groups.setdefault(place.group, set()).add(place.plural)
    rules = [
        {"apiGroups": [group], "resources": sorted(groups[group]), "verbs": ["get", "list"]} for group in sorted(groups)
    ]
    rules.append({"apiGroups": [""], "resources": ["services/proxy"], "verbs": ["get", "create"]})
    return _role("ClusterRole", {"name": REHEARSAL}, rules)


def acting_roles(lease_namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ClusterRole that acting needs beyond a rehearsal's, and the Role of its lock."""
    lock = {"name": f"{ACT}-lock", "namespace": lease_namespace}
    return _role("ClusterRole", {"name": ACT}, _rules((*ACTING, *KEEPING))), _role("Role", lock, _rules(LOCKS))


def rehearsal_text() -> str:
    """The reading ClusterRole, to be piped into ``kubectl apply -f -``."""
    return _text(
        ("Reads; writes nothing. Bind it:", f"kubectl create clusterrolebinding {REHEARSAL} --clusterrole {REHEARSAL}"),
        [cluster_role()],
    )


def acting_text(lease_namespace: str) -> str:
    """The acting roles, likewise."""
    cluster, lock = acting_roles(lease_namespace)
    binding = f"kubectl create rolebinding {ACT}-lock --role {ACT}-lock --namespace {lease_namespace}"
    return _text(
        (
            f"Writes: what apply and restore need beside {REHEARSAL}. Bind both:",
            f"kubectl create clusterrolebinding {ACT} --clusterrole {ACT}",
            binding,
        ),
        [cluster, lock],
    )


def _text(words: Sequence[str], roles: Iterable[dict[str, Any]]) -> str:
    """``words`` are a heading and the commands that bind to somebody."""
    heading, *commands = words
    lines = [f"# {heading}", *(f"#   {command} --user NAME" for command in commands)]
    return "\n".join(lines) + "\n" + "\n---\n".join(map(to_yaml, roles))


def _role(kind: str, metadata: dict[str, str], rules: list[dict[str, list[str]]]) -> dict[str, Any]:
    return {"apiVersion": f"{_GROUP}/v1", "kind": kind, "metadata": metadata, "rules": rules}


def _rules(rights: Iterable[Access]) -> list[dict[str, list[str]]]:
    """One rule per group and set of verbs, sorted."""
    verbs: dict[tuple[str, str], set[str]] = {}
    for right in rights:
        verbs.setdefault((right.group, right.resource), set()).update(right.verbs)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), allowed in sorted(verbs.items()):
        alike.setdefault((group, tuple(sorted(allowed))), []).append(resource)
    return [
        {"apiGroups": [group], "resources": resources, "verbs": list(allowed)}
        for (group, allowed), resources in sorted(alike.items())
    ]
