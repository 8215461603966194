"""Keep, Wait or Regrow."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from microglia.guard.harm import Looker
from microglia.guard.judge import Verdict, judge, judged
from microglia.guard.regrow import regrow, shields
from microglia.guard.watch import attended
from microglia.lifecycle.states import Phase, Shield, State
from microglia.model.activity import Edge, EdgeActivity, Slowness
from microglia.model.objects import BlindSpot
from microglia.plan.history import History, Record
from microglia.policy.digest import policy_digest
from microglia.policy.guarding import Guard
from microglia.policy.schema import Metadata, Pace, PolicySpec, PruningPolicy
from microglia.topology.build import build
from microglia.topology.graph import Topology
from tests.autoscaling import hpa, lowering
from tests.factories import (
    NOW,
    WINDOW,
    activity,
    deployment,
    nodes,
    running,
    service,
    snapshot,
    thing,
    workload_activity,
)
from tests.planning import cut, host, own, record, scaled

POLICY = PruningPolicy(metadata=Metadata(name="shop"))
CUT = WINDOW.end - timedelta(hours=24)
ADS, BLOG = host("ads"), host("blog")
LAST = WINDOW.hours - 1
OLD = deployment("a", replicas=5)
EVERYTHING = slice(None)
AFTER = slice(WINDOW.hours - 24, None)


def world(series: Mapping[str, Mapping[str, Any]] | None = None, *raws: Any, **parts: Any) -> Topology:
    """Workload ``a`` with 4 replicas, called by ``front`` and calling ``back``, and ``far`` apart from them.

    ``series`` is workload name -> array name -> [(hours, value), ...]. All are steady at 1,000 requests an hour with
    one error in a hundred and a peak of 10 rps.
    """
    names = ["a", "back", "far", "front"]
    facts = workload_activity([f"shop/{name}" for name in names])
    steady = {"requests": 1000, "sent": 1000, "failures": 10, "peak": 10, "latency": 100}
    arrays = {name: np.full_like(facts.requests, value) for name, value in steady.items()}
    arrays |= {name: getattr(facts, name).copy() for name in ("unserved", "seen", "rolling", "throttled")}
    arrays |= {name: np.full_like(facts.requests, value) for name, value in {"slow": 10, "timed": 1000}.items()}
    for workload, changes in (series or {}).items():
        for name, values in changes.items():
            for hours, value in values:
                arrays[name][names.index(workload), hours] = value
    called = [("front", "a"), ("a", "back")]
    keys = [(Edge(f"shop/{one}", host(other), f"shop/{other}", "http"), NOW.timestamp()) for one, other in called]
    keys += [(Edge("shop/a", name, "", "http"), last) for name, last in parts.pop("calls", ())]
    keys.sort(key=lambda pair: pair[0])
    count = len(keys)
    edges = EdgeActivity(
        tuple(key for key, _ in keys), np.ones(count, dtype=bool), np.full(count, 9.0), np.zeros(count),
        np.array([last for _, last in keys]), np.zeros(count, dtype=bool),
    )  # fmt: skip
    base = [one for name in names if name != "a" for one in running(deployment(name))]
    mine = parts.pop("mine", running(deployment("a", replicas=4)))
    services = [service(name) for name in ("ads", "blog", *names)]
    slowness = Slowness(500.0, facts.keys, arrays.pop("slow"), arrays.pop("timed"))
    seen = activity(replace(facts, **arrays), edges, slowness=slowness)
    if not parts.pop("whole", True):
        seen.known[-1] = False
    return build(snapshot(*base, *mine, *services, *nodes(), *raws, activity=seen, **parts))


def one(topology: Topology, *records: Record, policy: PruningPolicy = POLICY, now: Any = NOW) -> Verdict:
    """The only verdict."""
    (found,) = judge(History(None, records), topology, policy, now)
    return found


def down(at: Any = CUT, **parts: Any) -> Record:
    """``a`` went from 5 to 4."""
    return record(scaled(OLD, 5, 4), at=at, **parts)


def eased(at: Any = CUT, **parts: Any) -> Record:
    """The minimum of the autoscaler of ``a`` went from 5 to 4."""
    return record(lowering(OLD, hpa("a", 5, "a"), 4), at=at, **parts)


def hid(at: Any = CUT, **parts: Any) -> Record:
    """Two hosts were hidden from ``a``."""
    return record(cut("a", ADS, BLOG), at=at, **parts)


def test_nothing_taken_is_nothing_to_judge() -> None:
    """Without receipts there are no verdicts."""
    assert judge(History(None, ()), world(), POLICY, NOW) == ()


def test_what_carried_its_load_without_harm_is_kept() -> None:
    """Exposed to its weekly peak, enough errors to have seen a quarter more, watched long enough."""
    busy = {"a": {"failures": [(EVERYTHING, 200)]}}
    verdict = one(world(busy), down())
    assert (verdict.verdict, verdict.why) == ("Keep", "no harm in 1d 1h")
    assert (verdict.record, verdict.index, verdict.element) == (down().id, 0, "replica:shop/a")
    assert verdict.figures == {"expected_rps": 2.5, "reached_rps": 2.5}
    assert verdict.neighbourhood == ("shop/a", "shop/back", "shop/front")


def test_what_was_not_timed_says_so() -> None:
    """Without buckets there is no judgement from latency, which neither harms nor helps; a policy that does not ask for
    it says nothing."""
    busy = {"a": {"failures": [(EVERYTHING, 200)], "slow": [(AFTER, np.nan)], "timed": [(AFTER, np.nan)]}}
    verdict = one(world(busy), down())
    assert (verdict.verdict, verdict.why) == (
        "Keep",
        "no harm in 1d 1h; latency was not judged: no histogram told how many of its requests took over 500 ms",
    )
    silent = PruningPolicy(spec=PolicySpec(guard=Guard(signals=("errors",))))
    assert one(world(busy), down(), policy=silent).why == "no harm in 1d 1h"


def test_slowness_is_asked_for_what_is_under_watch() -> None:
    """The workload, its callers and callees; nothing once it is kept, and nothing without a history."""
    topology = world()
    assert attended(History(None, (down(),)), topology) == ("shop/a", "shop/back", "shop/front")
    assert attended(History(None, (down(verdicts=["Keep"]),)), topology) == ()


def test_too_few_errors_wait_for_a_whole_cycle() -> None:
    """One error in a hundred cannot show a quarter more within a day; a week without harm can."""
    few = world({"a": {"failures": [(EVERYTHING, 1)]}})
    verdict = one(few, down())
    assert verdict.verdict == "Wait"
    assert "too few errors on both sides to tell 1.25 times as many" in verdict.why
    week = WINDOW.end - timedelta(days=7)
    assert one(few, down(at=week), now=week + timedelta(days=7)).verdict == "Keep"
    assert one(few, down(at=week), now=week + timedelta(days=7, seconds=-1)).verdict == "Wait"


def test_a_policy_without_errors_waits_for_a_whole_cycle() -> None:
    """What is not looked at cannot have been seen."""
    quiet = PruningPolicy(spec=PolicySpec(guard=Guard(signals=())))
    verdict = one(world({"a": {"failures": [(EVERYTHING, 200), (AFTER, 900)]}}), down(), policy=quiet)
    assert verdict.verdict == "Wait"


def test_keep_needs_exposure() -> None:
    """Until the load per replica has come near what it must carry, hours alone do not count."""
    calm = {"a": {"failures": [(EVERYTHING, 200)], "peak": [(AFTER, 8)]}}
    verdict = one(world(calm), down())
    assert verdict.verdict == "Wait"
    assert "one replica carried 2 rps of the 2.25 rps that show it can" in verdict.why
    assert verdict.figures == {"expected_rps": 2.5, "reached_rps": 2.0}


def test_keep_needs_the_watch() -> None:
    """Even the best hour is not enough before the watch is over, and a closed hour is needed at all."""
    busy = {"a": {"failures": [(EVERYTHING, 2000)]}}
    early = one(world(busy), down(at=NOW - timedelta(hours=2, seconds=-1)))
    assert early.why.startswith("no whole hour since the cut has closed yet; watched until 29 Jun 12:00 UTC at least")
    long = PruningPolicy(spec=PolicySpec(guard=Guard(watch="26h")))
    assert one(world(busy), down(), policy=long, now=CUT + timedelta(hours=25)).verdict == "Wait"
    assert one(world(busy), down(), policy=long, now=CUT + timedelta(hours=26)).verdict == "Keep"


def test_what_was_idle_is_kept_after_the_watch() -> None:
    """No load, nothing to be exposed to."""
    idle = {"a": {name: [(EVERYTHING, 0)] for name in ("requests", "failures", "peak", "sent")}}
    assert one(world(idle), down()).verdict == "Keep"


def test_routes_are_kept_after_the_watch() -> None:
    """An idle route has no load; its tripwire stays."""
    assert one(world(None, own("a", ADS, BLOG)), hid()).verdict == "Keep"
    young = hid(at=NOW - timedelta(hours=1, minutes=59))
    assert one(world(None, own("a", ADS, BLOG)), young).verdict == "Wait"


@pytest.mark.parametrize("name", ["a", "front", "back"])
def test_more_errors_nearby_give_it_back(name: str) -> None:
    """Caller and callee cannot be told apart: twice the errors at any of them is harm."""
    verdict = one(world({name: {"failures": [(EVERYTHING, 50), (AFTER, 100)]}}), down())
    assert (verdict.verdict, verdict.protects) == ("Regrow", ("shop/a",))
    assert verdict.why.startswith(
        f"shop/{name}: errors 2 times as often as in the same hours of week before (2,400 since"
    )
    assert verdict.figures["log_e"] > 7


def test_errors_far_away_do_not_count() -> None:
    """What neither calls nor is called is not this cut's doing."""
    assert one(world({"far": {"failures": [(AFTER, 500)]}}), down()).verdict == "Wait"


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ({"unserved": [(AFTER, 30)]}, "unserved requests infinitely times as often"),
        ({"slow": [(AFTER, 100)]}, "slow requests 10 times as often as in the same hours of week before"),
        ({"requests": [(AFTER, 700)], "failures": [(AFTER, 7)]}, "demand below its norm"),
        ({"sent": [(AFTER, 700)]}, "calls of its own below their norm"),
        ({"throttled": [(AFTER, 0.2)]}, "CPU throttled above its norm"),
    ],
    ids=["unserved", "latency", "missing", "unsent", "saturation"],
)
def test_each_signal_gives_it_back(series: dict[str, Any], words: str) -> None:
    """Every signal of the policy is able to raise the alarm, and says what it saw."""
    verdict = one(world({"a": series}), down())
    assert verdict.verdict == "Regrow"
    assert words in verdict.why


