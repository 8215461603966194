"""Rules and backends cut out of route files: what is planned is left, and the inverse brings every byte back."""

from typing import Any

import pytest

from microglia.act.gitops.files import Hints
from microglia.act.gitops.proposing import Place, propose
from microglia.plan.change import RemoveChange
from microglia.verify.clear import Proof, Proposable
from tests.planning import WHY
from tests.unit.act.checkouts import checkout, contents_of, git, placed, proposal, seen
from tests.unit.act.routed import DEAD, HEAD, ROUTE, SERVED, backend, dead_rule, empty_backend, files


@pytest.mark.parametrize("kustomized", [True, False])
def test_a_rule_in_the_middle_goes_with_its_comments(*, kustomized: bool) -> None:
    """And nothing else, though the file leaves out what the API server fills in."""
    there = files(kustomized=kustomized)
    (found,) = placed(there, dead_rule(1))
    assert found.reason == ""
    assert there == files(ROUTE.replace(DEAD, ""), kustomized=kustomized)
    assert [edit.how for edit in found.edits] == ["1 rule taken out"]


@pytest.mark.parametrize(
    ("items", "gone"),
    [
        ((1,), "    # Gone since May:\n    # nobody misses it.\n    - name: older\n      port: 80\n"),
        ((2,), "    - name: spare   # stays\n      port: 80\n"),
        ((0,), "    - {name: cart, port: 80, weight: 90}\n\n"),
        ((1, 2), ROUTE[ROUTE.index("    # Gone") : ROUTE.index("\n  # Twice")]),
    ],
)
@pytest.mark.parametrize("kustomized", [True, False])
def test_backends_of_one_rule_go_alone(items: tuple[int, ...], gone: str, *, kustomized: bool) -> None:
    """First, last, between or several; comments above the first are the list's."""
    there = files(kustomized=kustomized)
    (found,) = placed(there, empty_backend(*items))
    assert found.reason == ""
    assert there == files(ROUTE.replace(gone, ""), kustomized=kustomized)
    what = "1 backend" if len(items) == 1 else "2 backends"
    assert [edit.how for edit in found.edits] == [f"{what} taken out"]


def test_several_rules_apart_from_each_other_go_together() -> None:
    """From the last to the first; the one between stays."""
    there = files()
    served = [*SERVED[:2], SERVED[2], SERVED[1]]
    there["app/front.yaml"] += DEAD
    (found,) = placed(there, dead_rule(1, 3, rules=served))
    assert found.reason == ""
    assert there["app/front.yaml"] == ROUTE.replace(DEAD, "")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("weight: 90", "weight: 80"),
        ("value: /cart}\n", "value: /cart, type: Exact}\n"),
        ("name: older\n", "name: oldest\n"),
        ("name: older\n", "name: older\n      filters: []\n"),
        ("    - {name: web, port: 80}\n", ""),
        ("port: 80, weight: 90", "port: '80', weight: 90"),
    ],
)
def test_a_file_that_says_anything_else_is_for_people(old: str, new: str) -> None:
    """Only what the API server fills in may be missing."""
    there = files(ROUTE.replace(old, new))
    before = dict(there)
    (found,) = placed(there, empty_backend(1))
    assert "says another spec.rules than the cluster has" in found.reason
    assert there == before


def test_a_default_is_one_only_in_the_cluster() -> None:
    """A weight of two that the file does not have is somebody's edit."""
    served = [{**SERVED[0], "backendRefs": [backend("cart", 90), backend("older", 2), backend("spare")]}, *SERVED[1:]]
    (found,) = placed(files(), empty_backend(1, rules=served))
    assert "says another spec.rules than the cluster has" in found.reason


@pytest.mark.parametrize(
    "listed",
    [
        "[{name: cart, port: 80, weight: 90}, {name: older, port: 80}, {name: spare, port: 80}]",
        "\n    - {name: cart, port: 80, weight: 90}\n    - &o {name: older, port: 80}\n    - name: *o",
    ],
)
def test_lists_in_one_line_are_for_people(listed: str) -> None:
    """What has no lines of its own is not cut."""
    text = HEAD[: HEAD.index("    backendRefs:")] + f"    backendRefs: {listed}\n"
    older = {"name": "older", "port": 80}
    last = backend("spare") if listed.startswith("[") else {"name": older}
    served = [{**SERVED[0], "backendRefs": [backend("cart", 90), backend("older"), last]}]
    there = files(text)
    (found,) = placed(there, empty_backend(1, rules=served))
    assert found.reason.endswith("writes spec.rules in a way that cannot be cut alone; do it by hand")


ISTIO = """\
kind: VirtualService
metadata: {name: front, namespace: shop}
spec:
  http:
  - route:
    - destination: {host: web}
      weight: 90
    - destination: {host: old}
      weight: 10
"""


def istio(*weights: int) -> RemoveChange:
    route = [{"destination": {"host": name}, "weight": weight}
             for name, weight in zip(("web", "old"), weights, strict=True)]  # fmt: skip
    return RemoveChange(
        workload="VirtualService/shop/front", uid="u", digest="d", why=WHY, before={"http": [{"route": route}]},
        after={"http": [{"route": route[:1]}]}, items=(1,), rule=0,
    )  # fmt: skip


def test_a_virtual_service_has_no_defaults() -> None:
    """It is compared word for word."""
    there = {"front.yaml": ISTIO}
    (found,) = placed(there, istio(90, 10))
    assert (found.reason, there) == ("", {"front.yaml": ISTIO[: ISTIO.index("    - destination: {host: old}")]})
    there = {"front.yaml": ISTIO.replace("\n      weight: 10", "")}
    (found,) = placed(there, istio(90, 1))
    assert "says another spec.http" in found.reason


@pytest.mark.parametrize("kustomized", [True, False])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("change", [dead_rule(1), empty_backend(0), empty_backend(1, 2)])
def test_patches_make_the_planned_rules_and_their_inverses_the_old_ones(
    tmp_path: Any, change: RemoveChange, ends: str, *, kustomized: bool
) -> None:
    """Applied by git itself, byte for byte."""
    folder, out = tmp_path / "repo", tmp_path / "out"
    there = {path: text.replace("\n", ends) for path, text in files(kustomized=kustomized).items()}
    repository = checkout(folder, there)
    checked = Proposable(proposal(change), Proof(0.0, 0.0, 0.0, {}, 0, 0.0))
    propose(checked, seen("cart"), Place(repository, "", out, Hints()), "EUR")
    path = next(name for name in there if name.endswith("front.yaml"))
    git(folder, "apply", str(out / "0001-shop-front-remove.patch"))
    left = contents_of((folder / path).read_bytes().decode())["spec"]["rules"]
    assert change.after is not None
    assert [[one["name"] for one in rule["backendRefs"]] for rule in left] == [
        [one["name"] for one in rule["backendRefs"]] for rule in change.after["rules"]
    ]
    git(folder, "apply", str(out / "inverse" / "0001-shop-front-remove.patch"))
    assert {name: (folder / name).read_bytes().decode() for name in there} == there
    assert change.what in (out / "pull-request.md").read_text()
