"""propose: what Git owns becomes a branch and patches; after the merge it is the plan's own change."""

import json
import re
from datetime import timedelta

import pytest

from microglia.model.kinds import BY_NAME
from microglia.model.objects import at
from microglia.store.folder import Shelf
from microglia.store.journal import FileJournal
from tests.unit.act.checkouts import CART, checkout, git

ADS = CART.replace("cart", "adservice")


@pytest.fixture
def owned(live):
    """The live shop, all of whose Deployments Argo CD delivers."""
    for raw in live.cluster.objects(BY_NAME["Deployment"]):
        meta = raw["metadata"]
        key = f"{meta['namespace']}/{meta['name']}"
        tracked = {"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:{key}"}
        live.cluster.edit(
            BY_NAME["Deployment"],
            meta["namespace"],
            meta["name"],
            lambda one, tracked=tracked: one["metadata"].setdefault("annotations", {}).update(tracked),
        )
    return live


@pytest.fixture
def repo(tmp_path):
    """A checkout with the manifest of the one that goes first."""
    checkout(tmp_path / "repo", {"apps/ads.yaml": ADS})
    return tmp_path / "repo"


def deploy(live, after):
    """Somebody merged it, and Argo CD set the count."""

    def change(raw):
        raw["spec"]["replicas"] = after

    live.cluster.edit(BY_NAME["Deployment"], "boutique", "adservice", change)
    live.cluster.advance(live.cluster.now + timedelta(minutes=30))


def proposed(run, repo, *more):
    """The id of a proposal that went well."""
    ended = run("propose", "--repo", repo, *more)
    assert ended.code == 0, ended.out + ended.err
    return re.search(r"proposals/(plan-[0-9a-f]{8})", ended.out)[1]


def test_what_argo_owns_becomes_a_branch(owned, run, repo):
    """Held in a plan for the cluster with the way out, proposed in one for Git; the cluster is not touched."""
    ended = run("plan", "--all")
    assert "Argo CD application shop owns its count" in ended.out
    assert "microglia propose writes the patch" in " ".join(ended.out.split())
    ended = run("propose", "--repo", repo)
    assert ended.code == 0, ended.err
    name = re.search(r"Branch (microglia/plan-[0-9a-f]{8}) of", ended.out)[1]
    assert "has 1 commit; nothing was pushed." in ended.out
    assert git(repo, "show", f"{name}:apps/ads.yaml") == ADS.replace("replicas: 5", "replicas: 4")
    raw = owned.cluster.read(BY_NAME["Deployment"], "boutique", "adservice")
    assert at(raw, "spec", "replicas") == 5


def test_a_merged_proposal_is_recognised_watched_and_not_undone_behind_gits_back(owned, run, repo, tmp_path):
    """Once the cluster shows it: receipt by Git, under watch; restore says that it must be given back in Git."""
    made = proposed(run, repo)
    assert "Nothing is under watch." in run("status").out
    deploy(owned, 4)
    told = run("status").out
    assert f"WATCHED, OF {made}" in told
    assert "boutique/adservice 5 -> 4" in told
    again = run("propose", "--repo", repo, "--out", "again")
    assert "adservice" not in again.out
    (folder,) = (tmp_path / "state").glob("*/journal")
    (record,) = (one for one in FileJournal(Shelf(folder.parent)).records() if one.id == made)
    assert (record.steps[0].state, record.steps[0].message) == ("done", "by Git: it has 4 replicas")
    ended = run("restore", made, "--yes")
    assert ended.code == 1
    assert "Argo CD application shop owns its replica count" in ended.out + ended.err


def test_a_plan_for_git_is_never_applied(owned, run, repo):
    """Apply says which command it is for."""
    made = proposed(run, repo)
    ended = run("apply", made, "--yes")
    assert ended.code == 1
    assert f"{made} is for files in Git: microglia propose {made} --repo PATH writes them" in ended.err


