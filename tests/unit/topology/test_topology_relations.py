"""Groups, standbys, calls, sidecars and paths."""

import pytest

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.topology.build import build
from microglia.topology.paths import bridges, cut_points, dominators, reachable
from microglia.topology.selectors import label_index
from microglia.topology.sidecars import ours
from tests.factories import Json, deployment, edges, node, running, service, snapshot, stateful_set, thing


def ids(*names: str) -> tuple[WorkloadId, ...]:
    return tuple(WorkloadId("shop", name) for name in names)


A, B, C, D, E = ids(*"abcde")


def group_of(name: str, *raws: Json) -> list[str]:
    return [one.name for one in build(snapshot(*raws)).groups.get(WorkloadId("shop", name), ())]


def test_workloads_behind_one_service_are_a_group() -> None:
    """Versions share the Service that selects both."""
    raws = [
        deployment("cart-v1", pod_labels={"app": "cart", "version": "v1"}),
        deployment("cart-v2", pod_labels={"app": "cart", "version": "v2"}),
        deployment("other"),
        service("cart"),
    ]
    assert group_of("cart-v1", *raws) == ["cart-v2"]
    assert group_of("cart-v2", *raws) == ["cart-v1"]
    assert group_of("other", *raws) == []


@pytest.mark.parametrize(
    ("green", "twin"),
    [
        ({"app": "cart", "color": "green"}, True),
        ({"app": "cart"}, True),
        ({"app": "pay", "color": "blue"}, False),
        ({"app": "cart-canary", "color": "blue"}, True),
        ({"app": "cart-canary", "color": "green"}, False),
    ],
)
def test_a_selector_that_misses_by_one_label_has_a_twin(*, green: Json, twin: bool) -> None:
    """Blue is selected; green differs in one label, and not in one that says what it is."""
    raws = [
        deployment("blue", pod_labels={"app": "cart", "color": "blue"}),
        deployment("green", pod_labels=green),
        service("cart", selector={"app": "cart", "color": "blue"}),
    ]
    assert group_of("blue", *raws) == (["green"] if twin else [])
    assert group_of("green", *raws) == (["blue"] if twin else [])


def test_names_with_another_ending_are_twins_and_neighbours_are_not() -> None:
    """``ledger`` and ``ledger-standby``, but not ``cart`` and ``pay`` of one namespace, nor a Service with nobody."""
    raws = [
        deployment("ledger", pod_labels={"app": "ledger", "app.kubernetes.io/part-of": "shop"}),
        deployment("ledger-standby", pod_labels={"app": "ledger-standby", "app.kubernetes.io/part-of": "shop"}),
        deployment("pay", pod_labels={"app": "pay", "app.kubernetes.io/part-of": "shop"}),
        service("ledger"),
        service("empty", selector={"app": "ledger-blue"}),
        service("pay", selector={"app": "pay", "app.kubernetes.io/part-of": "shop"}),
    ]
    assert group_of("ledger", *raws) == ["ledger-standby"]
    assert group_of("pay", *raws) == []


def test_failover_between_regions_makes_standbys() -> None:
    """Who has pods in ``to`` stands by for who has pods in ``from``."""
    lb = {"localityLbSetting": {"failover": [{"from": "west", "to": "east"}]}}
    policy = {"portLevelSettings": [{"loadBalancer": lb}]}
    rule = thing("DestinationRule", "a", spec={"host": "a", "trafficPolicy": policy, "subsets": [{"name": "x"}]})
    lost = thing("DestinationRule", "z", spec={"host": "nobody", "trafficPolicy": {"loadBalancer": lb}})
    found = build(
        snapshot(
            node("w", "w1", "west"), node("e", "e1", "east"), rule, lost, service("a", selector={"set": "a"}),
            *running(deployment("a", pod_labels={"set": "a"}), ["w"]),
            *running(deployment("b", pod_labels={"set": "a"}), ["e"]),
        )
    )  # fmt: skip
    (one,) = found.standbys
    assert (one.backup, one.primary, one.value) == (B, A, "west -> east")
    assert one.field == "spec.trafficPolicy.portLevelSettings[0].loadBalancer.localityLbSetting.failover"


@pytest.mark.parametrize("text", ["a", "shop/a", "Deployment/shop/a", "Service/shop/a"])
def test_backup_for_is_read_in_every_form(text: str) -> None:
    """On a workload or on a Service; the primary may be a workload or a Service."""
    mark = {"microglia.dev/backup-for": text}
    on_workload = build(snapshot(deployment("a"), service("a"), deployment("b", annotations=mark)))
    on_service = build(snapshot(deployment("a"), service("a"), deployment("b"), service("b", annotations=mark)))
    for found, source in (
        (on_workload, ObjectRef("Deployment", "shop", "b")),
        (on_service, ObjectRef("Service", "shop", "b")),
    ):
        assert [(one.backup, one.primary, one.source, one.value) for one in found.standbys] == [(B, A, source, text)]


