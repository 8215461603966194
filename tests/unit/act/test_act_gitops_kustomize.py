"""Kustomize folders: the layer that production has to itself is edited, never one that others share."""

import pytest

from microglia.act.gitops.files import Hints
from tests.unit.act.checkouts import CART, hiding, placed, scaling
from tests.unit.act.kustomized import BASE, CASES, INLINE, LISTED, PATCH, PROD, STAGING, Case, base


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_exactly_the_right_files_are_edited(case: Case):
    """Whatever has the last word on the count, and belongs to production alone."""
    files = dict(case.files)
    (found,) = placed(files, scaling(case.named))
    assert found.reason == ""
    changed = {path for path in files if files[path] != case.files.get(path)}
    assert changed == set(case.edits) == {edit.path for edit in found.edits}


def test_a_shared_base_gets_a_patch_in_the_overlay():
    """The patch names the object as it enters the overlay; the kustomization lists it last, and is else as it was."""
    case, files = CASES["shared"], dict(CASES["shared"].files)
    placed(files, scaling())
    assert files["overlays/prod/microglia/deployment-cart.yaml"] == (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: cart\nspec:\n  replicas: 4\n"
    )
    assert files[case.edits[0]] == PROD + "patches:\n  - path: microglia/deployment-cart.yaml\n"
    files = dict(CASES["prefix"].files)
    placed(files, scaling("prod-eu-cart-x"))
    assert "  name: eu-cart\n  namespace: shop\n" in files["overlays/prod/microglia/deployment-eu-cart.yaml"]


def test_a_listed_patch_goes_behind_the_last_one():
    """Right after the last entry, before the comments of what follows; at the dash that is in use there."""
    files = dict(CASES["patches"].files)
    placed(files, scaling())
    added = "- path: memory.yaml\n- path: microglia/deployment-cart.yaml\n"
    assert files["overlays/prod/kustomization.yaml"] == LISTED.replace("- path: memory.yaml\n", added)


def test_numbers_in_patches_are_edited_where_they_stand():
    """In a file of its own, and in a block inside of the kustomization."""
    files = dict(CASES["patch file"].files)
    placed(files, scaling())
    assert files["overlays/prod/cart.yaml"] == PATCH.replace("replicas: 5", "replicas: 4")
    files = dict(CASES["inline"].files)
    placed(files, scaling())
    assert files["overlays/prod/kustomization.yaml"] == INLINE.replace("value: 5", "value: 4")
    windows = {path: text.replace("\n", "\r\n") for path, text in CASES["inline"].files.items()}
    placed(windows, scaling())
    assert windows["overlays/prod/kustomization.yaml"] == INLINE.replace("value: 5", "value: 4").replace("\n", "\r\n")


def test_the_patch_of_an_earlier_proposal_is_edited_not_doubled():
    """A second step finds the first one's patch."""
    files = dict(CASES["shared"].files)
    placed(files, scaling())
    (found,) = placed(files, scaling(before=4, after=3))
    assert [(edit.path, edit.how) for edit in found.edits] == [
        ("overlays/prod/microglia/deployment-cart.yaml", "its patch")
    ]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (base(overlays__prod__kustomization_yaml=f"{PROD}replicas: [{{name: cart, count: 7}}]\n"), "line 7 says 7"),
        (base(overlays__prod__kustomization_yaml=INLINE.replace("value: 5", "value: 6")), "line 6 says 6, the cluster"),
        (
            base(overlays__prod__kustomization_yaml=PROD, overlays__eu__kustomization_yaml=PROD),
            "it is written in several places (overlays/eu, overlays/prod); say which one",
        ),
        (
            base(
                overlays__prod__kustomization_yaml=f"{PROD}---\n",
                overlays__staging__kustomization_yaml=STAGING,
            ),
            "writes its patches in a way that cannot be added to",
        ),
        (
            base(
                overlays__prod__kustomization_yaml=PROD + "replacements:\n- targets: [{fieldPaths: [spec.replicas]}]\n"
            ),
            "sets counts by replacements",
        ),
        (
            base(
                overlays__prod__kustomization_yaml=PROD,
                overlays__staging__kustomization_yaml=STAGING,
                overlays__prod__microglia__deployment_cart_yaml=PATCH,
            )
            | {"overlays/prod/microglia/deployment-cart.yaml": PATCH},
            "exists and is not in use",
        ),
        (base(overlays__prod__kustomization_yaml=STAGING), "is this the right one?"),
    ],
)
def test_what_kustomize_makes_unclear_is_told(files, words):
    """Drift, several overlays, replacements: a person decides."""
    before = dict(files)
    (found,) = placed(files, scaling())
    assert words in found.reason
    assert files == before


