"""approve, reject and status, where the cluster keeps the plans."""

import json
import re
from datetime import timedelta

import pytest

from microglia.cli import wiring
from microglia.model.kinds import BY_NAME
from microglia.model.objects import at
from microglia.model.ports import ForbiddenError
from microglia.plan.object import PLAN_KIND
from microglia.plan.status import Remark
from microglia.policy.schema import PruningPolicy
from microglia.store.objects import ObjectJournal
from tests.unit.act.checkouts import CART, checkout

ADS = CART.replace("cart", "adservice")


@pytest.fixture
def kept(live):
    """The world, whose cluster knows PruningPlans."""
    live.cluster.absent = frozenset()
    return live


@pytest.fixture
def offered(run, kept):
    """The plan that the reader would put up, and the journal in the cluster."""
    ended = run("plan")
    found = wiring.Plans(wiring.Folder(wiring.Settings().state)).load(re.search(r"plan-[0-9a-f]{8}", ended.out)[0])
    journal = ObjectJournal(kept.cluster, lambda: kept.cluster.now, {"default": PruningPolicy()})
    journal.offer(found, kept.cluster.now)
    return found


def spec(live, plan):
    """What the object says."""
    return at(live.cluster.read(PLAN_KIND, "", plan.id), "spec")


def test_approve_shows_the_plan_asks_and_notes_who(run, kept, offered):
    """Digest, the user's own name and the end of it; status tells so, and what is up before."""
    waits = run("status")
    assert "1 plan up:" in waits.out
    assert f"microglia approve {offered.id}" in waits.out
    ended = run("approve", offered.id, answer="y\n")
    assert ended.code == 0, ended.out + ended.err
    assert offered.digest in ended.out.replace("\n", "")
    assert offered.changes[0].workload in ended.out
    assert f"Approve {offered.id} as ann, until" in ended.out
    approval = spec(kept, offered)["approval"]
    assert (approval["digest"], approval["by"]) == (offered.digest, "ann")
    assert approval["until"] == (kept.cluster.now + timedelta(hours=24)).isoformat().replace("+00:00", "Z")
    assert "approved by ann until" in run("status").out
    (told,) = json.loads(run("status", "-o", "json").out)
    assert [(one["id"], one["stage"]) for one in told["offers"]] == [(offered.id, "approved")]


def test_a_no_approves_nothing(run, kept, offered):
    """Neither does silence."""
    assert run("approve", offered.id, answer="n\n").code == 1
    assert "give --yes" in run("approve", offered.id, answer="").err
    assert "approval" not in spec(kept, offered)


def test_reject_takes_an_approval_back(run, kept, offered):
    """Who and why; the short id will do."""
    run("approve", offered.id, "--yes", "--for", "2h")
    ended = run("reject", offered.id.removeprefix("plan-"), "--why", "not on a Friday")
    assert ended.code == 0, ended.err
    assert spec(kept, offered)["rejected"] == {"by": "ann", "why": "not on a Friday"}
    assert "approval" not in spec(kept, offered)
    assert "rejected by ann: not on a Friday" in run("status").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("approve", "plan-00000000"), r"no plan plan-00000000 is up in this cluster \(up: plan-"),
        (("approve", "{id}", "--for", "soon"), "is not a duration; write 14d, 2h or 90s"),
        (("approve", "{id}", "--for", "0s"), "must hold for a while"),
        (("reject", "{id}", "--why", " "), "--why is empty"),
    ],
)
def test_mistakes_say_how_to_put_them_right(run, offered, words, said):
    """And change nothing."""
    ended = run(*(word.replace("{id}", offered.id) for word in words))
    assert ended.code in (1, 2)
    assert re.search(said, ended.err)


def test_who_is_unknown_cannot_approve(run, kept, offered, monkeypatch):
    """The API server does not tell: kubectl is the way."""
    monkeypatch.setattr(kept.cluster, "user", lambda: "")
    assert "write spec.approval yourself with kubectl patch" in run("approve", offered.id, "--yes").err

    def refused():
        raise ForbiddenError("no reviews here")

    monkeypatch.setattr(kept.cluster, "user", refused)
    assert "who you are: no reviews here" in run("approve", offered.id, "--yes").err


def test_without_the_crd_nothing_waits(run, live):
    """The message says what to do in its place."""
    assert "keeps no PruningPlan objects" in run("approve", "plan-1").err


