"""The whole plan of one lap."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from microglia.compete.selection import Spared, Undecided
from microglia.lifecycle.states import Phase, State
from microglia.model.ids import ObjectRef
from microglia.model.objects import BlindSpot
from microglia.plan.change import RemoveChange
from microglia.plan.draft import draft
from microglia.plan.grounds import Grounds
from microglia.plan.history import History
from microglia.plan.rare import Rare
from microglia.policy.digest import policy_digest
from microglia.policy.schema import Cap, Freeze, Metadata, Pace, PolicySpec, PruningPolicy
from microglia.protect.ledger import Level, Protection
from tests.factories import NOW, deployment, edges, nodes, replica_score, running, service, snapshot
from tests.planning import (
    grounds,
    host,
    own,
    pruning,
    record,
    route,
    route_lost,
    scaled,
    selection,
    step_lost,
    wid,
)  # fmt: skip
from tests.unit.act.changes import WHY

NAMES = ("a", "b", "c")
ADS, BLOG = host("ads"), host("blog")
WIDE = Cap(share=1.0, at_least=9)
OPEN = Pace(per_lap=WIDE, per_namespace=WIDE)


def policy(pace: Pace = OPEN) -> PruningPolicy:
    """A policy whose caps do not bind unless told."""
    return PruningPolicy(metadata=Metadata(name="shop"), spec=PolicySpec(pace=pace))


def shop(*more: Any, excess: float = 6.0, **parts: Any) -> Grounds:
    """Three workloads of five replicas that should come down to three, and a client with two hosts it never calls.

    A replica costs 1 of every resource; densities rise from a to c, routes are densest.
    """
    losing = route("a", ADS, BLOG, cost=1.0)
    yielded = [step_lost(name, 3, 5, density=place / 10) for place, name in enumerate(NAMES, 1)]
    chosen = selection(
        dict.fromkeys(NAMES, 3), [losing], yielded=[*yielded, route_lost(losing, 0.9)], excess={"cpu": excess},
        **{key: parts.pop(key) for key in ("lean", "spared", "undecided", "entered") if key in parts},
    )  # fmt: skip
    raws = [one for name in NAMES for one in running(deployment(name, replicas=5))]
    services = [service("ads"), service("blog")]
    seen = snapshot(*raws, *services, *nodes(), *more, faults=parts.pop("faults", ()), calls=edges())
    return grounds(seen, chosen, *(replica_score(wid(name), 5) for name in NAMES), **parts)


def changes(ground: Grounds, state: State, pace: Pace = OPEN) -> list[str]:
    """The elements that would change."""
    return [change.element for change in draft(ground, state, policy(pace), NOW).changes]


def test_all_losers_go_one_step_when_nothing_binds() -> None:
    """Least density first, one step per workload, all routes of a client in one change."""
    plan = draft(shop(), pruning(), policy(), NOW)
    assert [change.element for change in plan.changes] == [
        "replica:shop/a", "replica:shop/b", "replica:shop/c", "routes:shop/a",
    ]  # fmt: skip
    assert plan.changes[3].cut == (ADS, BLOG)
    assert plan.saving.replicas == 3
    assert plan.held == ()


def test_the_plan_says_what_it_was_made_from() -> None:
    """Structure, cluster, window, rule, policy, snapshot, phase, round and the targets."""
    ground = shop()
    plan = draft(ground, pruning(2, entry={"cpu": 99.0}), policy(), NOW)
    assert (plan.purpose, plan.structure, plan.cluster, plan.made_at) == ("prune", "default", "cluster-uid", NOW)
    assert (plan.window_start, plan.window_end) == (ground.topology.snapshot.window.start, NOW - timedelta(hours=1))
    assert (plan.rule, plan.policy, plan.policy_digest) == ("requests-at-risk", "shop", policy_digest(policy()))
    assert (plan.snapshot_digest, plan.phase, plan.round, plan.rounds) == ("0" * 64, "Pruning", 2, 5)
    assert plan.targets == {"shop/a": 3, "shop/b": 3, "shop/c": 3}
    assert plan.accounts[0].model_dump() == {
        "resource": "cpu", "load_bearing": 10.0, "budget": 12.0, "kept": 11.0, "present": 17.0, "excess": 6.0,
        "price": 0.4, "short": 0.0, "held_up_by": (), "outside": 0.0,
    }  # fmt: skip
    assert plan.competition is not None
    assert (plan.competition.value, plan.competition.bound, plan.competition.gap) == (90.0, 100.0, 0.1)


def test_the_same_world_gives_the_same_plan() -> None:
    """Order of input changes nothing, down to the digest."""
    ground = shop()
    turned = replace(
        ground,
        selection=replace(ground.selection, yielded=ground.selection.yielded[::-1]),
        scores=replace(ground.scores, replicas=dict(reversed(ground.scores.replicas.items()))),
    )
    assert draft(ground, pruning(), policy(), NOW).digest == draft(turned, pruning(), policy(), NOW).digest


def test_a_round_takes_its_share() -> None:
    """Round 1 of 5 may take a third of 6: two replicas; the third waits for the next round."""
    state = pruning(1, entry={"cpu": 6.0})
    plan = draft(shop(), state, policy(), NOW)
    assert [change.element for change in plan.changes] == ["replica:shop/a", "replica:shop/b", "routes:shop/a"]
    assert [(note.subject, note.what) for note in plan.held] == [("default", "1 more change")]
    assert "round 1 of 5 has used its share" in plan.held[0].why


def test_a_round_moves_at_least_one_element() -> None:
    """A share smaller than any element still takes one, once."""
    tiny = pruning(1, entry={"cpu": 0.3})
    assert changes(shop(), tiny)[0] == "replica:shop/a"
    assert "replica:shop/b" not in changes(shop(), tiny)
    assert not any(one.startswith("replica:") for one in changes(shop(), replace(tiny, moved=1)))


def test_a_lap_is_capped() -> None:
    """One change per lap, and the plan says which cap and how many wait."""
    plan = draft(shop(), pruning(), policy(Pace(per_lap=Cap(share=0.1), per_namespace=WIDE)), NOW)
    assert [change.element for change in plan.changes] == ["replica:shop/a"]
    assert plan.held[0].what == "3 more changes"
    assert "spec.pace.perLap" in plan.held[0].why


def test_a_client_outside_the_targets_counts_as_an_object() -> None:
    """A caller whose routes are in scope has room for its Sidecar although its count is nobody's business."""
    ground = shop()
    ground = replace(ground, selection=replace(ground.selection, targets={}))
    assert changes(ground, pruning()) == ["routes:shop/a"]


