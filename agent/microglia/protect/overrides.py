"""``protect.never``: the loud override. A person says that a rule is wrong about some objects, and why."""

from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from microglia.model.ids import WorkloadId, host_service
from microglia.policy.schema import Never
from microglia.protect.ledger import Guarded, Level, Protection
from microglia.protect.people import POLICY


def without(found: Iterable[Guarded], overrides: Sequence[Never]) -> tuple[list[Guarded], tuple[Protection, ...]]:
    """What is left when every override has struck out what it names, and a note for each that struck nothing."""
    if not overrides:
        return list(found), ()
    struck: set[int] = set()
    left = []
    for item in found:
        hits = [i for i, never in enumerate(overrides) if _names(never, item)]
        struck.update(hits)
        if not hits:
            left.append(item)
    return left, tuple(_idle(overrides, struck))


def _names(never: Never, item: Guarded) -> bool:
    if never.rule != item.protection.rule:
        return False
    if item.workload is not None:
        return _is(never, item.workload)
    return (item.client is not None and _is(never, item.client)) or _is_host(never, item.host)


def _is(never: Never, one: WorkloadId) -> bool:
    return never.kind == one.kind and _fits(never, one.namespace, one.name)


def _is_host(never: Never, host: str) -> bool:
    """A Service named in the override stands for the routes to it."""
    service = host_service(host)
    return never.kind == "Service" and service is not None and _fits(never, *service)


def _fits(never: Never, namespace: str, name: str) -> bool:
    return fnmatchcase(namespace, never.namespace) and fnmatchcase(name, never.name)


def _idle(overrides: Sequence[Never], struck: set[int]) -> Iterator[Protection]:
    for i, never in enumerate(overrides):
        if i not in struck:
            reason = f"{never.rule} holds nothing that this names"
            value = f"{never.kind} {never.namespace}/{never.name}"
            yield Protection("never", Level.FLOOR, 0, reason, POLICY, f"spec.protect.never[{i}]", value)
