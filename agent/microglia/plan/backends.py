"""Backends of a route's rule behind which nothing stands, beside others that answer.

A share of the rule's requests is promised to such a backend, and would fail there: without it they go to the others,
whatever the traffic of tomorrow. Silence alone proves nothing of a backend: a rule that is used sends it its share
sooner or later, and one that is not used may be somebody's way for a bad day. So a backend that answers is never
proposed; where its share was promised and never came, that is told, because somebody's numbers must be wrong.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from microglia.model.ids import ObjectRef
from microglia.model.objects import Raw, at, name_of, namespace_of, ref_of
from microglia.model.units import some
from microglia.plan.change import RemoveChange, Why, rare_digest
from microglia.plan.mentions import Key, mentions
from microglia.plan.routed import BACKENDS, RULES, at_work, steering, untaken
from microglia.plan.silence import Calls, calls_to, spoken_for, unbacked
from microglia.protect.ledger import Protections
from microglia.score.scores import Scores
from microglia.topology.graph import Topology
from microglia.topology.hosts import full_name
from microglia.topology.nodes import Service
from microglia.topology.routing import backend_host

PROMISED: Final = 20.0
"""So many calls that never came are no chance (e^-20), they contradict what is written."""


@dataclass(frozen=True, slots=True)
class _Share:
    """The backends of one rule: their hosts and weights, as the route's kind reads them."""

    kind: str
    raw: Raw
    rule: int
    hosts: tuple[str, ...]
    weights: tuple[int, ...]

    @property
    def ref(self) -> ObjectRef:
        return ref_of(self.kind, self.raw)

    def promised(self, place: int, served: Mapping[str, float]) -> float:
        """How many of the requests of the window one backend should have had, by those of its siblings: an upper
        bound, because they may be called in other ways too."""
        others = [one for one, weight in enumerate(self.weights) if weight > 0 and one != place]
        asked = sum(served.get(host, 0.0) for host in {self.hosts[one] for one in others} - {self.hosts[place]})
        total = sum(self.weights[one] for one in others)
        return asked * self.weights[place] / total if total else 0.0

    def unheard(self, served: Mapping[str, float]) -> list[int]:
        """The backends that were promised enough requests to tell, and had none."""
        silent = [one for one, host in enumerate(self.hosts) if host and not served.get(host)]
        return [one for one in silent if self.weights[one] > 0 and self.promised(one, served) >= PROMISED]


def empty_backends(topology: Topology, scores: Scores, protections: Protections) -> Iterator[tuple[RemoveChange, str]]:
    """Every rule with backends to take out, the first of each route: the change that takes them out, and why it is not
    to be made (empty: nothing speaks against it). Among them are backends that were promised requests and had none."""
    lone = {service.host: (key, service) for key, service in unbacked(topology).items()}
    served = _served(topology)
    shares = list(_shares(topology))
    broken: dict[ObjectRef, tuple[_Share, int]] = {}
    for share in shares:
        for place in share.unheard(served):
            broken.setdefault(share.ref, (share, place))
    for _, (share, place) in sorted(broken.items()):
        yield _change(share, [place], ""), _contradiction(share, place, served)
    found: dict[ObjectRef, tuple[_Share, list[int]]] = {}
    for share in shares:
        empty = [place for place, host in enumerate(share.hosts) if host in lone and share.weights[place] > 0]
        if empty and share.ref not in broken:
            found.setdefault(share.ref, (share, empty))
    yield from _judged([found[ref] for ref in sorted(found)], lone, topology, scores, protections)


def _served(topology: Topology) -> dict[str, float]:
    """Requests of the window by the host that served them."""
    served: dict[str, float] = {}
    edges = topology.activity.edges
    for edge, requests in zip(edges.keys, edges.requests.tolist(), strict=True):
        served[edge.host] = served.get(edge.host, 0.0) + requests
    return served