def test_a_person_names_the_overlay():
    """Two overlays that both could be it, and --at."""
    files = base(overlays__prod__kustomization_yaml=PROD, overlays__eu__kustomization_yaml=PROD)
    (found,) = placed(files, scaling(), hints=Hints({"shop/cart": "overlays/eu"}))
    assert {edit.path.rpartition("/")[0] for edit in found.edits} == {"overlays/eu", "overlays/eu/microglia"}


def test_a_circle_of_kustomizations_ends():
    """Two that name each other are a mistake, not a trap."""
    files = {"a/kustomization.yaml": "resources: [../b]\n", "b/kustomization.yaml": "resources: [../a]\n"}
    assert "is this the right one?" in placed(files, scaling())[0].reason


SIDECAR = """\
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata:
  name: microglia-cart
  namespace: shop
  labels:
    app.kubernetes.io/managed-by: microglia
  annotations:
    microglia.dev/client: shop/cart
    microglia.dev/reason: hides hosts that this workload was not seen to need; microglia restore shows them again
spec:
  workloadSelector:
    labels:
      app: cart
  egress:
    - hosts:
        - '*/*'
        - ~shop/ads.shop.svc.cluster.local
"""


def test_a_sidecar_is_a_new_file_beside_its_workload():
    """In a plain folder beside the manifest, in a Kustomize folder in the layer that is production's, and listed."""
    files = {"apps/cart.yaml": CART}
    (found,) = placed(files, hiding("cart", "ads"))
    assert [(edit.path, edit.how) for edit in found.edits] == [("apps/microglia-cart.yaml", "a new file")]
    assert files["apps/microglia-cart.yaml"] == SIDECAR
    files = dict(CASES["shared"].files)
    placed(files, hiding("cart", "ads"))
    assert files["overlays/prod/microglia-cart.yaml"] == SIDECAR
    assert (
        "  - ../../base   # shared with staging\n  - microglia-cart.yaml\n\n# The end.\n"
        in (files["overlays/prod/kustomization.yaml"])
    )


def test_a_sidecar_of_ours_is_rewritten_and_deleted():
    """More hosts rewrite its file; none delete it, and its entry with it: then all is as it was."""
    files = dict(CASES["shared"].files)
    placed(files, hiding("cart", "ads"))
    (found,) = placed(files, hiding("cart", "ads", "mail", before=("ads",)))
    assert found.reason == ""
    assert files["overlays/prod/microglia-cart.yaml"].count("~shop/") == 2
    (found,) = placed(files, hiding("cart", before=("ads", "mail")))
    assert found.reason == ""
    assert files == CASES["shared"].files


@pytest.mark.parametrize(
    ("files", "change", "words"),
    [
        ({"a.yaml": CART, "microglia-cart.yaml": "x"}, hiding("cart", "ads"), "microglia-cart.yaml exists"),
        ({"a.yaml": CART}, hiding("cart", "ads", before=("mail",)), "is in no file here"),
        (
            {"a.yaml": SIDECAR + "  # mine now\n"},
            hiding("cart", before=("ads",)),
            "a.yaml is not as microglia wrote it",
        ),
        ({"a.yaml": "kind: Service\n"}, hiding("cart", "ads"), "no file here holds shop/cart"),
        (
            {"k/kustomization.yaml": f"namePrefix: c\n{BASE}", "k/cart.yaml": CART.replace("name: cart", "name: art")},
            hiding("cart", "ads"),
            "would rename the Sidecar",
        ),
    ],
)
def test_a_sidecar_without_a_place_is_told(files, change, words):
    """Names that would change, files that are there, hands of others."""
    (found,) = placed(files, change)
    assert words in found.reason
    assert found.edits == ()
