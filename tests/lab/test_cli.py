"""The command line on real servers, typed as people type it: alone, beside others, and with too few rights."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.lab import Lab
from tests.lab.story import Story, tell

pytestmark = pytest.mark.timeout(300)

TAKEN = {"job/guarded", "job/ledger-standby", "job/report", "job/small", "job/api"}
"""What the first lap takes one replica of."""
HIDDEN_FROM_VIEW = {
    "Node", "Lease", "PriorityClass", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "APIService",
    "CustomResourceDefinition", "Sidecar", "DestinationRule", "VirtualService", "ServiceEntry", "WorkloadEntry",
    "WorkloadGroup",
}  # fmt: skip
"""What the built-in role ``view`` does not show, of what is installed in the lab."""


@pytest.fixture(scope="module")
def story(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """The story, lived through once."""
    return tell(lab, tmp_path_factory.mktemp("people"))


def test_the_doctor_finds_everything_in_order(story: Story) -> None:
    """Cluster, Prometheus, mesh, sight, window and owners are told, as a table and as data, and nothing is missing."""
    said = story.said["doctor"]
    assert said.code == 0
    for found in ("16 workloads, 65 pods, 3 zones", "Istio 1.31.1", "everything could be read", "8d asked, 8d present"):
        assert found in said.words
    findings = {one["subject"]: one for one in story.said["doctor as data"].data}
    assert {one["grade"] for one in findings.values()} == {"ok"}
    assert "retention 60d, scrape 120 s" in findings["Prometheus"]["found"]
    assert findings["Owners"]["found"] == "counts owned by others: helm 1 (propose)"


def test_the_map_shows_who_calls_whom_and_what_is_protected(story: Story) -> None:
    """Every workload has its line with callers; the protected ones have the reason that people wrote."""
    line = next(line for line in story.said["map"].out.splitlines() if line.strip().startswith("job/api "))
    assert line.split()[1:4] == ["6/6", "3", "job/web"]
    assert "job/pinned pinned annotated" in story.said["map protected"].words
    assert "drilled every quarter" in story.said["map protected"].words


def test_a_decision_can_be_recomputed_by_hand(story: Story) -> None:
    """Explain prints capacity, need with its formula, and where this lap takes the workload."""
    words = story.said["explain"].words
    assert "declared 50 rps" in words
    assert "Need 3: least k with survivors(k)" in words
    assert "This lap 6 -> 5;" in words


def test_the_window_is_replayed_and_everything_lost_once(story: Story) -> None:
    """The replay counts the requests without a route, and every node, zone, service and primary."""
    words = story.said["replay"].words
    assert "requests without a route, 0 above capacity" in words
    assert "6 nodes, 1 primary, 16 services, 3 zones): none worse" in words


def test_a_plan_is_one_screen_that_ends_with_what_to_type(story: Story) -> None:
    """What goes, what is spared and why, who owns what, and the next command; pending changes have their own code."""
    said = story.said["plan"]
    assert said.code == 0
    assert len(said.out.splitlines()) < 80
    assert "Helm release job/helmed owns its count" in said.words
    assert "Nothing was changed. Apply: microglia apply plan-" in said.words
    assert story.said["plan as data"].code == 4
    changes = story.said["plan as data"].data[0]["plan"]["changes"]
    assert {change["workload"]: change["before"] - change["after"] for change in changes} == dict.fromkeys(TAKEN, 1)


def test_a_snapshot_gives_the_same_plan_as_the_cluster(story: Story) -> None:
    """A plan from the file has the same id every time, and the changes and targets of the live one; it is not kept."""
    live, first, again = (
        story.said[name].data[0] for name in ("plan as data", "plan from file", "plan from file again")
    )
    assert first["id"] == again["id"]
    assert first["plan"]["changes"] == live["plan"]["changes"]
    assert first["plan"]["targets"] == live["plan"]["targets"]
    assert "16 workloads with traffic" in story.said["snapshot"].err


def test_without_an_answer_nothing_is_written(story: Story) -> None:
    """Apply asks; where nobody answers it says so, and how to do without."""
    said = story.said["apply, nobody there"]
    assert said.code == 1
    assert "Write 5 changes to lab?" in said.out
    assert "Nobody answered; nothing was changed. Where nobody can be asked, give --yes." in said.words
    assert story.counts["apply, nobody there"] == _before(story)


def test_who_acts_is_named_to_everybody_else(story: Story) -> None:
    """While somebody else holds the Lease, apply says who, since when and where, and writes nothing."""
    said = story.said["apply beside ann"]
    assert said.code == 1
    assert "ann@laptop (process 7) is acting on this cluster since 20" in said.err
    assert "(Lease default/microglia); wait until that has ended" in said.err
    assert story.counts["apply beside ann"] == _before(story)
    assert story.records["apply beside ann"] == ()


def test_an_apply_does_what_the_plan_says_and_nothing_else(story: Story) -> None:
    """Every change is told as it is done; the counts are the planned ones; status watches all of them."""
    said = story.said["apply"]
    assert said.code == 0
    assert f"Pruned 5 of 5. Undo it: microglia restore {story.plans['apply']}" in said.words
    before, after = _before(story), story.counts["apply"]
    assert {name for name in after if after[name] != before[name]} == TAKEN
    assert all(before[name] - after[name] == 1 for name in TAKEN)
    status = story.said["status"]
    assert status.code == 0
    assert status.out.count("  Wait  ") == 5
    assert story.plans["apply"] in status.out


def test_a_plan_is_applied_once(story: Story) -> None:
    """The second time it is refused: when it was applied, how to undo it, and object by object what differs."""
    said = story.said["apply again"]
    assert said.code == 3
    assert f"{story.plans['apply']} was applied already, on " in said.words
    assert f"Undo it: microglia restore {story.plans['apply']}" in said.words
    assert "nothing was changed" in said.words
    assert "it has 3 replicas, the plan saw 4; make a new plan: microglia plan" in _unfolded(said.out)
    assert story.counts["apply again"] == story.counts["apply"]
    assert [record.id for record in story.records["apply again"]] == [story.plans["apply"]]
    assert {step.state for step in story.record("apply").steps} == {"done"}


def test_a_restore_gives_everything_back(story: Story) -> None:
    """The counts are those from before, the plan is no longer listed, and the structure can be opened again."""
    said = story.said["restore"]
    assert said.code == 0
    assert "Everything is back." in said.out
    assert story.counts["restore"] == _before(story)
    assert "Nothing to undo" in story.said["restore, nothing named"].out
    assert story.said["reopen"].code == 0
    assert "job is open again" in story.said["reopen"].out


def test_a_plan_that_is_no_longer_true_is_refused(story: Story) -> None:
    """Somebody scaled one Deployment since: the whole plan waits, and the Deployment and both counts are named."""
    said = story.said["apply after a change"]
    assert said.code == 3
    assert "it has 6 replicas, the plan saw 4" in _unfolded(said.out)
    assert "job/report" in said.out
    assert story.counts["apply after a change"] == {**_before(story), "job/report": 6}


def test_a_change_while_the_question_stands_stops_the_apply(story: Story) -> None:
    """What was done before the surprise is kept and can be undone; the surprise and everything after it is not
    written, and the journal says which is which."""
    said = story.said["apply during a change"]
    assert said.code == 1
    assert (
        "job/report 4 -> 3 replicas: surprise: it has 6 replicas now, 4 when it was planned; plan again" in said.words
    )
    record = story.record("apply during a change")
    states = {change.workload: step.state for change, step in zip(record.plan.changes, record.steps, strict=True)}
    counts, before = story.counts["apply during a change"], _before(story)
    assert states.pop("job/report") == "surprise"
    assert counts["job/report"] == 6
    for name, state in states.items():
        assert counts[name] == before[name] - (state == "done")
    assert set(states.values()) == {"done", "skipped"}
    assert story.said["restore half a plan"].code == 0
    assert story.counts["restore half a plan"] == {**before, "job/report": 6}


def test_with_view_alone_the_doctor_names_every_blind_kind(story: Story) -> None:
    """All kinds that ``view`` hides are one finding, by what they hide, with the one command that would show them."""
    assert story.said["doctor as viewer"].code == 0
    findings = story.said["doctor as viewer, as data"].data
    (sight,) = [one for one in findings if one["subject"] == "Sight"]
    head, *costs = sight["found"].split("\n")
    assert 'User "system:serviceaccount:people:viewer" may not list them' in head
    assert {name for line in costs for name in line.partition(":")[0].split(", ")} == HIDDEN_FROM_VIEW
    assert sight["grade"] == "limited"
    assert sight["remedy"] == "Grant it:  microglia doctor --rbac | kubectl apply -f -"


def test_with_view_alone_a_rehearsal_runs_and_prunes_nothing(story: Story) -> None:
    """Everything is scored and stays; what would have gone is listed as undecided, with what would decide it; every
    blind kind is warned about."""
    assert story.said["plan as viewer"].code in (0, 3)
    said = story.said["plan as viewer, as data"]
    assert said.code in (0, 3)
    plan = said.data[0]["plan"]
    assert plan["changes"] == []
    assert plan["targets"] == {**_before(story), "StatefulSet/job/db": 3}
    missing = {note["subject"]: note["why"] for note in plan["undecided"]}
    assert {name for name, why in missing.items() if "grant the list of nodes" in why} >= TAKEN
    assert {warning.partition(" ")[0] for warning in plan["warnings"]} == HIDDEN_FROM_VIEW


def test_each_blind_spot_is_told_with_what_it_spared(story: Story) -> None:
    """Where nodes are seen and routes and webhooks are not, what would have lost is listed with the kinds that hide
    whether it may."""
    plan = story.said["plan with nodes"].data[0]["plan"]
    assert plan["changes"] == []
    spared = {note["subject"]: note for note in plan["spared"]}
    assert set(spared) >= TAKEN
    assert spared["job/report"]["what"] == "4 -> 1 replica"
    for kind in ("ValidatingWebhookConfiguration", "DestinationRule", "Lease"):
        assert f"{kind} could not be read" in spared["job/report"]["why"]


def test_with_view_alone_nobody_can_apply(story: Story) -> None:
    """The plan of somebody who sees more is refused for what cannot be checked, with what to grant."""
    said = story.said["apply as viewer"]
    assert said.code == 3
    assert "grant the list of nodes" in _unfolded(said.out)
    assert story.counts["apply as viewer"] == _before(story)
    assert story.records["apply as viewer"] == story.records["restore half a plan"]


def test_the_printed_role_is_enough_for_a_rehearsal(story: Story) -> None:
    """Bound to the ClusterRole of ``doctor --rbac`` nothing is hidden, and the plan is the administrator's."""
    findings = {one["subject"]: one for one in story.said["doctor as rehearser"].data}
    assert findings["Sight"]["found"] == "everything could be read"
    mine, theirs = (story.said[name].data[0]["plan"] for name in ("plan as rehearser", "plan as data"))
    assert mine["targets"] == theirs["targets"]
    assert mine["warnings"] == []