def test_harm_gives_back_everything_under_watch_around_it() -> None:
    """A step of the callee shares the caller's harm; what is far away and what was kept do not."""
    back, far = deployment("back", replicas=4), deployment("far", replicas=4)
    mixed = record(scaled(OLD, 5, 4), scaled(back, 4, 3), scaled(far, 4, 3), at=CUT)
    kept = hid(at=CUT - timedelta(hours=5), verdicts=["Keep"])
    topology = world({"front": {"failures": [(EVERYTHING, 50), (AFTER, 200)]}}, own("a", ADS, BLOG))
    words = [(found.element, found.verdict) for found in judge(History(None, (kept, mixed)), topology, POLICY, NOW)]
    assert words == [("replica:shop/a", "Regrow"), ("replica:shop/back", "Wait"), ("replica:shop/far", "Wait")]
    topology = world({"back": {"failures": [(EVERYTHING, 50), (AFTER, 200)]}}, own("a", ADS, BLOG))
    words = [(found.element, found.verdict) for found in judge(History(None, (kept, mixed)), topology, POLICY, NOW)]
    assert words == [("replica:shop/a", "Regrow"), ("replica:shop/back", "Regrow"), ("replica:shop/far", "Wait")]


def test_harm_brings_routes_back_too() -> None:
    """Every host of a cut under watch around the harm is shown again, and shielded."""
    topology = world({"front": {"failures": [(EVERYTHING, 50), (AFTER, 200)]}}, own("a", ADS, BLOG))
    verdict = one(topology, hid())
    assert (verdict.verdict, verdict.protects) == ("Regrow", (f"shop/a -> {ADS}", f"shop/a -> {BLOG}"))


