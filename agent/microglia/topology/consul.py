"""ServiceResolvers of Consul (hashicorp/consul-k8s: control-plane/api/v1alpha1/serviceresolver_types.go)."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from microglia.model.ids import host_service, service_host
from microglia.model.objects import Objects, Raw, at, name_of, ref_of
from microglia.topology.failover import Failover

Names: TypeAlias = Mapping[str, tuple[str, ...]]
"""Consul service -> hosts. Without Consul namespaces, which cost extra, one name means every Service so called."""
BEYOND = ("datacenter", "datacenters", "peer", "partition", "samenessGroup")
"""Fields of a target that lead to other clusters."""


def consul_names(hosts: Iterable[str]) -> Names:
    """The hosts of Services, by their name alone."""
    found: dict[str, list[str]] = {}
    for host in sorted(hosts):
        service = host_service(host)
        if service is not None:
            found.setdefault(service[1], []).append(host)
    return {name: tuple(several) for name, several in found.items()}


def consul_hosts(names: Names, target: Mapping[str, Any], own: str = "") -> tuple[str, ...]:
    """The hosts that ``target`` means: its ``service``, else ``own``; where it tells a namespace, there alone."""
    name, namespace = str(target.get("service") or own), str(target.get("namespace") or "")
    found = names.get(name, ())
    return tuple(host for host in found if host == service_host(namespace, name)) if namespace else found


def resolver_targets(raw: Raw) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(field, target) of a ServiceResolver's failover: by subset, each in order."""
    failover = at(raw, "spec", "failover", default={})
    for subset in sorted(failover):
        field, one = f"spec.failover[{subset}]", failover[subset]
        yield from ((f"{field}.targets[{i}]", target) for i, target in enumerate(one.get("targets") or ()))
        if not one.get("targets"):
            yield field, one


def consul_failovers(objects: Objects, hosts: Iterable[str]) -> Iterator[Failover]:
    """Services to which a ServiceResolver turns when its own fails; ``hosts`` are those of all Services."""
    resolvers = objects.of("ServiceResolver")
    names = consul_names(hosts) if resolvers else {}
    for raw in resolvers:
        own = name_of(raw)
        for field, target in resolver_targets(raw):
            name = str(target.get("service") or "")
            if name not in {"", own}:
                source = ref_of("ServiceResolver", raw)
                yield Failover(source, f"{field}.service", name, names.get(own, ()), consul_hosts(names, target))
