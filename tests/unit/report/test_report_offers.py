"""What waits for a person is told with what to say to it."""

from datetime import timedelta

from microglia.plan.approval import Approval, Offer
from microglia.report.offers import asked_text, offers_data, offers_text
from tests.unit.act.changes import NOW, plan, scales

FIRST, SECOND, THIRD = plan(*scales("a")), plan(*scales("a", "b"), structure="team"), plan(*scales("c"))


def word(made, hours=24, digest=None):
    """Ann's approval."""
    return Approval(digest=digest or made.digest, by="ann", until=NOW + timedelta(hours=hours))


def test_plans_that_are_up_are_listed_newest_first():
    """With how each stands, and the commands for the newest that waits."""
    text = offers_text([Offer(FIRST), Offer(SECOND), Offer(THIRD, word(THIRD))], NOW)
    head, columns, *rows, commands = text.splitlines()
    assert head == "3 plans up:"
    assert columns.split() == ["PLAN", "POLICY", "CHANGES", "STANDS"]
    assert [row.split()[0] for row in rows] == [THIRD.id, SECOND.id, FIRST.id]
    assert rows[0].endswith("approved by ann until 30 Jun 12:00 UTC")
    assert rows[1].split()[1:4] == ["team", "2", "changes"]
    assert commands == f"microglia approve {SECOND.id}      microglia reject {SECOND.id} --why TEXT"


def test_each_stage_has_its_words():
    """Run out, for another digest, rejected; nothing is asked where nothing waits."""
    assert "the approval by ann ran out at 29 Jun 12:00 UTC" in offers_text([Offer(FIRST, word(FIRST, 0))], NOW)
    assert "the approval by ann names another digest" in offers_text([Offer(FIRST, word(FIRST, 1, "0" * 64))], NOW)
    text = offers_text([Offer(FIRST, None, "bob: not on a Friday")], NOW)
    assert "rejected by bob: not on a Friday" in text
    assert "microglia approve" not in text


def test_a_plan_for_git_has_a_command_of_its_own():
    """It waits for nobody's approval; beside it, one for the cluster does."""
    by_git = plan(*scales("d"), way="git")
    text = offers_text([Offer(FIRST), Offer(by_git)], NOW)
    assert "is for Git, which owns what it changes" in text
    assert f"microglia approve {FIRST.id} " in text
    assert text.endswith(f"\nmicroglia propose {by_git.id} --repo PATH")
    assert f"approve {by_git.id}" not in text
    assert offers_data([Offer(by_git)], NOW)[0]["way"] == "git"


def test_the_same_for_programs():
    """Id, whole digest, stage and words."""
    (found,) = offers_data([Offer(FIRST, word(FIRST))], NOW)
    assert (found["id"], found["digest"], found["stage"], found["changes"]) == (FIRST.id, FIRST.digest, "approved", 1)
    assert found["approval"]["by"] == "ann"
    assert found["rejected"] is None


def test_who_is_asked_sees_every_change():
    """With the digest that the approval will name, what it saves, and every warning."""
    made = plan(*scales(*"abcdefghijkl"), warnings=("half of it is guessed",))
    text = asked_text(made, "EUR")
    assert made.digest in text.replace("\n", "")
    assert all(f"shop/{name} " in text for name in "abcdefghijkl")
    assert "Saves" in text
    assert "Warning: half of it is guessed" in text
    assert "Saves" not in asked_text(plan(*scales("a"), purpose="restore"), "EUR")
