"""The competition on arrays: budgets hold, bounds are certified, ties are settled by order."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microglia.compete import dual as dual_module
from microglia.compete.arena import Field, Outcome, compete, field
from microglia.compete.dual import solve
from microglia.compete.fill import fill

VALUES = st.one_of(st.just(0.0), st.floats(0.001, 1000))
COSTS = st.one_of(st.just(0.0), st.floats(0.01, 10))


@st.composite
def fields(draw: st.DrawFn, resources: int | None = None, most: int = 9) -> tuple[Field, np.ndarray]:
    """A few elements, some in several copies, and budgets that may be short, empty or infinite."""
    count = draw(st.integers(0, most))
    width = resources or draw(st.integers(1, 3))
    values = np.array(draw(st.lists(VALUES, min_size=count, max_size=count)))
    costs = np.array([draw(st.lists(COSTS, min_size=width, max_size=width)) for _ in range(count)]).reshape(
        count, width
    )
    copies = np.array(draw(st.lists(st.integers(1, 3), min_size=count, max_size=count)), dtype=np.int64)
    room = st.one_of(st.just(0.0), st.just(-1.0), st.just(np.inf), st.floats(0.1, 40))
    return field(values, costs, copies), np.array(draw(st.lists(room, min_size=width, max_size=width)))


def _run(values: list[float], costs: list, budget: float | list[float]) -> Outcome:
    width = np.array(costs, dtype=float).reshape(len(values), -1)
    return compete(field(np.array(values, dtype=float), width), np.atleast_1d(np.array(budget, dtype=float)))


def _best(found: Field, room: np.ndarray) -> float:
    """The true optimum, by trying everything."""
    best = 0.0
    for kept in product(*(range(count + 1) for count in found.copies)):
        chosen = np.array(kept, dtype=float)
        if (chosen @ found.costs <= np.maximum(room, 0) * (1 + 1e-9)).all():
            best = max(best, float(chosen @ found.values))
    return best


def test_the_densest_keep_and_the_price_is_where_it_stops() -> None:
    """Densities 4, 3, 2, 1 for one unit each and room for two: the price lies at the third."""
    found = _run([4, 3, 2, 1], [1, 1, 1, 1], 2)
    assert found.keep.tolist() == [1, 1, 0, 0]
    assert (found.value, found.bound, found.gap) == (7, pytest.approx(7), pytest.approx(0, abs=1e-6))
    assert 2 - 1e-6 <= found.prices[0] <= 3 + 1e-6


def test_values_below_one_are_priced_as_well() -> None:
    """Units of value are arbitrary: a thousandth of the values, a thousandth of the price."""
    found = _run([0.004, 0.003, 0.002, 0.001], [1, 1, 1, 1], 2)
    assert found.bound == pytest.approx(0.007)
    assert 0.002 <= found.prices[0] * (1 + 1e-6) <= 0.0031


def test_where_everything_fits_nothing_is_scarce() -> None:
    """No price, no gap, everything kept."""
    found = _run([4, 0], [1, 1], 2)
    assert found.keep.tolist() == [1, 1]
    assert (found.prices.tolist(), found.value, found.bound, found.gap) == ([0.0], 4, 4, 0)


def test_ties_are_settled_by_order() -> None:
    """Four alike and room for two: the first two."""
    assert _run([1, 1, 1, 1], [1, 1, 1, 1], 2).keep.tolist() == [1, 1, 0, 0]


def test_what_is_worth_nothing_is_kept_last_by_order() -> None:
    """Room for two: the valuable one goes first, then the first of the worthless."""
    assert _run([0, 0, 5], [1, 1, 1], 2).keep.tolist() == [1, 0, 1]


def test_worthless_elements_alone_have_no_price() -> None:
    """All of them worth nothing: as many as fit, nothing to bound."""
    found = _run([0, 0, 0], [1, 1, 1], 2)
    assert found.keep.tolist() == [1, 1, 0]
    assert (found.bound, found.gap, found.prices.tolist()) == (0, 0, [0.0])


def test_what_costs_nothing_always_keeps() -> None:
    """Even with no room at all."""
    found = _run([1, 2], [[0.0], [1.0]], 0)
    assert found.keep.tolist() == [1, 0]
    assert np.isinf(found.density[0])


@pytest.mark.parametrize("budget", [0.0, -5.0, 1e-311, 2e-12])
def test_without_room_the_price_is_what_nobody_would_pay(budget: float) -> None:
    """A budget that is empty, overdrawn or a rounding error keeps nothing; the densest that asked names the price."""
    found = _run([6, 2], [2, 1], budget)
    assert found.keep.tolist() == [0, 0]
    assert found.prices[0] == 3
    assert found.density[0] == pytest.approx(1)


def test_what_is_too_large_makes_the_price_but_not_the_bound() -> None:
    """One element of 10 in room for 4: it cannot keep, so nothing bounds above nothing, but its price is told."""
    found = _run([5], [10], 4)
    assert (found.keep.tolist(), found.value, found.bound, found.gap) == ([0], 0, 0, 0)
    assert found.prices[0] == pytest.approx(0.5)
    assert _run([5], [10], 0.5).prices[0] == pytest.approx(0.5)


def test_a_large_one_is_passed_over_for_smaller_ones() -> None:
    """After the first, 3 are left: the second does not fit, the third does."""
    assert _run([10, 8, 1], [7, 6, 3], 10).keep.tolist() == [1, 0, 1]


def test_each_resource_has_its_own_price() -> None:
    """The first is scarce, the second is not."""
    found = _run([4, 3], [[1, 1], [1, 1]], [1, 9])
    assert found.prices[1] == 0
    assert found.prices[0] > 0
    assert found.keep.tolist() == [1, 0]


def test_copies_of_a_class_keep_in_part() -> None:
    """Five alike and room for three of them."""
    entrants = field(np.array([2.0]), np.array([[1.0]]), np.array([5]))
    found = compete(entrants, np.array([3.0]))
    assert (found.keep.tolist(), found.value) == ([3], 6)


def _chained(values: list[float], costs: list[float], before: list[int], budget: float) -> list[int]:
    entrants = field(np.array(values), np.array(costs)[:, None], before=np.array(before))
    return compete(entrants, np.array([budget])).keep.tolist()


def test_a_step_waits_for_the_one_below_it() -> None:
    """The lower step does not fit, so the upper one, which would, does not keep either."""
    assert _chained([4, 1, 0.5], [4, 1, 1], [-1, 0, -1], 3) == [0, 0, 1]


def test_a_lower_step_that_lost_its_room_stops_the_upper_one() -> None:
    """It fits the budget alone, but not after the denser one."""
    assert _chained([9, 3, 1], [2, 2, 1], [-1, -1, 1], 3) == [1, 0, 0]


def test_rounding_never_puts_an_upper_step_first() -> None:
    """Equal densities that rounding made unequal keep their order."""
    values = [0.1 * 3, 0.1 + 0.1 + 0.1, 0.3]
    assert _chained(values, [1, 1, 1], [-1, 0, 1], 2) == [1, 1, 0]
    assert _chained([0.3, 0.3 + 1e-16 + 6e-17, 0.3 + 3e-16], [1, 1, 1], [-1, 0, 1], 1) == [1, 0, 0]


@given(fields())
@settings(max_examples=80, deadline=None)
def test_budgets_hold_and_the_bound_is_certified(drawn: tuple[Field, np.ndarray]) -> None:
    """What is kept fits every budget; value <= optimum <= bound, checked against trying everything."""
    entrants, room = drawn
    entrants = field(entrants.values[:5], entrants.costs[:5], entrants.copies[:5])
    found = compete(entrants, room)
    assert (found.keep @ entrants.costs <= np.maximum(room, 0) * (1 + 1e-6) + 1e-9).all()
    assert (found.keep <= entrants.copies).all()
    best = _best(entrants, room)
    assert found.value <= best * (1 + 1e-9) + 1e-9
    assert best <= found.bound * (1 + 1e-6) + 1e-6
    assert 0 <= found.gap <= 1


@given(fields(resources=1), st.floats(0.1, 1))
@settings(max_examples=80, deadline=None)
def test_with_one_resource_a_smaller_budget_never_keeps_a_larger_cost(
    drawn: tuple[Field, np.ndarray], share: float
) -> None:
    """The order does not depend on the budget, so the first difference already costs more than the smaller one has."""
    entrants, room = drawn
    large, small = compete(entrants, room), compete(entrants, room * share if room[0] > 0 else room)
    assert (small.keep @ entrants.costs)[0] <= (large.keep @ entrants.costs)[0] * (1 + 1e-6) + 1e-9


@given(fields(), st.lists(st.floats(0.1, 1), min_size=3, max_size=3))
@settings(max_examples=80, deadline=None)
def test_with_several_resources_smaller_budgets_never_keep_more_than_the_larger_can(
    drawn: tuple[Field, np.ndarray], shares: list[float]
) -> None:
    """Never more value than the certified bound of the larger budgets: any excess over its value is within its gap."""
    entrants, room = drawn
    smaller = np.where(room > 0, room * np.array(shares[: room.size]), room)
    large, small = compete(entrants, room), compete(entrants, smaller)
    assert small.value <= large.bound * (1 + 1e-6) + 1e-6


@given(fields())
@settings(max_examples=80, deadline=None)
def test_running_twice_gives_the_same(drawn: tuple[Field, np.ndarray]) -> None:
    """Same arrays in, same arrays out."""
    entrants, room = drawn
    one, other = compete(entrants, room), compete(entrants, room)
    assert one.keep.tolist() == other.keep.tolist()
    assert one.prices.tolist() == other.prices.tolist()


def test_thousands_of_elements_come_within_a_ten_thousandth_of_the_bound() -> None:
    """Heavy-tailed values, three resources, more elements than are offered room at once."""
    random = np.random.default_rng(7)
    values, costs = random.pareto(1.1, 20_000), random.lognormal(0, 1, (20_000, 3))
    found = compete(field(values, costs), costs.sum(axis=0) * (0.2, 0.5, 0.8))
    assert found.gap < 1e-4


def test_an_element_fits_after_many_that_do_not() -> None:
    """Everything after the first is offered room in parts; the last small one still gets it."""
    count = 9_000
    values, costs = np.full(count, 5.0), np.full((count, 1), 5.0)
    values[0], costs[0] = 100, 6
    values[-1], costs[-1] = 0.5, 1
    found = compete(field(values, costs), np.array([7.5]))
    assert np.flatnonzero(found.keep).tolist() == [0, count - 1]


def test_fill_keeps_nothing_of_what_has_no_copies() -> None:
    """Rows that were ruled out take no room."""
    kept = fill(np.array([2.0, 1.0]), np.array([[0.6], [0.6]]), np.array([0, 1]), np.array([-1, -1]))
    assert kept.tolist() == [0, 1]


def test_the_dual_stops_at_its_last_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best bound so far is certified wherever the search ends."""
    monkeypatch.setattr(dual_module, "MOST", 2)
    random = np.random.default_rng(3)
    values, costs = random.random(50), random.random((50, 2)) / 10
    early = solve(values, costs, np.ones(50))
    monkeypatch.undo()
    late = solve(values, costs, np.ones(50))
    assert late.bound <= early.bound <= values.sum()


def test_a_solver_that_gives_up_leaves_the_best_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever happens inside it, what was evaluated is certified."""
    monkeypatch.setattr(dual_module, "linprog", lambda *_args, **_more: SimpleNamespace(x=None, fun=None))
    found = solve(np.array([3.0, 2.0]), np.array([[0.9], [0.9]]), np.ones(2))
    assert (found.bound, found.prices.tolist()) == (5.0, [0.0])


def test_the_dual_of_one_resource_is_the_density_where_the_room_ends() -> None:
    """Values 3, 2, 1 at half the budget each: the second ends it, so the price is 2 / 0.5 ... 1 / 0.5 per budget."""
    found = solve(np.array([3.0, 2.0, 1.0]), np.array([[0.5]] * 3), np.ones(3))
    assert found.bound == pytest.approx(5)
    assert 2 - 1e-5 <= found.prices[0] <= 4 + 1e-5
