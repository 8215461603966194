"""apply, restore, reopen, status: asked first, one write at a time, and all of it can be undone."""

import json
import re

import pytest

from microglia import cycle
from microglia.model.kinds import BY_NAME
from microglia.model.objects import at
from microglia.model.ports import ForbiddenError
from microglia.plan.inverse import inverse
from microglia.policy.digest import policy_digest
from microglia.store.plans import export, read

TEAM = "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: team}\n"


def replicas(live):
    """The counts of every Deployment."""
    found = live.cluster.objects(BY_NAME["Deployment"])
    return {raw["metadata"]["name"]: at(raw, "spec", "replicas") for raw in found}


@pytest.fixture
def planned(run, live):
    """The id of a fresh plan."""
    ended = run("plan")
    assert ended.code == 0, ended.err
    return re.search(r"microglia apply (plan-[0-9a-f]{8})", ended.out)[1]


def test_apply_asks_writes_and_tells_how_to_undo_it(run, live, planned):
    """A person sees every change, agrees, and gets the receipt."""
    before = replicas(live)
    ended = run("apply", planned, answer="y\n")
    assert ended.code == 0, ended.out + ended.err
    assert "Write 1 change to world boutique? [y/N]: y" in ended.out
    assert "Pruned 1 of 1." in ended.out
    assert f"microglia restore {planned}" in ended.out
    after = replicas(live)
    assert {name: (before[name], after[name]) for name in before if before[name] != after[name]} == {
        "adservice": (5, 4)
    }


def test_restore_gives_back_what_a_plan_took(run, live, planned):
    """The journal alone is enough: Prometheus may be down."""
    before = replicas(live)
    run("apply", planned, "--yes")
    live.traffic.down = "Prometheus is gone"
    listed = run("restore")
    assert "1 plan can be undone:" in listed.out
    assert planned in listed.out
    ended = run("restore", planned, answer="y\n")
    assert ended.code == 0, ended.out + ended.err
    assert "Everything is back." in ended.out
    assert replicas(live) == before
    assert "Nothing to undo" in run("restore").out


def test_a_no_changes_nothing(run, live, planned):
    """Neither does silence: without a terminal, --yes must be said."""
    before = replicas(live)
    ended = run("apply", planned, answer="n\n")
    assert (ended.code, ended.err) == (1, "Nothing was changed.\n")
    silent = run("apply", planned, answer="")
    assert silent.code == 1
    assert "give --yes" in silent.err
    assert replicas(live) == before
    assert "Nothing to undo" in run("restore").out


def test_a_plan_that_is_no_longer_true_is_refused_with_its_reasons(run, live, planned):
    """What was applied once cannot be applied again: the count is not the one that the plan saw."""
    run("apply", planned, "--yes")
    ended = run("apply", planned, "--yes")
    assert ended.code == 3
    assert "Refused by 1 gate; nothing was changed." in ended.out
    assert "it has 4 replicas, the plan saw 5" in ended.out


def test_an_unknown_plan_is_named_with_the_known_ones(run, live, planned, home):
    """A typo in an id shows the newest ids."""
    ended = run("apply", "plan-nope")
    assert ended.code == 1
    assert f"there is no such plan in {home / 'state' / 'plans'} and no such file" in ended.err
    assert f"newest: {planned}" in ended.err


def test_a_plan_of_another_policy_asks_for_that_policy(run, live, planned, tmp_path):
    """A plan is bound to its structure; the message says which policies are in force."""
    path = tmp_path / "team.yaml"
    path.write_text(TEAM, encoding="utf-8")
    ended = run("apply", planned, "--yes", "--policy", path)
    assert ended.code == 1
    assert f"{planned} was made under policy default, and in force here: team ({path})" in ended.err
    other = run("replay", planned, "--policy", path)
    assert f"{planned} was made for structure default" in other.err


def test_restore_needs_something_to_restore(run, live):
    """An empty journal is no error; an unknown plan, or a plan and --all together, is."""
    empty = run("restore")
    assert (empty.code, empty.out.startswith("Nothing to undo")) == (0, True)
    assert run("restore", "--all").out.startswith("Nothing to undo")
    unknown = run("restore", "plan-nope").err
    assert unknown == "no plan plan-nope in this journal; see what can be undone with: microglia restore\n"
    assert run("restore", "plan-nope", "--all").code == 2


def test_before_an_uninstall_the_lock_stays_held(run, live, planned):
    """Everything is back, and nobody else may write for a while; alone the option is a mistake."""
    run("apply", planned, "--yes")
    assert run("restore", planned, "--uninstall", "--yes").code == 2
    ended = run("restore", "--all", "--yes", "--uninstall")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "Everything is back.")
    assert "the lock stays held for 180 s" in ended.err
    held = live.cluster.read(BY_NAME["Lease"], "default", "microglia")["spec"]
    assert held["holderIdentity"].startswith("helm uninstall by ")
    assert held["leaseDurationSeconds"] == 180


