"""Host names as people write them in routes, made whole."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass

from microglia.model.ids import service_host


@dataclass(frozen=True, slots=True)
class Hosts:
    """Every host that the mesh knows: names, and wildcards (``*.suffix``) that stand for many."""

    names: frozenset[str]
    wildcards: tuple[str, ...]

    def __contains__(self, host: object) -> bool:
        return host in self.names or any(covered(wildcard, [str(host)]) for wildcard in self.wildcards)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)


def full_name(host: str, namespace: str, known: Container[str]) -> str:
    """The FQDN that ``host`` means in an object of ``namespace``.

    A name without dots is a Service of that namespace. ``name.namespace`` and ``name.namespace.svc`` are taken for a
    Service when ``known`` has it; every other name stands for itself.
    """
    host = host.rstrip(".")
    match host.split("."):
        case [name]:
            return host if name == "*" else service_host(namespace, name)
        case [name, other] | [name, other, "svc"] if service_host(other, name) in known:
            return service_host(other, name)
    return host


def covered(pattern: str, hosts: Iterable[str]) -> list[str]:
    """Those of ``hosts`` that a name or a wildcard (``*``, ``*.suffix``) means."""
    if not pattern.startswith("*"):
        return [host for host in hosts if host == pattern]
    suffix = pattern.removeprefix("*")
    return [host for host in hosts if host.endswith(suffix) and host != suffix]
