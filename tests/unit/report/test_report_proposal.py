"""What reviewers of a proposal read."""

from pathlib import PurePosixPath

from microglia.plan.change import Saving, Why
from microglia.report.proposal import Outcome, Part, commit_text, outcome_data, outcome_text, request_text, title
from microglia.verify.clear import Proposable
from tests.factories import deployment
from tests.planning import cut, host, plan, saving, scaled
from tests.unit.report.answers import flat, proof

PARTLY = scaled(
    deployment("cart", replicas=5), 5, 4, victims=("cart-1", "cart-2"), saving=Saving(cpu=0.5, replicas=1, money=12)
)
NEED = Why(sentence="need 3 (peak 180 rps)", at_risk=0.9, lost_to="replica:shop/web:3-4")
CART = PARTLY.model_copy(update={"why": NEED})
WEB = cut("web", host("ads"), host("mail"), saving=saving(proxy_config=122e3))
GONE = scaled(deployment("gone", replicas=3), 3, 2)
MADE = plan(CART, WEB, GONE, way="git", warnings=("Nodes could not be read whole",))
PARTS = (
    Part(
        0, (("overlays/prod/a.yaml", "a patch"), ("overlays/prod/kustomization.yaml", "the patch is listed")), "", "c1"
    ),
    Part(1, (("web/microglia-web.yaml", "a new file"),), "", "c2"),
    Part(2, reason="it is nowhere; look | elsewhere"),
)
CHECKED = Proposable(MADE, proof())


def outcome(*parts: Part, branch: str = "microglia/p", dirty: int = 0) -> Outcome:
    return Outcome(parts, PurePosixPath("/repo"), "0123456789abcdef", branch, PurePosixPath("/out"), dirty)


def test_a_title_fits_into_a_subject() -> None:
    """Counts and hosts, cut where git would."""
    assert title(CART) == "shop/cart: 5 -> 4 replicas"
    assert title(WEB) == "shop/web: hide 2 hosts"
    both = cut("web", host("ads"), shown=(host("mail"),))
    assert title(both) == "shop/web: hide 1 host, show 1 host"
    long = title(scaled(deployment("x" * 80), 3, 2))
    assert (len(long), long[-3:]) == (72, "...")


def test_a_commit_says_why_and_how_to_undo_it() -> None:
    """The evidence of the one change, and the plan that it is of."""
    assert commit_text(MADE, 0) == (
        "shop/cart: 5 -> 4 replicas\n\n"
        "need 3 (peak 180 rps); lost to shop/web 3 -> 4.\n"
        "Requests at risk per hour: 0.9. Saves 0.5 cpu.\n"
        f"Seen over 14d until 29 Jun 2026 11:00 UTC; {MADE.id}, change 1.\n\n"
        "To undo it, revert this commit.\n"
    )


def test_the_request_carries_the_evidence() -> None:
    """Changes with figures and files, the proof, pods, hosts, warnings, what is left out, how to undo it."""
    text = request_text(CHECKED, PARTS, "EUR")
    assert text.startswith(f"# Prune 2 elements of default ({MADE.id})\n\nmicroglia looked at 14d of traffic, until ")
    row = next(line for line in text.splitlines() if line.startswith("| shop/cart"))
    assert row.endswith(
        "`overlays/prod/a.yaml` (a patch)<br>`overlays/prod/kustomization.yaml` (the patch is listed) |"
    )
    for words in (
        "rule requests-at-risk: Pruning, round 1 of 5. Saves 0.5 cpu, 119 Ki proxy, 12 EUR/month.\n",
        "0 of 1,000 requests without a route",
        "kubectl -n shop annotate pod cart-1 cart-2 controller.kubernetes.io/pod-deletion-cost=-100",
        "* shop/web: `ads.shop.svc.cluster.local`, `mail.shop.svc.cluster.local`",
        "## Warnings\n\n* Nodes could not be read whole",
        "## Not in this proposal\n\n* shop/gone: 3 -> 2 replicas: it is nowhere; look | elsewhere",
        "receipt: by Git",
        "Replayed with all 3 changes of the plan, also those that are not in this proposal.",
    ):
        assert words in text, words