def test_the_most_certain_harm_is_told() -> None:
    """Of two harmed workloads the clearer one is the reason, whoever saw it."""
    series = {
        "front": {"failures": [(EVERYTHING, 50), (AFTER, 100)]},
        "a": {"failures": [(EVERYTHING, 50), (AFTER, 400)], "slow": [(AFTER, 30)]},
    }
    later = record(scaled(deployment("back", replicas=4), 4, 3), at=CUT + timedelta(hours=4))
    found = judge(History(None, (down(), later)), world(series), POLICY, NOW)
    assert [verdict.why.startswith("shop/a: errors 8 times") for verdict in found] == [True, True]


def test_more_rounds_ask_for_more_certainty() -> None:
    """The chance of a false alarm is shared by all rounds."""
    borderline = world({"a": {"failures": [(EVERYTHING, 50), (AFTER, 50 * 1.27)]}})
    few = PruningPolicy(spec=PolicySpec(pace=Pace(rounds=1), guard=Guard(alpha=1.0, signals=("errors",))))
    many = PruningPolicy(spec=PolicySpec(pace=Pace(rounds=1), guard=Guard(alpha=1e-30, signals=("errors",))))
    assert one(borderline, down(), policy=few).verdict == "Regrow"
    assert one(borderline, down(), policy=many).verdict == "Wait"


