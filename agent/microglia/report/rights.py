"""What is asked of an API server, and what the agent's two identities may: one table, from which the chart's Roles are
rendered. What people need (``report.rbac``) is made of the same parts.

The reader looks, plans and publishes; the writer looks again and acts. Neither reads Secrets.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from microglia.model.kinds import KINDS

Bound = Literal["cluster", "discovery", "leases", "events", "acting"]
"""Where rights hold: everywhere; everywhere, but only while no Prometheus is named; in the namespace of the Leases; in
that of the events; in the namespaces that opted in."""
Role = Literal["reader", "writer"]

OWN = "microglia.dev"
_LOOK = ("get", "list")
_SCHEMES = ("http", "https")
_PROMETHEUS = (
    "prometheus-operated", "prometheus", "prometheus-k8s", "prometheus-server", "kube-prometheus-stack-prometheus",
    "thanos-querier", "thanos-query", "vmsingle", "vmselect", "mimir-query-frontend",
)  # fmt: skip
_PORTS = (80, 8080, 8428, 8481, 9090, 10902)


@dataclass(frozen=True, slots=True)
class Access:
    """``verbs`` on one resource, or on a part of it such as ``deployments/scale``."""

    group: str
    resource: str
    verbs: tuple[str, ...]


ACTS = (
    Access("apps", "deployments/scale", ("update",)),
    Access("argoproj.io", "rollouts/scale", ("update",)),
    # Of an autoscaler only the minimum: the wall keeps the agent to that field.
    Access("autoscaling", "horizontalpodautoscalers", ("update",)),
    Access("keda.sh", "scaledobjects", ("update",)),
    Access("networking.istio.io", "sidecars", ("create", "update", "delete")),
    Access("", "pods", ("patch",)),
)
"""What acting writes, whoever acts."""
LOCKS = (Access("coordination.k8s.io", "leases", ("get", "create", "update")),)
"""What the lock asks for, and the election of a leader."""
RECORDS = (
    # Offered and withdrawn, begun and forgotten. Nobody rewrites a plan.
    Access(OWN, "pruningplans", ("get", "list", "create", "delete")),
    Access(OWN, "pruningplans/status", ("update",)),
    # The status of a policy is the memory of its structure; a policy that only files know is mirrored for it.
    Access(OWN, "pruningpolicies", ("create", "update")),
    Access(OWN, "pruningpolicies/status", ("update",)),
)
"""What the journal asks for beside reading policies, where the cluster keeps it."""


@dataclass(frozen=True, slots=True)
class Right:
    """``verbs`` on ``resources`` of one API group for ``role``; ``names`` narrows it to objects of these names."""

    role: Role
    bound: Bound
    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


def _reading(role: Role) -> tuple[Right, ...]:
    groups: dict[str, set[str]] = {}
    for kind in KINDS:
        for place in kind.places:
            groups.setdefault(place.group, set()).add(place.plural)
    return tuple(Right(role, "cluster", group, tuple(sorted(groups[group])), _LOOK) for group in sorted(groups))


def _to(role: Role, bound: Bound, parts: Iterable[Access]) -> tuple[Right, ...]:
    return tuple(Right(role, bound, one.group, (one.resource,), one.verbs) for one in parts)


def _running(role: Role) -> tuple[Right, ...]:
    """What both do besides looking: find Prometheus, elect a leader, tell events, watch policies and keep records."""
    proxied = tuple(f"{scheme}:{name}:{port}" for name in _PROMETHEUS for scheme in _SCHEMES for port in _PORTS)
    return (
        Right(role, "discovery", "", ("services/proxy",), ("get", "create"), proxied),
        *_to(role, "leases", LOCKS),
        Right(role, "events", "events.k8s.io", ("events",), ("create", "update")),
        # What people change is looked at now. The wall keeps the agent to policies with its own label.
        Right(role, "cluster", OWN, ("pruningpolicies",), ("watch",)),
        *_to(role, "cluster", RECORDS),
    )


RIGHTS: tuple[Right, ...] = (
    *_reading("reader"),
    *_running("reader"),
    # Floors and pins, mirrored for the wall.
    Right("reader", "cluster", OWN, ("protections",), ("create", "update", "delete")),
    *_reading("writer"),
    *_running("writer"),
    Right("writer", "cluster", OWN, ("pruningplans",), ("watch",)),
    *_to("writer", "acting", ACTS),
)


def rules(role: Role, bound: Bound) -> list[dict[str, Any]]:
    """The ``rules`` of the Role that holds these rights, as RBAC writes them."""
    return [_rule(right) for right in RIGHTS if (right.role, right.bound) == (role, bound)]


def granted(rights: Iterable[Right]) -> frozenset[tuple[str, str, str]]:
    """Every single (group, resource, verb) of ``rights``."""
    return frozenset(
        (right.group, resource, verb) for right in rights for resource in right.resources for verb in right.verbs
    )


def _rule(right: Right) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "apiGroups": [right.group],
        "resources": list(right.resources),
        "verbs": list(right.verbs),
    }
    return {**rule, "resourceNames": list(right.names)} if right.names else rule