def test_a_plan_can_be_proposed_once_more_by_its_id(owned, run, repo, tmp_path):
    """The same changes, as patches in a folder this time; and for programs."""
    made = proposed(run, repo)
    ended = run("propose", made, "--repo", repo, "--out", f"{tmp_path}/patches/", "-o", "json")
    assert ended.code == 0, ended.out + ended.err
    found = json.loads(ended.out)
    assert (found["id"], found["branch"]) == (made, None)
    assert found["changes"][0]["files"] == [{"path": "apps/ads.yaml", "how": "in place"}]
    assert (tmp_path / "patches/pull-request.md").is_file()
    assert "-    replicas: 5   # five" in (tmp_path / "patches/0001-boutique-adservice-scale.patch").read_text()


def test_a_plan_for_the_cluster_can_be_proposed_instead(live, run, repo, tmp_path):
    """Whoever would rather merge than apply."""
    planned = re.search(r"microglia apply (plan-[0-9a-f]{8})", run("plan").out)[1]
    ended = run("propose", planned, "--repo", repo, "--out", "by-hand")
    assert ended.code == 0, ended.out + ended.err
    assert git(repo, "show", "by-hand:apps/ads.yaml") == ADS.replace("replicas: 5", "replicas: 4")


def test_what_has_no_place_ends_with_the_reason(owned, run, tmp_path):
    """Nothing is written, and the exit code says so."""
    checkout(tmp_path / "other", {"README.md": "nothing here"})
    ended = run("propose", "--repo", tmp_path / "other")
    assert ended.code == 1
    told = " ".join(ended.out.split())
    assert "Nothing was written: no change has a place in this repository." in told
    assert "is this the right one? --repo names another" in told
    assert not (tmp_path / "state/proposals").exists()


def test_a_person_says_where_things_are(owned, run, tmp_path):
    """--values-path and --at reach the search."""
    files = {"a/values.yaml": "count: 5\n", "b/ads.yaml": ADS, "c/ads.yaml": ADS}
    checkout(tmp_path / "other", files)
    hint = "boutique/adservice=./a/values.yaml:count"
    ended = run("propose", "--repo", tmp_path / "other", "--out", "one", "--values-path", hint)
    assert "a/values.yaml (value count)" in ended.out
    ended = run("propose", "--repo", tmp_path / "other", "--out", "two", "--at", "boutique/adservice=./c/")
    assert "c/ads.yaml (in place)" in ended.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--at", "cart=x"), "--at cart=x: write WORKLOAD=PATH"),
        (("--values-path", "shop/cart=x"), "as in shop/cart=values-prod.yaml:cart.replicaCount"),
        (("--values-path", "shop/cart=x:a..b"), "write WORKLOAD=FILE:PATH"),
        (("--structure", "other"), "no policy other is in force, only default (built in; none given)"),
    ],
)
def test_a_mistyped_option_is_explained(owned, run, repo, words, told):
    """With an example, before anything is looked at."""
    ended = run("propose", "--repo", repo, *words)
    assert ended.code == 2
    assert told in ended.err


def test_several_policies_need_a_name(owned, run, repo, tmp_path):
    """A branch is about one structure."""
    head = "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: NAME}\n"
    both = head + "spec: {scope: {namespaces: {include: [NAME]}}}\n"
    path = tmp_path / "policies.yaml"
    path.write_text("---\n".join(both.replace("NAME", name) for name in ("boutique", "other")))
    ended = run("propose", "--repo", repo, "--policy", path)
    assert ended.code == 2
    assert "in force are boutique, other: name one with --structure" in ended.err
    assert proposed(run, repo, "--policy", path, "--structure", "boutique")


def test_a_path_without_a_repository_is_named(owned, run, tmp_path):
    """And what --repo takes."""
    ended = run("propose", "--repo", tmp_path)
    assert ended.code == 1
    assert "is no git checkout; clone the repository with the manifests" in ended.err


def test_nothing_to_propose_and_refusals_are_told(live, run, repo, tmp_path):
    """A frozen policy proposes nothing; young metrics refuse."""
    policy = tmp_path / "p.yaml"
    head = "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: default}\n"
    policy.write_text(head + 'spec: {pace: {freeze: [{cron: "0 0 * * *", lasts: 24h}]}}\n')
    ended = run("propose", "--repo", repo, "--policy", policy)
    assert (ended.code, ended.out.startswith("Nothing to propose in this lap")) == (0, True)
    policy.write_text(head + "spec: {observation: {window: 28d}}\n")
    ended = run("propose", "--repo", repo, "--policy", policy)
    assert ended.code == 3
    assert "Refused by" in ended.out