@pytest.mark.parametrize(("signals", "tests"), [((), 1), (("errors",), 5), (("errors", "errors", "missing"), 15)])
def test_the_chance_of_a_false_alarm_is_shared(signals: tuple[str, ...], tests: int) -> None:
    """By every sign of the policy's signals in every of five rounds; a signal named twice counts once."""
    spec = PolicySpec.model_validate({"guard": {"signals": signals}})
    assert Looker(world(), spec).alpha == pytest.approx(0.01 / tests)


NOBODY = {name: [(AFTER, 0)] for name in ("requests", "failures", "sent", "peak")}


def test_without_any_traffic_everything_waits() -> None:
    """Nobody calls anything any more, anywhere: that is not the cut's doing, and nothing can be told until they do."""
    verdict = one(world(dict.fromkeys(("a", "back", "far", "front"), NOBODY)), down())
    assert (verdict.verdict, verdict.figures) == ("Wait", {"quiet_hours": 24.0})
    assert verdict.why.startswith("nothing in the whole mesh was called for 1d")


def test_missing_demand_is_harm_while_others_are_called() -> None:
    """The same silence of one workload is."""
    assert one(world({"a": NOBODY}), down()).verdict == "Regrow"


def test_a_tripped_wire_is_heard_in_silence() -> None:
    """A call along a cut is news even when nothing else is."""
    topology = world(
        dict.fromkeys(("a", "back", "far", "front"), NOBODY), own("a", ADS, BLOG), calls=[(ADS, NOW.timestamp())]
    )
    assert one(topology, hid()).verdict == "Regrow"


