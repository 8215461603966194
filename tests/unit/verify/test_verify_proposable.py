"""A plan for Git passes the same gates, and is never cleared for the cluster."""

from dataclasses import replace

import pytest

from microglia.act.apply import apply
from microglia.plan.sidecar import body
from microglia.verify.clear import Cleared, Proposable, Refused, verify, winnow
from tests.unit.verify.verify_world import HIDE, SHOP, Scene, Tell, WorkloadId, scene, service_host

ARGO = {"argocd.argoproj.io/tracking-id": f"shop:apps/Deployment:{SHOP}/cart"}
OWNED = {"world": {"workloads": {"cart": {"annotations": ARGO}}}}
SCALER = {
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "h", "namespace": SHOP},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}},
}


def by_git(case: Tell | None = None) -> Scene:
    one = scene(case)
    return replace(one, plan=one.plan.model_copy(update={"way": "git"}))


def check(one: Scene) -> Cleared | Proposable | Refused:
    return verify(one.plan, one.topology, one.history, one.policy, one.now)


def gates(one: Scene) -> list[tuple[str, str]]:
    checked = check(one)
    assert isinstance(checked, Refused)
    return [(refusal.gate, refusal.message) for refusal in checked.refusals]


def test_a_plan_for_git_is_proposable_with_the_same_proof() -> None:
    """All gates are asked; what comes of it is no Cleared, so apply does not take it."""
    here, there = check(scene()), check(by_git())
    assert isinstance(here, Cleared)
    assert isinstance(there, Proposable)
    assert not isinstance(there, Cleared)
    assert there.proof == here.proof
    assert apply.__annotations__["cleared"] is Cleared


def test_what_argo_owns_is_refused_for_the_cluster_and_proposable() -> None:
    """The owner's name, the evidence and both ways out."""
    ((gate, message),) = gates(scene(OWNED))
    assert gate == "ownership"
    assert "microglia propose writes the patch, or give it up there first" in message
    assert isinstance(check(by_git(OWNED)), Proposable)


def test_what_an_autoscaler_owns_is_refused_for_git_too() -> None:
    """It sets the count whatever a file says."""
    assert [gate for gate, _ in gates(by_git({"world": {"objects": [SCALER]}}))] == ["ownership"]


@pytest.mark.parametrize("code", ["floors", "moved", "phase"])
def test_the_other_gates_bind_a_proposal(code: str) -> None:
    """A floor, a world that moved, a hardened structure."""
    tweaks: dict[str, Tell] = {
        "floors": {"plan": {"scale": {"cart": {"after": 1}}}},
        "moved": {"since": {"workloads": {"cart": {"labels": {"new": "label"}}}}},
        "phase": {"history": {"phase": "Hardened"}},
    }
    assert code in [gate for gate, _ in gates(by_git(tweaks[code]))]


def test_winnowing_leaves_a_smaller_proposal() -> None:
    """A change that is refused for itself is left out; the rest is still for Git."""
    plan = {"scale": {"cart": {}, "search": {"after": 1}}}
    one = by_git({"plan": plan})
    checked = winnow(one.plan, one.topology, one.history, one.policy, one.now)
    assert isinstance(checked, Proposable)
    assert [change.workload for change in checked.plan.changes] == ["shop/cart"]


def test_a_sidecar_that_git_delivers_is_not_written_in_the_cluster() -> None:
    """Whoever delivers it would put it back."""
    client = WorkloadId(SHOP, "web")
    mine = body(client, {"app": "web"}, [service_host(SHOP, "cart")])
    assert mine is not None
    mine["metadata"]["labels"]["argocd.argoproj.io/instance"] = "shop"
    case = {"plan": {"scale": {}, **HIDE}, "world": {"objects": [mine]}}
    told = [message for gate, message in gates(scene(case)) if gate == "ownership"]
    why = "Argo CD application shop delivers its Sidecar (label argocd.argoproj.io/instance: shop)"
    assert told == [f"{why}; change it there; microglia propose writes the patch"]
    checked = check(by_git(case))
    assert not isinstance(checked, Refused) or "ownership" not in [one.gate for one in checked.refusals]
