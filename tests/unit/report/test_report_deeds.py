"""What was done, what is watched, and what can be undone."""

from datetime import timedelta

from microglia.lifecycle.states import Phase, Shield, State
from microglia.plan.history import History, Judgement, Step
from microglia.report.deeds import again_text, orphans_text, outlook_text, record_text, restorable_text, status_text
from tests.factories import NOW, deployment
from tests.planning import cut, host, pruning, record, scaled
from tests.unit.report.answers import cleared, flat, refused

CART = scaled(deployment("cart", replicas=5), 5, 4)
WEB = cut("web", host("ads"), host("geo"))
LATER = NOW + timedelta(days=1)


def test_a_receipt_counts_what_happened_and_how_to_undo_it():
    """Pruned n of m, with the two commands that come next."""
    done = record(CART, WEB)
    assert record_text(done) == (
        f"Pruned 2 of 2.\nUndo it:  microglia restore {done.id}      Watch it:  microglia status"
    )
    failed = record(CART, state="failed")
    assert record_text(failed) == "Pruned 0 of 1."
    assert record_text(record(CART, purpose="restore")) == "Restored 1 of 1."


def test_a_second_apply_is_told_when_the_first_was_and_what_to_do():
    """By the journal: how much of it was done, and the way back or on."""
    once = record(CART, WEB)
    assert again_text(once) == (
        f"{once.id} was applied already, on 29 Jun 2026 12:00 UTC: 2 of 2 changes done."
        f"\nUndo it:  microglia restore {once.id}      Make a new one:  microglia plan"
    )
    undone = once.model_copy(update={"restored_by": ("plan-x", "plan-y")})
    assert again_text(undone).endswith("done, and given back since by plan-y.\nMake a new one:  microglia plan")


def test_what_can_be_undone_is_listed_newest_first():
    """Plans that wrote something and were not given back, with the verdicts on them."""
    first, second = record(CART, WEB, verdicts=("Keep", "Wait")), record(CART, at=LATER)
    undone = record(WEB, at=LATER).model_copy(update={"restored_by": ("plan-x",)})
    text = flat(restorable_text((first, second, undone, record(CART, state="failed"), record(CART, purpose="restore"))))
    assert text.startswith("2 plans can be undone:")
    assert f"{second.id} 30 Jun 12:00 1 change not judged {first.id} 29 Jun 12:00 2 changes 1 Keep, 1 Wait" in text
    assert text.endswith(f"microglia restore {second.id}")
    assert restorable_text(()).startswith("Nothing to undo")


def test_the_outlook_says_what_comes_next_and_why_no_more():
    """Changes, nothing, or the first gate that refuses; and the agent's own words where one runs."""
    made = record(CART, WEB).plan
    assert outlook_text(cleared(made), "observe", "").strip() == (
        "2 changes could be made now; see them with: microglia plan"
    )
    nothing = flat(outlook_text(cleared(made.only()), "auto", "Pruning: 2 elements under watch"))
    assert nothing == (
        "Nothing can be taken now; microglia plan says what holds what is left."
        " The agent, mode auto, says: Pruning: 2 elements under watch"
    )
    first = ("weekly-cycle", "default", "one of two weeks was seen")
    assert flat(outlook_text(refused(made, first), "observe", "")) == (
        "No plan passes: gate weekly-cycle refuses default: one of two weeks was seen"
    )
    assert flat(outlook_text(refused(made, first, first), "observe", "")).endswith(
        "; and 1 more refusal: microglia plan"
    )


def test_status_before_the_first_lap_says_what_it_would_be():
    """Nothing was done yet; no figures of nothing."""
    text = status_text(History(None, ()), pruning(1, entry={"cpu": 5.0}))
    assert text == (
        "Structure default: nothing was done here yet; the first lap would be Pruning, round 1.\n"
        "  Nothing is under watch."
    )


def test_status_shows_phase_watch_and_what_was_taken():
    """Under watch with its figures, judged or not; what is kept for good is counted."""
    state = State(
        "default", Phase.PRUNING, NOW, round=2, entry={"cpu": 5.0, "memory": 0.0}, taken={"cpu": 2.0},
        shields=(Shield("shop/db", LATER, "errors rose"),),
    )  # fmt: skip
    waiting = record(CART, verdicts=("Wait",))
    fresh = record(WEB, at=LATER)
    kept = record(scaled(deployment("old", replicas=3), 3, 2), verdicts=("Keep",))
    history = History(state, (kept, waiting, fresh), ("a write was interrupted",))
    text = flat(status_text(history, state))
    assert text.startswith("Structure default: Pruning, round 2, since 29 Jun 12:00 UTC.")
    assert "Surprise: a write was interrupted" in text
    assert f"WATCHED, OF {waiting.id} VERDICT WHY shop/cart 5 -> 4 Wait because" in text
    assert f"WATCHED, OF {fresh.id} VERDICT WHY shop/web -> 2 hosts hidden Wait not judged yet; the next" in text
    assert "1 earlier change kept for good." in text
    assert "shop/db 30 Jun 2026 errors rose" in text
    assert "Taken of the excess at entry: 2 cpu of 5 cpu (cpu)." in text


def test_a_phase_without_rounds_has_none():
    """A hardened structure is not in a round, and nothing of it need be under watch."""
    state = State("default", Phase.HARDENED, NOW)
    assert status_text(History(state, ()), state) == (
        "Structure default: Hardened, since 29 Jun 12:00 UTC.\n  Nothing is under watch."
    )


def test_the_newest_word_on_a_change_is_shown():
    """Judgements accumulate; the last one counts."""
    one = record(CART, verdicts=("Wait",))
    newer = one.model_copy(
        update={
            "judgements": (*one.judgements, Judgement(index=0, verdict="Regrow", at=LATER, why="errors rose")),
            "steps": (Step(index=0, state="done", at=NOW),),
        }
    )
    text = flat(status_text(History(pruning(), (newer,)), pruning()))
    assert "Regrow errors rose" in text
    assert "1 Regrow" in restorable_text((newer,))


def test_what_has_no_policy_any_more_is_told_with_both_ways_out():
    """Only what is still in force, only where nothing names its policy."""
    done = record(CART, WEB)
    name = done.plan.structure
    assert flat(orphans_text([done], ["another"])) == (
        f"Policy {name} is gone or cannot be read, and 2 changes made under it in force: no more is taken, an agent "
        f"that acts guards on. Bring the policy back, or give them back: microglia restore {done.id}"
    )
    assert orphans_text([done], [name]) == ""
    assert orphans_text([record(CART, state="failed")], []) == ""
