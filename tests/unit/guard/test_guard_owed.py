"""What only Git can give back: found by who delivers the object, remembered by its shield until it is back."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from microglia.guard.regrow import Owed, owed
from microglia.guard.verdict import Verdict
from microglia.lifecycle.states import Shield
from microglia.model.ids import RouteId
from microglia.plan.history import History, Record, Step
from microglia.policy.schema import PruningPolicy
from microglia.topology.build import build
from tests.autoscaling import hpa, lowering
from tests.factories import NOW, deployment, running, snapshot
from tests.planning import cut, host, own, plan, pruning, record, scaled, wid

ARGO = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}
CART = deployment("cart", replicas=4, annotations=ARGO)
HELM: dict[str, Any] = {
    "annotations": {"meta.helm.sh/release-name": "web"},
    "labels": {"app.kubernetes.io/managed-by": "Helm"},
}
ADS = host("ads")
UNTIL = NOW + timedelta(days=20)


def hurt(one: Record, index: int = 0, why: str = "errors") -> Verdict:
    return Verdict(one.id, index, "replica:shop/cart", "Regrow", why, protects=("shop/cart",))


def look(
    *records: Record, raws: Sequence[Any] = (), verdicts: Sequence[Verdict] = (), shields: Any = ()
) -> Owed | None:
    history = History(replace(pruning(), shields=tuple(shields)), records)
    topology = build(snapshot(*(raws or running(CART))))
    return owed(verdicts, history, topology, PruningPolicy(), NOW)


MERGED = record(scaled(CART, 5, 4), way="git")


def test_what_git_delivers_is_owed_by_git() -> None:
    """As a plan for Git that only widens, with guard's reason."""
    found = look(MERGED, verdicts=[hurt(MERGED)])
    assert found is not None
    assert found.elements == ("replica:shop/cart",)
    assert (found.plan.way, found.plan.purpose) == ("git", "regrow")
    (change,) = found.plan.changes
    assert (change.before, change.after, change.why.sentence) == (4, 5, "errors")


@pytest.mark.parametrize(
    "raws",
    [running(deployment("cart", replicas=4)), running(deployment("web")), running(CART | {"spec": {**CART["spec"],
                                                                                                   "replicas": 5}})],
)  # fmt: skip
def test_what_the_writer_may_write_or_is_back_is_not_owed(raws: Any) -> None:
    """Nobody delivers it, it is gone, or it has its count already."""
    assert look(MERGED, raws=raws, verdicts=[hurt(MERGED)]) is None


def test_without_harm_nothing_is_owed() -> None:
    """Neither by a word to wait, nor by a shield of something else or of the past."""
    wait = replace(hurt(MERGED), verdict="Wait")
    assert look(MERGED, verdicts=[wait]) is None
    assert look(MERGED, shields=[Shield("shop/web", UNTIL, "errors")]) is None
    assert look(MERGED, shields=[Shield("shop/cart", NOW, "errors")]) is None
    assert owed((), History(None, (MERGED,)), build(snapshot(*running(CART))), PruningPolicy(), NOW) is None


def test_an_order_stands_while_its_shield_lasts() -> None:
    """Harm that pauses before the merge, at night, say, is no reason to forget it; a newer word has its own reason."""
    wait = replace(hurt(MERGED), verdict="Wait")
    found = look(MERGED, verdicts=[wait], shields=[Shield("shop/cart", UNTIL, "errors at noon")])
    assert found is not None
    assert found.plan.changes[0].why.sentence == "errors at noon"
    found = look(MERGED, verdicts=[hurt(MERGED)], shields=[Shield("shop/cart", UNTIL, "errors at noon")])
    assert found is not None
    assert found.plan.changes[0].why.sentence == "errors"


def test_an_earlier_step_that_was_kept_is_not_owed() -> None:
    """The shield is that of a later step of the same workload, which is back."""
    kept = record(scaled(CART, 5, 4), way="git", verdicts=["Keep"])
    assert look(kept, shields=[Shield("shop/cart", UNTIL, "errors")]) is None
    assert look(kept, verdicts=[hurt(kept)], shields=[Shield("shop/cart", UNTIL, "errors")]) is not None


def test_what_was_proposed_back_is_owed_but_not_asked_for_twice() -> None:
    """It waits for its merge; a proposal that would take does not count as one."""
    back = plan(scaled(CART, 4, 5), way="git", purpose="regrow")
    waiting = Record(plan=back, started=NOW, finished=NOW, steps=(Step(index=0, state="proposed"),))
    found = look(MERGED, waiting, verdicts=[hurt(MERGED)])
    assert found is not None
    assert (found.elements, found.plan.changes) == (("replica:shop/cart",), ())
    more = plan(scaled(CART, 4, 3), way="git")
    taking = Record(plan=more, started=NOW, finished=NOW, steps=(Step(index=0, state="proposed"),))
    found = look(MERGED, taking, verdicts=[hurt(MERGED)])
    assert found is not None
    assert len(found.plan.changes) == 1


def test_a_delivered_sidecar_is_owed_too() -> None:
    """By a verdict, or by the shield of any host that it hides; one that nobody delivers is the writer's."""
    merged = record(cut("cart", ADS), way="git")
    mine = own("cart", ADS) | {"kind": "Sidecar"}
    theirs = own("cart", ADS) | {"kind": "Sidecar"}
    theirs["metadata"] = theirs["metadata"] | {
        "labels": {**theirs["metadata"]["labels"], "kustomize.toolkit.fluxcd.io/name": "shop",
                   "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
    }  # fmt: skip
    shield = Shield(str(RouteId(wid("cart"), ADS)), UNTIL, "passthrough")
    found = look(merged, raws=[*running(CART), theirs], shields=[shield])
    assert found is not None
    assert found.elements == ("routes:shop/cart",)
    (change,) = found.plan.changes
    assert change.widens
    assert look(merged, raws=[*running(CART), mine], shields=[shield]) is None


@pytest.mark.parametrize(("marks", "owing"), [(HELM, True), ({}, False)])
def test_a_minimum_that_files_set_is_owed_by_git(*, marks: Any, owing: bool) -> None:
    """Whoever delivers the autoscaler would write the minimum back."""
    workload = deployment("cart", replicas=4)
    merged = record(lowering(workload, hpa(**marks), 4), way="git")
    raws = [*running(workload), hpa(least=4, **marks)]
    found = look(merged, raws=raws, verdicts=[hurt(merged)])
    assert (found is not None) is owing
    assert found is None or [(one.before, one.after) for one in found.plan.changes] == [(4, 5)]
    assert look(merged, raws=[hpa(least=4, **marks)], verdicts=[hurt(merged)]) is None