def test_traffic_that_comes_back_is_not_held_against_the_cut() -> None:
    """The hours in which everybody was silent count for nothing afterwards."""
    gap = {name: [(slice(WINDOW.hours - 20, WINDOW.hours - 4), 0)] for name in ("requests", "failures", "sent")}
    assert one(world(dict.fromkeys(("a", "back", "far", "front"), gap)), down()).verdict == "Wait"


def test_a_partial_hour_freezes_everything() -> None:
    """While the newest hour was not read whole nothing is undone, not even a tripped wire; the kept is silent."""
    topology = world(
        {"a": {"failures": [(AFTER, 900)]}}, own("a", ADS, BLOG), whole=False, calls=[(ADS, NOW.timestamp())]
    )
    found = judge(History(None, (down(), hid(verdicts=["Keep"]))), topology, POLICY, NOW)
    assert [(verdict.element, verdict.verdict) for verdict in found] == [("replica:shop/a", "Wait")]
    assert "not read whole" in found[0].why


@pytest.mark.parametrize("verdicts", [[], ["Wait"], ["Keep"]])
@pytest.mark.parametrize(
    ("called", "protects"),
    [
        (ADS, (f"shop/a -> {ADS}",)),
        ("PassthroughCluster", (f"shop/a -> {ADS}", f"shop/a -> {BLOG}")),
        ("BlackHoleCluster", (f"shop/a -> {ADS}", f"shop/a -> {BLOG}")),
    ],
)
def test_a_call_along_a_cut_route_trips_its_wire(called: str, protects: tuple[str, ...], verdicts: list[str]) -> None:
    """For as long as the cut exists, kept or not: it comes back, and what was called is protected."""
    verdict = one(world(None, own("a", ADS, BLOG), calls=[(called, NOW.timestamp())]), hid(verdicts=verdicts))
    assert (verdict.verdict, verdict.element, verdict.protects) == ("Regrow", "routes:shop/a", protects)
    assert called in verdict.why


@pytest.mark.parametrize(
    ("call", "word"),
    [
        ((ADS, CUT.timestamp() - 1), "Keep"),
        ((ADS, CUT.timestamp()), "Regrow"),
        ((ADS, np.nan), "Regrow"),
        ((host("back"), NOW.timestamp()), "Keep"),
    ],
    ids=["before the cut", "at the cut", "undated", "another host"],
)
def test_only_calls_since_the_cut_trip(call: tuple[str, float], word: str) -> None:
    """Use from before is no alarm; what is not dated is."""
    assert one(world(None, own("a", ADS, BLOG), calls=[call]), hid()).verdict == word


def test_an_edge_that_was_not_used_trips_nothing() -> None:
    """Metrics may still know the edge of a route that nobody uses."""
    topology = world(None, own("a", ADS, BLOG), calls=[(ADS, NOW.timestamp())])
    edges = topology.activity.edges
    edges.used[[key.host == ADS for key in edges.keys]] = False
    assert one(topology, hid()).verdict == "Keep"


def test_kept_cuts_are_silent_until_their_wire_is_met() -> None:
    """No verdict is repeated for what was kept."""
    topology = world(None, own("a", ADS, BLOG))
    assert judge(History(None, (down(verdicts=["Keep"]), hid(verdicts=["Keep"]))), topology, POLICY, NOW) == ()


def test_a_foreign_sidecar_withdraws_ours() -> None:
    """Kept or not, ours goes when another one applies; that is nobody's harm, so nothing is shielded."""
    topology = world(None, own("a", ADS, BLOG), thing("Sidecar", "default", spec={}))
    for verdicts in ([], ["Keep"]):
        verdict = one(topology, hid(verdicts=verdicts))
        assert (verdict.verdict, verdict.protects) == ("Regrow", ())
        assert "Sidecar shop/default applies to its pods now" in verdict.why


