"""Budgets in replicas and money through a whole lap: scores cost them, rounds share them, receipts count them."""

import pytest

from microglia.model.ids import WorkloadId
from microglia.plan.signals import taken
from microglia.policy.schema import PruningPolicy
from microglia.report.explain import explain_text
from microglia.report.totals import totals_text

NONE = {"cpu": None, "memory": None, "proxyConfig": None}
PRICES = {"currency": "EUR", "cpuHour": "0.05", "memoryGiHour": "0.01"}


def _policy(rule: str = "requests-at-risk", **budget: object) -> PruningPolicy:
    caps = {"perLap": {"share": "100%"}, "perNamespace": {"share": "100%"}, "perWorkload": {"share": "100%"}}
    spec = {"budget": {**NONE, **budget}, "prices": PRICES, "pace": caps, "retention": {"rule": rule}}
    return PruningPolicy.model_validate({"metadata": {"name": "default"}, "spec": spec})


def _lines(plan):
    return {line.resource: line for line in plan.accounts}


@pytest.mark.parametrize("rule", ["requests-at-risk", "peak-quantile", "presence"])
def test_what_is_kept_saved_and_in_excess_adds_up(stage, rule):
    """Every copy costs one replica, and 730 hours of its cores and GiB at the policy's prices, by any rule."""
    stage.policy = _policy(rule, replicas={"spare": "10%"}, money={"spare": "10%"})
    found = stage.rehearse()
    lines = _lines(found.plan)
    assert set(lines) == {"replicas", "money"}
    scored = found.grounds.scores.replicas.values()
    assert lines["replicas"].present == sum(one.current for one in scored)
    assert lines["money"].present == pytest.approx(
        sum(one.current * 730 * (0.05 * one.unit["cpu"] + 0.01 * one.unit["memory"] / 2**30) for one in scored)
    )
    for line in lines.values():
        assert line.present - line.kept == pytest.approx(line.excess)
        assert line.kept - line.outside <= max(line.budget, line.load_bearing) * (1 + 1e-9)
    targets = found.grounds.selection.targets
    assert sum(one.current - targets[one.workload] for one in scored) == lines["replicas"].excess


def test_a_round_takes_its_share_of_both(stage):
    """The first of five rounds: a third of the excess in replicas, and of that in money; one step at least."""
    stage.policy = _policy(replicas={"spare": "0%"}, money={"spare": "0%"})
    done = stage.lap()
    plan, state = done.rehearsal.plan, done.rehearsal.state
    assert set(state.entry) == {"replicas", "money"}
    saving = plan.saving
    assert 0 < saving.replicas <= state.entry["replicas"] / 3 + 1e-9
    assert 0 < saving.money <= state.entry["money"] / 3 + 1e-9
    history = stage.journal.history("default")
    took = taken(history, state.since)
    assert (took["replicas"], took["money"]) == (saving.replicas, pytest.approx(saving.money))


def test_absolute_limits_hold_in_the_end(stage):
    """Five replicas fewer than there are in scope: five have to go, whoever they are."""
    present = sum(one.current for one in stage.rehearse().grounds.scores.replicas.values())
    stage.policy = _policy(replicas={"limit": present - 5})
    found = stage.rehearse()
    line = _lines(found.plan)["replicas"]
    assert (line.present, line.budget, line.short) == (present, present - 5, 0)
    assert (line.excess, line.outside) == (5, 0)


def test_limits_below_what_bears_load_are_told_and_cut_nothing_of_it(stage):
    """One replica and one EUR: by how much they are too little, who holds them up, and what to do."""
    stage.policy = _policy(replicas={"limit": 1}, money={"limit": 1})
    found = stage.rehearse()
    text = " ".join(totals_text(found.plan, "EUR").split())
    for name, line in _lines(found.plan).items():
        assert line.short == pytest.approx(line.load_bearing - 1)
        assert line.held_up_by
        assert f"The budget for {name} cannot be met: load-bearing alone is over it by" in text
        assert f"Nothing load-bearing is cut; raise spec.budget.{name}." in text
    for one in found.grounds.scores.replicas.values():
        assert found.grounds.selection.targets[one.workload] >= min(one.need or one.current, one.current)


def test_the_screens_tell_replicas_and_money(stage):
    """Counts as numbers, money with its currency, and what the plan gives back with its replicas first."""
    stage.policy = _policy(replicas={"spare": "0%"}, money={"spare": "10%"})
    found = stage.rehearse()
    text = totals_text(found.plan, "EUR")
    assert "EUR/month" in text
    assert f"This plan saves {found.plan.saving.replicas} replica" in text
    target = WorkloadId.parse(found.plan.changes[0].workload)
    told = " ".join(explain_text(target, found.grounds, found.plan, stage.policy.spec).split())
    score = found.grounds.scores.replicas[target]
    assert f"1 replica, {score.unit['money']:.3g} EUR/month" in told
