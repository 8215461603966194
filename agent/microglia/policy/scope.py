"""Which policy speaks for which workload: the most specific scope wins, a tie is an error that names both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Protocol

from microglia.model.ids import WorkloadId
from microglia.model.objects import selects
from microglia.policy.observing import LabelSelector
from microglia.policy.schema import PruningPolicy

_WILD = "*?["


@dataclass(frozen=True, slots=True)
class Assignment:
    """``policies`` says who speaks for each workload (sorted; unclaimed ones are absent), ``errors`` are sentences."""

    policies: Mapping[WorkloadId, PruningPolicy]
    errors: tuple[str, ...]


class Labelled(Protocol):
    """Anything with labels of its own."""

    @property
    def labels(self) -> Mapping[str, str]:
        """``metadata.labels``."""
        ...


class Populated(Protocol):
    """Anything that knows its workloads."""

    @property
    def workloads(self) -> Mapping[WorkloadId, Labelled]:
        """By id."""
        ...


def in_scope(policy: PruningPolicy, workload: WorkloadId, labels: Mapping[str, str]) -> bool:
    """Whether ``policy`` speaks for ``workload`` with these labels."""
    scope = policy.spec.scope
    named = _named(workload.namespace, tuple(scope.namespaces.include), tuple(scope.namespaces.exclude))
    return named and matches(scope.selector, labels)


@lru_cache(maxsize=4096)
def _named(namespace: str, include: tuple[str, ...], exclude: tuple[str, ...]) -> bool:
    """Whether a namespace is included and not excluded; workloads are many, their namespaces few."""
    if any(fnmatchcase(namespace, pattern) for pattern in exclude):
        return False
    return any(fnmatchcase(namespace, pattern) for pattern in include)


def matches(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether a selector of a policy matches; an empty one matches everything."""
    if not selector.match_labels and not selector.match_expressions:
        return True
    return selects(selector.model_dump(by_alias=True), labels)


def specificity(policy: PruningPolicy, workload: WorkloadId) -> tuple[int, int, int]:
    """How closely ``policy`` names ``workload``, to be compared: a namespace in full before any pattern, a pattern with
    more literal characters before one with fewer, then the number of label conditions."""
    scope = policy.spec.scope
    fits = [pattern for pattern in scope.namespaces.include if fnmatchcase(workload.namespace, pattern)]
    exact = any(not set(pattern) & set(_WILD) for pattern in fits)
    literal = max((sum(letter not in _WILD for letter in pattern) for pattern in fits), default=0)
    return int(exact), literal, len(scope.selector.match_labels) + len(scope.selector.match_expressions)


def assign(policies: Iterable[PruningPolicy], workloads: Mapping[WorkloadId, Mapping[str, str]]) -> Assignment:
    """Who speaks for each of ``workloads`` (by id, with its labels). A tie gives the workload to nobody: one error per
    pair of policies names both, the first workload they claim and how many more."""
    ranked = sorted(policies, key=lambda policy: policy.metadata.name)
    found: dict[WorkloadId, PruningPolicy] = {}
    ties: dict[tuple[str, ...], list[WorkloadId]] = {}
    for workload in sorted(workloads):
        claims = [policy for policy in ranked if in_scope(policy, workload, workloads[workload])]
        winners = claims
        if len(claims) > 1:
            best = max(specificity(policy, workload) for policy in claims)
            winners = [policy for policy in claims if specificity(policy, workload) == best]
        if len(winners) == 1:
            found[workload] = winners[0]
        elif winners:
            ties.setdefault(tuple(policy.metadata.name for policy in winners), []).append(workload)
    return Assignment(found, tuple(_tie(names, ties[names]) for names in sorted(ties)))


def members(policies: Iterable[PruningPolicy], policy: PruningPolicy, world: Populated) -> frozenset[WorkloadId]:
    """The workloads that ``policy`` speaks for where all of ``policies`` are in force; those of a tie are nobody's."""
    labels = {workload: found.labels for workload, found in world.workloads.items()}
    assigned = assign(policies, labels).policies
    return frozenset(key for key, winner in assigned.items() if winner.metadata.name == policy.metadata.name)


def ties(policies: Sequence[PruningPolicy], world: Populated) -> tuple[str, ...]:
    """A sentence for each set of ``policies`` that claim a workload of ``world`` with equal specificity."""
    return assign(policies, {key: found.labels for key, found in world.workloads.items()}).errors


def _tie(names: tuple[str, ...], workloads: list[WorkloadId]) -> str:
    more = f" and {len(workloads) - 1} more" if len(workloads) > 1 else ""
    listed = " and ".join(names)
    return (
        f"policies {listed} claim {workloads[0]}{more} with equal specificity; give one of them a narrower"
        " spec.scope.namespaces.include or spec.scope.selector, or exclude the namespace from the other"
    )
