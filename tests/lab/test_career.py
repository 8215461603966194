"""A whole life of the agent on real servers, on a simulated clock: prune, watch, give back what hurts, harden."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from microglia.policy.schema import PruningPolicy
from tests.lab import Lab
from tests.lab.career import Career, live

pytestmark = pytest.mark.timeout(300)

HURT = {"worker", "front"}
"""What the bad release is in, and who calls it: both gave a replica before, and were watched when it came."""


@pytest.fixture(scope="module")
def career(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Career:
    """Lived once, in mode auto, with the rights and behind the wall of the chart."""
    return live(lab, tmp_path_factory.mktemp("career"))


def test_it_ends_hardened(career: Career) -> None:
    """From the first cut to Hardened; what nobody calls is at the floor of two, and everybody can read why."""
    assert [one.phase for one in career.rounds] == ["Pruning"] * (len(career.rounds) - 1) + ["Hardened"]
    assert career.rounds[-1].counts == {name: 2 for name in career.before if name not in HURT} | {
        name: career.before[name] for name in HURT
    }
    told = {one["type"]: one["status"] for one in career.status["conditions"]}
    assert told["Hardened"] == "True"
    assert career.status["saying"] == "Hardened: nothing to take"


def test_rights_and_wall_refuse_nothing(career: Career) -> None:
    """Every change of every plan was written, and no agent had anything to warn of."""
    plans = [*career.pruned, *career.regrown]
    other = [step for one in plans for step in one["status"]["steps"] if step["state"] != "done"]
    assert other == []
    assert {one["status"]["state"] for one in plans} == {"Done"}
    assert {step["state"] for one in plans for step in one["status"]["steps"]} == {"done"}
    assert {change["kind"] for one in plans for change in one["spec"]["changes"]} == {"scale", "sidecar"}
    assert career.warnings == []


def test_every_cut_was_judged(career: Career) -> None:
    """Nothing stays under watch for ever: each change ends with Keep or Regrow, and only the harmed with the latter."""
    for plan in career.pruned:
        changes = plan["spec"]["changes"]
        last = {one["index"]: one["verdict"] for one in plan["status"]["judgements"]}
        assert last.keys() == set(range(len(changes)))
        back = {changes[index]["workload"] for index, verdict in last.items() if verdict == "Regrow"}
        assert set(last.values()) <= {"Keep", "Regrow"}
        assert back <= {f"bad/{name}" for name in HURT}


def test_a_bad_release_is_undone_within_one_watch(career: Career) -> None:
    """Errors begin to rise in the middle of a watch: what was taken around them is back before that time has passed
    again, protected, and told as an event."""
    (back,) = career.regrown
    at = datetime.fromisoformat(back["status"]["started"])
    watch: timedelta = PruningPolicy().spec.guard.watch
    assert career.released < at <= career.released + watch
    assert {change["workload"] for change in back["spec"]["changes"]} == {f"bad/{name}" for name in HURT}
    before = [one for one in career.rounds if one.at < at][-1].counts
    after = next(one for one in career.rounds if one.at == at).counts
    assert {name: after[name] - before[name] for name in HURT} == dict.fromkeys(HURT, 1)
    shields = {one["element"]: one["reason"] for one in career.status["shields"]}
    assert shields.keys() >= {f"bad/{name}" for name in HURT}
    assert all("errors" in reason for reason in shields.values())
    harm = [one for one in career.events if one["reason"] == "Harm"]
    assert {one["type"] for one in harm} == {"Warning"}
    assert any("bad/worker: errors" in one["note"] for one in harm)


def test_kubectl_tells_at_a_glance(career: Career) -> None:
    """Phase, mode, last lap and why no more goes on, of the policy; of each plan what it was, what it saves and how it
    fared. No column that the whole career has filled stays empty."""
    (policy,) = career.tables["pruningpolicies"]
    known = {name: policy[name] for name in ("NAME", "MODE", "PHASE", "ROUND", "ACCEPTED", "WHY", "NOW")}
    assert known == {
        "NAME": "bad-days",
        "MODE": "auto",
        "PHASE": "Hardened",
        "ROUND": "0",
        "ACCEPTED": "True",
        "WHY": "NothingToTake",
        "NOW": "Hardened: nothing to take",
    }
    assert policy["LAST LAP"]
    plans = {one["NAME"]: one for one in career.tables["pruningplans"]}
    assert plans.keys() == {one["metadata"]["name"] for one in (*career.pruned, *career.regrown)}
    for one in career.pruned:
        shown = plans[one["metadata"]["name"]]
        assert (shown["STATE"], shown["CHANGES"]) == ("Done", str(len(one["spec"]["changes"])))
        assert all(shown[name] for name in ("WHAT", "SAVES", "VERDICT", "AGE"))


def test_conditions_speak_of_the_generation_that_was_read(career: Career) -> None:
    """The policy was written once, and never changed."""
    assert {one["observedGeneration"] for one in career.status["conditions"]} == {1}
