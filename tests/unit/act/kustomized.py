"""Kustomize folders of many shapes around the same cart, with what a proposal may touch in each."""

from dataclasses import dataclass

from tests.unit.act.checkouts import CART

BASE = "resources:\n  - cart.yaml\n"
PROD = """\
# What runs in production.
namespace: shop
resources:
  - ../../base   # shared with staging

# The end.
"""
STAGING = "namespace: staging\nresources:\n- ../../base\n"
PATCH = "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: cart}\nspec:\n  replicas: 5 # prod\n"
INLINE = """\
namespace: shop
resources:
- ../../base
patches:
- target: {kind: Deployment, name: ca.*}
  patch: |-
    # more in production
    - op: replace
      path: /spec/replicas
      value: 5  # five
images:
- {name: example/cart, newTag: "2"}
"""
LISTED = """\
namespace: shop
resources: ["../../base"]
patches:
- path: memory.yaml

# what comes next is about images
images:
- {name: example/cart, newTag: "2"}
"""
MEMORY = (
    "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: cart}\nspec: {template: {spec: {restartPolicy: Always}}}\n"
)
COMPONENT = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nreplicas:\n- name: cart\n  count: 5\n"
ONE = CART.replace("replicas: 5", "replicas: 1")


@dataclass(frozen=True)
class Case:
    """``files`` of a repository, the ``folder`` that production is built from, the files that a proposal ``edits``, and
    what the object is called ``named``."""

    files: dict[str, str]
    edits: tuple[str, ...]
    folder: str = "overlays/prod"
    named: str = "cart"


def base(**files: str) -> dict[str, str]:
    """A base that production and staging share, and these files, with ``__`` for a slash and ``_`` for a dot."""
    named = {path.replace("__", "/").replace("_", "."): text for path, text in files.items()}
    return {"base/kustomization.yaml": BASE, "base/cart.yaml": CART, **named}


CASES = {
    "alone": Case(
        {"deploy/kustomization.yml": "namespace: shop\n" + BASE, "deploy/cart.yaml": CART},
        ("deploy/cart.yaml",),
        "deploy",
    ),
    "shared": Case(
        base(overlays__prod__kustomization_yaml=PROD, overlays__staging__kustomization_yaml=STAGING),
        ("overlays/prod/kustomization.yaml", "overlays/prod/microglia/deployment-cart.yaml"),
    ),
    "replicas": Case(
        base(overlays__prod__kustomization_yaml=f"{PROD}replicas:\n  - {{name: cart, count: 5}} # sale\n")
        | {"base/cart.yaml": ONE},
        ("overlays/prod/kustomization.yaml",),
    ),
    "replicas over a patch": Case(
        base(
            overlays__prod__kustomization_yaml=PROD
            + "replicas: [{name: cart, count: 5}]\npatches: [{path: c.yaml}]\n",
            overlays__prod__c_yaml=PATCH.replace("5", "7"),
        ),
        ("overlays/prod/kustomization.yaml",),
    ),
    "patch file": Case(
        base(
            overlays__prod__kustomization_yaml=f"{PROD}patches:\n- path: cart.yaml\n",
            overlays__prod__cart_yaml=PATCH,
            overlays__staging__kustomization_yaml=STAGING,
        )
        | {"base/cart.yaml": ONE},
        ("overlays/prod/cart.yaml",),
    ),
    "strategic merge of old": Case(
        base(
            overlays__prod__kustomization_yaml=f"{PROD}patchesStrategicMerge:\n- cart.yaml\n",
            overlays__prod__cart_yaml=PATCH,
        ),
        ("overlays/prod/cart.yaml",),
    ),
    "inline": Case(base(overlays__prod__kustomization_yaml=INLINE), ("overlays/prod/kustomization.yaml",)),
    "patches": Case(
        base(
            overlays__prod__kustomization_yaml=LISTED,
            overlays__prod__memory_yaml=MEMORY,
            overlays__staging__kustomization_yaml=STAGING,
        ),
        ("overlays/prod/kustomization.yaml", "overlays/prod/microglia/deployment-cart.yaml"),
    ),
    "patches are empty": Case(
        base(overlays__prod__kustomization_yaml=f"patches: []\n{PROD}", overlays__staging__kustomization_yaml=STAGING),
        ("overlays/prod/kustomization.yaml", "overlays/prod/microglia/deployment-cart.yaml"),
    ),
    "prefix": Case(
        base(
            base__kustomization_yaml="namePrefix: eu-\nnamespace: shop\nresources:\n- cart.yaml\n",
            overlays__prod__kustomization_yaml="namePrefix: prod-\nnameSuffix: -x\nresources: [../../base]\n",
            overlays__staging__kustomization_yaml="namePrefix: staging-\nresources: [../../base]\n",
        ),
        ("overlays/prod/kustomization.yaml", "overlays/prod/microglia/deployment-eu-cart.yaml"),
        named="prod-eu-cart-x",
    ),
    "component": Case(
        base(
            overlays__prod__kustomization_yaml=f"{PROD}components:\n- ../../large\n",
            large__kustomization_yaml=COMPONENT,
        )
        | {"base/cart.yaml": ONE},
        ("large/kustomization.yaml",),
    ),
    "shared component": Case(
        base(
            overlays__prod__kustomization_yaml=f"{PROD}components:\n- ../../large\n",
            overlays__staging__kustomization_yaml=f"{STAGING}components:\n- ../../large\n",
            large__kustomization_yaml=COMPONENT,
        )
        | {"base/cart.yaml": ONE},
        ("overlays/prod/kustomization.yaml", "overlays/prod/microglia/deployment-cart.yaml"),
    ),
    "three floors": Case(
        base(
            region__kustomization_yaml="namespace: shop\nresources: [../base]\npatches: [{path: count.yaml}]\n",
            region__count_yaml=PATCH,
            overlays__prod__kustomization_yaml="resources:\n- ../../region\n",
        )
        | {"base/cart.yaml": ONE},
        ("overlays/prod/kustomization.yaml", "overlays/prod/microglia/deployment-cart.yaml"),
    ),
}  # fmt: skip
