"""The gate before every removal: refused for the cluster, and proposable only while the decision still stands."""

from typing import Any

import pytest

from microglia.plan.change import RemoveChange
from microglia.verify.clear import Cleared, Proposable, Refused, verify, winnow
from tests.factories import thing
from tests.unit.verify.verify_world import SHOP, Scene, Tell, merged, scene

RULES = [{"route": [{"destination": {"host": name}}]} for name in ("web", "cart")]
FRONT = thing("VirtualService", "front", SHOP, spec={"hosts": ["shop.example.org"], "http": RULES})
WORLD: dict[str, Any] = {"world": {"objects": [FRONT]}, "plan": {"scale": {}, "remove": True}}


def removing(case: Tell | None = None, way: str = "git", **parts: Any) -> Scene:
    """The dead rule of the shop's front, as it was planned, verified against the world as it is told."""
    told = scene(merged(WORLD, case or {}))
    (change,) = scene(WORLD).plan.changes
    plan = told.plan.model_copy(update={"changes": (change.model_copy(update=parts),), "way": way})
    return Scene(plan, told.topology, told.history, told.policy, told.now)


def check(one: Scene) -> Cleared | Proposable | Refused:
    return verify(one.plan, one.topology, one.history, one.policy, one.now)


def noes(one: Scene) -> list[tuple[str, str]]:
    checked = check(one)
    assert isinstance(checked, Refused)
    return [(refusal.gate, refusal.message) for refusal in checked.refusals]


def test_a_dead_rule_is_proposable() -> None:
    """Every gate is asked, and none has anything against it."""
    checked = check(removing())
    assert isinstance(checked, Proposable), checked
    assert isinstance(checked.plan.changes[0], RemoveChange)


def test_it_is_never_cleared_for_the_cluster() -> None:
    """By any purpose."""
    for purpose in ("prune", "restore", "regrow"):
        one = removing(way="cluster")
        one = Scene(one.plan.model_copy(update={"purpose": purpose}), one.topology, one.history, one.policy)
        assert ("rare", "microglia never removes it from a cluster, it only proposes that: microglia propose") in noes(
            one
        )


def test_no_plan_that_gives_back_removes() -> None:
    """Not by Git either."""
    one = removing()
    one = Scene(one.plan.model_copy(update={"purpose": "restore"}), one.topology, one.history, one.policy)
    ((gate, message),) = noes(one)
    assert gate == "rare"
    assert message.startswith("a plan to restore may only give back, this change takes")


@pytest.mark.parametrize(
    ("since", "why"),
    [
        ({"objects": []}, "it is gone, in use or out of scope by now"),
        ({"objects": [FRONT | {"spec": {"hosts": ["x"], "http": RULES[:1]}}]}, "it is gone, in use"),
        ({"objects": [FRONT | {"spec": {"hosts": ["x"], "http": RULES}}]}, "it changed since the plan was made"),
        ({"objects": [thing("VirtualService", "front", SHOP, annotations={"microglia.dev/protect": "x"},
                            spec=FRONT["spec"])]}, "it is marked microglia.dev/protect: x"),
        ({"blind": ["Rollout"]}, "it is gone, in use or out of scope by now"),
    ],
)  # fmt: skip
def test_it_must_still_be_needless(since: Any, why: str) -> None:
    """Gone, used again, edited, protected or out of sight since the plan."""
    assert any(gate == "rare" and message.startswith(why) for gate, message in noes(removing({"since": since})))


def test_a_plan_that_was_edited_is_refused() -> None:
    """What goes is what the decision says, item by item."""
    ((gate, message),) = noes(removing(items=(0, 1), after={"http": []}))
    assert (gate, message.partition(";")[0]) == ("rare", "it changed since the plan was made")


def test_a_removal_waits_like_every_pruning() -> None:
    """For its phase, and for the end of a freeze."""
    hardened = removing({"history": {"phase": "Hardened"}})
    assert "phase" in [gate for gate, _ in noes(hardened)]
    frozen = removing({"policy": {"pace": {"freeze": [{"cron": "0 0 * * *", "lasts": "24h"}]}}})
    assert "freeze" in [gate for gate, _ in noes(frozen)]


def test_what_is_refused_is_told_beside_the_rest() -> None:
    """The dead rule goes on without it."""
    one = removing()
    gone = one.plan.changes[0].model_copy(update={"workload": "Service/shop/ghost", "after": None, "items": ()})
    plan = one.plan.model_copy(update={"changes": (gone, *one.plan.changes)})
    checked = winnow(plan, one.topology, one.history, one.policy, one.now)
    assert isinstance(checked, Proposable)
    assert len(checked.plan.changes) == 1
    (note,) = [note for note in checked.plan.held if note.subject == "Service/shop/ghost"]
    assert (note.what, note.why.partition(":")[0]) == ("the whole object removed", "gate rare")