@pytest.mark.parametrize("text", ["nobody", "a/b/c/d", "StatefulSet/shop/a", "Service/shop/nobody", "shop/b"])
def test_backup_for_nothing_is_no_standby(text: str) -> None:
    """What names nobody, or the workload itself, is nobody's standby."""
    marks = {"microglia.dev/backup-for": text}
    assert build(snapshot(deployment("a"), deployment("b", annotations=marks))).standbys == ()


def test_a_protection_may_name_a_primary() -> None:
    """``spec.backupFor`` makes standbys of its targets."""
    spec = {"targets": [{"kind": "Deployment", "name": "b"}], "backupFor": {"namespace": "shop", "name": "a"}}
    raws = [deployment("a"), deployment("b"), thing("Protection", "p", spec=spec), thing("Protection", "q", spec={})]
    (one,) = build(snapshot(*raws)).standbys
    assert (one.backup, one.primary, one.field) == (B, A, "spec.backupFor")


def test_calls_join_callers_and_callees() -> None:
    """A call that reached nobody counts for all behind its host; unknown clients and unused edges for none."""
    calls = edges(
        ("shop/a", "b.shop.svc.cluster.local", "shop/b"),
        ("shop/a", "c.shop.svc.cluster.local", ""),
        ("shop/a", "PassthroughCluster", ""),
        ("unknown", "b.shop.svc.cluster.local", "shop/b"),
        ("shop/d", "b.shop.svc.cluster.local", "shop/b"),
    )
    used = calls.used.copy()
    used[[edge.client == "shop/d" for edge in calls.keys]] = False
    calls.used[:] = used
    found = build(snapshot(*(deployment(name) for name in "abcd"), service("b"), service("c"), calls=calls))
    assert found.callees == {A: (B, C)}
    assert found.callers == {B: (A,), C: (A,)}


def test_a_name_of_two_kinds_counts_for_both() -> None:
    """A neighbour too many is only watched."""
    called = edges(("shop/a", "b.shop.svc.cluster.local", "shop/b"))
    found = build(snapshot(deployment("a"), deployment("b"), stateful_set("b"), calls=called))
    assert found.callees[A] == (B, WorkloadId("shop", "b", "StatefulSet"))


def test_cut_points_separate_others() -> None:
    """In a - b - c, b is one; in a triangle nobody is."""
    chain = [("shop/a", "h", "shop/b"), ("shop/b", "h", "shop/c")]
    raws = [deployment(name) for name in "abc"]
    assert cut_points(build(snapshot(*raws, calls=edges(*chain))).callees) == {B}
    closed = edges(*chain, ("shop/a", "h", "shop/c"), ("shop/a", "h", "shop/a"))
    assert cut_points(build(snapshot(*raws, calls=closed)).callees) == set()


def test_paths_answer_for_pairs() -> None:
    """Reachability follows calls; bridges and the workloads between are those without which a pair is lost."""
    callees = {A: (B, C), B: (D,), C: (D,), D: (E,)}
    assert reachable(callees, A) == {B, C, D, E}
    assert reachable(callees, E) == frozenset()
    assert reachable(callees, WorkloadId("shop", "nobody")) == frozenset()
    assert bridges(callees, [(A, E), (E, A), (A, WorkloadId("shop", "nobody"))]) == ((D, E),)
    assert dominators(callees, [(A, E), (E, A)]) == (D,)


def test_sidecars_are_listed_most_specific_first() -> None:
    """Selected, then the namespace's, then the mesh's; none for workloads that none applies to."""
    raws = [
        thing("Sidecar", "mine", spec={"workloadSelector": {"labels": {"app": "a"}}}),
        thing("Sidecar", "default", spec={}),
        thing("Sidecar", "default", "istio-system", spec={}),
        deployment("a"),
        deployment("b"),
        deployment("gateway", "istio-system"),
    ]
    found = build(snapshot(*raws)).sidecars
    names = {one.name: [f"{ref.namespace}/{ref.name}" for ref in refs] for one, refs in found.items()}
    assert names == {
        "a": ["shop/mine", "shop/default", "istio-system/default"],
        "b": ["shop/default", "istio-system/default"],
        "gateway": ["istio-system/default"],
    }
    assert build(snapshot(deployment("a"))).sidecars == {}
    assert ours(thing("Sidecar", "x", labels={"app.kubernetes.io/managed-by": "microglia"}))
    assert not ours(raws[0])


@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ({}, True),
        ({"matchLabels": {"app": "a"}}, True),
        ({"matchLabels": {"app": "b"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Gt", "values": ["1"]}]}, True),
    ],
)
def test_selectors_select_as_kubernetes_does(*, selector: Json, selected: bool) -> None:
    """Through the index as for one set of labels; null selects nothing, what is not understood selects."""
    index = label_index([(A, {"app": "a"}), (WorkloadId("other", "a"), {"app": "a"})])
    assert index.selected("shop", selector) == ((A,) if selected else ())
    assert index.selected("shop", None) == ()
