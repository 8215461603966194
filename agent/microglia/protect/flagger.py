"""Flagger: of a workload and its primary, one idles between releases and the other serves."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from microglia.model.ids import WorkloadId, service_host
from microglia.model.objects import Raw, at, name_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, floor, pin, to_hosts
from microglia.protect.look import Look

_SCALER = "spec.autoscalerRef.primaryScalerReplicas.minReplicas"


class _Pair(NamedTuple):
    """The target by kind and name, the name of its Services, and where that is written."""

    kind: str
    service: str
    where: Where


def flagger(look: Look) -> Iterator[Keep]:
    """Flagger keeps it as the target or the primary of a canary release."""
    for (namespace, name), pair in sorted(_pairs(look).items()):
        for one, reason in (
            (name, "Flagger scales it to none between releases, and brings it back for the next"),
            (f"{name}-primary", "Flagger made it: all traffic goes there between releases"),
        ):
            yield from pin(look.target(namespace, pair.kind, one), reason, pair.where)
        for one in (pair.service, f"{pair.service}-primary", f"{pair.service}-canary"):
            host = service_host(namespace, one)
            reason = "Flagger leads calls from one of its Services to another"
            yield from to_hosts([host] if host in look.services else [], reason, pair.where)


def flagger_minimum(look: Look) -> Iterator[Keep]:
    """Its Canary gives the autoscaler of the primary a minimum of its own."""
    for kind, raw in look.of("Canary"):
        least = at(raw, "spec", "autoscalerRef", "primaryScalerReplicas", "minReplicas")
        reference = at(raw, "spec", "targetRef", default={})
        if least is not None:
            primary = f"{reference.get('name', '')}-primary"
            targets = look.target(namespace_of(raw), str(reference.get("kind") or "Deployment"), primary)
            where = Where(ref_of(kind, raw), _SCALER, str(least))
            yield from floor(targets, int(least), "the minimum that its Canary sets for its autoscaler", where)


def _pairs(look: Look) -> Mapping[tuple[str, str], _Pair]:
    """By namespace and target. Where Canaries are not seen, the Service and the copy that Flagger makes still have
    their names."""
    pairs: dict[tuple[str, str], _Pair] = {}
    for kind, raw in look.of("Canary"):
        target = at(raw, "spec", "targetRef", default={})
        name, where = str(target.get("name", "")), _where(kind, raw, target)
        service = str(at(raw, "spec", "service", "name", default="") or name)
        pairs[namespace_of(raw), name] = _Pair(str(target.get("kind") or "Deployment"), service, where)
    for found in look.services.values():
        name = found.name.removesuffix("-canary")
        made = [WorkloadId(found.namespace, one) in look.workloads for one in (name, f"{name}-primary")]
        if name != found.name and all(made):
            where = Where(ref_of("Service", found.raw), "metadata.name", name_of(found.raw))
            pairs.setdefault((found.namespace, name), _Pair("Deployment", name, where))
    return pairs


def _where(kind: str, raw: Raw, target: Mapping[str, object]) -> Where:
    value = f"{target.get('kind') or 'Deployment'} {target.get('name', '')}"
    return Where(ref_of(kind, raw), "spec.targetRef", value)
