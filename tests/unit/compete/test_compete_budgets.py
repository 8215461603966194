"""Budgets in replicas and in money, absolute and relative, with numbers to be recomputed by hand.

Two workloads of five copies, of which one each is load-bearing unless told otherwise. At 10 EUR per core and 8 EUR per
GiB a month, a copy of ``a`` (2 cores, 0.25 GiB) costs 22 EUR and one of ``b`` (1 core, 4 GiB) 42 EUR.
"""

from functools import cache
from typing import Any

import pytest

from microglia.compete import select
from microglia.compete.selection import Account, Selection
from microglia.model.ids import ObjectRef, WorkloadId
from microglia.policy.schema import Budget, Limit, PolicySpec, Prices, Resource, Scope
from microglia.protect.ledger import Guarded, Level, Protection, ledger, workload
from microglia.score.replicas import HOURS_PER_MONTH, unit_cost
from microglia.score.scores import ReplicaScore
from microglia.topology.graph import Topology
from tests import factories
from tests.unit.score.worlds import Spec, world

A, B = (WorkloadId("shop", name) for name in "ab")
PRICES = Prices(currency="EUR", cpu_hour=10 / HOURS_PER_MONTH, memory_gi_hour=8 / HOURS_PER_MONTH)
FALLS = {A: (5.2, 5.1, 4.9, 4.8), B: (4.2, 4.1, 3.9, 3.8)}
"""What the second, third, fourth and fifth copy are worth, in requests per hour."""


@cache
def _world() -> Topology:
    """Each pod holds a sidecar of 0.1 cores and 128 Mi."""
    requests = {"a": {"cpu": "1900m", "memory": "128Mi"}, "b": {"cpu": "900m", "memory": "3968Mi"}}
    return world(*(Spec(name, parts={"requests": asked}) for name, asked in requests.items()))


def _policy(prices: Prices = PRICES, **limits: Limit) -> PolicySpec:
    none: dict[str, Limit | None] = {"cpu": None, "memory": None, "proxy_config": None}
    return PolicySpec(budget=Budget(**{**none, **limits}), prices=prices, scope=Scope(elements=("Replica",)))


def _score(target: WorkloadId, policy: PolicySpec, need: int | None = 1, **parts: Any) -> ReplicaScore:
    above = [sum(FALLS[target][place:]) for place in range(4)]
    unit = unit_cost(_world().workloads[target], policy)
    return factories.replica_score(target, 5, need, risk=(1000.0, *above, 0.0), unit=unit, **parts)


def _select(policy: PolicySpec, *held: Guarded, **needs: int | None) -> Selection:
    scored = (_score(one, policy, needs.get(one.name, 1)) for one in (A, B))
    return select(factories.scores(*scored), ledger(held), _world(), policy)


def _account(found: Selection, resource: Resource) -> Account:
    (one,) = [account for account in found.accounts if account.resource == resource]
    return one


def _counts(found: Selection) -> tuple[int, ...]:
    return tuple(found.targets[one] for one in (A, B))


def test_money_is_made_of_cores_and_memory_at_the_policys_prices() -> None:
    """2 x 10 + 0.25 x 8, and 1 x 10 + 4 x 8."""
    policy = _policy()
    units = [unit_cost(_world().workloads[one], policy) for one in (A, B)]
    assert [unit["money"] for unit in units] == [pytest.approx(22), pytest.approx(42)]
    assert [unit["cpu"] for unit in units] == [pytest.approx(2), pytest.approx(1)]
    assert [unit["replicas"] for unit in units] == [1, 1]


