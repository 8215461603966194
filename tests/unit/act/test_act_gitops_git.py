"""Commits beside the checkout: a new branch, patches that apply, and nothing else touched."""

import os
import subprocess
from pathlib import Path

import pytest

from microglia.act.gitops.files import ENDINGS, Hints
from microglia.act.gitops.git import GitError, repository
from microglia.act.gitops.proposing import Place, note, propose
from microglia.plan.document import Plan
from microglia.verify.clear import Proposable
from microglia.verify.verdicts import Proof
from tests.factories import NOW
from tests.unit.act.checkouts import CART, checkout, commit, git, hiding, proposal, read, scaling, seen
from tests.unit.act.notebook import Notebook

PROOF = Proof(1000.0, 0.0, 0.0, {"node": 3}, 0, 0.0)
WEB = CART.replace("cart", "web").replace("replicas: 5", "replicas: 3")
FILES = {"apps/all.yaml": f"{CART}---\n{WEB}", "README.md": "shop\n"}
PLAN = proposal(scaling(), scaling("web", 3, 2), scaling("gone"), hiding("cart", "ads"))


def run(folder: Path, out: Path, branch: str = "microglia/test", made: Plan = PLAN, hints: Hints | None = None):
    target = Place(repository(folder), branch, out, hints or Hints())
    return propose(Proposable(made, PROOF), seen("cart", "web"), target, "EUR")


def state(folder: Path) -> tuple[str, ...]:
    """All that a proposal must leave as it is."""
    return (
        git(folder, "status", "--porcelain"),
        git(folder, "rev-parse", "HEAD"),
        git(folder, "branch", "--show-current"),
    )


def test_a_branch_has_a_commit_for_each_change(tmp_path):
    """In the order of the plan, on top of what is checked out; each one by itself is what it says."""
    folder = tmp_path / "repo"
    repo = checkout(folder, FILES)
    before = state(folder)
    outcome = run(folder, tmp_path / "out")
    assert git(folder, "log", "--format=%s", "main..microglia/test").splitlines() == [
        "shop/cart: hide 1 host", "shop/web: 3 -> 2 replicas", "shop/cart: 5 -> 4 replicas",
    ]  # fmt: skip
    assert state(folder) == before
    assert (folder / "apps/all.yaml").read_bytes() == FILES["apps/all.yaml"].encode()
    branch = read(repo, "microglia/test")
    assert branch["apps/all.yaml"] == FILES["apps/all.yaml"].replace("replicas: 5", "replicas: 4").replace(
        "replicas: 3", "replicas: 2"
    )
    assert set(branch) == {"apps/all.yaml", "apps/microglia-cart.yaml"}
    assert [bool(part.commit) for part in outcome.parts] == [True, True, False, True]
    assert "is this the right one?" in outcome.parts[2].reason
    body = git(folder, "log", "-1", "--format=%b", outcome.parts[0].commit)
    assert f"{PLAN.id}, change 1." in body
    assert "revert this commit" in body


def test_patches_apply_and_their_inverses_take_them_back(tmp_path):
    """With git apply, byte for byte: all forward, then one single one back, then the rest."""
    folder, out = tmp_path / "repo", tmp_path / "out"
    checkout(folder, FILES)
    run(folder, out, branch="")
    patches = sorted(path.name for path in out.glob("*.patch"))
    assert patches == ["0001-shop-cart-scale.patch", "0002-shop-web-scale.patch", "0004-shop-cart-sidecar.patch"]
    for name in patches:
        git(folder, "apply", str(out / name))
    assert (folder / "apps/microglia-cart.yaml").is_file()
    git(folder, "apply", str(out / "inverse" / patches[0]))
    text = (folder / "apps/all.yaml").read_text(encoding="utf-8")
    assert ("replicas: 5 " in text, "replicas: 2 " in text) == (True, True)
    for name in reversed(patches[1:]):
        git(folder, "apply", str(out / "inverse" / name))
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "branch", "--format=%(refname:short)").split() == ["main"]


def test_a_dirty_checkout_is_neither_read_nor_touched(tmp_path):
    """The proposal rests on the commit, and says how many files it did not look at."""
    folder = tmp_path / "repo"
    checkout(folder, FILES)
    (folder / "apps/all.yaml").write_text("half an edit: [\n", encoding="utf-8")
    (folder / "new.yaml").write_text(CART, encoding="utf-8")
    git(folder, "add", "new.yaml")
    before = state(folder)
    outcome = run(folder, tmp_path / "out")
    assert (outcome.dirty, [bool(part.files) for part in outcome.parts]) == (2, [True, True, False, True])
    assert state(folder) == before
    assert (folder / "apps/all.yaml").read_text(encoding="utf-8") == "half an edit: [\n"


def test_filters_and_hooks_change_no_byte(tmp_path):
    """Line ends stay as they are committed, and no hook runs."""
    folder = tmp_path / "repo"
    windows = {"cart.yaml": CART.replace("\n", "\r\n"), ".gitattributes": "*.yaml -text\n"}
    repo = checkout(folder, windows)
    git(folder, "config", "core.autocrlf", "true")
    hook = folder / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    run(folder, tmp_path / "out", made=proposal(scaling()))
    assert read(repo, "microglia/test")["cart.yaml"] == windows["cart.yaml"].replace("replicas: 5", "replicas: 4")


