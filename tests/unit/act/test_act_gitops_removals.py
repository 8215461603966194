"""What goes is cut out of its file, and not a byte beside it; where that is not plain, people are asked."""

from typing import Any

import pytest

from microglia.act.gitops.files import Hints
from microglia.act.gitops.proposing import Place, propose
from microglia.act.write import ClusterWriter
from microglia.plan.change import RemoveChange
from microglia.verify.clear import Proof, Proposable
from tests.planning import WHY
from tests.unit.act.checkouts import CART, checkout, git, placed, proposal, seen
from tests.unit.act.filed_cluster import FiledCluster

OLD = """\
# The old shop's door.
apiVersion: v1
kind: Service
metadata: {name: old, namespace: shop}
spec:
  selector: {app: old}   # nobody is
  ports:
  - port: 80
"""
LISTED = """\
kind: List
items:
- kind: Service
  metadata: {name: old, namespace: shop}
  spec: {selector: {app: old}}
- kind: Service
  metadata: {name: new, namespace: shop}
"""
RULES: list[dict[str, Any]] = [
    {"match": [{"uri": {"prefix": "/cart"}}], "route": [{"destination": {"host": "cart"}, "weight": 100}]},
    {"route": [{"destination": {"host": "web"}}]},
    {"name": "old", "route": [{"destination": {"host": "old"}}]},
    {"match": [{"port": 81}], "route": [{"destination": {"host": "older"}}], "timeout": "5s"},
]
HEAD = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
    name: front   # of the shop
    namespace: shop
spec:
    hosts: [ "shop.example.org" ]
    http:
    # The cart first.
    -   match: [{uri: {prefix: '/cart'}}]
        route: [{destination: {host: cart}, weight: 100}]
    - route:
      - destination:
          host: web   # all else
"""
TAIL = """\

    # Before the move:
    # never taken away.
    - name: old
      route:
      - destination: {host: "old"}
    # And this.
    -
      match: [{port: 81}]
      route:
      - destination:
          host: older
      timeout: 5s   # long
"""
FOOT = "    # The end of the rules.\n    tls: []\n"


def orphan(**parts: Any) -> RemoveChange:
    told = {"before": {"selector": {"app": "old"}}, "after": None, **parts}
    return RemoveChange(workload="Service/shop/old", uid="u", digest="d", why=WHY, **told)


def rules(*items: int, all_of: Any = None) -> RemoveChange:
    listed = RULES if all_of is None else all_of
    left = [rule for place, rule in enumerate(listed) if place not in items]
    return RemoveChange(
        workload="VirtualService/shop/front", uid="u", digest="d", why=WHY,
        before={"http": listed}, after={"http": left}, items=items,
    )  # fmt: skip


def reason(files: dict[str, str], change: RemoveChange, hints: Hints | None = None) -> str:
    """Why there is no place for it; the files stay as they were."""
    before = dict(files)
    (found,) = placed(files, change, hints=hints)
    assert (found.edits, files) == ((), before)
    return found.reason


def test_a_file_that_holds_nothing_else_is_deleted() -> None:
    """The edit knows its text, so its inverse puts it back."""
    files = {"old.yaml": OLD, "cart.yaml": CART}
    (found,) = placed(files, orphan())
    assert files == {"cart.yaml": CART}
    assert [(edit.path, edit.before, edit.after, edit.how) for edit in found.edits] == [
        ("old.yaml", OLD, None, "deleted: it holds nothing else")
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{CART}---\n{OLD}", CART),
        (f"{OLD}---\n{CART}", CART),
        (f"---\n{OLD}---\n{CART}", f"---\n{CART}"),
        (f"# All of it.\n---\n{OLD}--- # the cart\n{CART}", f"# All of it.\n--- # the cart\n{CART}"),
        (f"{CART}---\n{OLD}---\n{CART.replace('cart', 'web')}", f"{CART}---\n{CART.replace('cart', 'web')}"),
        (f"\ufeff{OLD}---\n{CART}", f"\ufeff{CART}"),
        (f"{CART}---\n{OLD}".replace("\n", "\r\n"), CART.replace("\n", "\r\n")),
        (f"{CART}---\n{OLD}".rstrip("\n"), CART),
    ],
)
def test_a_document_goes_with_one_line_of_dashes(before: str, after: str) -> None:
    """First, last or between, whatever the lines end in; the others stay byte for byte."""
    files = {"all.yaml": before}
    (found,) = placed(files, orphan())
    assert found.reason == ""
    assert files == {"all.yaml": after}
    assert found.edits[0].how == "its document taken out"


@pytest.mark.parametrize(
    "text",
    [
        f"%YAML 1.2\n---\n{OLD}---\n{CART}",
        f"{CART}...\n---\n{OLD}",
        LISTED,
    ],
)
def test_directives_end_marks_and_lists_are_for_people(text: str) -> None:
    """More than a cut is not done."""
    told = reason({"all.yaml": text}, orphan())
    assert told == "all.yaml holds it in a way that cannot be cut alone; take it out by hand"


def test_documents_that_are_no_objects_stay_too() -> None:
    """Whatever else is kept in the file."""
    files = {"all.yaml": f"note: hands off\n---\n{OLD}"}
    placed(files, orphan())
    assert files == {"all.yaml": "note: hands off\n"}


def test_words_that_nobody_here_knows_are_for_people() -> None:
    """A tag of another tool, a spec that is none."""
    assert "take it out by hand" in reason({"old.yaml": OLD.replace("port: 80", "port: !Ref web")}, orphan())
    text = "kind: Service\nmetadata: {name: old, namespace: shop}\nspec: none\n"
    assert "says another spec.selector" in reason({"old.yaml": text}, orphan())


def test_what_the_file_says_must_be_what_the_cluster_has() -> None:
    """Another selector, or none, is another decision; labels that Kustomize adds are none of the file's."""
    for said in ("{app: older}", "{app: old, tier: x}", "none"):
        told = reason({"old.yaml": OLD.replace("{app: old}", said)}, orphan())
        assert told.startswith("old.yaml line 2 says another spec.selector than the cluster has")
    files = {"old.yaml": OLD}
    (found,) = placed(files, orphan(before={"selector": {"app": "old", "env": "prod"}}))
    assert (found.reason, files) == ("", {})


