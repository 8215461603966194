"""Floors and evidence of single elements, told without a whole world."""

from dataclasses import replace
from typing import Any

import pytest

from microglia.model.ids import WorkloadId
from microglia.score.scores import Hold, ReplicaScore, Scores
from microglia.verify import elements, peaks, representative
from microglia.verify.facts import Facts, gather
from tests.unit.verify.verify_world import scene

CART = WorkloadId("shop", "cart")


def facts(case: dict[str, Any] | None = None, **changed: Any) -> Facts:
    """The quiet shop, with cart scored otherwise."""
    one = scene(case)
    found = gather(one.plan, one.topology, one.history, one.policy, one.now)
    scored: ReplicaScore = replace(found.scores.replicas[CART], **changed)
    return replace(found, scores=Scores({**found.scores.replicas, CART: scored}, found.scores.routes))


def floors(case: dict[str, Any] | None = None, **changed: Any) -> list[str]:
    return [one.message for one in elements.floors(facts(case, **changed))]


@pytest.mark.parametrize(("floor", "count"), [(4, 0), (5, 0), (6, 1)])
def test_what_holds_a_count_holds_it_here_too(floor: int, count: int) -> None:
    """A hold above the planned count refuses and names itself; one at it or below does not."""
    told = "5 replicas, 6 are needed: held by memory, raise the limit; make a new plan: microglia plan"
    assert floors(holds=(Hold("memory", floor, "raise the limit"),)) == [told] * count


@pytest.mark.parametrize(("reach", "count"), [(4, 0), (5, 0), (6, 1)])
def test_one_step_goes_no_further_than_was_seen_healthy(reach: int, count: int) -> None:
    """The lowest count that stretch allows may be reached, not passed."""
    found = floors(reach=reach)
    assert len(found) == count
    assert all("more load per replica at once than was seen healthy (spec.retention.stretch)" in one for one in found)


def test_a_count_that_nobody_knows_to_be_enough_is_kept() -> None:
    """Without a need, nothing goes; a hold that says why speaks instead."""
    assert floors(need=None, holds=()) == [
        "5 replicas, 6 are needed: no count is known to be enough; make a new plan: microglia plan"
    ]
    held = floors(need=None, holds=(Hold("no-count", 6, "look at its zones"),))
    assert held == ["5 replicas, 6 are needed: held by no-count, look at its zones; make a new plan: microglia plan"]


@pytest.mark.parametrize(("at_risk", "count"), [("0.4/h", 1), ("0.5/h", 0), ("0.6/h", 0)])
def test_weak_replicas_go_below_need_down_to_their_risk(at_risk: str, count: int) -> None:
    """Below need only where the policy says so, and no further than the risk that it names."""
    case = {"policy": {"retention": {"weak": {"replicas": {"atRisk": at_risk}}}}}
    assert len(floors(case, need=6, risk=(9.0, 9.0, 9.0, 9.0, 9.0, 0.5, 0.0))) == count


def test_cpu_and_zones_are_not_undercut_by_a_stated_risk() -> None:
    """Risk speaks of requests: what CPU alone needs is a floor for weak replicas too."""
    case = {"policy": {"retention": {"weak": {"replicas": {"atRisk": "5/h"}}}}}
    (told,) = floors(case, need=6, firm=6, risk=(9.0, 9.0, 9.0, 9.0, 9.0, 0.5, 0.0))
    assert told.startswith("5 replicas, 6 are needed: its peak of 150 rps")


def test_several_pods_that_are_gone_are_counted() -> None:
    """The first is named."""
    gone = facts({"plan": {"scale": {"cart": {"after": 4, "victims": ["cart-x", "cart-y"]}}}})
    (found,) = elements.victims(gone)
    assert found.message.startswith("cart-x with 1 more should go and is gone already")


def test_need_is_told_with_its_arithmetic() -> None:
    """A reader sees the figures behind the number."""
    assert floors(need=6, arithmetic="(k - ceil(k/3)) x 100 >= 351") == [
        "5 replicas, 6 are needed: its peak of 150 rps, (k - ceil(k/3)) x 100 >= 351; make a new plan: microglia plan"
    ]


def test_a_workload_that_was_not_scored_is_not_pruned() -> None:
    """No score is no knowledge."""
    bare = replace(facts(), scores=Scores({}, ()))
    assert [one.message for one in elements.evidence(bare)] == ["its demand is not known: it was not scored"]
    assert [one.message for one in elements.floors(bare)] == []
    assert list(peaks.honest(bare)) == []
    assert list(representative.coverage(bare)) == []


def test_a_workload_that_was_never_heard_is_told_apart_from_a_young_one() -> None:
    """Waiting does not help where nothing is scraped."""
    case = {"world": {"workloads": {"cart": {"heard_from": 336}}}}
    (found,) = representative.cycles(facts(case))
    assert found.message == (
        "0 whole cycles of 7d seen, 2 are required by spec.observation.cycles; it was never heard: check that its"
        " sidecars are scraped"
    )


def test_a_workload_that_metrics_never_named_was_never_heard() -> None:
    """A workload without a row in the metrics has no cycles."""
    found = facts()
    lost = replace(found.topology, rows={one: row for one, row in found.topology.rows.items() if one != CART})
    (objection,) = representative.cycles(replace(found, topology=lost))
    assert "it was never heard" in objection.message


