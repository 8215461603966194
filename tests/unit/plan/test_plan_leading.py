"""Hosts that a route object brings back into the proxy are not hidden for nothing."""

from typing import Any

import pytest

from microglia.model.objects import Raw
from microglia.plan.desk import Desk, desk
from microglia.plan.routes import hide, hiding, upkeep
from microglia.policy.schema import PolicySpec
from tests.factories import deployment, running, service, snapshot, thing
from tests.planning import grounds, host, own, pruning, route, route_lost, selection, wid

ADS, BLOG, CART = host("ads"), host("blog"), host("cart")
SEARCH = running(deployment("search"))
SERVICES = [service(name) for name in ("ads", "blog", "cart")]
SPLIT = thing(
    "VirtualService",
    "cart",
    spec={
        "hosts": ["cart"],
        "http": [{"route": [{"destination": {"host": "cart"}}, {"destination": {"host": "ads"}}]}],
    },
)
PRODUCER = thing(
    "HTTPRoute",
    "cart",
    spec={"parentRefs": [{"kind": "Service", "name": "cart"}], "rules": [{"backendRefs": [{"name": "ads"}]}]},
)


def table(*raws: Raw, losing: list[Any]) -> Desk:
    """A desk with ``search``, three Services and what comes on top."""
    chosen = selection({"search": 3}, losing, yielded=[route_lost(one) for one in losing])
    return desk(grounds(snapshot(*SEARCH, *SERVICES, *raws), chosen), pruning(), PolicySpec())


@pytest.mark.parametrize("source", [SPLIT, PRODUCER], ids=["VirtualService", "HTTPRoute"])
def test_a_destination_of_a_host_that_stays_is_not_hidden(source: Raw) -> None:
    """The rest goes, and what is left is told with the object that brings it back."""
    laid = table(source, losing=[route("search", ADS, BLOG)])
    (candidate,), (note,) = hiding(laid)
    assert [run.count for run in candidate.runs] == [1]
    assert hide(laid, wid("search"), 1).cut == (BLOG,)
    assert (note.subject, note.what) == (f"shop/search -> {ADS}", "would be hidden")
    assert f"{source['kind']} shop/cart brings it back into the proxy for calls to {CART}" in note.why


def test_a_destination_goes_with_the_host_that_leads_there() -> None:
    """Where that one loses too, or is hidden already, nothing brings it back."""
    both = table(SPLIT, losing=[route("search", ADS, CART)])
    assert hiding(both)[1] == []
    assert hide(both, wid("search"), 2).cut == (ADS, CART)
    later = table(SPLIT, own("search", CART), losing=[route("search", ADS)])
    assert hide(later, wid("search"), 1).cut == (ADS,)
    assert upkeep(later) == ([], [])


def test_a_hidden_host_that_is_brought_back_is_shown_again() -> None:
    """A route that came after the cut: the Sidecar stops claiming what it does not save."""
    ((change,), held) = upkeep(table(SPLIT, own("search", ADS, BLOG), losing=[]))
    assert (change.shown, held) == ((ADS,), [])
    assert "VirtualService shop/cart brings it back into the proxy" in change.why.sentence


def test_a_name_for_something_else_brings_nothing_back() -> None:
    """An ExternalName is DNS, not configuration of the proxy."""
    alias = service("alias", spec={"type": "ExternalName", "externalName": ADS})
    laid = table(alias, losing=[route("search", ADS)])
    assert hide(laid, wid("search"), 1).cut == (ADS,)
