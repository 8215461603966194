"""What a rule may look at, and the few questions that many rules ask."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from microglia.lifecycle.states import Shield
from microglia.model.ids import WorkloadId, service_host
from microglia.model.objects import Raw, annotations_of, at, name_of
from microglia.policy.schema import PolicySpec
from microglia.score.scores import Scores
from microglia.topology.graph import Topology
from microglia.topology.hosts import covered, full_name
from microglia.topology.nodes import Service, Workload
from microglia.topology.selectors import LabelIndex, label_index

OWN = "microglia.dev/"


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """An object with marks of ours on it: ``targets`` are the workloads it stands for, ``marks`` the annotations
    of the object or, failing that, of its pod template."""

    kind: str
    raw: Raw
    targets: tuple[WorkloadId, ...]
    marks: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Everything a rule may know. ``index`` finds workloads by the labels of their pods, ``names`` the hosts of the
    Services before a workload, ``marks`` what carries marks of ours; ``now`` is the lap's moment."""

    topology: Topology
    scores: Scores
    policy: PolicySpec
    shields: tuple[Shield, ...]
    now: datetime
    index: LabelIndex
    names: Mapping[WorkloadId, tuple[str, ...]]
    marks: tuple[Marked, ...]

    @property
    def workloads(self) -> Mapping[WorkloadId, Workload]:
        """All workloads, sorted."""
        return self.topology.workloads

    @property
    def services(self) -> Mapping[str, Service]:
        """All Services by host, sorted."""
        return self.topology.services

    def of(self, *kinds: str) -> Iterator[tuple[str, Raw]]:
        """(kind, object) of each of ``kinds``."""
        for kind in kinds:
            for raw in self.topology.objects.of(kind):
                yield kind, raw

    def service(self, namespace: str, name: str) -> Service | None:
        """The Service so called."""
        return self.services.get(service_host(namespace, name))

    def behind(self, namespace: str, name: str) -> tuple[WorkloadId, ...]:
        """The workloads behind the Service so called."""
        service = self.service(namespace, name)
        return service.workloads if service else ()

    def hosts(self, written: str, namespace: str) -> list[str]:
        """The hosts that a name or wildcard in a route object of ``namespace`` means."""
        host = full_name(written, namespace, self.topology.reach)
        return covered(host, self.topology.reach) if host.startswith("*") else [host]

    def serving(self, hosts: Iterable[str]) -> tuple[WorkloadId, ...]:
        """The workloads that serve ``hosts`` themselves, wherever routes may lead."""
        found = {one for host in hosts if host in self.services for one in self.services[host].workloads}
        return tuple(sorted(found))

    def subset(self, hosts: Iterable[str], labels: Mapping[str, str]) -> tuple[WorkloadId, ...]:
        """Those that serve ``hosts`` and whose pods carry ``labels``."""
        return tuple(one for one in self.serving(hosts) if one in self.index.matching(one.namespace, labels))

    def reachable(self, host: str) -> tuple[WorkloadId, ...]:
        """The workloads that a call to ``host`` may reach."""
        reach = self.topology.reach.get(host)
        return reach.workloads if reach else ()

    def target(self, namespace: str, kind: str, name: str) -> tuple[WorkloadId, ...]:
        """The workloads that a reference by kind and name means; a Service stands for all behind it."""
        if kind == "Service":
            return self.behind(namespace, name)
        one = WorkloadId(namespace, name, kind)
        return (one,) if one in self.workloads else ()

    def inside(self, namespace: str) -> tuple[WorkloadId, ...]:
        """The workloads of a namespace, sorted."""
        return _inside(self.index, namespace)

    def markable(self) -> Iterator[tuple[str, Raw, tuple[WorkloadId, ...]]]:
        """(kind, object, workloads) of everything that people put marks on: workloads, Services, Namespaces."""
        return _markable(self.topology, self.index)


def look_at(topology: Topology, scores: Scores, policy: PolicySpec, shields: Iterable[Shield], now: datetime) -> Look:
    """Bundle what rules read. ``shields`` are elements that hurt when they were cut."""
    index = label_index((one.id, one.pod_labels) for one in topology.workloads.values())
    names: dict[WorkloadId, list[str]] = {}
    for host, service in topology.services.items():
        for one in service.workloads:
            names.setdefault(one, []).append(host)
    hosts = {one: tuple(found) for one, found in names.items()}
    marks = tuple(
        Marked(kind, raw, targets, found)
        for kind, raw, targets in _markable(topology, index)
        if (found := _own_marks(raw))
    )
    return Look(topology, scores, policy, tuple(shields), now, index, hosts, marks)


def _markable(topology: Topology, index: LabelIndex) -> Iterator[tuple[str, Raw, tuple[WorkloadId, ...]]]:
    for one in topology.workloads.values():
        yield one.id.kind, one.raw, (one.id,)
    for service in topology.services.values():
        yield "Service", service.raw, service.workloads
    for raw in topology.objects.of("Namespace"):
        yield "Namespace", raw, _inside(index, name_of(raw))


def _inside(index: LabelIndex, namespace: str) -> tuple[WorkloadId, ...]:
    return tuple(sorted(index.namespaces.get(namespace, ())))


def _own_marks(raw: Raw) -> dict[str, str]:
    found = {}
    for annotations in (at(raw, "spec", "template", "metadata", "annotations"), annotations_of(raw)):
        for key in annotations or ():
            if key.startswith(OWN):
                found[key] = annotations[key]
    return found
