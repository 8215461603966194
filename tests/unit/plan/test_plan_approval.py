"""Consent is to one plan, by one person, for a time."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from microglia.plan.approval import Approval, Denial, Offer, alike, by_git, refusal, rejections, untouchable
from microglia.plan.change import SidecarChange
from microglia.plan.document import Plan
from tests.unit.act.changes import NOW, WHY, body, plan, scales

MADE = plan(*scales("a", "b"))
CUT = SidecarChange(
    workload="shop/c", uid="c", digest="d", namespace="shop", name="m-c", before=None, after=body("c", "ads"), why=WHY
)


def approval(made: Plan = MADE, hours: int = 1, **parts: str) -> Approval:
    until = NOW + timedelta(hours=hours)
    return Approval.model_validate({"digest": made.digest, "by": "ann", "until": until, **parts})


def test_an_approval_in_force_lets_its_plan_through() -> None:
    """And no other: the digest covers everything in the plan."""
    assert refusal(MADE, approval(), NOW) is None
    other = MADE.model_copy(update={"round": 2})
    said = refusal(other, approval(), NOW)
    assert said is not None
    assert said.code == "other-digest"
    assert MADE.digest[:12] in said.why
    assert f"microglia approve {other.id}" in said.why


def test_an_approval_runs_out_at_its_moment() -> None:
    """A second before it holds."""
    assert refusal(MADE, approval(), NOW + timedelta(minutes=59, seconds=59)) is None
    said = refusal(MADE, approval(), NOW + timedelta(hours=1))
    assert said is not None
    assert said.code == "ran-out"
    assert "by ann ran out at 2026-06-29 13:00 UTC" in said.why


def test_the_agent_approves_nothing_of_its_own() -> None:
    """Whatever the API server let through: the name is told, and who may; a person's approval holds."""
    own = ("system:serviceaccount:ops:writer",)
    said = refusal(MADE, approval(by=own[0]), NOW, own)
    assert said == Denial(
        "own-approval",
        f"{MADE.id} is approved by {own[0]}, which is the agent itself; a person must approve it: microglia approve "
        f"{MADE.id}, or set spec.actuation.mode to auto",
    )
    assert refusal(MADE, approval(), NOW, own) is None


def test_a_rejection_holds_back_what_the_plan_would_take() -> None:
    """Every element, with who, why, until when and the way out; not under another policy, not after its end, which is
    a window after the plan was made or the moment that was named."""
    back = scales("d")[0].model_copy(update={"after": 9})
    cut = CUT.model_copy(update={"cut": ("ads.shop.svc.cluster.local",)})
    made = plan(*scales("a"), cut, back)
    no = Offer(made, None, "bob: the fair is on")
    window = made.window_end - made.window_start
    held = rejections([no, Offer(MADE)], made.policy_digest, NOW)
    assert sorted(held) == sorted([made.changes[0].element, CUT.element])
    assert held[CUT.element] == (
        f"{made.id} was rejected by bob: the fair is on; holds until {made.made_at + window:%Y-%m-%d %H:%M} UTC, or "
        f"take it back: kubectl delete pruningplan {made.id}, or microglia reopen {made.structure}"
    )
    assert rejections([no], "another policy", NOW) == {}
    assert rejections([no], made.policy_digest, made.made_at + window) == {}
    soon = Offer(made, None, "bob: no", NOW + timedelta(hours=1))
    assert rejections([soon], made.policy_digest, NOW)
    assert rejections([soon], made.policy_digest, NOW + timedelta(hours=1)) == {}
    assert soon.stage(NOW + timedelta(hours=1)) == "expired"


def test_another_plan_may_not_take_what_was_rejected() -> None:
    """One element is enough; what gives back is free."""
    held = {plan(*scales("a")).changes[0].element: "bob said no"}
    said = untouchable(MADE, held)
    assert said is not None
    assert (said.code, "and bob said no" in said.why) == ("rejected", True)
    assert untouchable(plan(*scales("b")), held) is None
    assert untouchable(plan(scales("a")[0].model_copy(update={"after": 9})), held) is None


def test_a_plan_for_git_cannot_be_approved() -> None:
    """Whatever was agreed to: it is merged, and the command for that is told. A plan for the cluster is another one."""
    delivered = MADE.model_copy(update={"way": "git"})
    said = refusal(delivered, approval(delivered), NOW)
    words = f"{delivered.id} changes what Git owns, so it is merged there: microglia propose {delivered.id} --repo PATH"
    assert said == Denial("for-git", words)
    assert (by_git(delivered), by_git(MADE)) == (words, "")
    assert not alike(MADE, delivered)


def test_without_approval_nothing_goes() -> None:
    """The way to get one is told."""
    said = refusal(MADE, None, NOW)
    assert said == Denial("not-approved", f"{MADE.id} is not approved; approve it: microglia approve {MADE.id}")


@pytest.mark.parametrize(
    "wrong", [{"digest": MADE.digest[:12]}, {"digest": "x" * 64}, {"by": ""}, {"until": "2026-07-01T00:00:00"}]
)
def test_a_vague_approval_is_none(wrong: dict[str, str]) -> None:
    """Half a digest, nobody's name, a moment without a time zone."""
    with pytest.raises(ValidationError):
        approval(**wrong)


def test_an_offer_says_how_it_stands() -> None:
    """Waiting, approved, run out, for another plan, rejected."""
    assert Offer(MADE).stage(NOW) == "waiting"
    assert Offer(MADE, approval()).stage(NOW) == "approved"
    assert Offer(MADE, approval(hours=0)).stage(NOW) == "expired"
    assert Offer(MADE, approval(digest="0" * 64)).stage(NOW) == "void"
    assert Offer(MADE, approval(), "bob: no").stage(NOW) == "rejected"


def test_plans_are_alike_when_they_write_the_same() -> None:
    """Whatever speaks for it now; another count, object, policy, purpose or order is something else."""
    later = MADE.model_copy(update={"made_at": NOW + timedelta(hours=1), "snapshot_digest": "t", "held": ()})
    assert alike(MADE, later)
    reworded = scales("a")[0].model_copy(update={"why": WHY.model_copy(update={"sentence": "so", "at_risk": 2.0})})
    assert alike(plan(*scales("a"), CUT), plan(reworded, CUT))
    fewer = scales("a")[0].model_copy(update={"after": 1})
    others = [
        plan(*scales("b", "a")),
        plan(fewer, *scales("b")),
        plan(*scales("a")),
        MADE.model_copy(update={"policy_digest": "q"}),
        MADE.model_copy(update={"purpose": "regrow"}),
        MADE.model_copy(update={"structure": "other"}),
    ]
    assert not any(alike(MADE, other) for other in others)
    assert not alike(plan(CUT), plan(CUT.model_copy(update={"after": body("c", "mail")})))