def test_what_was_never_busy_cannot_rise() -> None:
    """An idle first week and a busy second one is no ratio; need already covers the second."""
    case = {"world": {"workloads": {"cart": {"weeks": [0, 150]}}}}
    assert list(peaks.honest(facts(case))) == []


def test_what_cannot_be_measured_is_not_extrapolated() -> None:
    """Without a capacity there is nothing to compare a rise with; other gates keep such a workload."""
    found = facts({"world": {"workloads": {"cart": {"weeks": [50, 150]}}}})
    scored = found.scores.replicas[CART]
    blind = replace(scored, capacity=replace(scored.capacity, rps=None))
    assert list(peaks.honest(replace(found, scores=Scores({CART: blind}, ())))) == []


def test_missing_hours_of_the_week_are_told_with_the_busiest() -> None:
    """Of a workload that receives nothing no hour is the busiest; of others it is said whether it was seen."""
    hours = [166, 334]
    quiet = {"world": {"workloads": {"cart": {"peak": 0, "deaf_hours": hours}}}}
    (found,) = representative.hours_of_week(facts(quiet))
    assert found.message == (
        "167 of 168 hours of the week were heard, the first that was not is Monday 09:00 UTC: wait until a window holds"
        " them all, or repair the scraping"
    )
    weeks = {"world": {"workloads": {"cart": {"weeks": [100, 150], "heard_from": 200}}}}
    (young,) = representative.hours_of_week(facts(weeks))
    assert "136 of 168 hours of the week were heard, the busiest, " in young.message
    assert young.message.count("was not") == 1


def test_where_less_than_a_week_is_asked_for_no_hour_of_it_is() -> None:
    """A policy that takes a day for a cycle says so."""
    case = {
        "world": {"deaf_hours": [166, 334]},
        "policy": {"observation": {"cycles": {"length": "1d"}}},
    }
    assert list(representative.hours_of_week(facts(case))) == []


def test_a_workload_that_metrics_never_named_has_no_hour_of_the_week() -> None:
    """None of 168."""
    (found,) = representative.hours_of_week(facts({"world": {"workloads": {"cart": {"unnamed": True}}}}))
    assert found.message.startswith("0 of 168 hours of the week were heard, the first that was not is Monday 00:00 UTC")


def test_a_client_that_requested_nothing_may_need_anything() -> None:
    """No request, no evidence."""
    case = {"world": {"calls": [["batch", "search", 9000]]}, "plan": {"hide": {"web": ["search"]}}}
    (found,) = representative.unseen(facts(case))
    assert found.message == (
        "it requested nothing in the window, so any host may be the next that it needs; spec.observation.unseen allows"
        " 1 %; watch longer (spec.observation.window)"
    )


@pytest.mark.parametrize(("number", "allows"), [(0, "1 %"), (1, "1 %"), (2, "0.3 %"), (3, "0.1 %"), (7, "0.1 %")])
def test_later_rounds_allow_less_to_be_unseen(number: int, allows: str) -> None:
    """A hundredth in the first round, then three thousandths, then one, and no less."""
    case = facts({"world": {"calls": [["batch", "search", 9000]]}, "plan": {"hide": {"web": ["search"]}}})
    (found,) = representative.unseen(replace(case, plan=case.plan.model_copy(update={"round": number})))
    later = "" if allows == "1 %" else f" at first, and {allows} in round {number}"
    assert f"spec.observation.unseen allows 1 %{later}; watch longer" in found.message


def test_what_was_enough_at_first_is_not_in_the_next_round() -> None:
    """A thousand requests show that at most 0.3 % of the next need another host: enough for 1 %, not for 0.3 %."""
    case = facts({"world": {"calls": [["web", "cart", 990]]}, "plan": {"hide": {"web": ["search"]}}})
    rounds = [replace(case, plan=case.plan.model_copy(update={"round": number})) for number in (1, 2)]
    assert [len(list(representative.unseen(one))) for one in rounds] == [0, 1]


def test_a_tail_is_nothing_without_a_capacity_to_compare_it_with() -> None:
    """Other gates keep what cannot be measured."""
    spikes = dict(zip(range(12, 336, 24), (150, 11, 12, 12, 13, 14, 16, 18, 22, 30, 40, 60, 90, 11), strict=True))
    case = {
        "world": {"workloads": {"cart": {"peak": 10, "capacity": "40rps", "spikes": spikes}}},
        "policy": {"hardening": {"reopen": {"after": "365d"}}},
    }
    found = facts(case)
    assert len(list(peaks.tails(found))) == 1
    scored = found.scores.replicas[CART]
    blind = replace(scored, capacity=replace(scored.capacity, rps=None))
    assert list(peaks.tails(replace(found, scores=Scores({CART: blind}, ())))) == []


def test_what_the_policy_lets_compete_is_not_vetoed() -> None:
    """Where what is left would not have served the window, the rule has said that peaks above need compete."""
    spikes = dict(zip(range(12, 336, 24), (150, 11, 12, 12, 13, 14, 16, 18, 22, 30, 40, 60, 90, 11), strict=True))
    for capacity, count in (("29rps", 0), ("30rps", 1)):
        case = {"world": {"workloads": {"cart": {"peak": 10, "capacity": capacity, "spikes": spikes}}}}
        assert len(list(peaks.tails(facts(case)))) == count
