"""Consul: standby pools, parked splits, Services that other clusters call, upstreams that people wrote down."""

from collections.abc import Iterator

from microglia.model.objects import Raw, annotations_of, at, name_of, ref_of
from microglia.protect.keep import Keep, Where, between, pin, to_hosts
from microglia.protect.locality import one_per_zone
from microglia.protect.look import Look
from microglia.protect.named import Named, kept
from microglia.topology.consul import BEYOND, Names, consul_hosts, consul_names, resolver_targets

_PREFIX = "consul.hashicorp.com/"
_UPSTREAMS = f"{_PREFIX}connect-service-upstreams"
_TOLD = ("service", "serviceSubset", *BEYOND)
_SHARED = (f"{_PREFIX}service-sync", f"{_PREFIX}service-tags", f"{_PREFIX}service-meta-")


def consul_failover(look: Look) -> Iterator[Keep]:
    """A ServiceResolver fails over or redirects to it, or prefers copies of the caller's zone."""
    yield from kept(look, resolver_names(look))
    for kind, raw in look.of("ServiceResolver"):
        mode = str(at(raw, "spec", "prioritizeByLocality", "mode", default="none"))
        if mode != "none":
            where = Where(ref_of(kind, raw), "spec.prioritizeByLocality.mode", mode)
            targets = look.serving(consul_names(look.services).get(name_of(raw), ()))
            yield from one_per_zone(look, targets, "its callers prefer the copies of their own zone", where)


def resolver_names(look: Look) -> Iterator[Named]:
    """Everything here to which a ServiceResolver turns, and what shares a pool with other clusters."""
    names = _names(look, "ServiceResolver")
    for kind, raw in look.of("ServiceResolver"):
        redirect = at(raw, "spec", "redirect")
        told = [(*one, "a ServiceResolver fails over to it") for one in resolver_targets(raw)]
        told += [("spec.redirect", redirect, "a ServiceResolver redirects to it")] if redirect else []
        for field, target, reason in told:
            hosts = consul_hosts(names, target, name_of(raw))
            key = next((key for key in _TOLD if target.get(key)), "")
            beyond = any(target.get(key) for key in BEYOND)
            # What is only to be found in another cluster is no typo here.
            if hosts or not beyond:
                value = str(target.get(key, name_of(raw)))
                yield Named(hosts, reason, Where(ref_of(kind, raw), f"{field}.{key}".rstrip("."), value))


def consul_split(look: Look) -> Iterator[Keep]:
    """A ServiceSplitter parks it at weight 0."""
    yield from kept(look, splitter_names(look))


def splitter_names(look: Look) -> Iterator[Named]:
    """The Services that ServiceSplitters send nothing to, for now."""
    names = _names(look, "ServiceSplitter")
    for kind, raw in look.of("ServiceSplitter"):
        for i, split in enumerate(at(raw, "spec", "splits", default=())):
            if not split.get("weight"):
                where = Where(ref_of(kind, raw), f"spec.splits[{i}].weight", str(split.get("weight", "not set")))
                yield Named(consul_hosts(names, split, name_of(raw)), "a ServiceSplitter parks it at weight 0", where)


def consul_exports(look: Look) -> Iterator[Keep]:
    """Its Service is exported to other partitions and peers, or synced into Consul's catalogue."""
    yield from kept(look, exported_names(look))
    for service in look.services.values():
        marks = annotations_of(service.raw)
        key = next((key for key in sorted(marks) if key.startswith(_SHARED) and marks[key] != "false"), None)
        if key is not None:
            where = Where(ref_of("Service", service.raw), f"metadata.annotations[{key}]", marks[key])
            reason = "everybody who reads Consul's catalogue may call it, from outside the cluster too"
            yield from pin(service.workloads, reason, where)
            yield from to_hosts([service.host], reason, where)


def exported_names(look: Look) -> Iterator[Named]:
    """The Services that ExportedServices name; ``*`` is all of them."""
    names = _names(look, "ExportedServices")
    everything = tuple(sorted(host for hosts in names.values() for host in hosts))
    for kind, raw in look.of("ExportedServices"):
        for i, one in enumerate(at(raw, "spec", "services", default=())):
            name, namespace = str(one.get("name", "")), str(one.get("namespace") or "*")
            hosts = everything if name == "*" else names.get(name, ())
            inside = (host for host in hosts if namespace == "*" or look.services[host].namespace == namespace)
            where = Where(ref_of(kind, raw), f"spec.services[{i}].name", name)
            yield Named(tuple(inside), "it is exported: other partitions and peers call it", where)


def consul_upstreams(look: Look) -> Iterator[Keep]:
    """The client's template lists the host among its upstreams: a dependency that somebody wrote down."""
    found = [(one, _upstreams(one.raw)) for one in look.workloads.values()]
    names = consul_names(look.services) if any(text for _, text in found) else {}
    for one, text in found:
        for upstream in text.split(","):
            # name[.namespace]:port[:datacenter], or the same with .svc and more labels between its parts.
            name = upstream.strip().partition(":")[0].partition(".")[0]
            where = Where(one.ref, f"spec.template.metadata.annotations[{_UPSTREAMS}]", upstream.strip())
            for host in names.get(name, ()):
                yield between(one.id, host, "its template lists the host among its upstreams", where)


def _upstreams(raw: Raw) -> str:
    return str(at(raw, "spec", "template", "metadata", "annotations", _UPSTREAMS, default=""))


def _names(look: Look, kind: str) -> Names:
    return consul_names(look.services) if look.topology.objects.of(kind) else {}
