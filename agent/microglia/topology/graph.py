"""Topology: questions, not dictionaries."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from microglia.model.activity import Activity
from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Objects
from microglia.model.snapshot import Snapshot
from microglia.topology.nodes import Reach, Service, Standby, Workload


@dataclass(frozen=True, slots=True, eq=False)
class Topology:
    """One snapshot as a graph. Every mapping is sorted by its key; every tuple by id.

    * ``rows``: workload -> row in ``activity.workloads``; absent when metrics never named it, or when two kinds share
      one ``namespace/name`` (``ambiguous``).
    * ``reach``: host -> what a call to it may reach. ``services``: host -> Service.
    * ``callers`` and ``callees``: workload -> workloads, from the traffic seen.
    * ``groups``: workload -> the others it shares a Service or subset host with, or that differ in one label.
    * ``standbys``: who stands by for whom, from configuration.
    * ``zones``: zones with nodes now; ``nodes``: node -> zone or None.
    * ``sidecars``: workload -> the Istio Sidecar objects that apply to its pods, most specific first.
    * ``keyed``: ``namespace/name`` -> the one workload of that name, of whatever kind.
    """

    snapshot: Snapshot
    workloads: Mapping[WorkloadId, Workload]
    services: Mapping[str, Service]
    rows: Mapping[WorkloadId, int]
    ambiguous: frozenset[str]
    reach: Mapping[str, Reach]
    callers: Mapping[WorkloadId, tuple[WorkloadId, ...]]
    callees: Mapping[WorkloadId, tuple[WorkloadId, ...]]
    groups: Mapping[WorkloadId, tuple[WorkloadId, ...]]
    standbys: tuple[Standby, ...]
    zones: tuple[str, ...]
    nodes: Mapping[str, str | None]
    sidecars: Mapping[WorkloadId, tuple[ObjectRef, ...]]
    keyed: Mapping[str, WorkloadId] = field(default_factory=dict)

    @property
    def objects(self) -> Objects:
        """The raw objects seen."""
        return self.snapshot.objects

    @property
    def activity(self) -> Activity:
        """What metrics said."""
        return self.snapshot.activity

    def by_key(self, key: str) -> Workload | None:
        """The workload that metrics call ``namespace/name``; None when there is none or it is ambiguous."""
        if key in self.ambiguous:
            return None
        if key in self.keyed:
            return self.workloads[self.keyed[key]]
        namespace, _, name = key.partition("/")
        return self.workloads.get(WorkloadId(namespace, name))
