"""The kinds of change. Each carries what it expects to find, and knows its inverse."""

import hashlib
import json
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Raw, annotations_of, at, labels_of
from microglia.policy.fields import Strict
from microglia.topology.levers import MINIMA, PAUSES

MANAGER = "microglia"
"""The field manager of every write."""
MARK = "microglia.dev/"
MANAGED_BY = "app.kubernetes.io/managed-by"
REVISION = "deployment.kubernetes.io/revision"
"""Counts a Deployment's rollouts: https://kubernetes.io/docs/reference/labels-annotations-taints/"""


class Saving(Strict):
    """What a change gives back: cores, bytes of requests, replicas, bytes of proxy configuration, money per month."""

    cpu: float = 0.0
    memory: float = 0.0
    replicas: int = 0
    proxy_config: float = 0.0
    money: float = 0.0


class Why(Strict):
    """Why this change, in numbers and in a sentence; ``at_risk`` requests per hour that the element was worth."""

    sentence: str
    at_risk: float
    lost_to: str | None = None


class CountChange(Strict):
    """How many copies of ``workload``, whose uid is ``uid``, there are to be: a count, or the least that an autoscaler
    keeps. Both are the same element: only one of them is ever written for one workload."""

    workload: str
    uid: str
    before: int = Field(ge=0)
    after: int = Field(ge=0)
    digest: str
    saving: Saving = Saving()
    why: Why

    @property
    def id(self) -> WorkloadId:
        """The workload it writes."""
        return WorkloadId.parse(self.workload)

    @property
    def element(self) -> str:
        """``replica:<workload>``."""
        return f"replica:{self.workload}"

    @property
    def unit(self) -> str:
        """What is counted, in words."""
        return "replicas"

    @property
    def ref(self) -> ObjectRef:
        """The object that holds the number."""
        return ObjectRef(self.id.kind, self.id.namespace, self.id.name)

    @property
    def field(self) -> str:
        """The field of its spec."""
        return "replicas"

    @property
    def widens(self) -> bool:
        """Whether it gives back rather than takes."""
        return self.after > self.before


class ScaleChange(CountChange):
    """Another replica count, written through ``/scale``.

    ``victims`` are the pods that should go, most wanted first; ``expected`` the pods per zone afterwards. ``digest`` is
    ``decision_digest`` of the object that the decision read.
    """

    kind: Literal["scale"] = "scale"
    victims: tuple[str, ...] = ()
    expected: dict[str, int] = {}


class MinimumChange(CountChange):
    """Another minimum for the autoscaler of a workload: ``spec.minReplicas`` of a HorizontalPodAutoscaler,
    ``spec.minReplicaCount`` of a ScaledObject. The count itself stays the autoscaler's.

    ``name`` and ``scaler_uid`` are those of the autoscaler, in the namespace of the workload. ``digest`` is
    ``minimum_digest`` of both objects.
    """

    kind: Literal["minimum"] = "minimum"
    after: int = Field(ge=1)
    scaler: Literal["HorizontalPodAutoscaler", "ScaledObject"]
    name: str
    scaler_uid: str

    @property
    def unit(self) -> str:
        """What is counted, in words."""
        return "replicas at least"

    @property
    def ref(self) -> ObjectRef:
        """The autoscaler."""
        return ObjectRef(self.scaler, self.id.namespace, self.name)

    @property
    def field(self) -> str:
        """The field of the autoscaler's spec."""
        return MINIMA[self.scaler]


class SidecarChange(Strict):
    """An own Istio Sidecar created, replaced or removed for one client workload.

    ``before`` and ``after`` are the whole object bodies without server-set metadata, None for "there is none".
    ``cut`` are the hosts newly hidden, ``shown`` those newly visible. ``uid`` and ``digest`` are the client workload's.
    """

    kind: Literal["sidecar"] = "sidecar"
    workload: str
    uid: str
    digest: str
    namespace: str
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    cut: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    saving: Saving = Saving()
    why: Why

    @property
    def id(self) -> WorkloadId:
        """The client workload."""
        return WorkloadId.parse(self.workload)

    @property
    def element(self) -> str:
        """``routes:<workload>``."""
        return f"routes:{self.workload}"

    @property
    def widens(self) -> bool:
        """Whether it only shows hosts."""
        return not self.cut


