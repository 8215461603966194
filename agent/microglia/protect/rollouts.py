"""Copies that are idle because a change is under way, or was and may have to be taken back."""

from collections.abc import Iterator

from microglia.model.objects import Raw, annotations_of, at, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin, to_hosts
from microglia.protect.look import Look
from microglia.protect.moments import over
from microglia.topology.pods import controller

_MANAGED = "argo-rollouts.argoproj.io/managed-by-rollouts"
_DEADLINE = "scale-down-deadline"
_SERVICES = (
    (("blueGreen", "activeService"), "it serves the version in force"),
    (("blueGreen", "previewService"), "it serves the next version to those who try it"),
    (("canary", "stableService"), "it serves the version in force"),
    (("canary", "canaryService"), "it serves the next version to a few"),
    (("canary", "pingPong", "pingService"), "it is stable and canary in turn"),
    (("canary", "pingPong", "pongService"), "it is stable and canary in turn"),
)


def in_flight(look: Look) -> Iterator[Keep]:
    """It is in the middle of a change: nothing is decided about it until that has ended."""
    for one in look.workloads.values():
        if one.in_flight is not None:
            yield from pin([one.id], one.in_flight, Where(one.ref, "status", one.in_flight))


def argo_rollout(look: Look) -> Iterator[Keep]:
    """An Argo Rollout took its pods over, and scales it on purpose."""
    for kind, raw in look.of("Rollout"):
        name = str(at(raw, "spec", "workloadRef", "name", default=""))
        target = str(at(raw, "spec", "workloadRef", "kind", default="Deployment"))
        way = str(at(raw, "spec", "workloadRef", "scaleDown", default="never"))
        if name:
            where = Where(ref_of(kind, raw), "spec.workloadRef", f"{target} {name}, scaleDown {way}")
            reason = "a Rollout runs its pods and scales it itself, down to none where it was told to"
            yield from pin(look.target(namespace_of(raw), target, name), reason, where)


def rollout_services(look: Look) -> Iterator[Keep]:
    """An Argo Rollout switches its Service between versions: it may have no calls until the next release."""
    for source, where, reason in rollout_references(look):
        yield from pin(look.behind(namespace_of(source), where.value), reason, where)
        service = look.service(namespace_of(source), where.value)
        yield from to_hosts([service.host] if service else [], reason, where)
    for service in look.services.values():
        rollout = annotations_of(service.raw).get(_MANAGED)
        if rollout is not None:
            where = Where(ref_of("Service", service.raw), f"metadata.annotations[{_MANAGED}]", rollout)
            yield from pin(service.workloads, "a Rollout switches its Service between versions", where)
            yield from to_hosts([service.host], "a Rollout switches it between versions", where)


def rollout_references(look: Look) -> Iterator[tuple[Raw, Where, str]]:
    """(Rollout, where, reason) of every Service that a Rollout names; the value of ``where`` is its name."""
    for kind, raw in look.of("Rollout"):
        for path, reason in _SERVICES:
            name = str(at(raw, "spec", "strategy", *path, default=""))
            if name:
                yield raw, Where(ref_of(kind, raw), f"spec.strategy.{'.'.join(path)}", name), reason


def rollout_rollback(look: Look) -> Iterator[Keep]:
    """An Argo Rollout keeps its last version up for a while, to go back to it at once."""
    for kind, raw in look.of("ReplicaSet"):
        deadline, owner = annotations_of(raw).get(_DEADLINE), controller(raw)
        if deadline is not None and owner is not None and not over(deadline, look.now):
            where = Where(ref_of(kind, raw), f"metadata.annotations[{_DEADLINE}]", deadline)
            targets = look.target(namespace_of(raw), str(owner.get("kind", "")), str(owner.get("name", "")))
            yield from pin(targets, f"an older version of it waits until {deadline} to be gone back to", where)
