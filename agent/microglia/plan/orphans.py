"""Services that nothing stands behind, that no object names, and to which every possible client is proven silent."""

from collections.abc import Iterator

from microglia.model.ids import ObjectRef
from microglia.model.objects import at
from microglia.model.units import some
from microglia.plan.change import RemoveChange, Saving, Why, rare_digest
from microglia.plan.mentions import mentions
from microglia.plan.silence import Calls, calls_to, spoken_for, unbacked
from microglia.protect.ledger import Protections
from microglia.score.scores import RouteScore, Scores
from microglia.topology.graph import Topology
from microglia.topology.nodes import Service


def orphans(topology: Topology, scores: Scores, protections: Protections) -> Iterator[tuple[RemoveChange, str]]:
    """Every Service that nothing stands behind (``unbacked``): the change that removes it, and why it is not to be made
    (empty: nothing speaks against it)."""
    lone = unbacked(topology)
    named = mentions(topology.objects, lone)
    calls = calls_to(topology, scores, {service.host for service in lone.values()}) if lone else Calls({})
    for key, service in lone.items():
        doubt = _named(service, named.get(key), topology) or spoken_for(service, topology, protections, calls)
        yield _change(service, calls.routes[service.host]), doubt


def _named(service: Service, named: ObjectRef | None, topology: Topology) -> str:
    reach = topology.reach.get(service.host)
    by = named or (reach.via[0] if reach and reach.via else None)
    return f"{by} names it" if by else ""


def _change(service: Service, routes: list[RouteScore]) -> RemoveChange:
    selector = at(service.raw, "spec", "selector")
    told = ", ".join(f"{key}={selector[key]}" for key in sorted(selector))
    sentence = (
        f"it selects no pod and no workload ({told}), has no endpoints, no object names it, and"
        f" {some(len(routes), 'client')} sent nothing to it in the whole window"
    )
    return RemoveChange(
        workload=f"Service/{service.namespace}/{service.name}",
        uid=str(at(service.raw, "metadata", "uid", default="")),
        digest=rare_digest(service.raw),
        before={"selector": selector},
        after=None,
        saving=Saving(proxy_config=float(sum(route.cost for route in routes))),
        why=Why(sentence=sentence, at_risk=0.0),
    )