def test_only_files_of_text_are_read(tmp_path):
    """Links, what is no UTF-8 and what is huge are left out; strange names are not."""
    folder = tmp_path / "repo"
    checkout(folder, {"prod/a.yaml": CART, "prod/big.yaml": "#" * (1024 * 1024 + 1)})
    (folder / "prod/raw.yaml").write_bytes(b"a: \xff\n")
    (folder / "prod/link.yaml").symlink_to("a.yaml")
    commit(folder, {"prod/tab\tname.yaml": "a: 1\n"})
    repo = repository(folder)
    assert read(repo, repo.head()) == {"prod/a.yaml": CART, "prod/tab\tname.yaml": "a: 1\n"}


def test_a_named_folder_narrows_the_search_but_not_the_sight(tmp_path):
    """Of three that could be it, the one below the folder; a base outside of it is still found."""
    folder = tmp_path / "repo"
    overlay = "namespace: shop\nresources: [../base]\n"
    files = {f"{name}/kustomization.yaml": overlay for name in ("prod", "test")}
    base = {"base/cart.yaml": CART, "base/kustomization.yaml": "resources: [cart.yaml]\n"}
    checkout(folder, {**files, **base})
    narrow = repository(folder / "prod")
    assert (narrow.root, narrow.under) == (folder, "prod")
    outcome = run(folder / "prod", tmp_path / "out", made=proposal(scaling()))
    assert {path for path, _ in outcome.parts[0].files} == {
        "prod/kustomization.yaml", "prod/microglia/deployment-cart.yaml",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "branch", "words"),
    [
        (lambda folder: git(folder, "branch", "there"), "there", r"the branch there exists in .*; give another name"),
        (lambda folder: None, "no such..name", r"is no name for a branch; for a folder, write \./no such\.\.name"),
        (lambda folder: (folder.parent / "out").mkdir() or (folder.parent / "out/x").touch(), "", "out is not empty"),
        (lambda folder: (folder.parent / "out").touch(), "a", "out: cannot be written: "),
        (lambda folder: git(folder, "checkout", "-q", "--orphan", "empty"), "a", "no commit yet; commit the manifests"),
        (
            lambda folder: [git(folder, "config", f"user.{key}", "") for key in ("name", "email")],
            "a",
            "tell git who you are: git config user.name",
        ),
    ],
)
def test_what_stands_in_the_way_is_named_before_anything_is_written(tmp_path, monkeypatch, spoil, branch, words):
    """A taken name, a full folder, no commit, no identity: an error with the way out, and no new branch."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("EMAIL", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "repo"
    checkout(folder, FILES)
    spoil(folder)
    before = git(folder, "branch", "--format=%(refname)")
    with pytest.raises(GitError, match=words):
        run(folder, tmp_path / "out", branch=branch)
    assert git(folder, "branch", "--format=%(refname)") == before


def test_no_repository_and_no_git_are_named(tmp_path, monkeypatch):
    """Which folder, and what to do."""
    with pytest.raises(GitError, match="there is no such folder; --repo takes a checkout"):
        repository(tmp_path / "nowhere")
    with pytest.raises(GitError, match="is no git checkout; clone the repository"):
        repository(tmp_path)
    bare = tmp_path / "bare"
    subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
    with pytest.raises(GitError, match="is no git checkout"):
        repository(bare)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="the program git was not found; install it"):
        repository(tmp_path)


def test_a_hook_that_runs_us_does_not_lead_us_astray(tmp_path, monkeypatch):
    """Git tells its hooks about the repository that they belong to; ours is the one that was named."""
    folder, other = tmp_path / "repo", tmp_path / "other"
    repo = checkout(folder, FILES)
    checkout(other, {"a.yaml": "a: 1\n"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert repository(folder) == repo
    assert set(repo.files(repo.head(), ENDINGS)) == {"apps/all.yaml"}


def test_nothing_is_written_when_nothing_has_a_place(tmp_path):
    """No folder, no branch, no record."""
    folder, book = tmp_path / "repo", Notebook()
    checkout(folder, {"README.md": "shop\n"})
    checked = Proposable(proposal(scaling()), PROOF)
    outcome = propose(checked, seen("cart"), Place(repository(folder), "b", tmp_path / "out", Hints()), "EUR")
    note(checked, outcome, book, NOW)
    assert book.book == {}
    assert not (tmp_path / "out").exists()
    assert git(folder, "branch", "--format=%(refname:short)").split() == ["main"]


def test_what_was_proposed_is_remembered(tmp_path):
    """Placed changes wait for their merge, the others are skipped with the reason; the record is closed."""
    folder, book = tmp_path / "repo", Notebook()
    checkout(folder, FILES)
    checked = Proposable(PLAN, PROOF)
    outcome = run(folder, tmp_path / "out")
    note(checked, outcome, book, NOW)
    (record,) = book.records()
    assert [(step.state, step.at) for step in record.steps] == [
        ("proposed", NOW), ("proposed", NOW), ("skipped", NOW), ("proposed", NOW),
    ]  # fmt: skip
    assert record.steps[0].message == "proposed in microglia/test"
    assert record.finished == NOW
    assert record.done() == ()


def test_reviewers_get_the_evidence(tmp_path):
    """What changes and why, the proof, the pods that should go, what has no place, how to undo it."""
    folder, out = tmp_path / "repo", tmp_path / "out"
    checkout(folder, FILES)
    run(folder, out, made=proposal(scaling(victims=("cart-1",)), scaling("gone")))
    text = (out / "pull-request.md").read_text(encoding="utf-8")
    for words in (
        "# Prune 1 element of default", "| shop/cart: 5 -> 4 replicas |", "`apps/all.yaml` (in place)",
        "0 of 1,000 requests without a route", "kubectl -n shop annotate pod cart-1",
        "* shop/gone: 5 -> 4 replicas: no manifest", "receipt: by Git",
    ):  # fmt: skip
        assert words in text, words
