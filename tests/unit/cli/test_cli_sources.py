"""What the doctor says of each source of metrics, on a cluster with two meshes and an ingress controller."""

from dataclasses import replace

import pytest

from microglia.cli.sources import sources
from microglia.observe.dialects.loading import built_in
from microglia.topology.build import build
from tests import factories

HERE = ("istio", "kube-state-metrics", "cadvisor", "linkerd", "traefik", "own")


def carrying(proxy, *raws):
    """The pods of ``raws`` with another mesh's proxy, as a native sidecar."""
    for raw in raws:
        if raw["kind"] == "Pod":
            spec = raw["spec"]
            spec["containers"] = [one for one in spec["containers"] if one["name"] != "istio-proxy"]
            spec["initContainers"] = [{"name": proxy, "restartPolicy": "Always"}]
    return list(raws)


@pytest.fixture
def topology():
    """Web in Istio, heard throughout; cart and pay in Linkerd, of which pay was heard half of the time."""
    web, cart, pay = (factories.running(factories.deployment(name)) for name in ("web", "cart", "pay"))
    raws = [*web, *carrying("linkerd-proxy", *cart), *carrying("linkerd-proxy", *pay)]
    taken = factories.snapshot(*raws, *factories.nodes())
    workloads = taken.activity.workloads
    seen = workloads.seen.copy()
    seen[workloads.keys.index("shop/pay"), ::2] = 0
    activity = replace(taken.activity, workloads=replace(workloads, seen=seen))
    return build(replace(taken, activity=activity, source=replace(taken.source, dialects=HERE)))


def test_two_meshes(topology):
    """Each with its own workloads, how much of the window they were heard, and what it decides."""
    found = {one.subject.strip(): one.found for one in sources(topology, built_in(), {"traefik": 320})}
    assert list(found) == list(HERE)
    assert found["istio"].endswith("decides routes and replicas; coverage 100 % of 336 h in 1 workload")
    assert found["linkerd"] == (
        "Linkerd: decides replicas; routes are left alone, for Linkerd knows no Sidecar; what skips the proxy it does"
        " not see; coverage 75 % of 336 h in 2 workloads"
    )
    assert found["traefik"] == (
        "Traefik: shows use, and decides nothing; says who was used, not who was idle: only what comes in through it;"
        " names no replica, and no Service behind an IngressRoute that has only one; there in 320 of 336 h"
    )
    assert found["own"] == "use that it saw; it proves nothing idle"


def test_a_mesh_that_nobody_is_in(topology):
    """A source whose proxy no pod carries has no coverage, and says so."""
    pods = {name: raws for name, raws in topology.objects.kinds.items() if name != "Pod"}
    seen = topology.snapshot
    source, objects = replace(seen.source, dialects=("linkerd",)), replace(topology.objects, kinds=pods)
    bare = replace(topology, snapshot=replace(seen, source=source, objects=objects))
    (only,) = sources(bare, built_in(), {})
    assert only.found.endswith("; no pod here carries linkerd-proxy")


def test_a_client_of_another_mesh_has_no_routes_here(topology):
    """Linkerd's pods are meshed, and no Sidecar tells them anything."""
    kinds = {one.id.name: (one.meshed, one.sidecar) for one in topology.workloads.values()}
    assert kinds == {"web": (True, True), "cart": (True, False), "pay": (True, False)}


def test_a_pod_of_a_mesh_that_only_a_file_knows():
    """The container that a dialect of one's own names makes its pods a part of a mesh."""
    taken = factories.snapshot(*carrying("own-proxy", *factories.running(factories.deployment("web"))))
    known = replace(taken, source=replace(taken.source, proxies=("own-proxy",)))
    assert [[one.meshed for one in build(seen).workloads.values()] for seen in (taken, known)] == [[False], [True]]
