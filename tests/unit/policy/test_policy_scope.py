"""Which policy speaks for which workload."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from microglia.model.ids import WorkloadId
from microglia.policy.schema import Metadata, PolicySpec, PruningPolicy, Scope
from microglia.policy.scope import assign, in_scope, members, specificity, ties

CART = WorkloadId("shop", "cart")
PAY = WorkloadId("payments", "ledger")


def policy(
    name: str, include: tuple[str, ...] = ("*",), exclude: tuple[str, ...] = (), **selector: Any
) -> PruningPolicy:
    scope = Scope.model_validate({"namespaces": {"include": include, "exclude": exclude}, "selector": selector})
    return PruningPolicy(metadata=Metadata(name=name), spec=PolicySpec(scope=scope))


@dataclass
class Labels:
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Town:
    workloads: Mapping[WorkloadId, Labels]


def test_the_default_policy_leaves_the_control_plane_alone() -> None:
    """System namespaces are out of scope by default, everything else is in."""
    default = PruningPolicy()
    assert in_scope(default, CART, {})
    assert not in_scope(default, WorkloadId("kube-system", "coredns"), {})
    assert not in_scope(default, WorkloadId("istio-system", "istiod"), {})


def test_exclude_wins_over_include() -> None:
    """A namespace that both name is out."""
    assert not in_scope(policy("p", ("shop",), ("sh*",)), CART, {})
    assert not in_scope(policy("p", ("payments",)), CART, {})


@pytest.mark.parametrize(
    ("term", "web", "none"),
    [
        ({"operator": "In", "values": ["web"]}, True, False),
        ({"operator": "NotIn", "values": ["web"]}, False, True),
        ({"operator": "Exists"}, True, False),
        ({"operator": "DoesNotExist"}, False, True),
    ],
)
def test_selectors_mean_what_kubernetes_means(*, term: dict[str, Any], web: bool, none: bool) -> None:
    """Each operator selects as it does everywhere else in Kubernetes."""
    chosen = policy("p", matchExpressions=[{"key": "tier", **term}])
    assert in_scope(chosen, CART, {"tier": "web"}) is web
    assert in_scope(chosen, CART, {}) is none


def test_the_more_specific_scope_is_the_one_that_names_more() -> None:
    """A full name before a pattern, a longer pattern before a shorter one, a label condition before none."""
    ordered = [
        policy("any"),
        policy("labelled", matchLabels={"tier": "web"}),
        policy("pattern", ("s*",)),
        policy("longer", ("sho*", "*")),
        policy("closest", ("sho[pq]",)),
        policy("full", ("shop",)),
        policy("full-labelled", ("shop",), matchLabels={"tier": "web"}),
    ]
    ranks = [specificity(one, CART) for one in ordered]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


def test_the_most_specific_policy_speaks_for_each_workload() -> None:
    """Each workload has one policy; what nobody selects has none."""
    wide, narrow = policy("wide", exclude=("ops",)), policy("narrow", ("shop",))
    found = assign([wide, narrow], {PAY: {}, CART: {}, WorkloadId("ops", "x"): {}})
    assert {key: one.metadata.name for key, one in found.policies.items()} == {PAY: "wide", CART: "narrow"}
    assert list(found.policies) == [PAY, CART]
    assert found.errors == ()


def test_a_tie_is_an_error_that_names_both_and_gives_the_workload_to_nobody() -> None:
    """Which of two equally specific policies holds is never guessed, and order does not decide it."""
    one, two = policy("one", ("shop",)), policy("two", ("shop",))
    first = assign([one, two], {CART: {}})
    assert first.policies == {}
    assert first.errors == (
        (
            "policies one and two claim shop/cart with equal specificity; give one of them a narrower "
            "spec.scope.namespaces.include or spec.scope.selector, or exclude the namespace from the other"
        ),
    )
    assert assign([two, one], {CART: {}}) == first
    more = assign([one, two], {CART: {}, WorkloadId("shop", "web"): {}}).errors
    assert more[0].startswith("policies one and two claim shop/cart and 1 more with")


def test_members_are_the_workloads_that_one_policy_won() -> None:
    """A structure holds what its policy speaks for while the others are in force."""
    wide, narrow = policy("wide"), policy("narrow", ("shop",))
    town = Town({CART: Labels(), PAY: Labels()})
    assert members([wide, narrow], wide, town) == {PAY}
    assert members([wide, narrow], narrow, town) == {CART}
    assert members([wide], wide, town) == {CART, PAY}


def test_ties_in_a_world_are_told() -> None:
    """By what assigning its workloads says; none where one policy is the narrower."""
    one, two = policy("one", ("shop",)), policy("two", ("shop",))
    town = Town({CART: Labels(), PAY: Labels()})
    assert ties([one, two], town) == assign([one, two], {CART: {}, PAY: {}}).errors != ()
    assert ties([one, policy("wide")], town) == ()