def test_apply_and_restore_keep_their_journal_in_the_cluster(run, kept, offered, home):
    """A plan that is up becomes the record; no file of a journal is made, and every laptop can undo it."""
    for saved in (home / "state" / "plans").iterdir():
        saved.unlink()
    ended = run("apply", offered.id, "--yes")
    assert ended.code == 0, ended.out + ended.err
    raw = kept.cluster.read(PLAN_KIND, "", offered.id)
    assert (at(raw, "status", "state"), at(raw, "status", "done")) == ("Done", "1/1")
    policy = kept.cluster.read(BY_NAME["PruningPolicy"], "", "default")
    assert (at(policy, "status", "phase"), at(policy, "status", "round")) == ("Pruning", 1)
    assert not list((home / "state").rglob("journal"))
    assert "built in; none given" in run("plan").out
    restored = run("restore", "--all", "--yes")
    assert "Everything is back." in restored.out, restored.out + restored.err
    assert at(kept.cluster.read(PLAN_KIND, "", offered.id), "status", "state") == "Restored"
    assert "Nothing to undo" in run("restore").out


def test_restore_reads_both_kinds(run, live):
    """What was done before the cluster knew plans lies in files, and is given back with the rest."""
    before = {
        one["metadata"]["name"]: at(one, "spec", "replicas") for one in live.cluster.objects(BY_NAME["Deployment"])
    }
    first = re.search(r"microglia apply (plan-\w+)", run("plan").out)[1]
    run("apply", first, "--yes")
    live.cluster.absent = frozenset()
    live.cluster.advance(live.cluster.now + timedelta(days=2))
    second = re.search(r"microglia apply (plan-\w+)", run("plan").out)[1]
    assert run("apply", second, "--yes").code == 0
    listed = run("restore").out
    assert first in listed
    assert second in listed
    ended = run("restore", "--all", "--yes")
    assert "Everything is back." in ended.out, ended.out + ended.err
    after = {
        one["metadata"]["name"]: at(one, "spec", "replicas") for one in live.cluster.objects(BY_NAME["Deployment"])
    }
    assert after == before


def test_a_rehearsal_writes_nothing_into_the_clusters_journal(run, kept, offered):
    """Also where an agent is in the middle of a plan: status tells what it finds, and settles nothing."""
    journal = ObjectJournal(kept.cluster, lambda: kept.cluster.now)
    journal.begin(offered, kept.cluster.now)
    before = kept.cluster.read(PLAN_KIND, "", offered.id)
    assert run("status").code == 0
    assert run("plan").code in (0, 3)
    assert kept.cluster.read(PLAN_KIND, "", offered.id) == before


def test_an_approval_that_leads_nowhere_says_so(run, kept, offered):
    """Where the policy's mode never acts: which one would, and how to go on by hand."""
    told = " ".join(run("approve", offered.id, "--yes").out.split())
    assert "But policy default is in mode observe, in which the agent never acts" in told
    assert f"or carry it out yourself: microglia apply {offered.id}" in told
    body = {"apiVersion": "microglia.dev/v1alpha1", "kind": "PruningPolicy", "metadata": {"name": "default"}}
    kept.cluster.create(BY_NAME["PruningPolicy"], {**body, "spec": {"actuation": {"mode": "approve"}}})
    told = " ".join(run("approve", offered.id, "--yes").out.split())
    assert f"The agent checks {offered.id} on fresh facts and carries it out in its next lap." in told


def test_a_plan_for_git_is_not_approved_and_can_be_proposed_from_the_cluster(run, kept, offered, tmp_path):
    """Asked for nothing, told the command; propose finds the plan though no file of it is here."""
    delivered = offered.model_copy(update={"way": "git", "whole": ""})
    journal = ObjectJournal(kept.cluster, lambda: kept.cluster.now, {"default": PruningPolicy()})
    journal.offer(delivered, kept.cluster.now)
    ended = run("approve", delivered.id, "--yes")
    assert ended.code == 1
    assert f"microglia propose {delivered.id} --repo PATH" in ended.err
    assert f"microglia propose {delivered.id} --repo PATH" in run("status").out
    checkout(tmp_path / "repo", {"apps/ads.yaml": ADS})
    ended = run("propose", delivered.id, "--repo", tmp_path / "repo")
    assert ended.code == 0, ended.out + ended.err
    assert at(kept.cluster.read(PLAN_KIND, "", delivered.id), "status", "state") == "Proposed"


def test_status_tells_what_the_agent_says(run, kept, offered):
    """In its own words, beside what a lap would do now; for programs, too."""
    journal = ObjectJournal(kept.cluster, lambda: kept.cluster.now, {"default": PruningPolicy()})
    journal.remark("default", Remark((), "Pruning: waits"))
    text = run("status").out
    assert "could be made now" in text
    assert "The agent, mode observe, says: Pruning: waits" in text
    assert json.loads(run("status", "-o", "json").out)[0]["says"] == "Pruning: waits"
