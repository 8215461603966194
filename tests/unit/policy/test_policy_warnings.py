"""What may be written but would not do what it looks like."""

from datetime import timedelta
from typing import Any

import pytest

from microglia.policy.schema import PolicySpec, PruningPolicy
from microglia.policy.warnings import Surroundings, warnings


def warned(around: Surroundings | None = None, **spec: Any) -> tuple[str, ...]:
    return warnings(PruningPolicy(spec=PolicySpec.model_validate(spec)), around or Surroundings())


def test_the_default_policy_warns_of_nothing() -> None:
    """The default prunes on a cluster that keeps metrics long enough."""
    around = Surroundings(timedelta(days=14), {"shop", "kube-system"}, {"standby"})
    assert warned(around) == ()


@pytest.mark.parametrize(("days", "count"), [(13, 1), (14, 0), (15, 0)])
def test_a_window_longer_than_the_retention_never_prunes(days: int, count: int) -> None:
    """One day short is warned about, the exact length is not."""
    found = warned(Surroundings(retention=timedelta(days=days)))
    assert len(found) == count
    assert all("longer than the metrics are kept (13d)" in line for line in found)


@pytest.mark.parametrize(("cycles", "count"), [(1, 0), (2, 0), (3, 1)])
def test_more_cycles_than_the_window_holds_never_prune(cycles: int, count: int) -> None:
    """Three weeks do not fit into fourteen days, and the warning says which window would do."""
    found = warned(observation={"cycles": {"atLeast": cycles}})
    assert len(found) == count
    assert all(line.endswith("write window 21d or more") for line in found)


@pytest.mark.parametrize(("lasts", "count"), [("23h", 0), ("24h", 1), ("25h", 1)])
def test_a_freeze_that_never_ends_is_warned_about(lasts: str, count: int) -> None:
    """A daily freeze of a day leaves no moment to prune; one of 23 hours does."""
    found = warned(pace={"freeze": [{"cron": "0 0 * * *", "lasts": lasts}]})
    assert len(found) == count
    assert all(line.startswith('spec.pace.freeze[0] "0 0 * * *" for') for line in found)


def test_a_freeze_once_a_year_leaves_time() -> None:
    """One start tells of no gap."""
    assert warned(pace={"freeze": [{"cron": "0 0 20 11 *", "lasts": "12d"}]}) == ()


def test_an_empty_scope_is_warned_about() -> None:
    """Nothing in scope, for any reason, is said."""
    scope = {"namespaces": {"include": ["a"], "exclude": ["a", "b"]}, "elements": []}
    assert warned(scope=scope) == (
        "spec.scope.namespaces.exclude takes back everything that include selects: nothing is in scope",
        "spec.scope.elements is empty: nothing would ever be pruned; write [Replica, Route]",
    )


def test_a_pattern_without_a_namespace_is_warned_about_where_namespaces_are_known() -> None:
    """A typo in a namespace shows, but only when a cluster is in reach."""
    scope = {"namespaces": {"include": ["shopp", "shop-*"]}}
    assert warned(scope=scope) == ()
    found = warned(Surroundings(namespaces=["shop-eu"]), scope=scope)
    assert found == ('spec.scope.namespaces.include "shopp" matches no namespace that exists',)


def test_elements_that_nothing_may_write_are_warned_about() -> None:
    """Replicas in scope and no kind that may be written is a contradiction."""
    found = warned(actuation={"replicas": []}, scope={"elements": ["Replica"]})
    assert found == ("spec.scope.elements has Replica, but spec.actuation.replicas is empty: nothing is ever written",)


def test_an_override_of_a_rule_that_does_not_exist_is_warned_about() -> None:
    """A misspelt rule would silently override nothing."""
    never = [{"rule": "standbyy", "namespace": "a", "name": "b", "reason": "x"}]
    protect = {"never": [*never, {**never[0], "rule": "standby"}, {**never[0], "rule": "xyz"}]}
    assert warned(protect=protect) == ()
    assert warned(Surroundings(rules=["standby"]), protect=protect) == (
        'spec.protect.never[0] names the rule "standbyy", which does not exist; did you mean "standby"?',
        'spec.protect.never[2] names the rule "xyz", which does not exist; microglia policy rules lists them',
    )


@pytest.mark.parametrize(("cpu", "memory", "count"), [("0", "0", 1), ("0.01", "0", 0), ("0", "0.01", 0)])
def test_a_budget_in_money_without_prices_is_warned_about(cpu: str, memory: str, count: int) -> None:
    """Where nothing costs anything, no budget of money ever binds."""
    prices = {"cpuHour": cpu, "memoryGiHour": memory}
    found = warned(budget={"money": {"limit": "3000"}}, prices=prices)
    assert len(found) == count
    assert all("spec.budget.money has no effect" in line for line in found)
    assert warned(prices=prices) == ()