@pytest.mark.parametrize(
    ("limits", "counts", "budget", "kept", "excess"),
    [
        # 2 bear load. 150 % over them are 3 more: the two dearest of a and the dearest of the rest, which is a's too.
        pytest.param({"replicas": Limit(spare=1.5)}, (4, 1), 5, 5, 5, id="150 % more replicas"),
        # 5.2, 5.1, 4.9, 4.8, then 4.2: a is full after four.
        pytest.param({"replicas": Limit(spare=2.5)}, (5, 2), 7, 7, 3, id="250 % more replicas"),
        # A quarter of 2 is half a copy, and no copy fits.
        pytest.param({"replicas": Limit(spare=0.25)}, (1, 1), 2.5, 2, 8, id="half a replica"),
        pytest.param({"replicas": Limit(limit=4)}, (3, 1), 4, 4, 6, id="4 replicas"),
        pytest.param({"replicas": Limit(limit=2)}, (1, 1), 2, 2, 8, id="2 replicas"),
        pytest.param({"replicas": Limit(limit=10)}, (5, 5), 10, 10, 0, id="all 10 replicas"),
        # 64 EUR bear load; a gives 5.2 / 22 = 0.24 per EUR and b 4.2 / 42 = 0.1. 32 EUR more: one of a.
        pytest.param({"money": Limit(spare=0.5)}, (2, 1), 96, 86, 234, id="50 % more money"),
        # 96 EUR more: four of a take 88, and no b fits into the 8 that are left.
        pytest.param({"money": Limit(spare=1.5)}, (5, 1), 160, 152, 168, id="150 % more money"),
        # 130 EUR more than the 64: four of a and one of b take 88 + 42.
        pytest.param({"money": Limit(limit=194)}, (5, 2), 194, 194, 126, id="194 EUR"),
        pytest.param({"money": Limit(limit=193)}, (5, 1), 193, 152, 168, id="193 EUR"),
        pytest.param({"money": Limit(limit=64)}, (1, 1), 64, 64, 256, id="what bears load, in money"),
    ],
)
def test_a_budget_buys_what_serves_most(
    limits: dict[str, Limit], counts: tuple[int, int], budget: float, kept: float, excess: float
) -> None:
    """By what is kept per replica, or per EUR; the rest is what may be pruned."""
    found = _select(_policy(**limits))
    (account,) = found.accounts
    assert account.resource in limits
    assert _counts(found) == counts
    assert (account.budget, account.kept, account.excess) == pytest.approx((budget, kept, excess))
    assert (account.short, account.held_up_by) == (0, ())
    assert found.lean == (excess == 0)


@pytest.mark.parametrize(
    ("limits", "short", "held_up_by"),
    [
        ({"replicas": Limit(limit=5)}, 2, ("shop/b", "shop/a")),
        ({"money": Limit(limit=200)}, 22 * 3 + 42 * 4 - 200, ("shop/b", "shop/a")),
        ({"money": Limit(limit=0)}, 234, ("shop/b", "shop/a")),
    ],
)
def test_a_budget_that_cannot_be_met_cuts_nothing_that_bears_load(
    limits: dict[str, Limit], short: float, held_up_by: tuple[str, ...]
) -> None:
    """3 of a and 4 of b bear load: it is said by how much they pass the limit and who holds it up, largest first."""
    found = _select(_policy(**limits), a=3, b=4)
    (account,) = found.accounts
    assert _counts(found) == (3, 4)
    assert (account.short, account.held_up_by) == (pytest.approx(short), held_up_by)
    dearest = max(4.9, 3.8) if account.resource == "replicas" else 4.9 / 22
    assert account.price == pytest.approx(dearest)


ROOM = {"cpu": Limit(limit=3 + 6), "money": Limit(limit=64 + 128)}
"""6 cores and 128 EUR beyond what bears load."""


def test_cpu_alone_keeps_what_takes_little_of_it() -> None:
    """B gives 4.2 per core and a 2.6: four of b, and a takes the two cores that are left."""
    assert _counts(_select(_policy(cpu=ROOM["cpu"]))) == (2, 5)


def test_money_alone_keeps_what_is_cheap() -> None:
    """Four of a take 88 EUR, and no b fits into 40."""
    assert _counts(_select(_policy(money=ROOM["money"]))) == (5, 1)


