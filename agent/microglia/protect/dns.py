"""DNS failover: names for which several clusters answer, so that this whole one may be the standby."""

from collections.abc import Iterator

from microglia.model.objects import Raw, annotations_of, at, labels_of, name_of, namespace_of, ref_of, selects
from microglia.protect.fronts import FRONTS, fronted, ingress_hosts
from microglia.protect.keep import Keep, Where
from microglia.protect.look import Look
from microglia.protect.named import Named, kept

_EXTERNAL = "external-dns.alpha.kubernetes.io/"
_FAILOVER, _WEIGHT, _SET = f"{_EXTERNAL}aws-failover", f"{_EXTERNAL}aws-weight", f"{_EXTERNAL}set-identifier"
_GLOBAL = ("k8gb.absa.oss/", "k8gb.io/")


def dns_failover(look: Look) -> Iterator[Keep]:
    """Its DNS name is shared with other clusters: no traffic here may be the normal state of a standby."""
    for kind in FRONTS:
        for raw in look.topology.objects.of(kind):
            for key, value in _shared(raw):
                where = Where(ref_of(kind, raw), f"metadata.annotations[{key}]", value)
                reason = "its DNS name is shared with other clusters, for which this one may stand by"
                yield from kept(look, [Named(fronted(look, kind, raw), reason, where)])


def _shared(raw: Raw) -> Iterator[tuple[str, str]]:
    """The first annotation by which several clusters answer for one name."""
    marks = annotations_of(raw)
    found = [key for key in (_FAILOVER, _SET) if key in marks]
    found += [_WEIGHT] if marks.get(_WEIGHT) == "0" else []
    found += [key for key in sorted(marks) if key.startswith(_GLOBAL)]
    yield from ((key, marks[key]) for key in found[:1])


def gslb(look: Look) -> Iterator[Keep]:
    """A Gslb balances its name over clusters: this one may be the standby of another."""
    yield from kept(look, gslb_names(look))


def gslb_names(look: Look) -> Iterator[Named]:
    """Everything behind the ways in that Gslbs spread over clusters."""
    for kind, raw in look.of("Gslb"):
        strategy = str(at(raw, "spec", "strategy", "type", default="not set"))
        hosts = {*ingress_hosts(at(raw, "spec", "ingress", default={}), namespace_of(raw))}
        for front, one in _fronts(look, raw):
            hosts.update(fronted(look, front, one))
        if at(raw, "spec", "resourceRef", "kind", default="Ingress") not in FRONTS:
            # A way in of a kind that is not read here may lead to anything beside it.
            hosts.update(host for host, one in look.services.items() if one.namespace == namespace_of(raw))
        where = Where(ref_of(kind, raw), "spec.strategy.type", strategy)
        reason = "its name is balanced over clusters, for which this one may stand by"
        yield Named(tuple(sorted(hosts)), reason, where)


def _fronts(look: Look, raw: Raw) -> Iterator[tuple[str, Raw]]:
    """(kind, object) of the ways in that a Gslb refers to, by name or by labels."""
    reference = at(raw, "spec", "resourceRef", default={})
    wanted = str(reference.get("kind") or "")
    selector = {key: reference[key] for key in ("matchLabels", "matchExpressions") if reference.get(key)}
    namespace = str(reference.get("namespace") or namespace_of(raw))
    for kind in FRONTS if reference else ():
        for one in look.topology.objects.of(kind) if wanted in {"", kind} else ():
            named = name_of(one) == reference.get("name")
            if namespace_of(one) == namespace and (named or (selector and selects(selector, labels_of(one)))):
                yield kind, one
