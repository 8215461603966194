"""The same decision, for the cluster and for Git."""

from dataclasses import replace
from typing import Any

import pytest

from microglia.plan.change import RemoveChange
from microglia.plan.desk import Desk, desk
from microglia.plan.document import Plan
from microglia.plan.draft import draft
from microglia.plan.grounds import Grounds
from microglia.plan.history import History
from microglia.plan.rare import Rare
from microglia.plan.replicas import shrinking
from microglia.plan.routes import hiding, upkeep
from microglia.plan.signals import signals
from microglia.policy.schema import PolicySpec, PruningPolicy
from tests.factories import NOW, deployment, nodes, replica_score, running, service, snapshot, thing
from tests.planning import grounds, host, own, plan, pruning, record, route, route_lost, selection, step_lost, wid
from tests.unit.act.changes import WHY

ARGO = {"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/cart"}}
SCALED = thing("HorizontalPodAutoscaler", "h", spec={"scaleTargetRef": {"kind": "Deployment", "name": "cart"}})
ADS, MAIL = host("ads"), host("mail")


def cart(*others: Any, **marks: Any) -> Grounds:
    """A cart that should come down by one, marked like this."""
    chosen = selection({"cart": 4}, yielded=[step_lost("cart", 4, 5, 0.1)])
    seen = snapshot(*running(deployment("cart", replicas=5, **marks)), *nodes(), *others)
    return grounds(seen, chosen, replica_score(wid("cart"), 5, need=2))


def test_what_argo_delivers_is_held_for_the_cluster_and_goes_by_git() -> None:
    """With the way out in the note; the plan says which way it is for."""
    for way, changes in (("cluster", 0), ("git", 1)):
        made = draft(cart(**ARGO), pruning(), PruningPolicy(), NOW, way)
        assert (made.way, len(made.changes)) == (way, changes)
    held = draft(cart(**ARGO), pruning(), PruningPolicy(), NOW).held
    assert any("microglia propose writes the patch" in note.why for note in held)


@pytest.mark.parametrize(
    ("others", "marks", "way_out"),
    [
        ((SCALED,), {}, "spec.minReplicas is 1: it goes as low as it may by itself"),
        ((), {"annotations": {"downscaler/uptime": "Mon-Fri"}}, "change its schedule there"),
    ],
)
def test_what_is_found_by_a_program_is_no_matter_for_git(others: Any, marks: Any, way_out: str) -> None:
    """An autoscaler or a sleep schedule sets the count anew, whatever a file says."""
    candidates, held = shrinking(desk(cart(*others, **marks), pruning(), PolicySpec(), "git"))
    assert candidates == []
    assert held[0].why.endswith(way_out)


def test_what_is_left_over_for_git_is_what_the_cluster_may_not_have() -> None:
    """Nothing that the cluster's plan takes; and nothing that a proposal waits for already."""

    def left(found: Grounds) -> list[str]:
        return [one.element for one in draft(found, pruning(), PruningPolicy(), NOW, "git", left_over=True).changes]

    assert (left(cart()), left(cart(**ARGO))) == ([], ["replica:shop/cart"])
    there = cart(**ARGO)
    change = draft(there, pruning(), PruningPolicy(), NOW, "git").changes[0]
    for state, found in (("proposed", []), ("skipped", ["replica:shop/cart"])):
        past = History(None, (record(change, state=state),))
        assert left(replace(there, history=past)) == found


def test_a_sidecar_that_git_delivers_is_shown_again_by_git() -> None:
    """Ours to widen in the cluster only where nobody delivers it."""

    def left(**marks: str) -> list[str]:
        mine = own("cart", ADS)
        mine["metadata"]["labels"] |= marks
        seen = snapshot(*running(deployment("cart")), mine)
        made = draft(grounds(seen, selection({"cart": 3})), pruning(), PruningPolicy(), NOW, "git", left_over=True)
        return [one.element for one in made.changes]

    flux = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}
    assert (left(), left(**flux)) == ([], ["routes:shop/cart"])


def test_a_removal_that_waits_for_its_merge_is_not_left_over() -> None:
    """Rare kinds, too, are offered once."""
    gone = RemoveChange(workload="Service/shop/old", uid="u", digest="d", before={}, after=None, why=WHY)
    found = replace(cart(**ARGO), rare=Rare((gone,)))
    for state, count in (("proposed", 0), ("skipped", 1)):
        there = replace(found, history=History(None, (record(gone, state=state),)))
        made = draft(there, pruning(), PruningPolicy(), NOW, "git", left_over=True)
        assert sum(one.kind == "remove" for one in made.changes) == count


def test_a_round_may_move_on_by_git_alone() -> None:
    """Where Git owns everything, only a lap for Git finds something to take."""
    grown = cart(**ARGO)
    there = Grounds(grown.topology, grown.scores, grown.protections, grown.selection, History(pruning(), ()))
    assert [signals(there, (), PolicySpec(), way).movable for way in ("cluster", "git")] == [False, True]


def test_the_way_is_in_the_digest_only_where_it_is_git() -> None:
    """Plans for the cluster keep the digests of the days before."""
    here, there = plan(), plan(way="git")
    assert "way" not in here.model_dump()
    assert here.id != there.id
    assert Plan.model_validate_json(there.model_dump_json()) == there
    assert Plan.model_validate_json(here.model_dump_json()).way == "cluster"


def table(way: Any, *used: str, **marks: str) -> Desk:
    """A client whose Sidecar of ours hides the ads, with a mail host that lost too."""
    mine = own("cart", ADS)
    mine["metadata"]["labels"] |= marks
    lost = route("cart", MAIL)
    seen = snapshot(*running(deployment("cart")), mine, service("mail"), *(service(name) for name in used))
    chosen = selection({"cart": 3}, [lost], yielded=[route_lost(lost)])
    return desk(grounds(seen, chosen), pruning(), PolicySpec(), way)


def test_a_sidecar_that_flux_delivers_is_written_by_git_only() -> None:
    """Neither cut further nor shown again behind its back: it would be put back."""
    flux = {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"}
    candidates, held = hiding(table("cluster", **flux))
    assert (candidates, len(held)) == ([], 1)
    assert "Flux Kustomization flux/apps delivers its Sidecar" in held[0].why
    assert len(hiding(table("git", **flux))[0]) == len(hiding(table("cluster"))[0]) == 1
    changes, (note,) = upkeep(table("cluster", **flux))
    assert (changes, note.what) == ([], "hosts to show again")
    assert len(upkeep(table("git", **flux))[0]) == len(upkeep(table("cluster"))[0]) == 1
    assert upkeep(table("cluster", "ads", **flux)) == ([], [])