class RemoveChange(Strict):
    """An object that goes, or items of a list in it: rare kinds, only ever proposed in Git, never written to a cluster.

    ``workload`` is the object, written as a workload of its kind (``Service/shop/old``). ``before`` is the part of its
    spec that the decision read, ``after`` the same part without what goes, None where the whole object goes; ``items``
    are the places that go in the one list of ``before``, the rules, or with ``rule`` in the list of backends of that
    one rule. ``digest`` is ``rare_digest`` of the object. What undoes it is the inverse patch that comes with every
    proposal.
    """

    kind: Literal["remove"] = "remove"
    workload: str
    uid: str
    digest: str
    before: dict[str, Any]
    after: dict[str, Any] | None
    items: tuple[int, ...] = ()
    rule: int | None = None
    saving: Saving = Saving()
    why: Why

    @property
    def id(self) -> WorkloadId:
        """The object, by kind, namespace and name."""
        return WorkloadId.parse(self.workload)

    @property
    def element(self) -> str:
        """``object:<object>``."""
        return f"object:{self.workload}"

    @property
    def widens(self) -> bool:
        """Never: it takes."""
        return False

    @property
    def what(self) -> str:
        """What goes, in words."""
        if self.after is None:
            return "the whole object"
        item = "rule" if self.rule is None else "backend"
        return f"1 {item}" if len(self.items) == 1 else f"{len(self.items)} {item}s"


_OWNER_MARKS = (
    "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "meta.helm.sh/",
    "configmanagement.gke.io/", "config.k8s.io/owning-inventory", "objectset.rio.cattle.io/", "downscaler/",
)  # fmt: skip
"""Annotations by which somebody claims a count, or leaves it alone."""
Counted: TypeAlias = ScaleChange | MinimumChange
Change = Annotated[ScaleChange | MinimumChange | SidecarChange | RemoveChange, Field(discriminator="kind")]


def rare_digest(raw: Raw) -> str:
    """SHA-256 of all that people write into an object: its spec, labels, annotations and owners."""
    metadata = {key: at(raw, "metadata", key) for key in ("uid", "labels", "annotations", "ownerReferences")}
    return digest({"metadata": metadata, "spec": at(raw, "spec")})


def decision_digest(raw: Raw) -> str:
    """SHA-256 of the fields that a decision about a workload reads: count, selector, template, marks, labels (policies
    choose by them) and owner. Status, resourceVersion and other annotations are not among them. Works on a whole object
    and on a trimmed one alike.

    For the template stands what the API server says of it. A Deployment's generation moves with every annotation
    (kubernetes: pkg/registry/apps/deployment/strategy.go), so there the revision counts that its controller keeps; it
    is that of the template only once ``observed``.
    """
    annotations, labels = annotations_of(raw), labels_of(raw)
    owners = [
        [reference.get("kind"), reference.get("name"), reference.get("uid")]
        for reference in at(raw, "metadata", "ownerReferences", default=[])
    ]
    revision = annotations.get(REVISION)
    settings = {key: value for key, value in at(raw, "spec", default={}).items() if key != "template"}
    read = {
        "uid": at(raw, "metadata", "uid"),
        "template": [revision, settings] if revision else at(raw, "metadata", "generation"),
        "replicas": at(raw, "spec", "replicas"),
        "selector": at(raw, "spec", "selector"),
        "marks": {key: annotations[key] for key in sorted(annotations) if MARK in key or _owner_mark(key)},
        "labels": {key: labels[key] for key in sorted(labels)},
        "owners": sorted(owners, key=str),
    }
    return digest(read)


_SCALER_READ = (
    "scaleTargetRef", "minReplicas", "maxReplicas", "metrics", "minReplicaCount", "idleReplicaCount", "maxReplicaCount",
    "fallback",
)  # fmt: skip
"""What of an autoscaler's spec is read, whole or trimmed; how fast it may move is its own affair."""


def minimum_digest(workload: Raw, scaler: Raw) -> str:
    """SHA-256 of the fields that a decision about the minimum of ``scaler`` reads: of the workload all that
    ``decision_digest`` reads but the count, which moves by itself; of the autoscaler its target, bounds, metrics, marks
    and owner."""
    settled = {key: value for key, value in at(workload, "spec", default={}).items() if key != "replicas"}
    annotations = annotations_of(scaler)
    read = {
        "uid": at(scaler, "metadata", "uid"),
        "spec": {key: at(scaler, "spec", key) for key in _SCALER_READ if at(scaler, "spec", key) is not None},
        "marks": {key: annotations[key] for key in sorted(annotations) if _scaler_mark(key)},
        "labels": dict(sorted(labels_of(scaler).items())),
        "owners": sorted(str(one.get("uid")) for one in at(scaler, "metadata", "ownerReferences", default=[])),
    }
    return digest({"workload": decision_digest({**workload, "spec": settled}), "scaler": read})


def observed(raw: Raw) -> bool:
    """Whether the object's controller has seen its last change, as far as its status says."""
    seen = at(raw, "status", "observedGeneration")
    # Argo Rollouts writes the number as text.
    return not str(seen).isdecimal() or int(str(seen)) >= at(raw, "metadata", "generation", default=0)


def digest(value: Any) -> str:
    """SHA-256 of canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _scaler_mark(key: str) -> bool:
    return MARK in key or _owner_mark(key) or key.startswith(PAUSES)


def _owner_mark(key: str) -> bool:
    return key.startswith(_OWNER_MARKS)