def test_acting_with_the_right_to_read_fails_cleanly(story: Story) -> None:
    """The forbidden Lease is told and a local lock taken; the first forbidden write ends it; nothing is lost, and the
    journal says that nothing was done."""
    said = story.said["apply as rehearser"]
    assert said.code == 1
    assert "Leases may not be used in namespace default" in said.err
    assert "taking a local lock, which keeps apart only people on this machine" in said.err
    assert "name another namespace with --lease-namespace" in said.err
    assert 'User "system:serviceaccount:people:rehearser" cannot patch resource "pods"' in said.out
    assert "Pruned 0 of 5." in said.out
    assert story.counts["apply as rehearser"] == _before(story)
    states = Counter(step.state for step in story.record("apply as rehearser").steps)
    assert states == {"failed": 1, "skipped": 4}
    assert "Nothing is under watch" in story.said["status as rehearser"].out


def _before(story: Story) -> dict[str, int]:
    return story.counts["doctor"]


def _unfolded(text: str) -> str:
    """A table whose last column was folded: each cell of it in one line."""
    return " ".join(line[_column(text) :].strip() for line in text.splitlines())


def _column(text: str) -> int:
    return next(line.index("WHY") for line in text.splitlines() if line.split()[:2] == ["GATE", "ABOUT"])
