"""Routes that are hidden, shown again, or held."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from microglia.lifecycle.states import Shield
from microglia.model.ids import ObjectRef
from microglia.model.objects import BlindSpot, Raw
from microglia.plan.desk import Desk, desk
from microglia.plan.history import History
from microglia.plan.routes import hide, hiding, upkeep
from microglia.plan.sidecar import hidden
from microglia.policy.schema import Actuation, PolicySpec, Retention, Weak, WeakRoutes
from microglia.protect.ledger import Level, Protection
from microglia.protect.ledger import route as on_route
from tests.factories import NOW, SOURCE, deployment, edges, running, service, snapshot, thing
from tests.planning import cut, grounds, host, own, pruning, record, route, route_lost, selection, wid

ADS, BLOG, CART = host("ads"), host("blog"), host("cart")
SEARCH = running(deployment("search"))
SERVICES = [service(name) for name in ("ads", "blog", "cart")]
LOST = [route("search", ADS, BLOG)]


def table(*raws: Raw, losing: list[Any] | None = None, **parts: Any) -> Desk:
    """A desk with ``search`` and three Services; ``raws`` come on top."""
    losing = LOST if losing is None else losing
    chosen = selection({"search": 3}, losing, yielded=parts.pop("yielded", [route_lost(one) for one in losing]))
    seen = snapshot(
        *parts.pop("base", SEARCH), *SERVICES, *raws, source=parts.pop("source", SOURCE),
        faults=parts.pop("faults", ()), calls=parts.pop("calls", None),
    )  # fmt: skip
    spec, state = parts.pop("spec", PolicySpec()), parts.pop("state", pruning())
    return desk(grounds(seen, chosen, **parts), state, spec)


def pin(*, blind: bool = False) -> Protection:
    """A protection by a person."""
    return Protection("marks", Level.PIN, 0, "drill", ObjectRef("Service", "shop", "ads"), "f", "v", blind)


def test_losers_of_a_client_are_one_candidate() -> None:
    """Classes in the order of their density, hosts counted, costs per host."""
    dear, cheap = route("search", ADS, cost=20.0), route("search", BLOG, CART)
    laid = table(losing=[dear, cheap], yielded=[route_lost(dear, 0.5), route_lost(cheap, 0.1)])
    (candidate,), held = hiding(laid)
    assert (candidate.element, candidate.density, held) == ("routes:shop/search", 0.1, [])
    assert [(run.count, run.cost) for run in candidate.runs] == [(2, {"proxyConfig": 10.0}), (1, {"proxyConfig": 20.0})]


def test_a_new_sidecar_hides_what_was_asked() -> None:
    """All hosts in one object, with the saving, the worth and who won."""
    laid = table(yielded=[route_lost(LOST[0], 0.1, "route:x")])
    change = hide(laid, wid("search"), 2)
    assert (change.namespace, change.name, change.before) == ("shop", "microglia-search", None)
    assert (change.cut, change.shown) == ((ADS, BLOG), ())
    assert hidden(change.after) == (ADS, BLOG)
    assert change.after is not None
    assert change.after["spec"]["workloadSelector"] == {"labels": {"app": "search"}}
    assert change.saving.proxy_config == 20.0
    assert (change.why.at_risk, change.why.lost_to) == (pytest.approx(0.018), "route:x")
    assert change.why.sentence == "not called in 336 h of its own activity, 0.009/h each"
    assert change.uid == "Deployment-shop-search"


def test_what_is_at_risk_is_told_in_requests_by_any_rule() -> None:
    """By presence routes compete in hours a week; a person still reads requests per hour: 3.0 in 336, twice."""
    idle = route("search", ADS, BLOG, value=1.498)
    spec = PolicySpec(retention=Retention(rule="presence"))
    change = hide(table(losing=[idle], spec=spec), wid("search"), 2)
    assert change.why.at_risk == pytest.approx(2 * 2.995732 / 336)


def test_part_of_the_hosts_may_go() -> None:
    """A round's share may cut a class in two; the first by name go first."""
    change = hide(table(), wid("search"), 1)
    assert change.cut == (ADS,)
    assert change.why.sentence == "not called in 336 h of its own activity"


def test_weakly_used_routes_say_how_often_they_were_called() -> None:
    """A used route that competes by policy is not called idle."""
    weak = [route("search", ADS, requests=3.0, evidence="USED")]
    assert hide(table(losing=weak), wid("search"), 1).why.sentence == "called 3 times in 336 h of its own activity"


def test_an_own_sidecar_is_extended() -> None:
    """What it hides stays hidden, what is new comes on top, and only the new counts."""
    laid = table(own("search", CART))
    change = hide(laid, wid("search"), 2)
    assert hidden(change.before) == (CART,)
    assert "uid" not in change.before["metadata"]
    assert (hidden(change.after), change.cut) == ((ADS, BLOG, CART), (ADS, BLOG))


def test_hosts_hidden_already_or_shielded_are_not_cut_again() -> None:
    """Nothing is left to do for a client whose losers are hidden or hurt before."""
    shield = Shield(f"shop/search -> {BLOG}", NOW + timedelta(days=3), "called")
    laid = table(own("search", ADS), state=pruning(shields=(shield,)))
    assert hiding(laid) == ([], [])


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"source": replace(SOURCE, istiod=("1.30.2",))}, "istiod 1.30.2"),
        ({"spec": PolicySpec(actuation=Actuation(routes=()))}, "spec.actuation.routes"),
        ({"base": running(deployment("search", status={"updatedReplicas": 1}))}, "in the middle of a change"),
        ({"history": History(None, (record(cut("search", CART)),))}, "under watch"),
        ({"faults": [BlindSpot("Sidecar", "403")]}, "Sidecars cannot be listed"),
        ({"base": []}, "the workload is gone"),
    ],
)
def test_a_client_is_held(parts: dict[str, Any], why: str) -> None:
    """Each reason is told, with how many hosts would have gone."""
    candidates, held = hiding(table(**parts))
    assert candidates == []
    assert [note.subject for note in held] == ["shop/search -> 2 hosts"]
    assert why in held[0].why


