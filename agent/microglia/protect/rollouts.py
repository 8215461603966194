"""Copies that are idle because a change is under way, or was and may have to be taken back."""

from collections.abc import Iterator

from microglia.model.ids import WorkloadId
from microglia.model.objects import annotations_of, at, name_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin, to_hosts
from microglia.protect.look import Look

_MANAGED = "argo-rollouts.argoproj.io/managed-by-rollouts"


def in_flight(look: Look) -> Iterator[Keep]:
    """It is in the middle of a change: nothing is decided about it until that has ended."""
    for one in look.workloads.values():
        if one.in_flight is not None:
            yield from pin([one.id], one.in_flight, Where(one.ref, "status", one.in_flight))


def argo_rollout(look: Look) -> Iterator[Keep]:
    """An Argo Rollout refers to it, or keeps a preview or canary Service in front of it."""
    for kind, raw in look.of("Rollout"):
        name = at(raw, "spec", "workloadRef", "name")
        if name:
            where = Where(ref_of(kind, raw), "spec.workloadRef", str(name))
            target = str(at(raw, "spec", "workloadRef", "kind", default="Deployment"))
            yield from pin(look.target(namespace_of(raw), target, str(name)), "a Rollout scales it on purpose", where)
    for service in look.services.values():
        rollout = annotations_of(service.raw).get(_MANAGED)
        if rollout is not None:
            where = Where(ref_of("Service", service.raw), f"metadata.annotations[{_MANAGED}]", rollout)
            yield from pin(service.workloads, "a Rollout switches its Service between versions", where)
            yield from to_hosts([service.host], "a Rollout switches it between versions", where)


def flagger(look: Look) -> Iterator[Keep]:
    """Flagger keeps it as the target or the primary of a canary release."""
    pairs = {}
    for kind, raw in look.of("Canary"):
        name = str(at(raw, "spec", "targetRef", "name", default=""))
        pairs[namespace_of(raw), name] = Where(ref_of(kind, raw), "spec.targetRef", name)
    # Where Canaries are not seen, the Service and the copy that Flagger makes still have their names.
    for service in look.services.values():
        name = service.name.removesuffix("-canary")
        made = [WorkloadId(service.namespace, one) in look.workloads for one in (name, f"{name}-primary")]
        if name != service.name and all(made):
            where = Where(ref_of("Service", service.raw), "metadata.name", name_of(service.raw))
            pairs.setdefault((service.namespace, name), where)
    for (namespace, name), where in sorted(pairs.items()):
        found = [WorkloadId(namespace, one) for one in (name, f"{name}-primary")]
        reason = "Flagger moves traffic between it and its twin, and scales both"
        yield from pin((one for one in found if one in look.workloads), reason, where)
