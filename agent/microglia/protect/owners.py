"""Replicas whose number is somebody else's business: other kinds, operators."""

from collections.abc import Iterator

from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look

_OPERATORS = frozenset({"operator", "knative", "kruise"})


def not_a_deployment(look: Look) -> Iterator[Keep]:
    """It is no plain Deployment: a StatefulSet, DaemonSet, Job, bare pod, an operator's own kind, or a Rollout that the
    policy does not name."""
    named = {"Deployment", "Rollout"} & set(look.policy.actuation.replicas)
    for one in look.workloads.values():
        if one.id.kind not in named | {"Deployment"}:
            reason = f"copies of a {one.id.kind} are not interchangeable, or not for us to count"
            yield from pin([one.id], reason, Where(one.ref, "kind", one.id.kind))


def operator_owned(look: Look) -> Iterator[Keep]:
    """An operator's custom resource owns it: the count is written there."""
    for one in look.workloads.values():
        if one.owner.code in _OPERATORS:
            reason = f"{one.owner.name} owns it and would set the count back; change it there"
            yield from pin([one.id], reason, Where(one.ref, one.owner.evidence, one.owner.name))