@pytest.mark.parametrize(
    ("expected", "placement", "word"),
    [
        ({"a": 2, "b": 1, "c": 1}, {}, "Wait"),
        ({"a": 1, "b": 1, "c": 2}, {}, "Regrow"),
        ({"a": 1, "b": 1, "c": 2}, {"a": 1, "b": 1, "c": 2}, "Wait"),
        ({"a": 1, "b": 1, "": 2}, {}, "Wait"),
    ],
    ids=["as planned", "worse", "looked at by the writer", "zone unknown"],
)
def test_a_placement_that_nobody_looked_at_is_looked_at(expected: Any, placement: Any, word: str) -> None:
    """The writer was interrupted after the write: what came out worse than planned is given back, and is no harm."""
    taken = record(scaled(OLD, 5, 4, expected=expected), at=CUT)
    taken = taken.model_copy(update={"steps": (taken.steps[0].model_copy(update={"placement": placement}),)})
    verdict = one(world(), taken)
    assert (verdict.verdict, verdict.protects) == (word, ())
    assert ("zone c has 1 pods instead of 2" in verdict.why) is (word == "Regrow")


def test_a_placement_is_not_looked_at_while_pods_move_or_after_it_was_kept() -> None:
    """A rollout puts pods elsewhere for a while, and years later they lie where somebody else put them."""
    taken = record(scaled(OLD, 5, 4, expected={"c": 2}), at=CUT)
    moving = world(mine=running(deployment("a", replicas=4, status={"updatedReplicas": 3})))
    assert one(moving, taken).verdict == "Wait"
    kept = record(scaled(OLD, 5, 4, expected={"c": 2}), at=CUT, verdicts=["Keep"])
    assert judge(History(None, (kept,)), world(), POLICY, NOW) == ()


@pytest.mark.parametrize(
    ("topology", "taken", "why"),
    [
        (world(mine=[]), down(), "does not exist any more"),
        (world(), record(scaled(OLD, 5, 4, uid="other"), at=CUT), "deleted and made anew"),
        (world(mine=running(deployment("a", replicas=5))), down(), "somebody scaled it back: it has 5 replicas"),
        (world(None, hpa("a", 5, "a")), eased(), "somebody raised it back: HorizontalPodAutoscaler shop/a keeps 5"),
        (world(None, hpa("a", 9, "a")), eased(), "keeps 9"),
        (world(None, hpa("a", 4, "a", uid="new")), eased(), "is gone or made anew"),
        (world(), eased(), "HorizontalPodAutoscaler shop/a is gone or made anew"),
        (world(), hid(), "somebody showed the hosts again"),
    ],
)
def test_what_the_world_has_overtaken_is_kept(topology: Topology, taken: Record, why: str) -> None:
    """There is nothing left to watch, and the verdict says why; once kept it is not repeated."""
    verdict = one(topology, taken)
    assert verdict.verdict == "Keep"
    assert why in verdict.why
    kept = judged(History(None, (taken,)), [verdict], NOW)
    assert judge(kept, topology, POLICY, NOW) == ()


@pytest.mark.parametrize(
    ("topology", "taken", "why"),
    [
        (world(mine=[], faults=[BlindSpot("Deployment", "403")]), down(), "Deployments cannot be read"),
        (
            world(faults=[BlindSpot("HorizontalPodAutoscaler", "403")]),
            eased(),
            "HorizontalPodAutoscalers cannot be read",
        ),
        (world(faults=[BlindSpot("Sidecar", "403")]), hid(), "Sidecars cannot be read"),
    ],
)
def test_what_cannot_be_seen_waits(topology: Topology, taken: Record, why: str) -> None:
    """Missing permission is no verdict; what was kept stays kept."""
    verdict = one(topology, taken)
    assert (verdict.verdict, why in verdict.why) == ("Wait", True)
    kept = taken.model_copy(update={"judgements": (verdict.judgement(NOW).model_copy(update={"verdict": "Keep"}),)})
    assert judge(History(None, (kept,)), topology, POLICY, NOW) == ()


def test_a_regrow_that_did_not_happen_is_asked_for_again() -> None:
    """Until the count is back the word stands, with its reason."""
    verdict = one(world(), down(verdicts=["Regrow"]))
    assert (verdict.verdict, verdict.why, verdict.protects) == ("Regrow", "because", ("shop/a",))


