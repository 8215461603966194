"""Destinations that a route object names but rarely or never sends to: parked, mirrored, behind a condition."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Raw, at, name_of, namespace_of, ref_of
from microglia.protect.fronts import reference_hosts
from microglia.protect.keep import Keep, Where, pin, to_hosts
from microglia.protect.look import Look
from microglia.protect.named import Named
from microglia.topology.routing import ROUTE_KINDS, backends, destinations

_CONDITIONS = ("headers", "withoutHeaders", "queryParams", "sourceLabels", "sourceNamespace")


class _Aim(NamedTuple):
    """One destination of one rule: hosts, subset (empty for all), weight (None if not written), number of siblings."""

    source: ObjectRef
    field: str
    hosts: tuple[str, ...]
    subset: str
    weight: int | None
    siblings: int
    conditional: bool


def zero_weight(look: Look) -> Iterator[Keep]:
    """A route names it at weight 0: parked, and given everything once it is the only destination left."""
    for aim in (*_virtual(look), *_gateway(look)):
        if _at_zero(aim):
            where = Where(aim.source, f"{aim.field}.weight", "0" if aim.weight == 0 else "not set")
            yield from _parked(look, aim, "a route parks it at weight 0", where)


def mirror(look: Look) -> Iterator[Keep]:
    """A route mirrors requests to it: what is compared there is not worth its answers."""
    for aim in (*_virtual(look), *_gateway(look)):
        if _is_mirror(aim):
            where = Where(aim.source, aim.field, aim.subset or ", ".join(aim.hosts))
            yield from _parked(look, aim, "a route mirrors requests to it", where)


def conditional_route(look: Look) -> Iterator[Keep]:
    """Only requests with a certain header, parameter or origin are sent to it: canaries and break-glass paths."""
    aims = [*_virtual(look), *_gateway(look)]
    plain = {(aim.source, host, aim.subset) for aim in aims if not aim.conditional for host in aim.hosts}
    for aim in aims:
        if aim.conditional and not any((aim.source, host, aim.subset) in plain for host in aim.hosts):
            where = Where(aim.source, aim.field, aim.subset or ", ".join(aim.hosts))
            yield from _parked(look, aim, "only requests of a certain kind are sent to it", where)


def parked_names(look: Look) -> Iterator[Named]:
    """The destinations that routes park at weight 0."""
    for aim in (*_virtual(look), *_gateway(look)):
        if aim.hosts and _at_zero(aim):
            yield Named(aim.hosts, "a route parks it at weight 0", Where(aim.source, aim.field, ", ".join(aim.hosts)))


def mirror_names(look: Look) -> Iterator[Named]:
    """The destinations that routes mirror to."""
    for aim in (*_virtual(look), *_gateway(look)):
        if aim.hosts and _is_mirror(aim):
            yield Named(aim.hosts, "a route mirrors requests to it", Where(aim.source, aim.field, ", ".join(aim.hosts)))


def _at_zero(aim: _Aim) -> bool:
    """Istio reads a weight that is left out beside others as 0; the Gateway API as 1."""
    omitted = aim.weight is None and aim.siblings > 1 and aim.source.kind == "VirtualService"
    return not _is_mirror(aim) and (aim.weight == 0 or omitted)


def _is_mirror(aim: _Aim) -> bool:
    return ".mirror" in aim.field or ".requestMirror" in aim.field


def unrouted_subset(look: Look) -> Iterator[Keep]:
    """A DestinationRule keeps a subset of it to which no route sends, while routes choose among the others."""
    routed: dict[str, set[str]] = {}
    for aim in _virtual(look):
        for host in aim.hosts:
            routed.setdefault(host, set()).add(aim.subset)
    for kind, raw in look.of("DestinationRule"):
        for host in look.hosts(str(at(raw, "spec", "host", default="")), namespace_of(raw)):
            chosen = routed.get(host, set())
            for i, subset in enumerate(at(raw, "spec", "subsets", default=())):
                if any(chosen) and subset.get("name") not in chosen:
                    where = Where(ref_of(kind, raw), f"spec.subsets[{i}]", str(subset.get("name")))
                    targets = look.subset([host], at(subset, "labels", default={}))
                    yield from pin(targets, "it is a parked version: no route sends to its subset", where)


def _parked(look: Look, aim: _Aim, reason: str, where: Where) -> Iterator[Keep]:
    for host in aim.hosts:
        yield from pin(_of_subset(look, host, aim.subset), reason, where)
    yield from to_hosts(aim.hosts, reason, where)


def _of_subset(look: Look, host: str, subset: str) -> tuple[WorkloadId, ...]:
    """The workloads of one subset; all behind the host where the subset is not defined."""
    for _, raw in look.of("DestinationRule") if subset else ():
        if host in look.hosts(str(at(raw, "spec", "host", default="")), namespace_of(raw)):
            for one in at(raw, "spec", "subsets", default=()):
                if one.get("name") == subset:
                    return look.subset([host], at(one, "labels", default={}))
    return look.serving([host])


def _virtual(look: Look) -> Iterator[_Aim]:
    chosen = _chosen(look)
    for kind, raw in look.of("VirtualService"):
        delegated = chosen.get((namespace_of(raw), name_of(raw)), False)
        for field, route in destinations(raw):
            host = str(at(route, "destination", "host", default=""))
            rule = _rule(raw, field)
            yield _Aim(
                ref_of(kind, raw), field, tuple(look.hosts(host, namespace_of(raw))),
                str(at(route, "destination", "subset", default="")), route.get("weight"),
                len(at(rule, "route", default=())), delegated or _narrow(at(rule, "match", default=())),
            )  # fmt: skip


def _chosen(look: Look) -> Mapping[tuple[str, str], bool]:
    """(namespace, name) of each VirtualService that others delegate to -> whether they all do so under a condition."""
    found: dict[tuple[str, str], bool] = {}
    for _, raw in look.of("VirtualService"):
        for rule in at(raw, "spec", "http", default=()):
            delegate = rule.get("delegate")
            if delegate:
                key = (str(delegate.get("namespace") or namespace_of(raw)), str(delegate.get("name", "")))
                found[key] = found.get(key, True) and _narrow(rule.get("match"))
    return found


def _rule(raw: Raw, field: str) -> Mapping[str, Any]:
    """The rule of ``spec.http[2].route[0]``: the one of its first two steps."""
    protocol, _, rest = field.removeprefix("spec.").partition("[")
    rule: Mapping[str, Any] = at(raw, "spec", protocol, int(rest.partition("]")[0]), default={})
    return rule


def _gateway(look: Look) -> Iterator[_Aim]:
    for kind, raw in look.of(*ROUTE_KINDS):
        for field, reference in backends(raw):
            rule, hosts = _rule(raw, field), reference_hosts(look, reference, namespace_of(raw))
            yield _Aim(
                ref_of(kind, raw), field, hosts, "", reference.get("weight"),
                len(at(rule, "backendRefs", default=())), _narrow(at(rule, "matches", default=())),
            )  # fmt: skip


def _narrow(matches: Any) -> bool:
    """Whether every alternative of a rule asks for more than a path."""
    return bool(matches) and all(any(one.get(key) for key in _CONDITIONS) for one in matches)
