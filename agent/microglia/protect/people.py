"""What people said: by policy, by Protection, by annotation."""

from collections.abc import Iterable, Iterator
from datetime import date
from fnmatch import fnmatchcase

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Raw, at, name_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, floor, of_client, pin, to_hosts
from microglia.protect.look import OWN, Look, Marked

POLICY = ObjectRef("PruningPolicy", "", "in force")
PROTECT, MINIMUM, IGNORE = f"{OWN}protect", f"{OWN}min-replicas", f"{OWN}ignore"


def policy_always(look: Look) -> Iterator[Keep]:
    """The policy names it under protect.always."""
    for i, always in enumerate(look.policy.protect.always):
        said = f"{always.kind} {always.namespace}/{always.name}"
        where = Where(POLICY, f"spec.protect.always[{i}]", said)
        for kind, raw, targets in look.markable():
            named = kind == always.kind and fnmatchcase(name_of(raw), always.name)
            if named and fnmatchcase(namespace_of(raw) or name_of(raw), always.namespace):
                yield from whole(look, targets, always.reason, where)


def protection(look: Look) -> Iterator[Keep]:
    """A Protection object names it."""
    for _, raw in look.of("Protection"):
        if expired(raw, look.now.date()):
            continue
        reason = str(at(raw, "spec", "reason", default="a Protection names it"))
        minimum = at(raw, "spec", "minReplicas")
        for i, target in enumerate(at(raw, "spec", "targets", default=())):
            kind, name = str(target.get("kind", "")), str(target.get("name", ""))
            where = Where(ref_of("Protection", raw), f"spec.targets[{i}]", f"{kind} {name}")
            targets = look.target(namespace_of(raw), kind, name)
            if at(raw, "spec", "level") != "floor":
                yield from whole(look, targets, reason, where)
            elif isinstance(minimum, int):
                yield from floor(targets, minimum, reason, where)


def annotated(look: Look) -> Iterator[Keep]:
    """It, its Service or its namespace carries microglia.dev/protect."""
    for one, value, where in _marked(look, PROTECT):
        yield from whole(look, one.targets, value or "marked as protected", where)


def ignored(look: Look) -> Iterator[Keep]:
    """It, its Service or its namespace carries microglia.dev/ignore: left alone altogether."""
    for one, value, where in _marked(look, IGNORE):
        if value.lower() != "false":
            yield from whole(look, one.targets, "people asked to leave it alone", where)


def minimum_annotated(look: Look) -> Iterator[Keep]:
    """It, its Service or its namespace carries microglia.dev/min-replicas."""
    for one, value, where in _marked(look, MINIMUM):
        if value.strip().isdecimal():
            yield from floor(one.targets, int(value), f"people asked for at least {value.strip()} replicas", where)
        else:
            yield from pin(one.targets, f'"{value}" is no count, so all are kept; write "2"', where)


def _marked(look: Look, key: str) -> Iterator[tuple[Marked, str, Where]]:
    for one in look.marks:
        value = one.marks.get(key)
        if value is not None:
            yield one, value, Where(ref_of(one.kind, one.raw), f"metadata.annotations[{key}]", value)


def minimum_policy(look: Look) -> Iterator[Keep]:
    """The policy's protect.minReplicas, as far as it has so many now; never the last one."""
    least = look.policy.protect.min_replicas
    where = Where(POLICY, "spec.protect.minReplicas", str(least))
    for one in look.workloads.values():
        count = max(1, min(one.replicas, least))
        yield from floor([one.id], count, f"nothing that has as many goes below {least}, nothing below 1", where)


def expired(raw: Raw, today: date) -> bool:
    """Whether a Protection's last day is over; a date that cannot be read is never over."""
    until = at(raw, "spec", "until")
    try:
        return until is not None and date.fromisoformat(str(until)[:10]) < today
    except ValueError:
        return False


def whole(look: Look, targets: Iterable[WorkloadId], reason: str, where: Where) -> Iterator[Keep]:
    """Keep the copies of each target, its routes and everybody's routes to it."""
    for target in targets:
        yield from pin([target], reason, where)
        yield of_client(target, reason, where)
        yield from to_hosts(look.names.get(target, ()), reason, where)
