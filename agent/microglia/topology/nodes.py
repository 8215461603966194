"""What the graph is made of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Raw


@dataclass(frozen=True, slots=True)
class Container:
    """One container of the template with its requests (cores, bytes; 0 when not set); ``sidecar`` is the mesh proxy."""

    name: str
    cpu: float
    memory: float
    memory_limit: float
    sidecar: bool


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod that exists now. ``zone`` is None when the node's zone is not known; ``cost`` its deletion cost;
    ``meshed`` whether it carries the proxy of a mesh, ``sidecar`` whether that is Istio's, which Sidecars configure."""

    name: str
    node: str
    zone: str | None
    ready: bool
    phase: str
    cost: int
    restarts: int
    ready_since: datetime | None
    meshed: bool
    sidecar: bool


DECLARED = frozenset({"argocd", "flux", "helm", "config-sync", "fleet", "kubectl", "terraform", "pulumi"})
"""Codes of owners that set the count from files; any other (an autoscaler, an operator, one that nobody knows) finds
its own."""
Verdict = Literal["act", "lower", "propose", "refuse"]


@dataclass(frozen=True, slots=True, eq=False)
class Lever:
    """The minimum of the autoscaler that owns a count: ``least`` copies, written in ``field`` of ``ref``, the object
    ``raw``. ``owner`` decides the minimum; ``stuck`` says why it may not be lowered now, empty when it may. ``rps`` are
    the requests per second that the autoscaler aims at for one copy, None where its metric is none of requests.
    """

    ref: ObjectRef
    field: str
    least: int
    owner: "Owner"
    stuck: str
    rps: float | None
    raw: Raw


@dataclass(frozen=True, slots=True)
class Owner:
    """Who decides the replica count. ``act`` is True only when nobody but microglia would object, or when the owner was
    told to leave the count alone.

    ``name`` is for people ("Argo CD application shop", "HorizontalPodAutoscaler shop/cart"); ``code`` is one word
    (self, argocd, flux, helm, hpa, keda, knative, operator, kubectl, ...); ``evidence`` the object,
    field and value that say so. ``lever`` is the minimum of an autoscaler that owns the count.
    """

    code: str
    name: str
    evidence: str
    act: bool
    way_out: str = ""
    lever: Lever | None = None

    @property
    def declared(self) -> bool:
        """Whether the count is read from a file that people keep, which a proposal can change."""
        return self.code in DECLARED

    @property
    def verdict(self) -> Verdict:
        """What follows: the count is written, the minimum of its autoscaler is lowered, a change of the file is
        proposed, or it is left with the reason."""
        if self.act:
            return "act"
        if self.lever and self.lever.least > 1 and not self.lever.stuck:
            return "lower" if self.lever.owner.act else self.lever.owner.verdict
        return "propose" if self.declared else "refuse"

    @property
    def remedy(self) -> str:
        """What to do about it."""
        if self.way_out:
            return self.way_out
        return "change it there; microglia propose writes the patch" if self.declared else "change it there"


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """A controller of pods.

    ``replicas`` is ``spec.replicas`` (for kinds without one: the pods that exist). ``in_flight`` says why it is in the
    middle of a change, None when it is at rest. ``hosts`` are FQDNs found in its template. ``containers`` and the sums
    ``cpu`` (cores) and ``memory`` (bytes) are requests of one replica, mesh proxy included.
    """

    id: WorkloadId
    uid: str
    replicas: int
    ready: int
    labels: dict[str, str]
    annotations: dict[str, str]
    pod_labels: dict[str, str]
    containers: tuple[Container, ...]
    pods: tuple[Pod, ...]
    owner: Owner
    in_flight: str | None
    created: datetime | None
    hosts: tuple[str, ...]
    raw: Raw

    @property
    def ref(self) -> ObjectRef:
        """How people name it."""
        return ObjectRef(self.id.kind, self.id.namespace, self.id.name)

    @property
    def cpu(self) -> float:
        """Cores requested by one replica."""
        return sum(container.cpu for container in self.containers)

    @property
    def memory(self) -> float:
        """Bytes requested by one replica."""
        return sum(container.memory for container in self.containers)

    @property
    def meshed(self) -> bool:
        """Whether every pod carries the mesh proxy."""
        return bool(self.pods) and False not in [pod.meshed for pod in self.pods]

    @property
    def sidecar(self) -> bool:
        """Whether every pod carries Istio's proxy, so that a Sidecar decides which hosts it knows."""
        return bool(self.pods) and False not in [pod.sidecar for pod in self.pods]


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """A name that can be called. ``workloads`` are those its selector (or its EndpointSlices) point at, sorted.

    ``ports`` are those that Envoy has clusters for, which is all but UDP; ``subsets`` those that DestinationRules split
    it into. Each sidecar that sees it has ports x (1 + subsets) clusters of it.
    """

    host: str
    namespace: str
    name: str
    headless: bool
    external_name: str | None
    ports: int
    subsets: int
    workloads: tuple[WorkloadId, ...]
    raw: Raw


@dataclass(frozen=True, slots=True)
class Reach:
    """What a call to one host may reach: ``hosts`` (itself first) and the workloads behind them, sorted.

    ``known`` is False when a route object could not be resolved: then the host's evidence is UNKNOWN.
    ``via`` names the objects that lead further.
    """

    hosts: tuple[str, ...]
    workloads: tuple[WorkloadId, ...]
    known: bool
    via: tuple[ObjectRef, ...]


@dataclass(frozen=True, slots=True)
class Standby:
    """``backup`` takes over for ``primary``; ``source`` and ``field`` say where that is written."""

    backup: WorkloadId
    primary: WorkloadId
    source: ObjectRef
    field: str
    value: str
