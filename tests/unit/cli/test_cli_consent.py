"""Consent is to what was just checked: an answer that comes late is about yesterday's world."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest

from microglia.cli import consent
from microglia.cli.consent import agreed
from microglia.model.kinds import BY_NAME
from tests.factories import NOW, deployment
from tests.planning import plan, scaled
from tests.unit.report.answers import VIEW, cleared, refused

CART = plan(scaled(deployment("cart", replicas=5), 5, 4))
BACK = plan(scaled(deployment("web", replicas=3), 2, 3), purpose="regrow")
LATE = timedelta(minutes=15, seconds=1)


class Stages:
    """A desk that finds something else each time, and a person who takes ``waits`` for each answer."""

    def __init__(self, monkeypatch, checked, waits):
        self.checked, self.waits = list(checked), list(waits)
        self.asked = []
        self.time = NOW
        monkeypatch.setattr(consent, "ask", self.answer)

    def answer(self, question, *, yes):
        self.asked.append((question, yes))
        self.time += self.waits.pop(0)

    def desk(self):
        return SimpleNamespace(
            now=self.time,
            cluster_name="prod",
            again=self.desk,
            applied=lambda given: None,
            policy_of=lambda given: None,
            view=lambda policy, everything: VIEW,
            rehearse=self.rehearse,
        )

    def rehearse(self, policy, given):
        found = self.checked.pop(0)
        return SimpleNamespace(plan=found.plan, checked=found, policy=policy)

    def result(self):
        return agreed(self.desk(), CART, lambda: self.time, yes=False)


def test_an_answer_within_a_quarter_of_an_hour_is_taken(monkeypatch, capsys):
    """Exactly fifteen minutes are allowed; nothing is looked at twice."""
    stages = Stages(monkeypatch, [cleared(CART)], [timedelta(minutes=15)])
    assert stages.result().plan is CART
    assert stages.asked == [("Write 1 change to prod?", False)]
    assert "looking again" not in capsys.readouterr().out


def test_after_a_late_answer_the_same_plan_is_checked_again_and_not_asked_about_twice(monkeypatch, capsys):
    """What is written was cleared just now, and the person is told so."""
    stages = Stages(monkeypatch, [cleared(CART), cleared(CART, requests=7.0)], [LATE])
    assert stages.result().checked.proof.requests == 7.0
    assert len(stages.asked) == 1
    out = capsys.readouterr().out
    assert "The cluster was looked at 15m 1s ago, longer than 15m: looking again." in out
    assert out.endswith("Checked again just now; it still holds.\n")


def test_what_is_refused_at_the_second_look_is_shown_and_never_done(monkeypatch, capsys):
    """The world moved on while the question stood."""
    no = refused(CART, ("moved", "shop/cart", "it has 6 replicas, the plan saw 5"))
    stages = Stages(monkeypatch, [cleared(CART), no], [LATE])
    assert stages.result().checked is no
    out = capsys.readouterr().out
    assert "It is not what you agreed to any more:" in out
    assert "it has 6 replicas" in out
    assert len(stages.asked) == 1


def test_what_hurts_by_the_second_look_is_asked_about_anew(monkeypatch, capsys):
    """Consent to one plan is none to another."""
    stages = Stages(monkeypatch, [cleared(CART), cleared(BACK)], [LATE, timedelta(0)])
    assert stages.result().plan is BACK
    assert len(stages.asked) == 2
    assert "What hurt is given back first" in capsys.readouterr().out


def test_a_plan_that_gives_back_is_the_same_whenever_it_was_made(monkeypatch):
    """Its date changes with every look, what it does need not."""
    later = BACK.model_copy(update={"made_at": NOW + LATE})
    stages = Stages(monkeypatch, [cleared(BACK), cleared(later)], [LATE])
    assert stages.result().plan is later
    assert len(stages.asked) == 1


@pytest.fixture
def planned(run, live):
    """The id of a fresh plan."""
    return re.search(r"microglia apply (plan-[0-9a-f]{8})", run("plan").out)[1]


def replicas(live):
    """Of the one Deployment that the plan is about."""
    return live.cluster.read(BY_NAME["Deployment"], "boutique", "adservice")["spec"]["replicas"]


def answering(live, monkeypatch, meanwhile=lambda: None):
    """A person who comes back an hour later."""

    def answer(question, *, yes):
        live.cluster.advance(live.cluster.now + timedelta(hours=1))
        meanwhile()

    monkeypatch.setattr(consent, "ask", answer)


def test_an_hour_later_a_true_plan_is_applied_after_a_second_check(run, live, planned, monkeypatch):
    """From the real wiring: both looks are at their own moment."""
    answering(live, monkeypatch)
    ended = run("apply", planned)
    assert ended.code == 0, ended.out
    assert "ago, longer than 15m: looking again." in ended.out
    assert "Checked again just now; it still holds." in ended.out
    assert "Pruned 1 of 1." in ended.out


def test_an_hour_later_a_plan_that_is_not_true_any_more_writes_nothing(run, live, planned, monkeypatch):
    """Somebody scaled it while the question stood: refused as a whole, before the first write."""

    def scaled_up():
        live.cluster.edit(BY_NAME["Deployment"], "boutique", "adservice", lambda raw: raw["spec"].update(replicas=6))

    answering(live, monkeypatch, scaled_up)
    ended = run("apply", planned)
    assert ended.code == 3
    assert "It is not what you agreed to any more:" in ended.out
    assert "it has 6 replicas, the plan saw 5" in ended.out
    assert replicas(live) == 6
    assert "Nothing to undo" in run("restore").out


def test_a_plan_that_was_applied_says_so_and_how_to_undo_it(run, live, planned):
    """Before the gates' own words; the date is the journal's."""
    run("apply", planned, "--yes")
    ended = run("apply", planned, "--yes")
    assert ended.code == 3
    assert f"{planned} was applied already, on 22 Sep 2026 01:00 UTC: 1 of 1 change done." in ended.out
    assert f"Undo it:  microglia restore {planned}" in ended.out
    assert "Refused by 1 gate; nothing was changed." in ended.out


def test_a_plan_that_was_given_back_is_not_applied_twice(run, live, planned):
    """The counts are as the plan saw them, so no gate may object: a new plan is wanted still, and nobody is asked."""
    run("apply", planned, "--yes")
    run("restore", planned, "--yes")
    before, writes = replicas(live), live.cluster.writes
    ended = run("apply", planned)
    assert ended.code == 3
    assert re.search(r"given back since by plan-[0-9a-f]{8}\.\nMake a new one:  microglia plan", ended.out)
    assert "[y/N]" not in ended.out
    assert (replicas(live), before) == (5, 5)
    assert live.cluster.writes <= writes + 3, "but for the Lease"
