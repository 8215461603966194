"""Workloads that stand for one another: behind one name, or twins of which a selector picks one."""

import re
from collections.abc import Iterator, Mapping

from microglia.model.ids import WorkloadId
from microglia.model.objects import at
from microglia.topology.nodes import Service
from microglia.topology.selectors import LabelIndex

_IDENTITY = frozenset(
    {
        "app", "name", "run", "k8s-app", "component", "service", "microservice", "workload", "role", "tier",
        "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component",
        "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by", "service.istio.io/canonical-name",
    }
)  # fmt: skip
"""Labels that say what a workload is: another value is another thing, unless only the ending of the word differs."""
_ENDING = re.compile(
    r"[-_.]?(blue|green|canary|stable|primary|secondary|preview|active|standby|backup|current|previous|next|old|new"
    r"|baseline|candidate|shadow|v\d+([.-]\d+)*)$"
)


Stems = Mapping[tuple[str, str, str], frozenset[WorkloadId]]
"""(namespace, label that says what it is, value without its ending) -> workloads."""


def read_groups(services: Mapping[str, Service], index: LabelIndex) -> dict[WorkloadId, tuple[WorkloadId, ...]]:
    """Workload -> the others of its group, sorted. Workloads that stand alone are left out.

    Two stand for one another when a Service leads to both, or when a Service selects one and misses the other by a
    single label that does not say what it is (``version``, ``color``), or says it with another ending (``cart-blue``).
    """
    stems = _stems(index)
    found: dict[WorkloadId, set[WorkloadId]] = {}
    for service in services.values():
        selector = at(service.raw, "spec", "selector", default={})
        twins = set(_twins(service, selector, index)) | set(_namesakes(service, selector, index, stems))
        missed = twins.difference(service.workloads) if service.workloads else set()
        if len(service.workloads) + len(missed) > 1:
            for one in service.workloads:
                found.setdefault(one, set()).update(service.workloads, missed)
            for one in missed:
                found.setdefault(one, set()).update(service.workloads)
    return {one: tuple(sorted(found[one] - {one})) for one in sorted(found)}


def _twins(service: Service, selector: Mapping[str, str], index: LabelIndex) -> Iterator[WorkloadId]:
    """Workloads of the namespace that the selector misses at most by one label which does not say what they are."""
    for key in selector:
        rest = {other: wanted for other, wanted in selector.items() if other != key}
        if rest and key not in _IDENTITY:
            yield from index.matching(service.namespace, rest)


def _namesakes(service: Service, selector: Mapping[str, str], index: LabelIndex, stems: Stems) -> Iterator[WorkloadId]:
    """Workloads that carry the same words with another ending: ``cart-blue`` and ``cart-green``."""
    candidates = [
        stems.get((service.namespace, key, _stem(value)), frozenset())
        for key, value in selector.items()
        if key in _IDENTITY
    ]
    for one in min(candidates, key=len, default=()):
        labels = index.labels[one]
        if all(_alike(key, labels.get(key, ""), value) for key, value in selector.items()):
            yield one


def _alike(key: str, one: str, other: str) -> bool:
    return one == other or (key in _IDENTITY and _stem(one) == _stem(other))


def _stems(index: LabelIndex) -> Stems:
    found: dict[tuple[str, str, str], set[WorkloadId]] = {}
    for (namespace, key, value), workloads in index.values.items():
        if key in _IDENTITY:
            found.setdefault((namespace, key, _stem(value)), set()).update(workloads)
    return {key: frozenset(workloads) for key, workloads in found.items()}


def _stem(value: str) -> str:
    return _ENDING.sub("", value)
