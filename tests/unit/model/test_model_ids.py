"""Names."""

import pytest

from microglia.model.ids import ObjectRef, RouteId, WorkloadId, host_service, service_host


@pytest.mark.parametrize("identity", [WorkloadId("shop", "cart"), WorkloadId("shop", "db", "StatefulSet")])
def test_a_workload_id_survives_printing(identity):
    """What ``str`` writes, ``parse`` reads."""
    assert WorkloadId.parse(str(identity)) == identity


@pytest.mark.parametrize("text", ["cart", "", "a/b/c/d", "/cart", "Kind//x"])
def test_a_wrong_workload_id_says_how_to_write_one(text):
    """A name of another form is an error with the remedy."""
    with pytest.raises(ValueError, match="write namespace/name or Kind/namespace/name"):
        WorkloadId.parse(text)


def test_ids_sort_by_namespace_then_name_then_kind():
    """Order is the order of the text that people see."""
    ids = [WorkloadId("b", "a"), WorkloadId("a", "z"), WorkloadId("a", "b", "StatefulSet"), WorkloadId("a", "b")]
    assert [str(one) for one in sorted(ids)] == ["a/b", "StatefulSet/a/b", "a/z", "b/a"]


def test_references_and_routes_print_for_people():
    """Cluster-scoped objects have no namespace in their name."""
    assert str(ObjectRef("Node", "", "n1")) == "Node n1"
    assert str(ObjectRef("Service", "shop", "cart")) == "Service shop/cart"
    assert str(RouteId(WorkloadId("shop", "web"), "cart.shop")) == "shop/web -> cart.shop"


def test_hosts_and_services_are_two_sides():
    """An in-cluster FQDN names one Service; any other host names none."""
    assert host_service(service_host("shop", "cart")) == ("shop", "cart")
    assert host_service("example.com") is None
