"""A plan on one screen."""

from dataclasses import replace
from datetime import timedelta

from microglia.plan.change import Saving, Why
from microglia.plan.document import AccountLine, Competition
from microglia.report.plans import consent_text, plan_data, plan_text, refusals_text
from microglia.report.totals import proof_text, replay_text, totals_text
from tests.factories import NOW, deployment
from tests.planning import cut, host, plan, scaled
from tests.unit.report.answers import ALL, VIEW, cleared, flat, note, refused

LOST = Why(sentence="need 3", at_risk=0.05, lost_to="replica:shop/web:3-5")
SMALLER = scaled(deployment("cart", replicas=5), 5, 4, saving=Saving(cpu=0.5)).model_copy(update={"why": LOST})
HIDDEN = cut("web", host("ads"), host("geo"), saving=Saving(proxy_config=2.0**20))
COMPETITION = Competition(value=99.0, bound=100.0, gap=0.01, unseen=0.5)


def account(**parts):
    """One budget of cpu."""
    figures = {
        "resource": "cpu", "load_bearing": 10.0, "budget": 12.0, "kept": 12.0, "present": 15.0, "excess": 3.0,
        "price": 0.4,
    }  # fmt: skip
    return AccountLine(**{**figures, **parts})


def test_the_screen_says_what_changes_why_and_what_to_type_next():
    """From and to, risk, saving, reason and winner; then the command that applies it."""
    made = plan(SMALLER, HIDDEN, accounts=(account(),), competition=COMPETITION)
    text = plan_text(cleared(made), VIEW)
    assert text.startswith("Round 1 of 5 · window 14d · rule requests-at-risk · policy: default (built in; none given)")
    assert "shop/cart 5 4 0.05 0.5 cpu need 3; lost to shop/web 3 -> 5" in flat(text)
    assert "shop/web -> 2 hosts 0 1.0 Mi proxy why" in flat(text)
    assert "This plan saves 0.5 cpu, 1.0 Mi proxy." in text
    assert text.endswith(
        f"Nothing was changed.  Apply:  microglia apply {made.id}\nExplain one:  microglia explain shop/cart"
    )


def test_a_plan_from_a_file_can_be_shown_not_applied():
    """A snapshot is no cluster, and a demo goes on by itself."""
    text = plan_text(cleared(plan(SMALLER)), ALL)
    assert "A plan from a snapshot file can be shown, not applied." in text
    assert "microglia apply" not in text
    demo = plan_text(cleared(plan(SMALLER)), replace(VIEW, source="demo"))
    assert "Nothing was changed" not in demo


def test_a_plan_that_gives_back_says_so():
    """The heading names the purpose; hosts shown again are called that; nothing is replayed."""
    back = scaled(deployment("cart", replicas=4), 4, 5)
    shown = cut("web", shown=(host("ads"),))
    text = plan_text(cleared(plan(back, shown, purpose="regrow", phase="Hardened")), VIEW)
    assert text.startswith("Hardened · window")
    assert "GIVE BACK" in text
    assert "shop/web -> 1 host shown again" in text
    assert "Nothing was replayed: this plan only gives back." in text


def test_an_empty_plan_needs_nothing():
    """Nothing to do is an answer, too."""
    text = plan_text(cleared(plan()), VIEW)
    assert "Nothing to change in this lap." in text
    assert text.endswith("Nothing was changed; nothing needs to be.")


def test_long_plans_are_cut_and_all_shows_them():
    """Ten changes are too many for one look, not for --all."""
    many = plan(*(scaled(deployment(f"w{number}", replicas=5), 5, 4) for number in range(10)))
    assert "… and 2 more (--all)" in plan_text(cleared(many), VIEW)
    assert "shop/w9" not in plan_text(cleared(many), VIEW)
    assert "shop/w9" in plan_text(cleared(many), ALL)


def test_refusals_name_gate_subject_evidence_and_alike_ones_stand_together():
    """All gates that said no, each with what it is about."""
    no = refused(
        plan(SMALLER), ("n-1", "shop/cart", "short by 12 %"), ("n-1", "shop/a", "short by 12 %"), ("room", "x", "none")
    )
    text = refusals_text(no)
    assert text.startswith("Refused by 2 gates; nothing was changed.")
    assert "n-1 shop/a, shop/cart short by 12 %" in flat(text)
    assert "room x none" in flat(text)
    assert plan_text(no, VIEW).endswith(text)


def test_warnings_are_part_of_the_plan():
    """What could not be seen is told with the plan that was made without it."""
    assert "Warning: pods could not be read" in plan_text(cleared(plan(warnings=("pods could not be read",))), VIEW)


def test_consent_shows_every_change_and_the_proof():
    """A person agrees to all of it: nothing is cut from the list of changes."""
    many = plan(*(scaled(deployment(f"w{number}", replicas=5), 5, 4) for number in range(10)), warnings=("blind",))
    text = consent_text(cleared(many), ALL)
    assert "shop/w9" in text
    assert "Replay of 14d" in text
    assert "Saves -." in text
    assert "Warning: blind" in text
    assert "Refused by 1 gate" in consent_text(refused(many, ("room", "x", "none")), ALL)
    assert "Saves" not in consent_text(cleared(plan(SMALLER, purpose="restore")), ALL)
    assert consent_text(cleared(plan()), ALL).endswith("Nothing to change in this lap.")


def test_programs_get_the_id_and_every_refusal():
    """A script can apply what it read, or tell why not."""
    made = plan(SMALLER)
    found = plan_data(cleared(made))
    assert (found["id"], found["cleared"], found["refusals"]) == (made.id, True, [])
    assert found["plan"]["changes"][0]["after"] == 4
    assert found["saving"]["cpu"] == 0.5
    no = plan_data(refused(made, ("room", "x", "none")))
    assert (no["cleared"], no["refusals"][0]["gate"]) == (False, "room")