@pytest.mark.parametrize(
    ("hours", "word", "why"),
    [
        (0, "Wait", "too few errors"),
        (5, "Wait", "no metrics of its own for 5h while Prometheus is well and 4 pods are Ready; given back after 6h"),
        (6, "Regrow", "no metrics of its own for 6h while Prometheus is well, the limit of spec.guard.silent.extendTo"),
    ],
)
def test_silence_is_waited_for_and_then_undone(hours: int, word: str, why: str) -> None:
    """Its own series gone while its pods are Ready: wait to a limit, then give back that element only."""
    topology = world({"a": {"seen": [(slice(WINDOW.hours - hours, None), np.nan)]}})
    verdict = one(topology, down())
    assert verdict.verdict == word
    assert why in verdict.why


def test_silence_undoes_that_element_only() -> None:
    """A neighbour under watch is not undone for somebody else's silence."""
    mixed = record(scaled(OLD, 5, 4), scaled(deployment("back", replicas=4), 4, 3), at=CUT)
    topology = world({"a": {"seen": [(AFTER, 0)]}})
    assert [found.verdict for found in judge(History(None, (mixed,)), topology, POLICY, NOW)] == ["Regrow", "Wait"]


def test_a_workload_that_metrics_never_named_is_silent() -> None:
    """No row at all is silence since the cut."""
    topology = world()
    unnamed = replace(topology, rows={key: row for key, row in topology.rows.items() if key.name != "a"})
    verdict = one(unnamed, down())
    assert (verdict.verdict, verdict.figures) == ("Regrow", {"silent_hours": 24.0})
    fresh = one(unnamed, down(at=NOW - timedelta(hours=1)))
    assert (fresh.verdict, fresh.figures) == ("Wait", {})


def test_silence_of_pods_that_are_not_ready_waits() -> None:
    """A workload that is down for other reasons is not repaired by another replica."""
    down_now = running(deployment("a", replicas=4, status={"readyReplicas": 0}))
    down_now = [raw if raw["kind"] != "Pod" else {**raw, "status": {"phase": "Running"}} for raw in down_now]
    verdict = one(world({"a": {"seen": [(AFTER, 0)]}}, mine=down_now), down())
    assert verdict.verdict == "Wait"
    assert "none of its pods is Ready" in verdict.why


@pytest.mark.parametrize("ready", [0, 4])
def test_callers_are_heard_where_the_workload_itself_is_silent(ready: int) -> None:
    """What crashed under its load sends no metrics, Ready or not: the errors that its callers meet give it back."""
    mine = running(deployment("a", replicas=4, status={"readyReplicas": ready}))
    if not ready:
        mine = [raw if raw["kind"] != "Pod" else {**raw, "status": {"phase": "Running"}} for raw in mine]
    late = slice(WINDOW.hours - 3, None)
    series = {"a": {"seen": [(late, 0)]}, "front": {"unserved": [(late, 300)]}}
    verdict = one(world(series, mine=mine), down())
    assert (verdict.verdict, verdict.protects) == ("Regrow", ("shop/a",))
    assert verdict.why.startswith("shop/front: unserved requests infinitely times as often")


@pytest.mark.parametrize(("gap", "word"), [(2, "Keep"), (3, "Wait")])
@pytest.mark.parametrize("record_of", [down, hid])
def test_nothing_is_kept_that_could_not_be_heard(record_of: Any, gap: int, word: str) -> None:
    """No harm in hours that nobody heard is no news: nine tenths of the hours since the cut are needed."""
    first = WINDOW.hours - 24
    series = {"a": {"failures": [(EVERYTHING, 200)], "seen": [(slice(first, first + gap), 0.5)]}}
    verdict = one(world(series, own("a", ADS, BLOG)), record_of())
    assert verdict.verdict == word
    assert ("heard in 87.5 % of the hours since the cut, 90 % are needed" in verdict.why) is (word == "Wait")