@pytest.mark.parametrize("tail", [TAIL, TAIL.rstrip("\n"), TAIL + FOOT])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_dead_rules_go_with_the_comments_above_them(tail: str, end: str) -> None:
    """Order, odd indentation, quotes and every other comment stay."""
    files = {"front.yaml": (HEAD + tail).replace("\n", end)}
    (found,) = placed(files, rules(2, 3))
    assert found.reason == ""
    left = HEAD + "\n" + (FOOT if tail.endswith(FOOT) else "")
    assert files["front.yaml"] == left.replace("\n", end)
    assert found.edits[0].how == "2 rules taken out"


def test_only_the_last_dead_rule_may_go() -> None:
    """What is above it stays, with its comments."""
    files = {"front.yaml": f"{CART}---\n{HEAD}{TAIL}"}
    (found,) = placed(files, rules(3))
    assert found.reason == ""
    assert files["front.yaml"] == f"{CART}---\n{HEAD}{TAIL[: TAIL.index('    # And this')]}"


def test_a_list_as_far_out_as_its_key_is_cut_too() -> None:
    """YAML allows it."""
    text = "kind: VirtualService\nmetadata: {name: front, namespace: shop}\nspec:\n  http:\n  - name: a\n  - name: b\n"
    files = {"front.yaml": text}
    placed(files, rules(1, all_of=[{"name": "a"}, {"name": "b"}]))
    assert files["front.yaml"] == text.removesuffix("  - name: b\n")


def test_other_rules_in_the_file_are_another_list() -> None:
    """The decision rests on every rule before."""
    told = reason({"front.yaml": HEAD + TAIL.replace("81", "82")}, rules(2, 3))
    assert "says another spec.http than the cluster has" in told


@pytest.mark.parametrize(
    "listed",
    [
        "http: [{name: a}, {name: b}]",
        "http:\n  - &a\n    name: a\n  - *a",
        "http:\n  - {name: &x a}\n  - {name: *x}",
        "http: [{name: a},\n   {name: b}]",
        "http:\n  -\n    # why\n\n    {name: a}\n  - ! {name: b}",
    ],
)
def test_lists_that_are_not_written_in_lines_of_their_own_are_for_people(listed: str) -> None:
    """Flow style, and anchors that a cut would leave dangling."""
    text = f"kind: VirtualService\nmetadata: {{name: front, namespace: shop}}\nspec:\n  {listed}\n"
    same = [{"name": "a"}, {"name": "a" if "*" in listed else "b"}]
    files = {"front.yaml": text}
    (found,) = placed(files, rules(1, all_of=same))
    if "!" in listed:
        assert files["front.yaml"] == text.removesuffix("  - ! {name: b}\n")
    else:
        assert found.reason.endswith("writes spec.http in a way that cannot be cut alone; do it by hand")