def test_totals_show_each_budget_and_its_price():
    """Load-bearing, budget, now, in the end; and no table without budgets."""
    made = plan(SMALLER, accounts=(account(), account(resource="money", kept=5.0, price=0.0)))
    text = flat(totals_text(made, "EUR"))
    assert "cpu 10 cpu 12 cpu 0 cpu 15 cpu 12 cpu 0.4 requests/h per cpu" in text
    assert "EUR/month 10 12 0 15 5 0: there is room" in text
    assert "pin" not in text
    assert "money/month 10 12" in flat(totals_text(made, ""))
    assert totals_text(plan(SMALLER), "EUR") == ""
    assert "saves" not in totals_text(plan(accounts=(account(),)), "EUR")


def test_what_a_budget_does_not_count_is_said():
    """More is kept than the budget holds, because rules pin it."""
    assert "Outside a budget is what rules pin" in totals_text(plan(accounts=(account(kept=20.0),)), "")
    text = flat(totals_text(plan(accounts=(account(outside=2.5),)), ""))
    assert "cpu 10 cpu 12 cpu 2.5 cpu 15 cpu 12 cpu" in text
    assert "Outside a budget is what rules pin" in text


def test_a_budget_that_cannot_be_met_names_the_way_out():
    """By how much, who holds it up, and which field to raise."""
    text = flat(totals_text(plan(accounts=(account(short=2.0, held_up_by=("shop/web", "shop/db")),)), ""))
    assert (
        "The budget for cpu cannot be met: load-bearing alone is over it by 2 cpu, held up by shop/web, shop/db."
        in text
    )
    assert "raise spec.budget.cpu" in text


def test_the_replay_tells_what_was_tried_and_what_was_lost():
    """Requests without a route, above capacity, and failures by kind."""
    text = flat(replay_text(cleared(plan(SMALLER), failures={"zone": 3, "primary": 2})))
    assert text == (
        "Replay of 14d on the pruned mesh: 0 of 1,000 requests without a route, 0 above capacity."
        " N-1 (2 primaries, 3 zones): none worse."
    )
    none = flat(replay_text(cleared(plan(SMALLER), failures={"primary": 0})))
    assert "N-1 (nothing to lose)" in none
    worse = flat(replay_text(refused(plan(SMALLER), ("n-1", "x", "y"), worse=2, over_capacity=7.0)))
    assert "7 above capacity, 0 today: the plan adds 7. N-1 (3 zones): 2 worse." in worse


def test_the_replay_tells_what_the_plan_adds_to_todays_overload() -> None:
    """What is above capacity today is not the plan's; what the plan adds is told apart."""
    same = flat(replay_text(cleared(plan(SMALLER), over_capacity=7.0, over_before=7.0)))
    assert "7 above capacity, as many as today without the plan." in same
    more = flat(replay_text(cleared(plan(SMALLER), over_capacity=9.0, over_before=7.0)))
    assert "9 above capacity, 7 today: the plan adds 2, within what its steps were known to cost." in more


def test_the_proof_says_how_good_the_selection_is():
    """Value kept against the certified bound, and the mass that was never seen."""
    made = plan(SMALLER, competition=COMPETITION)
    assert "Value kept: 99.000 % of the bound, 1 requests/h short of it. Unseen mass: 0.2 %." in flat(
        proof_text(cleared(made))
    )
    assert "Unseen mass: under 0.01 %." in proof_text(cleared(made, unseen=0.000001))
    empty = plan(SMALLER, competition=COMPETITION.model_copy(update={"value": 0.0, "bound": 0.0}))
    assert "100.000 % of the bound. Unseen" in proof_text(cleared(empty))
    assert "Value kept" not in proof_text(cleared(plan(SMALLER)))
    tiny = plan(SMALLER, competition=COMPETITION.model_copy(update={"value": 99.9999}))
    assert "100.000 % of the bound. Unseen" in proof_text(cleared(tiny))


def test_a_gap_of_less_than_a_step_is_called_that() -> None:
    """Few large steps leave a large share unfilled: said in requests, and only where no step is smaller."""
    few = COMPETITION.model_copy(update={"elements": 12, "largest": 1.0})
    text = flat(proof_text(cleared(plan(SMALLER, competition=few))))
    assert (
        "99.000 % of the bound, 1 requests/h short of it: no more than one step (the largest that yields is worth 1);"
        " 12 elements compete."
    ) in text
    wide = few.model_copy(update={"largest": 0.9, "elements": 5000})
    told = flat(proof_text(cleared(plan(SMALLER, competition=wide))))
    assert "1 requests/h short of it. Unseen" in told


def test_an_empty_plan_is_done_only_where_all_is_well() -> None:
    """Lean and hardened need nothing; undecided or held is another matter."""
    for what, end in (("lean", "nothing needs to be."), ("undecided", "HELD NOW says why."), ("held", "says why.")):
        text = plan_text(cleared(plan(held=(note("default", what),))), VIEW)
        assert text.endswith(end)


def test_what_stays_has_its_place_on_the_screen():
    """Held, spared and undecided stand between the changes and the totals, in this order."""
    made = plan(
        SMALLER,
        held=(note("shop/a"),),
        spared=(note("shop/b"),),
        undecided=(note("shop/c"),),
        accounts=(account(),),
        made_at=NOW + timedelta(seconds=1),
    )
    text = plan_text(cleared(made), VIEW)
    order = [text.index(word) for word in ("PRUNE", "HELD NOW", "SPARED", "UNDECIDED", "RESOURCE", "Replay")]
    assert order == sorted(order)