def test_a_foreign_sidecar_is_never_shadowed() -> None:
    """A Sidecar of the namespace, of the mesh or of the pods: held, and named."""
    for namespace, spec in (
        ("shop", {}),
        ("istio-system", {}),
        ("shop", {"workloadSelector": {"labels": {"app": "search"}}}),
    ):
        candidates, held = hiding(table(thing("Sidecar", "theirs", namespace, spec=spec)))
        assert candidates == []
        assert f"Sidecar {namespace}/theirs applies to its pods" in held[0].why


def test_shared_labels_are_held() -> None:
    """A selector that would catch another workload's pods is not written."""
    twin = deployment("twin", pod_labels={"app": "search", "extra": "1"})
    candidates, held = hiding(table(*running(twin)))
    assert candidates == []
    assert "no labels are its pods' alone" in held[0].why


def test_a_taken_name_and_an_edited_sidecar_are_held() -> None:
    """Microglia neither overwrites an object of that name nor somebody's edit."""
    other = thing("Sidecar", "microglia-search", spec={"workloadSelector": {"labels": {"app": "other"}}})
    assert "is not microglia's" in hiding(table(other))[1][0].why
    edit = own("search", CART)
    edit["spec"]["egress"][0]["hosts"].append("./*")
    assert any("somebody edited" in note.why for note in hiding(table(edit))[1])


def test_a_healthy_sidecar_needs_no_upkeep() -> None:
    """Hosts that are idle, exist and are not protected stay hidden, also when the selection no longer needs it."""
    assert upkeep(table(own("search", ADS))) == ([], [])
    assert upkeep(table(own("search", ADS), losing=[])) == ([], [])


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"calls": edges(("shop/search", ADS, "shop/ads"))}, f"{ADS} was used"),
        ({"protections": [on_route(pin(), host=ADS)]}, f"{ADS} is protected: drill"),
    ],
)
def test_what_needs_its_host_sees_it_again(parts: dict[str, Any], why: str) -> None:
    """One host comes back, the other stays hidden."""
    (change,), held = upkeep(table(own("search", ADS, CART), **parts))
    assert held == []
    assert (change.shown, change.cut, hidden(change.after)) == ((ADS,), (), (CART,))
    assert change.widens
    assert change.why.sentence == why


def test_an_edge_without_use_shows_nothing() -> None:
    """Metrics may remember an edge that nobody used in the window."""
    calls = edges(("shop/search", ADS, "shop/ads"))
    assert upkeep(table(own("search", ADS), calls=replace(calls, used=np.array([False])))) == ([], [])


def test_a_host_that_vanished_is_shown() -> None:
    """A Service made anew under that name is a Service of tomorrow. Where Services cannot be seen, nothing vanished."""
    gone = host("gone")
    (change,), _ = upkeep(table(own("search", gone)))
    assert (change.after, change.shown) == (None, (gone,))
    assert change.why.sentence == f"{gone} no longer exists"
    assert upkeep(table(own("search", gone), faults=[BlindSpot("Service", "403")])) == ([], [])


def test_a_blind_protection_shows_nothing() -> None:
    """A pin that only stands because something could not be seen does not undo what was decided in sight."""
    assert upkeep(table(own("search", ADS), protections=[on_route(pin(blind=True), host=ADS)])) == ([], [])


def test_a_weakly_used_loser_stays_hidden() -> None:
    """Where the policy lets used routes go, use from before the cut is no reason to show them."""
    weak = PolicySpec(retention=Retention(weak=Weak(routes=WeakRoutes(below=1.0))))
    calls = edges(("shop/search", ADS, "shop/ads"))
    assert upkeep(table(own("search", ADS), spec=weak, calls=calls)) == ([], [])


def test_ours_is_withdrawn_when_theirs_appears() -> None:
    """A Sidecar that is not ours takes over: every host is shown, our object goes."""
    (change,), _ = upkeep(table(own("search", ADS, CART), thing("Sidecar", "default", spec={})))
    assert (change.after, change.shown) == (None, (ADS, CART))
    assert "Sidecar shop/default applies to its pods now" in change.why.sentence


def test_ours_is_withdrawn_when_its_labels_are_shared() -> None:
    """A new workload under the same labels must not lose hosts that it was never asked about."""
    twin = deployment("twin", pod_labels={"app": "search", "extra": "1"})
    (change,), _ = upkeep(table(own("search", ADS), *running(twin)))
    assert change.after is None
    assert change.why.sentence == "no labels are its pods' alone any more"


def test_what_cannot_be_drawn_is_told() -> None:
    """A leftover without its workload, and an edited one, are named with what to do."""
    edit = own("search", ADS)
    edit["spec"]["ingress"] = []
    changes, held = upkeep(table(edit, own("gone", ADS)))
    assert changes == []
    assert [(note.subject, note.what) for note in held] == [
        ("Sidecar shop/microglia-gone", "left over"),
        ("Sidecar shop/microglia-search", "not ours any more"),
    ]


def test_a_cut_takes_what_is_due_back_along() -> None:
    """One change per client: it hides the new hosts and shows the vanished ones."""
    change = hide(table(own("search", host("gone"), CART)), wid("search"), 2)
    assert (change.cut, change.shown, hidden(change.after)) == ((ADS, BLOG), (host("gone"),), (ADS, BLOG, CART))
