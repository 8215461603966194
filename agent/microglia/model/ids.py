"""Names of things: small, frozen, sortable, printable."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class WorkloadId:
    """A controller of pods: ``namespace/name`` for a Deployment, ``Kind/namespace/name`` for any other kind."""

    namespace: str
    name: str
    kind: str = "Deployment"

    def __str__(self) -> str:
        return self.key if self.kind == "Deployment" else f"{self.kind}/{self.key}"

    @property
    def key(self) -> str:
        """``namespace/name``: how metrics know a workload, which never say its kind."""
        return f"{self.namespace}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote. Raises ValueError when ``text`` has neither form."""
        match text.split("/"):
            case [namespace, name] if namespace and name:
                return cls(namespace, name)
            case [kind, namespace, name] if kind and namespace and name:
                return cls(namespace, name, kind)
        raise ValueError(f"{text!r} names no workload; write namespace/name or Kind/namespace/name")


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
    """One Kubernetes object. ``namespace`` is empty for a cluster-scoped one."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class RouteId:
    """A client workload may reach a host (an FQDN)."""

    client: WorkloadId
    host: str

    def __str__(self) -> str:
        return f"{self.client} -> {self.host}"


def service_host(namespace: str, name: str) -> str:
    """The FQDN of a Service in the default cluster domain."""
    return f"{name}.{namespace}.svc.cluster.local"


def host_service(host: str) -> tuple[str, str] | None:
    """``(namespace, name)`` of an in-cluster FQDN, None for any other host."""
    match host.split("."):
        case [name, namespace, "svc", "cluster", "local"]:
            return namespace, name
    return None
