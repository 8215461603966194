"""Why a lap takes nothing: lean, undecided, hardened, held, or nothing to decide on."""

from dataclasses import replace
from typing import Any

from microglia.compete.selection import Undecided
from microglia.lifecycle.states import Phase, State
from microglia.model.ids import ObjectRef
from microglia.plan.document import Note
from microglia.plan.draft import draft
from microglia.plan.rest import all_held, at_rest
from microglia.policy.schema import PolicySpec, PruningPolicy
from microglia.protect.ledger import Level, Protection, workload
from tests.factories import NOW, deployment, nodes, replica_score, running, snapshot
from tests.planning import grounds, pruning, selection, wid

SPEC = PolicySpec()
BLIND = Protection("blind-spot", Level.PIN, 0, "unread", ObjectRef("Lease", "", ""), "list", "", blind=True)


def resting(targets: dict[str, int] | None = None, evidence: str = "USED", **parts: Any) -> list[tuple[str, str]]:
    """What and why, of a structure in which nothing lost."""
    protections = parts.pop("protections", ())
    names = {"cart": 3, "web": 3} if targets is None else targets
    chosen = selection(names, lean=True, **parts)
    raws = [one for name in names for one in running(deployment(name))]
    scores = [replica_score(wid(name), evidence=evidence) for name in names if name != "unscored"]
    ground = grounds(snapshot(*raws, *nodes()), chosen, *scores, protections=protections)
    return [(note.what, note.why) for note in at_rest(ground, pruning(), SPEC, NOW)]


def test_lean_is_only_what_competed_and_fitted() -> None:
    """Everything that competes fits into the spare: a smaller budget is the way out."""
    assert resting(entered=5) == [
        ("lean", "lean: nothing exceeds the load-bearing cost and its spare; a smaller spec.budget would change that")
    ]
    ((what, why),) = resting(entered=5, undecided=(Undecided("shop/x", "no sidecar"),))
    assert what == "lean"
    assert why.startswith("lean as far as anything is decided: nothing exceeds")
    assert "1 of 2 workloads undecided" in why


def test_without_a_budget_nothing_is_scarce() -> None:
    """A policy that names no resource never prunes, and says how to begin."""
    assert resting(entered=5, excess={}) == [
        ("no budget", "nothing is scarce: spec.budget names no resource; name one, such as cpu: {spare: 20%}")
    ]


def test_undecided_is_not_lean() -> None:
    """Where nothing is known nothing competes: what to do is said, and no smaller budget is suggested."""
    ((what, why),) = resting(evidence="UNKNOWN")
    assert what == "undecided"
    assert why == (
        "not lean: too little is known for anything to compete; 2 of 2 workloads undecided: microglia map --protected"
        " and UNDECIDED say what is missing"
    )
    ((what, why),) = resting(undecided=(Undecided("shop/x -> a, b", "silent"), Undecided("shop/x -> c", "deaf")))
    assert (what, why.partition("; ")[2]) == (
        "undecided", "routes of 1 workload undecided: UNDECIDED says what is missing",
    )  # fmt: skip


def test_blind_is_not_lean() -> None:
    """Where a list may not be read everything is protected: the doctor says what to grant."""
    ((what, why),) = resting(protections=[workload(wid("cart"), BLIND)])
    assert what == "undecided"
    assert "1 of 2 workloads protected for want of sight: microglia doctor says what to grant" in why


def test_what_is_all_load_bearing_says_so() -> None:
    """Known and needed, or nothing selected at all: neither is lean by a budget."""
    assert resting()[0][0] == "nothing competes"
    assert "microglia map --protected" in resting(targets={"unscored": 3})[0][1]
    ((what, why),) = resting(targets={})
    assert what == "nothing in scope"
    assert "spec.scope" in why


def test_hardened_stands_beside_lean() -> None:
    """Each reason is told."""
    ground = grounds(snapshot(), selection({"cart": 3}, lean=True, entered=1))
    notes = list(at_rest(ground, State("default", Phase.HARDENED, NOW), SPEC, NOW))
    assert [note.what for note in notes] == ["hardened", "lean"]
    assert list(at_rest(replace(ground, selection=selection()), pruning(), SPEC, NOW)) == []


def test_what_is_held_by_stretch_is_not_lean() -> None:
    """When everything that should go is held, one line says by what, and what releases it."""
    chosen = selection({"cart": 2, "web": 2, "owned": 2})
    owned = deployment("owned", annotations={"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/owned"})
    raws = [*running(deployment("cart")), *running(deployment("web")), *running(owned)]
    scores = (
        replica_score(wid("cart"), reach=3, holds=["stretch"]), replica_score(wid("web"), holds=["memory"]),
        replica_score(wid("owned")),
    )  # fmt: skip
    plan = draft(grounds(snapshot(*raws, *nodes()), chosen, *scores), pruning(), PruningPolicy(), NOW)
    assert plan.changes == ()
    first = plan.held[0]
    assert (first.subject, first.what) == ("default", "held")
    assert first.why == (
        "not lean: all that should go is held for now, 1 by memory; 1 by stretch or failureStretch (more load per"
        " replica than was seen healthy; released as load is seen); 1 for another reason, told below"
    )


def test_nothing_held_needs_no_line() -> None:
    """A reach without its hold counts as stretch; one workload counts once."""
    assert list(all_held("default", [])) == []
    twice = [
        Note(subject="shop/a", what="3 -> 2", why=why) for why in ("one step may not go below 3", "held by stretch: x")
    ]
    (note,) = all_held("default", twice)
    assert "held for now, 1 by stretch" in note.why