def test_exposing_shows_the_first_round() -> None:
    """Before the window is representative the plan shows what round 1 would take, for the gates to refuse."""
    plan = draft(shop(), State("default", Phase.EXPOSING, NOW), policy(), NOW)
    assert (plan.phase, plan.round) == ("Exposing", 0)
    assert [change.element for change in plan.changes] == ["replica:shop/a", "replica:shop/b", "routes:shop/a"]


@pytest.mark.parametrize(
    ("state", "parts", "pace", "why"),
    [
        (State("default", Phase.HARDENED, NOW), {}, OPEN, "until 27 Sep 2026 or microglia reopen default"),
        (pruning(), {"lean": True, "entered": 7}, OPEN, "lean: nothing exceeds"),
        (
            pruning(), {}, Pace(per_lap=WIDE, freeze=(Freeze(cron="0 11 * * *", lasts="2h"),)),
            'spec.pace.freeze "0 11 * * *" until 29 Jun 2026 13:00 UTC',
        ),
    ],
    ids=["hardened", "lean", "frozen"],
)  # fmt: skip
def test_at_rest_nothing_is_taken(state: State, parts: dict[str, Any], pace: Pace, why: str) -> None:
    """Hardened, lean or frozen: no change, and the way out is told."""
    plan = draft(shop(**parts), state, policy(pace), NOW)
    assert plan.changes == ()
    assert why in plan.held[0].why