def test_verdicts_go_into_the_history_without_being_written() -> None:
    """A rehearsal plans on the words of its own lap; the figures come along, sorted."""
    history = History(None, (down(), hid()))
    said = Verdict(history.records[0].id, 0, "replica:shop/a", "Wait", "why", {"b": 2.0, "a": 1.0})
    after = judged(history, [said], NOW)
    found = after.records[0].verdict(0)
    assert found is not None
    assert (found.verdict, found.why, found.at, list(found.figures)) == ("Wait", "why", NOW, ["a", "b"])
    assert after.records[1] == history.records[1]
    assert history.records[0].judgements == ()


def test_a_regrow_plan_gives_back_the_newest_first() -> None:
    """Counts and hosts of everything that is to regrow, with the reason of each, under the policy in force."""
    first, second = hid(), down(at=CUT + timedelta(hours=1))
    topology = world(None, own("a", ADS, BLOG), digest="d" * 64)
    history = History(None, (first, second))
    said = [
        Verdict(first.id, 0, "routes:shop/a", "Regrow", "called"),
        Verdict(second.id, 0, "replica:shop/a", "Regrow", "errors"),
    ]
    plan = regrow(said, history, topology, POLICY, NOW)
    assert plan is not None
    assert [(change.element, change.why.sentence, change.widens) for change in plan.changes] == [
        ("replica:shop/a", "errors", True), ("routes:shop/a", "called", True),
    ]  # fmt: skip
    assert (plan.purpose, plan.policy, plan.policy_digest) == ("regrow", "shop", policy_digest(POLICY))
    assert (plan.snapshot_digest, plan.window_end, plan.made_at) == ("d" * 64, WINDOW.end, NOW)
    only = regrow(said[1:], history, topology, POLICY, NOW)
    assert only is not None
    assert [change.element for change in only.changes] == ["replica:shop/a"]


def test_nothing_to_regrow_is_no_plan() -> None:
    """Waiting is no reason; nor is what cannot be given back any more."""
    history = History(None, (down(),))
    wait = Verdict(down().id, 0, "replica:shop/a", "Wait", "")
    assert regrow([wait], history, world(), POLICY, NOW) is None
    said = replace(wait, verdict="Regrow")
    assert regrow([said], history, world(mine=running(deployment("a", replicas=5))), POLICY, NOW) is None


def test_what_regrows_is_shielded_for_two_windows() -> None:
    """On top of the shields that are still in force; what waits is not shielded."""
    until = NOW + timedelta(days=28)
    old = Shield("shop/z", NOW + timedelta(days=1), "old")
    state = State("shop", Phase.PRUNING, CUT, shields=(old, Shield("shop/x", NOW, "over")))
    said = [
        Verdict("r", 0, "replica:shop/a", "Regrow", "errors", protects=("shop/a",)),
        Verdict("r", 1, "replica:shop/b", "Wait", "", protects=("shop/b",)),
    ]
    assert shields(state, said, POLICY, NOW) == (Shield("shop/a", until, "errors"), old)
    assert shields(None, [], POLICY, NOW) == ()


def test_a_minimum_that_hurts_is_raised_again() -> None:
    """Harm brings the old minimum back and shields the workload, though the count itself is the autoscaler's."""
    bad = world({"a": {"failures": [(AFTER, 200)]}}, hpa("a", 4, "a"))
    taken = eased()
    (verdict,) = judge(History(None, (taken,)), bad, POLICY, NOW)
    assert (verdict.verdict, verdict.element, verdict.protects) == ("Regrow", "replica:shop/a", ("shop/a",))
    plan = regrow((verdict,), History(None, (taken,)), bad, POLICY, NOW)
    assert plan is not None
    (change,) = plan.changes
    assert (change.kind, change.before, change.after) == ("minimum", 4, 5)
