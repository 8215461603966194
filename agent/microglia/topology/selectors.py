"""Label selectors, and an index that answers them without looking at every workload."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from microglia.model.ids import WorkloadId
from microglia.model.objects import at, selects

Labelled = tuple[WorkloadId, Mapping[str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class LabelIndex:
    """Workloads by namespace, and by namespace, label and value of their pods."""

    labels: Mapping[WorkloadId, Mapping[str, str]]
    namespaces: Mapping[str, frozenset[WorkloadId]]
    values: Mapping[tuple[str, str, str], frozenset[WorkloadId]]

    def matching(self, namespace: str, wanted: Mapping[str, str]) -> frozenset[WorkloadId]:
        """Those in ``namespace`` whose pods carry every label of ``wanted``; nothing wanted, all of them."""
        if not wanted:
            return self.namespaces.get(namespace, frozenset())
        found = sorted((self.values.get((namespace, *pair), frozenset()) for pair in wanted.items()), key=len)
        return found[0].intersection(*found[1:])

    def selected(self, namespace: str, selector: Mapping[str, Any] | None) -> tuple[WorkloadId, ...]:
        """Those in ``namespace`` that a label selector selects, sorted; a null selector selects nothing."""
        if selector is None:
            return ()
        candidates = self.matching(namespace, at(selector, "matchLabels", default={}))
        if at(selector, "matchExpressions"):
            candidates = frozenset(one for one in candidates if selects(selector, self.labels[one]))
        return tuple(sorted(candidates))


def label_index(labelled: Iterable[Labelled]) -> LabelIndex:
    """Index workloads by the labels of their pods."""
    labels: dict[WorkloadId, Mapping[str, str]] = {}
    namespaces: dict[str, list[WorkloadId]] = {}
    values: dict[tuple[str, str, str], list[WorkloadId]] = {}
    for one, found in labelled:
        labels[one] = found
        namespaces.setdefault(one.namespace, []).append(one)
        for key, value in found.items():
            values.setdefault((one.namespace, key, value), []).append(one)
    return LabelIndex(
        labels,
        {key: frozenset(found) for key, found in namespaces.items()},
        {key: frozenset(found) for key, found in values.items()},
    )
