"""What really happened in a world: which pods lived where and when, which routes were cut, what broke."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from microglia.world.demand import DAY
from microglia.world.layout import Layout

STARTUP = 20.0
"""Seconds from the birth of a pod to its first request."""


@dataclass(frozen=True, slots=True, order=True)
class Pod:
    """One pod's life: from ``start`` to ``end``, epoch seconds. ``workload`` is ``namespace/name``."""

    workload: str
    name: str
    node: str
    zone: str
    start: float
    end: float = float("inf")
    owner: str = ""
    uid: str = ""

    @property
    def namespace(self) -> str:
        """Where it lives."""
        return self.workload.split("/")[0]


@dataclass(frozen=True, slots=True)
class Cut:
    """Calls of ``client`` to ``host`` leave the mesh's sight; ``blocked`` ones are refused by the sidecar itself."""

    client: str
    host: str
    start: float
    end: float = float("inf")
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Trouble:
    """An accident in epoch seconds; kinds and targets as in ``schema.Accident``."""

    kind: Literal["zone", "workload", "restart", "gap", "envoy"]
    target: str
    start: float
    end: float

    def hits(self, pod: Pod) -> bool:
        """Whether the pod is its victim (for all kinds but ``restart``, which takes one pod)."""
        return self.target in {"", pod.zone if self.kind == "zone" else pod.workload}


@dataclass(slots=True)
class Record:
    """The history of one world so far. Pods are in order of birth and name."""

    pods: list[Pod] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    def alive(self, workload: str, now: float) -> list[Pod]:
        """The pods of ``workload`` at ``now``."""
        return [pod for pod in self.pods if pod.workload == workload and pod.start <= now < pod.end]

    def follow(self, pods: Iterable[Pod], now: float) -> None:
        """Take over what lives at ``now``: new pods begin, missing ones end. For worlds whose pods others control."""
        living = {(pod.workload, pod.name): pod for pod in pods}
        for position, pod in enumerate(self.pods):
            if pod.end > now and living.pop((pod.workload, pod.name), None) is None:
                self.pods[position] = replace(pod, end=now)
        self.pods.extend(sorted(living.values()))


def restarts(record: Record, pod: Pod) -> list[float]:
    """When the pod's proxy restarted: a ``restart`` takes the workload's first living pod by name."""
    found = []
    for trouble in record.troubles:
        if trouble.kind == "restart" and trouble.target == pod.workload:
            first = min(record.alive(pod.workload, trouble.start), key=lambda one: one.name, default=None)
            if first is not None and first.name == pod.name:
                found.append(trouble.start)
    return found


def troubles(layout: Layout) -> list[Trouble]:
    """The accidents that the description announces, in real time."""
    midnight = layout.start - layout.start % DAY
    return [
        Trouble(each.kind, each.target, midnight + each.day * DAY + each.start, midnight + each.day * DAY + each.end)
        for each in layout.world.accidents
    ]


def ordered(pods: Sequence[Pod], layout: Layout) -> list[Pod]:
    """Pods of known workloads by workload, then name: the order in which load is dealt to them."""
    return sorted((pod for pod in pods if pod.workload in layout.index), key=lambda pod: (pod.workload, pod.name))
