"""The rule ``presence`` explained: hours to be counted, and its unit wherever worth is told."""

from dataclasses import replace
from typing import Any

import pytest

from microglia.compete.selection import Account
from microglia.model.ids import WorkloadId
from microglia.plan.document import AccountLine, Competition
from microglia.policy.schema import PolicySpec, Retention
from microglia.report.explain import explain_text
from microglia.report.presence import presence_lines
from microglia.report.totals import proof_text, totals_text
from microglia.score.scores import Capacity, ReplicaScore
from tests.factories import deployment, nodes, replica_score, running, snapshot
from tests.planning import grounds, plan, route, route_lost, selection, step_lost
from tests.unit.report.answers import cleared, flat

CART = WorkloadId("shop", "cart")
SPEC = PolicySpec(retention=Retention(rule="presence"))
CAPACITY = Capacity(100.0, "declared", 1.0, 36.0, "declared 100 rps")


def _score(**parts: Any) -> ReplicaScore:
    told = {
        "capacity": CAPACITY, "survivors": (0, 0, 1, 2, 2, 3), "short": (336, 336, 40, 3, 3, 0),
        "present": (168.0, 168.0, 26.4, 3.877, 3.877, 1.498), **parts,
    }  # fmt: skip
    return replica_score(CART, 5, 2, **told)


def test_hours_are_told_to_be_counted() -> None:
    """One row per number of survivors, with what they serve, the hours short, and what that is worth."""
    (label, formula), (_, rungs) = presence_lines(_score(), 2, 336)
    assert label == "Presence"
    assert formula == (
        "P(k) = 168 x min(1, chi2.ppf(0.95, 2 s + 2) / (2 x 336)), hours a week in which k replicas would not do; s:"
        " hours of 336 whose peak exceeds y = survivors(k) x 100 rps; a step is worth the difference"
    )
    rows = [line.split() for line in rungs.splitlines()[1:]]
    assert rows == [["2", "1", "100", "40", "26.4"], ["3-4", "2", "200", "3", "3.877"], ["5", "3", "300", "0", "1.498"]]


def test_criticality_and_many_rows() -> None:
    """The weight is part of the formula; beyond twelve rows the rest is counted."""
    (_, formula), _ = presence_lines(_score(criticality=6.0), 2, 336)
    assert "x 6 (criticality), hours a week" in formula
    many = replica_score(
        CART, 20, 2, capacity=CAPACITY, survivors=tuple(range(21)), short=(0,) * 21, present=(1.5,) * 21
    )
    assert presence_lines(many, 2, 336)[1][1].endswith("and 7 more (-o json)")


@pytest.mark.parametrize(
    ("parts", "lowest"),
    [
        ({"present": ()}, 2),
        ({}, 5),
        ({"capacity": replace(CAPACITY, rps=None)}, 2),
        ({"evidence": "UNKNOWN"}, 2),
    ],
)
def test_where_nothing_was_counted_nothing_is_told(parts: dict[str, object], lowest: int) -> None:
    """By other rules, at the lowest count, and where nothing is known."""
    assert presence_lines(_score(**parts), lowest, 336) == []


def test_explain_speaks_of_hours_a_week() -> None:
    """Steps, routes and prices in the unit in which they compete."""
    idle = route("cart", "a.shop.svc.cluster.local", value=1.498)
    chosen = selection({"cart": 3}, (idle,), yielded=(step_lost("cart", 3, 5, 2.0), route_lost(idle, 0.1)))
    chosen = replace(chosen, accounts=(Account("cpu", 10.0, 0.0, 12.0, 11.0, 13.0, 2.0, 0.4),))
    seen = snapshot(*nodes(), *running(deployment("cart", replicas=5)))
    text = flat(explain_text(CART, grounds(seen, chosen, _score()), plan(rule="presence"), SPEC))
    assert "5 -> 3: worth 0.1 hours a week; its room costs 1 cpu x 0.4 = 0.4" in text
    assert "prices: cpu 0.4 h/week per cpu" in text
    assert "at most 1.5 hours a week (95 %)" in text
    assert "P(k) = 168 x min(1" in text


def test_a_plan_speaks_of_hours_a_week() -> None:
    """Prices, and how far the selection is from its bound."""
    line = AccountLine(resource="cpu", load_bearing=10, budget=12, kept=12, present=14, excess=2, price=0.4)
    found = Competition(value=99.0, bound=100.0, gap=0.01, unseen=0.0)
    made = plan(rule="presence", accounts=(line,), competition=found)
    assert "0.4 h/week per cpu" in totals_text(made, "USD")
    assert "99.000 % of the bound, 1 h/week short of it" in flat(proof_text(cleared(made)))


def test_how_much_may_be_unseen_is_told_with_its_limit() -> None:
    """The estimate, and what it is at most; a limit that is next to nothing is left out."""
    made = plan(competition=Competition(value=1.0, bound=1.0, gap=0.0, unseen=0.0))
    assert "Unseen mass: 0.2 %, at most 0.5 % (95 %)." in flat(proof_text(cleared(made, unseen_at_most=0.005)))
    assert "Unseen mass: 0.2 %." in flat(proof_text(cleared(made, unseen_at_most=0.00009)))