def test_a_request_says_no_more_than_there_is() -> None:
    """No pods, hosts, warnings or gaps: no headings for them; many hosts are counted."""
    bare = plan(CART.model_copy(update={"victims": ()}), way="git")
    text = request_text(Proposable(bare, proof()), [Part(0, (("a|b.yaml", "in place"),))], "EUR")
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## Evidence", "## Afterwards"]
    many = cut("web", *(host(f"h{index:02}") for index in range(23)))
    text = request_text(Proposable(plan(many, way="git"), proof()), [Part(0, (("a", "b"),))], "EUR")
    assert "`h19.shop.svc.cluster.local`, and 3 more" in text


def test_a_request_that_gives_back_promises_no_watch() -> None:
    """What hurt comes back; nothing is pruned by it."""
    regrown = plan(scaled(deployment("cart", replicas=4), 4, 5), way="git", purpose="regrow")
    text = request_text(Proposable(regrown, proof()), [Part(0, (("a.yaml", "in place"),))], "EUR")
    assert text.startswith("# Give back 1 element of default")
    assert "watches errors" not in text
    assert "can be merged at once; microglia recognises it" in text
    assert "## Harm" in text
    assert "* shop/cart: " in text
    assert text.rstrip().endswith("Until then it goes on hurting, because microglia does not write what Git owns.")
    restored = Proposable(regrown.model_copy(update={"purpose": "restore"}), proof())
    other = request_text(restored, [Part(0, (("a.yaml", "in place"),))], "EUR")
    assert "hurt" not in other
    assert "round 1 of 5.\n" in text
    assert "Replayed with" not in text
    assert "Each change is a commit of its own." in text


def test_the_screen_says_what_is_where_and_what_next() -> None:
    """Files, what has no place and why, the branch, the folder, how to push, what was not looked at."""
    told = flat(outcome_text(MADE, outcome(*PARTS, dirty=2)))
    for words in (
        "shop/cart: 5 -> 4 replicas overlays/prod/a.yaml (a patch)",
        "NOT PLACED BECAUSE shop/gone: 3 -> 2 replicas it is nowhere",
        "Branch microglia/p of /repo has 2 commits; nothing was pushed.",
        "Patches, their inverses and the text of the pull request: /out",
        "git -C /repo push origin microglia/p",
        "2 files of the checkout not committed: the proposal rests on 0123456789ab.",
    ):
        assert words in told, words
    only = outcome_text(MADE, outcome(*PARTS[:2], branch=""))
    assert "NOT PLACED" not in only
    assert "Branch" not in only
    assert "push" not in only


def test_the_screen_says_when_nothing_was_written() -> None:
    """Only reasons."""
    told = outcome_text(MADE, outcome(PARTS[2]))
    assert told.endswith("Nothing was written: no change has a place in this repository.")
    assert "PROPOSED" not in told


def test_programs_get_the_same() -> None:
    """Each change with its files, its commit and the reason where there are none."""
    found = outcome_data(MADE, outcome(*PARTS))
    assert (found["id"], found["branch"], found["base"], found["folder"]) == (
        MADE.id, "microglia/p", "0123456789abcdef", "/out",
    )  # fmt: skip
    assert [(one["commit"], one["reason"]) for one in found["changes"]] == [
        ("c1", None), ("c2", None), (None, "it is nowhere; look | elsewhere"),
    ]  # fmt: skip
    assert found["changes"][1]["files"] == [{"path": "web/microglia-web.yaml", "how": "a new file"}]
    assert found["changes"][0]["change"]["workload"] == "shop/cart"
    assert outcome_data(MADE, outcome(*PARTS, branch=""))["branch"] is None