KUSTOMIZATION = "namespace: shop\nresources:\n- cart.yaml\n- old.yaml # the old one\n"
BARE = OLD.replace(", namespace: shop", "")


def test_a_kustomization_forgets_the_file() -> None:
    """Deleted and not listed any more, in one commit."""
    files = {"app/kustomization.yaml": KUSTOMIZATION, "app/cart.yaml": CART, "app/old.yaml": BARE}
    (found,) = placed(files, orphan())
    assert found.reason == ""
    assert files == {"app/kustomization.yaml": "namespace: shop\nresources:\n- cart.yaml\n", "app/cart.yaml": CART}


def test_a_document_in_a_kustomization_leaves_the_list_alone() -> None:
    """The file is still there."""
    listed = "namespace: shop\nresources: [all.yaml]\n"
    files = {"kustomization.yaml": listed, "all.yaml": f"{CART}---\n{BARE}"}
    placed(files, orphan())
    assert files == {"kustomization.yaml": listed, "all.yaml": CART}


def test_a_file_that_several_build_on_is_for_people() -> None:
    """Another cluster may need it."""
    files = {
        "base/kustomization.yaml": "resources: [old.yaml]\n",
        "base/old.yaml": BARE,
        "one/kustomization.yaml": "namespace: shop\nresources: [../base]\n",
        "two/kustomization.yaml": "namespace: shop\nresources: [../base]\n",
    }
    told = reason(files, orphan(), Hints({"shop/old": "one"}))
    assert told.startswith("base/old.yaml is shared by one, two")
    assert "--at shop/old=one" in reason(files, orphan())


@pytest.mark.parametrize(
    ("more", "files"),
    [
        ("patches:\n- path: p.yaml\n", {"p.yaml": "kind: Service\nmetadata: {name: old}\nspec: {type: X}\n"}),
        ("patches:\n- target: {kind: Service, name: old}\n  patch: '[]'\n", {}),
        ("components: [part]\n", {"part/kustomization.yaml": "kind: Component\npatches: [{target: {name: old}}]\n"}),
    ],
)
def test_a_patch_of_what_goes_is_for_people(more: str, files: dict[str, str]) -> None:
    """Without its target it would break the build."""
    told = reason({"kustomization.yaml": KUSTOMIZATION + more, "old.yaml": BARE, "cart.yaml": CART, **files}, orphan())
    assert "patches it, or what is called like it" in told


def test_what_is_in_no_file_or_in_a_chart_is_said_so() -> None:
    """With the way out."""
    assert reason({"cart.yaml": CART}, orphan()).startswith("no file here holds Service shop/old")
    chart = {"c/Chart.yaml": "name: c\n", "c/templates/old.yaml": OLD}
    assert reason(chart, orphan()).startswith("it may come from a chart (c/templates)")


def test_the_cluster_writer_refuses_it_by_type(tmp_path: Any) -> None:
    """Nothing is read, nothing is written, and it is told why."""
    writer = ClusterWriter(FiledCluster(tmp_path / "cluster.json"))
    for step in (writer.write(orphan()), writer.look(rules(1)), writer.write(rules(1))):
        assert (step.state, step.message) == (
            "failed", "microglia never removes an object from a cluster, it only proposes that",
        )  # fmt: skip
    writer.tidy([orphan()])
    assert not (tmp_path / "cluster.json").exists()


def test_patches_of_removals_apply_and_their_inverses_bring_every_byte_back(tmp_path: Any) -> None:
    """A whole file, a document and rules, with Windows line ends among them; named after what goes."""
    folder, out = tmp_path / "repo", tmp_path / "out"
    files = {"old.yaml": OLD, "front.yaml": (HEAD + TAIL).replace("\n", "\r\n"), "cart.yaml": CART}
    repository = checkout(folder, files)
    checked = Proposable(proposal(orphan(), rules(2, 3)), Proof(0.0, 0.0, 0.0, {}, 0, 0.0))
    propose(checked, seen("cart"), Place(repository, "", out, Hints()), "EUR")
    names = ["0001-shop-old-remove.patch", "0002-shop-front-remove.patch"]
    assert sorted(path.name for path in out.glob("*.patch")) == names
    for name in names:
        git(folder, "apply", str(out / name))
    assert not (folder / "old.yaml").exists()
    assert (folder / "front.yaml").read_bytes() == (HEAD + "\n").replace("\n", "\r\n").encode()
    for name in reversed(names):
        git(folder, "apply", str(out / "inverse" / name))
    assert {path: (folder / path).read_bytes().decode() for path in files} == files
    assert "## What is removed" in (out / "pull-request.md").read_text()
