"""Leader election: of those who could lead, all but one look idle."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from microglia.model.objects import Raw, at, labels_of, name_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, floor
from microglia.protect.look import Look

_ALIVE = "apiserver.kubernetes.io/identity"
_SERVERS = ("k8s.io/component", "kube-apiserver")


class _Identity(NamedTuple):
    """Who holds or wants to hold a Lease, of which namespace, and where that is written."""

    holder: str
    namespace: str
    where: Where


def lease(look: Look) -> Iterator[Keep]:
    """One of its pods holds a Lease: an idle second is a hot standby."""
    held = [
        _Identity(holder, namespace_of(raw), Where(ref_of(kind, raw), "spec.holderIdentity", holder))
        for kind, raw in look.of("Lease")
        if (holder := str(at(raw, "spec", "holderIdentity", default=""))) and not _alive(raw)
    ]
    yield from _electing(look, held, "it elects a leader: whoever does not lead stands by")


def lease_candidate(look: Look) -> Iterator[Keep]:
    """One of its pods offers itself for a Lease: it stands by until it is chosen."""
    offered = [
        _Identity(name_of(raw), namespace_of(raw), Where(ref_of(kind, raw), "spec.leaseName", lease_name))
        for kind, raw in look.of("LeaseCandidate")
        if (lease_name := str(at(raw, "spec", "leaseName", default="")))
    ]
    yield from _electing(look, offered, "it is a candidate for a Lease: whoever is not chosen stands by")


def _alive(raw: Raw) -> bool:
    """Whether it is a Lease by which a node or an API server says that it lives."""
    labels = labels_of(raw)
    server = _ALIVE in labels or labels.get(_SERVERS[0]) == _SERVERS[1]
    return server or namespace_of(raw) == "kube-node-lease"


def _electing(look: Look, identities: Sequence[_Identity], reason: str) -> Iterator[Keep]:
    anywhere = {one.holder.partition("_")[0]: one for one in identities}
    nearby: dict[str, list[_Identity]] = {}
    for identity in identities:
        nearby.setdefault(identity.namespace, []).append(identity)
    for one in look.workloads.values() if identities else ():
        local = nearby.get(one.id.namespace, ())
        found = next((hit for pod in one.pods for hit in _of_pod(pod.name, anywhere, local)), None)
        if found is not None:
            yield from floor([one.id], 2, reason, found.where)


def _of_pod(pod: str, anywhere: Mapping[str, _Identity], local: Sequence[_Identity]) -> Iterator[_Identity]:
    """Identities of ``pod``: by ``<pod>_<id>`` anywhere, by any longer name in its own namespace."""
    if pod in anywhere:
        yield anywhere[pod]
    yield from (one for one in local if one.holder.startswith(f"{pod}-"))
