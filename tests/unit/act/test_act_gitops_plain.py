"""Plain manifests: the one number changes, and not a byte beside it."""

import pytest

from microglia.act.gitops.files import Hints
from tests.unit.act.checkouts import CART, placed, scaling

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop}\n"


def test_the_number_changes_and_nothing_else():
    """Comments, order, indentation and quotes stay byte for byte."""
    files = {"apps/cart.yaml": CART}
    (found,) = placed(files, scaling())
    assert [(edit.path, edit.how) for edit in found.edits] == [("apps/cart.yaml", "in place")]
    assert files["apps/cart.yaml"] == CART.replace("replicas: 5   # five", "replicas: 4   # five")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{SERVICE}---\n{CART}---\n# the end\n", f"{SERVICE}---\n{CART}---\n# the end\n"),
        (CART.replace("\n", "\r\n"), CART.replace("\n", "\r\n")),
        ("\ufeff" + CART, "\ufeff" + CART),
        (CART.replace("replicas: 5", 'replicas: "5"'), CART.replace("replicas: 5", 'replicas: "5"')),
        (CART.replace("replicas: 5", "replicas: '5'"), CART.replace("replicas: 5", "replicas: '5'")),
        (CART.rstrip("\n"), CART.rstrip("\n")),
    ],
)
def test_whatever_the_file_looks_like_it_stays_so(before, after):
    """Several documents, Windows line ends, a byte order mark, quotes, no last line end."""
    files = {"cart.yaml": before}
    (found,) = placed(files, scaling())
    assert found.reason == ""
    for old, new in (("replicas: 5", "replicas: 4"), ('"5"', '"4"'), ("'5'", "'4'")):
        after = after.replace(old, new)
    assert files["cart.yaml"] == after


def test_a_list_and_json_are_manifests_too():
    """kind: List with its items, and JSON with tabs."""
    inner = "\n".join(f"    {line}".rstrip() for line in CART.splitlines())
    listed = f"apiVersion: v1\nkind: List\nitems:\n  -\n{inner}\n"
    files = {"all.yaml": listed}
    assert placed(files, scaling())[0].reason == ""
    assert files["all.yaml"] == listed.replace("replicas: 5   #", "replicas: 4   #")
    json = (
        '{\n\t"kind": "Deployment",\n\t"metadata": {"name": "cart", "namespace": "shop"},\n\t"spec": {"replicas": 5}}'
    )
    files = {"cart.json": json}
    assert placed(files, scaling())[0].reason == ""
    assert files["cart.json"] == json.replace("5}", "4}")


def test_the_namespace_decides_between_objects_of_one_name():
    """A file that says the namespace comes before those that leave it open, and other namespaces are not touched."""
    other = CART.replace("name: cart\n", "name: cart\n  namespace: other\n", 1)
    mine = CART.replace("name: cart\n", "name: cart\n  namespace: shop\n", 1)
    files = {"a.yaml": other, "b.yaml": mine, "c.yaml": CART}
    (found,) = placed(files, scaling())
    assert [edit.path for edit in found.edits] == ["b.yaml"]
    assert (files["a.yaml"], files["c.yaml"]) == (other, CART)


def test_two_changes_of_one_file_build_on_each_other():
    """The second edit is made in what the first left."""
    web = CART.replace("cart", "web").replace("replicas: 5", "replicas: 3")
    files = {"all.yaml": f"{CART}---\n{web}"}
    found = placed(files, scaling(), scaling("web", 3, 2))
    assert [one.reason for one in found] == ["", ""]
    assert found[1].edits[0].before == found[0].edits[0].after
    assert files["all.yaml"].count("replicas: 4 ") == files["all.yaml"].count("replicas: 2 ") == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"prod/a.yaml": CART, "test/a.yaml": CART}, "say which one this cluster gets: --at shop/cart=prod/a.yaml"),
        ({"a.yaml": CART.replace("replicas: 5", "replicas: 7")}, "a.yaml line 8 says 7, the cluster has 5"),
        ({"a.yaml": CART.replace("    replicas: 5", "    paused: false")}, "leaves spec.replicas out"),
        ({"a.yaml": CART.replace("replicas: 5", "replicas: &n 5")}, "in a way that cannot be edited alone"),
        ({"a.yaml": "kind: [cart\n"}, "a.yaml is no YAML (line 2: "),
        ({"a.yaml": SERVICE}, "--values-path shop/cart=FILE:PATH.TO.COUNT"),
        ({"a.yaml": CART.replace("Deployment", "StatefulSet")}, "is this the right one? --repo names another"),
    ],
)
def test_what_has_no_plain_place_is_told_with_the_way_out(files, words):
    """Nothing is guessed, and nothing is edited."""
    before = dict(files)
    (found,) = placed(files, scaling())
    assert found.edits == ()
    assert words in found.reason
    assert files == before


def test_an_aliased_number_is_left_alone():
    """To change it would change whoever shares it."""
    shared = "x: &n 5\nkind: Deployment\nmetadata: {name: cart}\nspec: {replicas: *n}\n"
    (found,) = placed({"a.yaml": shared}, scaling())
    assert "in a way that cannot be edited alone" in found.reason
    block = "x: &s {replicas: 5}\nkind: Deployment\nmetadata: {name: cart}\nspec: *s\n"
    (found,) = placed({"a.yaml": block}, scaling())
    assert "in a way that cannot be edited alone" in found.reason


def test_a_person_says_which_file_counts():
    """--at picks a file or all below a folder, and a place without the object is told."""
    files = {"prod/a.yaml": CART, "test/a.yaml": CART}
    (found,) = placed(files, scaling(), hints=Hints({"shop/cart": "test"}))
    assert [edit.path for edit in found.edits] == ["test/a.yaml"]
    (found,) = placed(files, scaling(), hints=Hints({"shop/cart": "dev"}))
    assert "it is not in dev, but in prod/a.yaml" in found.reason