def test_what_cannot_be_given_back_is_told(run, live, planned):
    """A workload that is gone holds up nobody else, and is named."""
    run("apply", planned, "--yes")
    gone = live.cluster.read(BY_NAME["Deployment"], "boutique", "adservice")
    live.cluster.delete(BY_NAME["Deployment"], gone)
    ended = run("restore", "--all", "--yes")
    assert "boutique/adservice, back to 5: it does not exist any more" in ended.out


def test_a_write_that_fails_is_a_failure(run, live, planned):
    """The exit code says that not everything was done, and the journal what."""

    def forbid(number, what):
        if what.startswith("scale"):
            raise ForbiddenError("no")

    live.cluster.before_write = forbid
    ended = run("apply", planned, "--yes")
    assert ended.code == 1
    assert "Pruned 0 of 1." in ended.out


def test_a_restore_that_fails_says_so(run, live, planned):
    """Not everything is back: exit code 1, and the reason above."""
    run("apply", planned, "--yes")

    def forbid(number, what):
        if what.startswith("scale"):
            raise ForbiddenError("no")

    live.cluster.before_write = forbid
    ended = run("restore", planned, "--yes")
    assert ended.code == 1
    assert "Not everything is back; the lines above say what is not, and why." in ended.out
    assert run("reopen", "--regrow", "--yes").code == 1


def test_reopening_gives_back_only_when_asked(run, live, planned):
    """A structure is opened by its policy's name; --regrow gives back what was taken."""
    assert "nothing was done under policy default" in run("reopen").err
    run("apply", planned, "--yes")
    assert "the journal knows default" in run("reopen", "nope").err
    assert run("reopen").out == "default is open again: the next lap looks at it anew.\n"
    assert replicas(live)["adservice"] == 4
    ended = run("reopen", "--regrow", answer="y\n")
    assert "Give back what 1 plan took from world boutique? [y/N]: y" in ended.out
    assert replicas(live)["adservice"] == 5


def test_status_tells_before_and_after_a_lap(run, live, planned):
    """Nothing yet; then what is under watch, and what it waits for."""
    assert "nothing was done here yet; the first lap would be Pruning, round 1" in run("status").out
    run("apply", planned, "--yes")
    ended = run("status")
    assert "Structure default: Pruning, round 1" in ended.out
    assert "boutique/adservice 5 -> 4  Wait" in ended.out
    assert "1 plan can be undone:" in ended.out
    assert "1 change  1 Wait" in ended.out
    found = json.loads(run("status", "-o", "json").out)
    assert found[0]["verdicts"][0]["element"] == "replica:boutique/adservice"
    assert "phase: Pruning" in run("status", "-o", "yaml").out


def test_an_interrupted_apply_is_settled_by_the_next_command(run, live, planned, home):
    """After kill -9 in the middle of a write the journal says what became of it."""

    def die(number, what):
        if what.startswith("scale"):
            raise KeyboardInterrupt

    live.cluster.before_write = die
    assert run("apply", planned, "--yes").code != 0
    live.cluster.before_write = None
    busy = run("plan")
    assert (busy.code, "wait until that has ended; going on with what the journal says" in busy.err) == (3, True)
    assert "unsettled" in busy.out
    next(home.glob("state/*/journal.lock")).unlink()  # as good as the end of the process, which drops its locks
    after = run("plan")
    assert (after.code, after.err) == (0, "")
    assert "Nothing to undo" in run("status").out


def test_an_empty_plan_writes_nothing_but_is_remembered(run, live, planned, tmp_path):
    """A lap with nothing to do still ends a round: the phase is saved, the cluster untouched."""
    empty = read(live_plan(tmp_path, planned)).only()
    path = tmp_path / "empty.json"
    export(empty, path)
    ended = run("apply", path)
    assert (ended.code, "Nothing to change in this lap." in ended.out) == (0, True)
    assert replicas(live)["adservice"] == 5
    assert "Structure default: Pruning, round 1, since" in run("status").out


def live_plan(folder, plan_id):
    """The file of a saved plan."""
    return folder / "state" / "plans" / f"{plan_id}.json"


def test_what_hurt_is_given_back_first(run, live, planned, monkeypatch):
    """While guard asks for something back, any other plan waits, and the person is told."""
    run("apply", planned, "--yes")

    def hurt(verdicts, history, topology, policy, now):
        undo = inverse(history.records, topology.objects, now)
        return undo.model_copy(update={"purpose": "regrow", "policy_digest": policy_digest(policy)})

    monkeypatch.setattr(cycle, "regrow", hurt)
    assert "GIVE BACK" in run("plan").out
    ended = run("apply", planned, "--yes")
    assert ended.code == 0
    assert f"What hurt is given back first; {planned} waits. Make a new plan after this one." in ended.out
    assert "Restored 1 of 1." in ended.out
    assert replicas(live)["adservice"] == 5