BUSY = {name: {"sent": 1000} for name in ("cart", "web", "search", "batch")}
ORPHANED: dict[str, Any] = {
    "world": {"services": {"old": {"selector": {"app": "old"}}}, "workloads": BUSY},
    "plan": {"scale": {"cart": None}, "remove": True, "fields": {"way": "git"}},
}


def test_an_orphan_is_proposable_by_real_scores_of_every_client() -> None:
    """Everybody was at work and nobody called it; what it cost their proxies is saved."""
    one = scene(ORPHANED)
    (change,) = one.plan.changes
    assert isinstance(change, RemoveChange)
    assert (change.workload, change.saving.proxy_config) == ("Service/shop/old", 15 * 74_000.0)
    assert isinstance(check(one), Proposable)


def test_one_call_or_one_silent_client_since_then_refuses_it() -> None:
    """A client that did nothing in the window proves nothing."""
    called = {"since": {"calls": [["web", "cart", 100000], ["batch", "old", 1]]}}
    ((gate, message),) = noes(scene(merged(ORPHANED, called)))
    assert (gate, message.partition(":")[0]) == ("rare", "calls to it were seen, though nothing answers them")
    ((gate, message),) = noes(scene(merged(ORPHANED, {"since": {"workloads": {"search": {"sent": 0}}}})))
    assert gate == "rare"
    assert message.startswith("whether shop/search needs it is not known: the client itself called nothing")


TAKEN = {"parents": [{"controllerName": "example.org/gate", "conditions": [{"type": "Accepted", "status": "True"}]}]}


def tied(*backends: str, **parts: Any) -> dict[str, Any]:
    """An HTTPRoute whose rules have the same match."""
    rules = [{"backendRefs": [{"name": name}]} for name in backends]
    return thing("HTTPRoute", "front", SHOP, spec={"rules": rules}, status=TAKEN, **parts)


def test_a_rule_that_loses_every_tie_is_proposable_while_it_does() -> None:
    """By the same decision on fresh facts: another rule, another status or a call since then refuses it."""
    told = {"scale": {}, "remove": True, "fields": {"way": "git"}}
    world: dict[str, Any] = {"world": {"objects": [tied("cart", "spare")]}, "plan": told}
    checked = check(scene(world))
    assert isinstance(checked, Proposable)
    assert [change.workload for change in checked.plan.changes] == ["HTTPRoute/shop/front"]
    for since, why in (
        ({"objects": [tied("spare")]}, "it is gone, in use or out of scope by now"),
        ({"objects": [tied("cart", "search")]}, "calls to search.shop.svc.cluster.local were seen"),
        ({"objects": [tied("cart", "none")]}, "it changed since the plan was made"),
        ({"objects": [tied("cart", "spare") | {"status": {}}]}, "no gateway or mesh says in its status"),
        ({"calls": [["batch", "spare", 1]]}, "calls to spare.shop.svc.cluster.local were seen"),
    ):
        found = noes(scene(world | {"since": since}))
        assert any(gate == "rare" and message.startswith(why) for gate, message in found), since


PARTS = [{"destination": {"host": "web"}, "weight": 90}, {"destination": {"host": "old"}, "weight": 10}]
SPLIT = thing("VirtualService", "front", SHOP, spec={"hosts": ["shop.example.org"], "http": [{"route": PARTS}]})
FEW = [["web", "cart", 100000], ["unknown", "web", 100]]


def test_an_empty_backend_is_proposable_by_real_scores_of_every_client() -> None:
    """Until somebody calls it, or pods stand behind it; another backend than the planned one is refused."""
    world = merged(ORPHANED, {"world": {"objects": [SPLIT], "calls": FEW}})
    one = scene(world)
    (change,) = one.plan.changes
    assert isinstance(change, RemoveChange)
    assert (change.workload, change.rule, change.items) == ("VirtualService/shop/front", 0, (1,))
    assert isinstance(check(one), Proposable)
    called = merged(world, {"since": {"calls": [*FEW, ["batch", "old", 1]]}})
    assert [message.partition(":")[0] for _, message in noes(scene(called))] == [
        "calls to it were seen, though nothing answers them"
    ]
    other = one.plan.model_copy(update={"changes": (change.model_copy(update={"rule": 1}),)})
    ((gate, message),) = noes(Scene(other, one.topology, one.history, one.policy, one.now))
    assert (gate, message.partition(";")[0]) == ("rare", "it changed since the plan was made")
