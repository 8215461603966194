"""What a plan says of everything that stays."""

from microglia.plan.document import Note, Rule
from microglia.report.notes import held_text, spared_text, undecided_text
from tests.planning import plan
from tests.unit.report.answers import flat, note

STRETCH = "held by stretch: with 3 replicas too much would fall on each"


def test_nothing_held_spared_or_undecided_takes_no_room():
    """Empty lists have no heading."""
    assert held_text(plan(), everything=False) == ""
    assert spared_text((), everything=False) == ""
    assert undecided_text((), everything=False) == ""


def test_alike_holds_share_a_row_with_one_example_in_numbers():
    """Twenty workloads that are held by the same limit are one piece of news."""
    held = (
        note("default", "33 more changes", "the lap is full"),
        note("shop/a", "5 -> 2", STRETCH),
        note("shop/a", "5 -> 2", "held by failureStretch: also"),
        note("shop/b", "6 -> 2", STRETCH),
        note("shop/c", "4 -> 2", "Argo CD owns its count"),
        note("shop/d", "4 -> 2", "in the middle of a change"),
        note("shop/e", "4 -> 2", "in the middle of a change"),
    )
    text = flat(held_text(plan(held=held), everything=False))
    assert "default 33 more changes the lap is full" in text
    assert "shop/a, shop/b 2 in all held by stretch, as shop/a 5 -> 2: with 3 replicas too much" in text
    assert "failureStretch" not in text
    assert "shop/c 4 -> 2 Argo CD owns its count" in text
    assert "shop/d, shop/e 2 in all in the middle of a change" in text


def test_all_holds_are_told_on_demand():
    """--all shows each with every reason, once."""
    held = (
        note("shop/a", "5 -> 2", STRETCH),
        note("shop/a", "5 -> 2", "held by memory: more"),
        note("shop/a -> 3 hosts"),
    )
    text = flat(held_text(plan(held=held), everything=True))
    assert "too much would fall on each; held by memory: more" in text
    assert "shop/a -> 3 hosts" in text


def test_spared_workloads_come_first_and_routes_are_counted():
    """Important rows do not drown: routes are one row with their most frequent reasons."""
    routes = [
        note(f"shop/{name} -> a, b and 4 more", "6 routes cut", "it is a gateway; headless; mirror; weight 0; rare")
        for name in ("x", "y", "z")
    ]
    routes.append(note("shop/z -> c", "1 route cut", "it is a gateway"))
    text = spared_text([*routes, note("shop/standby", "3 -> 1 replicas", "it stands by")], everything=False)
    flowing = flat(text)
    assert flowing.index("shop/standby") < flowing.index("routes of 3 clients")
    assert (
        "routes of 3 clients 19 routes cut it is a gateway; headless; mirror; weight 0; and 1 more reason (--all)"
        in flowing
    )
    assert "shop/x" not in text
    assert "shop/x -> a, b and 4 more" in flat(spared_text(routes, everything=True))


def test_the_routes_are_counted_below_however_many_workloads():
    """The row of routes is not lost in "and N more"."""
    many = [note(f"shop/w{number:02}", "3 -> 1 replicas") for number in range(12)]
    routes = [note("shop/x -> a.shop.svc.cluster.local", "some"), note("shop/y -> a", "1 route cut")]
    text = flat(spared_text([*many, *routes], everything=False))
    assert "routes of 2 clients 1 route cut" in text
    assert "… and 4 more (--all)" in text


def test_a_single_spared_route_is_named():
    """One route needs no counting, and its host no suffix."""
    assert "shop/x -> a.shop" in spared_text([note("shop/x -> a.shop.svc.cluster.local")], everything=False)
    assert "svc.cluster.local" not in spared_text([note("shop/x -> a.shop.svc.cluster.local")], everything=False)


def test_undecided_ones_are_listed_by_what_is_missing():
    """Who lacks the same thing stands in one row; routes are told apart from workloads."""
    found = (
        note("shop/b", why="no sidecar"),
        note("shop/a", why="no sidecar"),
        note("shop/a -> x", why="silence proves nothing"),
        note("shop/a -> y", why="silence proves nothing"),
    )
    text = flat(undecided_text(found, everything=False))
    assert "shop/a, shop/b no sidecar" in text
    assert "routes of shop/a silence proves nothing" in text


def test_the_reason_that_is_its_own_comes_first():
    """What every row says is told after what only this one says."""
    found = [
        note("shop/a", why="never below 2; it stands by"),
        note("shop/b", why="never below 2; a webhook"),
    ]
    text = flat(spared_text(found, everything=False))
    assert "it stands by; never below 2" in text
    assert "a webhook; never below 2" in text


def test_the_rule_that_spares_something_is_named() -> None:
    """Each reason with its rule; of the rule that holds everything only the name, unless it stands alone or --all."""
    told = {"object": "Deployment shop/a", "field": "f", "value": "v"}
    backup = Rule(rule="backup", reason="stands by; for web", **told)
    broad = Rule(rule="minimum-policy", reason="nothing goes below 2", **told)
    both = Note(subject="shop/a", what="3 -> 1 replica", why="", rules=(backup, broad))
    alone = Note(subject="shop/b", what="2 -> 1 replica", why="", rules=(broad,))
    text = flat(spared_text([both, alone], everything=False))
    assert "shop/a 3 -> 1 replica backup: stands by; for web; minimum-policy shop/b" in text
    assert "shop/b 2 -> 1 replica minimum-policy: nothing goes below 2" in text
    whole = flat(spared_text([both, alone], everything=True))
    assert "backup: stands by; for web; minimum-policy: nothing goes below 2 shop/b" in whole


def test_the_rules_of_one_route_are_named() -> None:
    """A single route has a row of its own, without the domain that all hosts share."""
    rule = Rule(rule="mirror", reason="a mirror", object="VirtualService shop/v", field="spec.http", value="")
    one = Note(subject="shop/a -> b.shop.svc.cluster.local", what="1 route cut", why="", rules=(rule,))
    assert "shop/a -> b.shop 1 route cut mirror: a mirror" in flat(spared_text([one], everything=False))


def test_a_list_that_may_not_be_read_is_told_once() -> None:
    """It spares every workload for the same reason: one row in short, each its own with --all."""
    unread = Rule(rule="blind-spot", reason="Lease could not be read", object="Lease", field="list", value="")
    notes = [Note(subject=f"shop/{name}", what="3 -> 1 replica", why="", rules=(unread,)) for name in "abcde"]
    text = flat(spared_text(notes, everything=False))
    assert "shop/a, shop/b, shop/c and 2 more 5 in all blind-spot: Lease could not be read" in text
    assert spared_text(notes, everything=True).count("Lease could not be read") == 5
    assert "shop/a 3 -> 1 replica blind-spot: Lease" in flat(spared_text(notes[:1], everything=False))
