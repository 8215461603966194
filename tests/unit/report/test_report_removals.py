"""How removals are told: in the plan, to reviewers, and in the status."""

from pathlib import PurePosixPath

from microglia.plan.change import RemoveChange, Saving, Why
from microglia.plan.object import waiting_status
from microglia.report.plans import changes_text
from microglia.report.proposal import Outcome, Part, commit_text, outcome_text, request_text, title
from microglia.verify.clear import Proposable
from tests.planning import plan
from tests.unit.report.answers import flat, proof

OLD = RemoveChange(
    workload="Service/shop/old", uid="u", digest="d", before={"selector": {"app": "old"}}, after=None,
    saving=Saving(proxy_config=122e3), why=Why(sentence="it selects no pod", at_risk=0.0),
)  # fmt: skip
FRONT = RemoveChange(
    workload="VirtualService/shop/front", uid="u", digest="d", before={"http": [{}, {}, {}]}, after={"http": [{}]},
    items=(1, 2), why=Why(sentence="spec.http[1] can never match", at_risk=0.0),
)  # fmt: skip
MADE = plan(OLD, FRONT, way="git")
PARTS = (Part(0, (("old.yaml", "deleted"),), "", "c1"), Part(1, reason="it comes from a chart"))


def test_a_title_says_what_goes() -> None:
    """The object, or how many of its rules."""
    assert title(OLD) == "Service/shop/old: remove the whole object"
    assert title(FRONT) == "VirtualService/shop/front: remove 2 rules"
    one = FRONT.model_copy(update={"items": (1,), "rule": 0})
    assert title(one) == "VirtualService/shop/front: remove 1 backend"
    assert title(one.model_copy(update={"items": (0, 2)})).endswith("remove 2 backends")
    assert commit_text(MADE, 0).startswith(f"{title(OLD)}\n\nit selects no pod.\nRequests at risk per hour: 0. Saves ")


def test_the_plan_lists_them() -> None:
    """With the reason, and what it saves."""
    told = flat(changes_text(MADE, everything=True))
    assert "Service/shop/old: remove the 0 119 Ki proxy it selects no pod whole object" in told
    assert "VirtualService/shop/front: remove 0 - spec.http[1] can never match 2 rules" in told


def test_reviewers_are_told_that_no_watch_follows() -> None:
    """Of what is in the proposal, with its evidence."""
    text = request_text(Proposable(MADE, proof()), PARTS, "EUR")
    told = text[text.index("## What is removed") : text.index("## Not in this proposal")]
    assert "whoever knows a use that no metric shows should say so here" in told
    assert told.rstrip().endswith("* Service/shop/old: it selects no pod")
    assert "VirtualService/shop/front: remove 2 rules: it comes from a chart" in text
    assert "## Hosts that are hidden" not in text
    none = request_text(Proposable(MADE, proof()), (Part(0, reason="x"), Part(1, reason="y")), "EUR")
    assert "## What is removed" not in none


def test_the_closing_screen_and_lists_name_them() -> None:
    """Files beside titles; plans for people who list them."""
    screen = flat(outcome_text(MADE, Outcome(PARTS, PurePosixPath("/r"), "0" * 40, "", PurePosixPath("/o"), 0)))
    assert "Service/shop/old: remove the whole object old.yaml (deleted)" in screen
    assert waiting_status(MADE).what == "-2 rare"
