"""Raw objects and selectors."""

import pytest

from microglia.model.kinds import BY_NAME
from microglia.model.objects import (
    BlindSpot,
    Objects,
    annotations_of,
    at,
    labels_of,
    maps,
    name_of,
    namespace_of,
    ref_of,
    selects,
    sorted_objects,
)

CART = {"metadata": {"name": "cart", "namespace": "shop", "labels": {"app": "cart"}, "annotations": {"a": "1"}}}


def test_at_walks_maps_and_lists_and_never_raises():
    """A missing, null or differently shaped step gives the default."""
    raw = {"a": [{"b": 1}], "n": None, "s": "text"}
    assert at(raw, "a", 0, "b") == 1
    assert at(raw, "a", 5, "b", default="x") == "x"
    assert at(raw, "n", default=7) == 7
    assert at(raw, "s", "b", default=0) == 0


def test_metadata_is_read_and_may_be_missing():
    """An object without metadata has empty names and no labels."""
    assert (name_of(CART), namespace_of(CART), labels_of(CART), annotations_of(CART)) == (
        "cart",
        "shop",
        {"app": "cart"},
        {"a": "1"},
    )
    assert (name_of({}), namespace_of({}), labels_of({}), annotations_of({})) == ("", "", {}, {})
    assert str(ref_of("Deployment", CART)) == "Deployment shop/cart"


def test_a_blind_kind_is_not_an_empty_one():
    """What could not be read is told apart from what is not there."""
    seen = Objects({"Service": (CART,)}, (BlindSpot("Lease", "forbidden"),))
    assert seen.of("Service") == (CART,)
    assert (seen.of("Lease"), seen.blind("Lease"), seen.blind("Node")) == ((), True, False)


def test_objects_are_sorted_by_namespace_then_name():
    """Order does not depend on what the server sent first."""
    names = [("b", "a"), ("a", "z"), ("a", "b")]
    raws = [{"metadata": {"namespace": namespace, "name": name}} for namespace, name in names]
    assert [(namespace_of(raw), name_of(raw)) for raw in sorted_objects(raws)] == sorted(names)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "cart"}}, True),
        ({"matchLabels": {"app": "web"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["cart"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["cart"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "Fuzzy"}]}, True),
    ],
)
def test_label_selectors_mean_what_kubernetes_means(selector, expected):
    """Null selects nothing, empty everything, and an operator nobody knows is taken to match."""
    assert selects(selector, {"app": "cart"}) is expected


def test_a_service_selector_that_is_empty_selects_nothing():
    """Services differ from label selectors in this."""
    assert maps({"app": "cart"}, {"app": "cart", "v": "1"})
    assert not maps({"app": "cart"}, {"app": "web"})
    assert not maps({}, {"app": "cart"})
    assert not maps(None, {"app": "cart"})


def test_kinds_know_their_list_path():
    """Core and grouped kinds have different roots."""
    assert BY_NAME["Pod"].path == "/api/v1/pods"
    assert BY_NAME["Sidecar"].path == "/apis/networking.istio.io/v1/sidecars"