def test_money_and_cpu_bind_together() -> None:
    """Two of each take 2 x 2 + 2 x 1 = 6 cores and 2 x 22 + 2 x 42 = 128 EUR: all there is of both.

    The prices p of a core and q of a EUR lie where the third copy is not worth its room and the second is:
    4.9 <= 2p + 22q <= 5.1 and 3.9 <= p + 42q <= 4.1, so p is in [1.8645, 2.0710] and q in [0.0435, 0.0533].
    """
    found = _select(_policy(**ROOM))
    assert _counts(found) == (3, 3)
    cpu, money = _account(found, "cpu"), _account(found, "money")
    assert (cpu.kept, cpu.budget, cpu.excess) == pytest.approx((9, 9, 6))
    assert (money.kept, money.budget, money.excess) == pytest.approx((192, 192, 128))
    assert 1.8645 <= cpu.price <= 2.0710
    assert 0.0435 <= money.price <= 0.0533
    assert found.value == pytest.approx(5.2 + 5.1 + 4.2 + 4.1)
    assert found.gap == pytest.approx(0, abs=1e-5)
    third = next(one for one in found.yielded if one.element.id == "replica:shop/a:3-4")
    assert third.density == pytest.approx(4.9 / (2 * cpu.price + 22 * money.price), rel=1e-6)
    assert third.density < 1


def test_of_two_budgets_the_scarcer_has_the_price() -> None:
    """4 more copies for 128 EUR: four of a cost 88, so that only the copies are scarce."""
    found = _select(_policy(replicas=Limit(limit=6), money=ROOM["money"]))
    assert _counts(found) == (5, 1)
    assert _account(found, "money").price == 0
    assert 4.2 - 1e-6 <= _account(found, "replicas").price <= 4.8 + 1e-6


def test_what_a_rule_pins_is_outside_a_relative_budget_and_charged_to_an_absolute_one() -> None:
    """All 210 EUR of b: they make no room for a in the one, and take of it in the other."""
    pin = workload(B, Protection("rule", Level.PIN, 0, "because", ObjectRef("Deployment", "shop", "b"), "f", "v"))
    relative = _select(_policy(money=Limit(spare=1)), pin)
    assert _counts(relative) == (2, 5)
    account = _account(relative, "money")
    assert (account.load_bearing, account.outside, account.budget) == pytest.approx((22, 210, 44))
    absolute = _select(_policy(money=Limit(limit=254)), pin)
    assert _counts(absolute) == (2, 5)
    assert (_account(absolute, "money").load_bearing, _account(absolute, "money").outside) == pytest.approx((232, 0))


def test_what_nobody_knows_widens_a_relative_budget() -> None:
    """Five unknown copies of b are in the base: 20 % of 6 is one more, and an absolute budget is not charged."""
    assert _counts(_select(_policy(replicas=Limit(spare=0.2)), b=None)) == (2, 5)
    absolute = _select(_policy(replicas=Limit(limit=2)), b=None)
    assert _counts(absolute) == (2, 5)
    assert _account(absolute, "replicas").outside == 5


def test_where_nothing_costs_anything_money_never_binds() -> None:
    """Prices of zero: nothing is charged, and all is kept."""
    free = Prices(cpu_hour=0, memory_gi_hour=0)
    for limit in (Limit(spare=0.0), Limit(limit=0)):
        found = _select(_policy(free, money=limit))
        assert (_counts(found), found.lean) == ((5, 5), True)
        assert (_account(found, "money").short, _account(found, "money").price) == (0, 0)


def test_a_dearer_core_prunes_by_cores() -> None:
    """At 100 EUR per core and 1 per GiB a copy of a costs 200.25 and one of b 104: now b is worth more per EUR."""
    dear = Prices(cpu_hour=100 / HOURS_PER_MONTH, memory_gi_hour=1 / HOURS_PER_MONTH)
    found = _select(_policy(dear, money=Limit(limit=200.25 + 104 + 210)))
    assert _counts(found) == (1, 3)
