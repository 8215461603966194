"""What the shell provides: each port has one real adapter and one in-memory face of a simulated world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from microglia.model.activity import Activity, Slowness
from microglia.model.kinds import BY_NAME, Kind
from microglia.model.objects import Raw
from microglia.model.snapshot import Source
from microglia.model.window import Window


class AbsentError(Exception):
    """The kind's CRD is not installed: normal for optional kinds."""


class ConflictError(Exception):
    """The object changed since it was read: other resourceVersion, other uid, or it exists already."""


class GoneError(Exception):
    """The object is not there."""


class ForbiddenError(Exception):
    """The API server refused the write for lack of permission or by admission; the message is its own."""


class UnreadableError(Exception):
    """The source refused or failed; the message is a sentence for people with the way out."""


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """Who the API server is: ``uid`` of ``kube-system`` (empty if forbidden), a name for people, its version, and by
    how many seconds its clock is ahead of ours (None when it does not tell)."""

    uid: str
    name: str
    version: str
    ahead: float | None = None


class Cluster(Protocol):
    """Reads the Kubernetes API. Nothing here writes."""

    def facts(self) -> ClusterFacts:
        """Raises UnreadableError when no API server answers."""
        ...

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """Every object of ``kind`` as raw JSON, any order. Raises AbsentError or UnreadableError."""
        ...


class Traffic(Protocol):
    """Reads the metrics of one mesh."""

    def describe(self, facts: ClusterFacts, now: datetime) -> Source:
        """What answers, and what it can tell. Raises UnreadableError when it is no metrics server of a known mesh."""
        ...

    def activity(self, objects: Mapping[str, Sequence[Raw]], window: Window, now: datetime) -> Activity:
        """Everything about ``window``. ``objects`` (trimmed, by kind) resolve pods to workloads and nodes to zones.
        What could not be read is NaN and named in ``faults``; raises UnreadableError only when nothing answers."""
        ...

    def slowness(self, workloads: Sequence[str], window: Window, now: datetime, above: float) -> Slowness:
        """Requests of ``workloads`` (``namespace/name``) that took longer than ``above`` milliseconds, or than the next
        bucket bound over it. What could not be read is NaN; raises UnreadableError only when nothing answers."""
        ...


class Buckets(Protocol):
    """Closed hours remembered between laps; they can always be rebuilt."""

    def load(self, scope: str, hours: Sequence[int]) -> Mapping[int, bytes]:
        """The stored payloads of ``hours`` (epoch seconds) under ``scope``; missing ones are left out."""
        ...

    def save(self, scope: str, payloads: Mapping[int, bytes]) -> None:
        """Replace the payloads of these hours."""
        ...

    def recall(self, scope: str) -> Mapping[str, Any]:
        """The long memory under ``scope`` as JSON: weekly maxima and last use; empty at first."""
        ...

    def remember(self, scope: str, memory: Mapping[str, Any]) -> None:
        """Replace the long memory."""
        ...


class ObjectStore(Protocol):
    """Objects of microglia's own kinds, in which the journal lies: cluster-scoped, with a status of their own. All
    raise ForbiddenError when refused, and UnreadableError when the API server does not answer (whether a write happened
    is then unknown)."""

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """Every object of ``kind``, any order. Raises AbsentError when the cluster does not know the kind."""
        ...

    def read(self, kind: Kind, namespace: str, name: str) -> Raw | None:
        """The object as it is now, None if it does not exist."""
        ...

    def create(self, kind: Kind, body: Raw) -> Raw:
        """Create an object; a status in ``body`` is not written. Raises ConflictError when one of that name exists."""
        ...

    def replace(self, kind: Kind, body: Raw) -> Raw:
        """Replace all but the status with the uid and resourceVersion in ``body``. Raises ConflictError, GoneError."""
        ...

    def replace_status(self, kind: Kind, body: Raw) -> Raw:
        """Replace the status alone, with the same preconditions. Raises ConflictError or GoneError."""
        ...

    def delete(self, kind: Kind, raw: Raw) -> None:
        """Delete ``raw`` with its uid and resourceVersion as preconditions. Raises ConflictError or GoneError."""
        ...


class WritableCluster(Protocol):
    """The few verbs that microglia writes with. ``manager`` is the field manager. All raise ForbiddenError when
    refused,
    UnreadableError when the API server does not answer (whether the write happened is then unknown)."""

    def read(self, kind: Kind, namespace: str, name: str) -> Raw | None:
        """The object as it is now, None if it does not exist."""
        ...

    def pods(self, namespace: str, selector: Raw) -> Sequence[Raw]:
        """The pods of ``namespace`` that a LabelSelector matches, terminating ones too, as they are now; any order."""
        ...

    def scale(self, raw: Raw, replicas: int, kind: Kind = BY_NAME["Deployment"]) -> Raw:
        """Write ``replicas`` through ``/scale`` of ``raw``, which is a ``kind``, with its uid and resourceVersion.

        Returns the Scale. Raises ConflictError or GoneError.
        """
        ...

    def create(self, kind: Kind, body: Raw) -> Raw:
        """Create a namespaced object. Raises ConflictError when one of that name exists."""
        ...

    def replace(self, kind: Kind, body: Raw) -> Raw:
        """Replace with the uid and resourceVersion in ``body``. Raises ConflictError or GoneError."""
        ...

    def delete(self, kind: Kind, raw: Raw) -> None:
        """Delete ``raw`` with its uid and resourceVersion as preconditions. Raises ConflictError or GoneError."""
        ...

    def annotate_pod(self, raw: Raw, annotations: Mapping[str, str | None]) -> None:
        """Merge annotations into a pod of ``raw``'s uid; None removes one. Raises ConflictError or GoneError."""
        ...
