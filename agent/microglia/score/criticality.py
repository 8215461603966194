"""How much more a request to one workload counts than to another: people say so."""

from fnmatch import fnmatchcase

from microglia.policy.schema import Criticality, PolicySpec
from microglia.policy.scope import matches
from microglia.topology.nodes import Workload


def criticality(workload: Workload, policy: PolicySpec) -> float:
    """The product of the weights of every entry that selects ``workload``; 1 where none does."""
    weight = 1.0
    for entry in policy.retention.criticality:
        if _selects(entry, workload):
            weight *= entry.weight
    return weight


def _selects(entry: Criticality, workload: Workload) -> bool:
    named = any(fnmatchcase(workload.id.namespace, pattern) for pattern in entry.namespaces)
    return named and matches(entry.selector, workload.labels)
