"""Text with marks: what can be edited alone is, and what cannot is left."""

import pytest

from microglia.act.gitops.files import Hints, joined
from microglia.act.gitops.marks import UnparsedError, closed, documents, inserted, removed
from tests.unit.act.checkouts import CART, hiding, placed, scaling


@pytest.mark.parametrize("text", ["a: [", "a: \x07", "? [a\n", "{a: b}: {{ x }}\n- c\n"])
def test_what_is_no_yaml_is_told_as_such(text):
    """One error, with its reason."""
    with pytest.raises(UnparsedError, match=r"\w"):
        documents(text)


def test_steps_that_lead_nowhere_give_nothing():
    """A key in a list, an index in a mapping or beyond the end, anything in a scalar."""
    (root,) = documents("a: [1, {b: x}]\n")
    for steps in (("a", "b"), (0,), ("a", 2), ("a", 0, "c"), ("c",)):
        assert root.at(*steps) is None
        assert root.word(*steps) == ""
    assert (root.word("a", 1, "b"), root.words("a"), root.words("c")) == ("x", ("1", ""), ())
    assert [one.number() for one in documents("[5, '6', x, -1, 1.5, ~]")[0].items()] == [5, 6, None, None, None, None]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: 1", "a: 1\nl:\n  - x\n"),
        ("l: []\na: 1\n", "l:\n  - x\na: 1\n"),
        ("l:\n- 1 # one\n\n# two\na: 1\n", "l:\n- 1 # one\n- x\n\n# two\na: 1\n"),
        ("l:\n    - b: |\n        text\n\na: 1\n", "l:\n    - b: |\n        text\n    - x\n\na: 1\n"),
        ("l:\n- {a: [1,\n   2]} # end", "l:\n- {a: [1,\n   2]} # end\n- x"),
        ("l:\r\n- 1\r\n", "l:\r\n- 1\r\n- x\r\n"),
    ],
)
def test_an_entry_goes_to_the_end_of_its_list(before, after):
    """Behind the last one, before comments that follow, at the same dash; a list that is missing is made."""
    assert inserted(documents(before)[0], "l", "x") == after


@pytest.mark.parametrize("text", ["{l: [1]}", "l: [1, 2]\n", "l:\na: 1\n", "l: word\n", "a: 1\n...\n"])
def test_a_list_without_a_plain_end_is_left(text):
    """Flow style, nothing, a word, a document that was closed."""
    assert inserted(documents(text)[0], "l", "x") is None


def test_an_entry_with_a_line_of_its_own_can_go():
    """With its comment; not the only one, not one that shares its line, not one of two alike."""
    assert removed(documents("l:\n- a\n- ./x  # ours\n- b\n")[0], "l", "x") == "l:\n- a\n- b\n"
    assert removed(documents("l:\n- a\n- 'x'")[0], "l", "x") == "l:\n- a\n"
    for text in ("l:\n- x\n", "l: [a, x]\n", "l:\n- x\n- x\n", "l:\n- a\n", "a: 1\n"):
        assert removed(documents(text)[0], "l", "x") is None


def test_a_last_line_is_closed_once():
    """As the file ends its lines."""
    assert [closed(text) for text in ("", "a", "a\n", "a\r\nb")] == ["", "a\n", "a\n", "a\r\nb\r\n"]


def test_paths_stay_in_the_repository():
    """Addresses and what climbs out of it are nobody's files."""
    assert joined("a/b", "../c/./d.yaml") == "a/c/d.yaml"
    assert [joined("a", one) for one in ("../../x", "https://example.org/x", "/etc/x")] == [None, None, None]


BASE = {"base/kustomization.yaml": "resources: [cart.yaml]\n", "base/cart.yaml": CART}


@pytest.mark.parametrize(
    "patch",
    [
        "patches: [{patch: '[{op: replace, path: /spec/replicas, value: 5}]', target: {kind: Deployment}}]\n",
        "patches:\n- patch: 'a: ['\n",
        "patches:\n- patch: |-\n    - {op: replace, path: /spec/replicas, value: 5}\n",
        "patches:\n- {path: missing.yaml}\n- {path: 'https://example.org/p.yaml'}\n",
        "patches:\n- target: {name: 'ca(rt'}\n  patch: |-\n    - {op: add, path: /spec/replicas, value: 5}\n",
        "patches:\n- target: {name: web}\n  patch: |-\n    - {op: add, path: /spec/replicas, value: 7}\n",
        "patches:\n- target: {kind: Deployment}\n  patch: |-\n    - {op: remove, path: /spec/paused}\n",
        "replicas:\n- {name: web, count: 7}\n- {name: cart}\n",
    ],
)
def test_patches_that_cannot_be_edited_or_set_nothing_get_one_behind_them(patch):
    """The last patch has the last word, whatever the ones before it look like."""
    over = {"prod/kustomization.yaml": f"namespace: shop\nresources:\n- ../base\n{patch}"}
    files = {**BASE, **over, "test/kustomization.yaml": "namespace: t\nresources: [../base]\n"}
    (found,) = placed(files, scaling())
    if "patches: [" in patch:
        assert "in a way that cannot be added to" in found.reason
    else:
        assert {edit.path for edit in found.edits} == {"prod/kustomization.yaml", "prod/microglia/deployment-cart.yaml"}


def test_a_sidecar_whose_listing_cannot_be_edited_is_told():
    """Resources in one line: neither added to nor taken out of."""
    flow = {**BASE, "base/kustomization.yaml": "namespace: shop\nresources: [cart.yaml]\n"}
    assert "writes its resources in a way" in placed(flow, hiding("cart", "ads"))[0].reason
    files = {"k/kustomization.yaml": "namespace: shop\nresources:\n- cart.yaml\n", "k/cart.yaml": CART}
    placed(files, hiding("cart", "ads"))
    files["k/kustomization.yaml"] = "namespace: shop\nresources: [cart.yaml, microglia-cart.yaml]\n"
    (found,) = placed(files, hiding("cart", before=("ads",)))
    assert "in a way that cannot be taken out alone" in found.reason
    assert "k/microglia-cart.yaml" in files


def test_a_plain_sidecar_is_deleted_and_a_misplaced_hint_is_told():
    """No kustomization, no listing; and --at for a folder without the workload."""
    files = {"apps/cart.yaml": CART}
    placed(files, hiding("cart", "ads"))
    placed(files, hiding("cart", before=("ads",)))
    assert files == {"apps/cart.yaml": CART}
    (found,) = placed(files, hiding("cart", "ads"), hints=Hints({"shop/cart": "other"}))
    assert "shop/cart is not in other, but in apps/cart.yaml" in found.reason