def test_hosts_come_back_even_at_rest() -> None:
    """A Sidecar that must show hosts is redrawn whatever the phase."""
    hardened = State("default", Phase.HARDENED, NOW)
    plan = draft(shop(own("b", host("gone"))), hardened, policy(), NOW)
    assert [(change.element, change.widens) for change in plan.changes] == [("routes:shop/b", True)]


def test_a_client_gets_one_change() -> None:
    """What hides new hosts shows the old ones along; there is no second change for the same object."""
    found = draft(shop(own("a", host("gone"))), pruning(), policy(), NOW).changes
    assert [change.element for change in found].count("routes:shop/a") == 1
    assert found[-1].shown == (host("gone"),)


def test_leftovers_are_told() -> None:
    """A Sidecar whose workload is gone is a note."""
    plan = draft(shop(own("gone", ADS)), pruning(), policy(), NOW)
    assert plan.held[-1].what == "left over"


def test_what_is_under_watch_waits() -> None:
    """No further step for an element that was cut and not yet kept."""
    done = record(scaled(deployment("a", replicas=6), 6, 5), verdicts=["Wait"])
    assert "replica:shop/a" not in changes(shop(history=History(None, (done,))), pruning())
    kept = record(scaled(deployment("a", replicas=6), 6, 5), verdicts=["Keep"])
    assert "replica:shop/a" in changes(shop(history=History(None, (kept,))), pruning())


def test_spared_undecided_and_blind_are_told() -> None:
    """Everything that stays has its line and its reason."""
    source = ObjectRef("DestinationRule", "shop", "failover")
    reason = Protection("failover", Level.PIN, 0, "takes over", source, "spec.host", "typo")
    ground = shop(
        spared=(Spared("shop/x (3)", "no traffic in 14 d", (reason, reason, replace(reason, reason="twice"))),),
        undecided=(Undecided("shop/y", "no sidecar"),),
        faults=[BlindSpot("Lease", "403 Forbidden")],
        dangling=[reason],
        history=History(None, (), surprises=("shop/a has 9 replicas",)),
    )
    plan = draft(ground, pruning(), policy(), NOW)
    place = {"rule": "failover", "object": "DestinationRule shop/failover", "field": "spec.host", "value": "typo"}
    assert plan.spared[0].model_dump() == {
        "subject": "shop/x (3)", "what": "no traffic in 14 d", "why": "failover: takes over; failover: twice",
        "rules": ({**place, "reason": "takes over"}, {**place, "reason": "twice"}),
    }  # fmt: skip
    assert (plan.undecided[0].subject, plan.undecided[0].why) == ("shop/y", "no sidecar")
    assert plan.warnings == (
        "Lease could not be read whole (403 Forbidden): what it hides stays",
        "DestinationRule shop/failover: spec.host typo protects nothing; takes over",
        "shop/a has 9 replicas",
    )


def test_what_a_person_rejected_is_held_back_with_their_words() -> None:
    """A count, the routes of a client and a removal by Git: none is taken, each is told with who will not have it, and
    what was not rejected goes."""
    dead = RemoveChange(workload="Service/shop/old", uid="u", digest="d", before={"x": 1}, after=None, why=WHY)
    live = dead.model_copy(update={"workload": "Service/shop/other"})
    said = "plan-1 was rejected by bob: not now"
    noes = dict.fromkeys(("replica:shop/b", "routes:shop/a", dead.element), said)
    found = replace(shop(), rare=Rare((dead, live), ()), rejected=noes)
    plan = draft(found, pruning(), policy(), NOW, "git")
    assert [change.element for change in plan.changes] == ["replica:shop/a", "replica:shop/c", live.element]
    assert {(note.subject, note.why) for note in plan.held} == {
        ("shop/b", said), ("shop/a", said), ("Service/shop/old", said)
    }  # fmt: skip
    assert {note.what for note in plan.held} == {"would lose something"}