def _judged(
    found: list[tuple[_Share, list[int]]],
    lone: Mapping[str, tuple[Key, Service]],
    topology: Topology,
    scores: Scores,
    protections: Protections,
) -> Iterator[tuple[RemoveChange, str]]:
    naming: dict[Key, ObjectRef] = {}
    for share, empty in found:
        for place in empty:
            naming.setdefault(lone[share.hosts[place]][0], share.ref)
    named = mentions(topology.objects, naming, but=naming)
    hosts = {share.hosts[place] for share, empty in found for place in empty}
    calls = calls_to(topology, scores, hosts) if hosts else Calls({})
    steered = {kind: steering(topology.objects, [share.raw for share, _ in found if share.kind == kind])
               for kind in {share.kind for share, _ in found}}  # fmt: skip
    for share, empty in found:
        doubt = at_work(share.raw, steered[share.kind], topology) or _unfit(share, empty, lone, topology)
        for place in empty:
            key, service = lone[share.hosts[place]]
            by = naming[key] if naming[key] != share.ref else named.get(key)
            names = f"{by} names {service.host} too" if by else ""
            doubt = doubt or names or spoken_for(service, topology, protections, calls)
        yield _change(share, empty, _evidence(share, empty, calls)), doubt


def _shares(topology: Topology) -> Iterator[_Share]:
    """Of every rule with several backends that are Services of this cluster."""
    for kind, field in sorted(RULES.items()):
        for raw in topology.objects.of(kind):
            for index, rule in enumerate(at(raw, "spec", field, default=())):
                written = rule.get(BACKENDS[kind]) or ()
                if len(written) > 1:
                    hosts = tuple(_host(kind, one, raw, topology) for one in written)
                    # Istio reads a weight that is left out beside others as 0; the Gateway API as 1.
                    unsaid = 0 if kind == "VirtualService" else 1
                    weights = tuple(int(one.get("weight", unsaid) or 0) for one in written)
                    yield _Share(kind, raw, index, hosts, weights)


def _host(kind: str, written: Mapping[str, Any], raw: Raw, topology: Topology) -> str:
    if kind == "VirtualService":
        return full_name(str(at(written, "destination", "host", default="")), namespace_of(raw), topology.services)
    return backend_host(written, namespace_of(raw))


def _unfit(share: _Share, empty: list[int], lone: Mapping[str, object], topology: Topology) -> str:
    """Why the rule is better left as it is."""
    where = _where(share)
    stays = [
        place
        for place, host in enumerate(share.hosts)
        if share.weights[place] > 0 and place not in empty and host in topology.services and host not in lone
        if topology.services[host].workloads
    ]
    if not stays:
        return f"no other backend of {where} is known to answer, so taking it out would mend nothing"
    if any(
        (share.raw["spec"][RULES[share.kind]][share.rule][BACKENDS[share.kind]][one]).get("filters") for one in empty
    ):
        return f"{where} does more with its requests than send them there (filters)"
    return untaken(share.raw) if share.kind != "VirtualService" else ""


def _contradiction(share: _Share, place: int, served: Mapping[str, float]) -> str:
    return (
        f"{_where(share)} promises {share.hosts[place]} {share.weights[place]} of {sum(share.weights)} requests, about"
        f" {share.promised(place, served):.0f} in the window, and none was seen: the rule is not in force, or its"
        " metrics are hidden; find out which before anybody takes it out"
    )


def _where(share: _Share) -> str:
    return f"spec.{RULES[share.kind]}[{share.rule}]"


def _evidence(share: _Share, empty: list[int], calls: Calls) -> str:
    total = sum(share.weights)
    told = "; ".join(
        f"{_where(share)}.{BACKENDS[share.kind]}[{place}] sends {share.weights[place]} of {total} requests to"
        f" {share.hosts[place]}, which selects no pod and has no endpoints, and to which"
        f" {some(len(calls.routes[share.hosts[place]]), 'client')} sent nothing in the whole window"
        for place in empty
    )
    return f"{told}; the other backends of the rule take over, their weights stay"


def _change(share: _Share, places: list[int], sentence: str) -> RemoveChange:
    kind, field = RULES[share.kind], BACKENDS[share.kind]
    rules = share.raw["spec"][kind]
    backends = [one for place, one in enumerate(rules[share.rule][field]) if place not in places]
    shortened = [*rules[: share.rule], {**rules[share.rule], field: backends}, *rules[share.rule + 1 :]]
    return RemoveChange(
        workload=f"{share.kind}/{namespace_of(share.raw)}/{name_of(share.raw)}",
        uid=str(at(share.raw, "metadata", "uid", default="")),
        digest=rare_digest(share.raw),
        before={kind: rules},
        after={kind: shortened},
        items=tuple(places),
        rule=share.rule,
        why=Why(sentence=sentence, at_risk=0.0),
    )
