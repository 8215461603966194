"""The second wall on the real API server: what the writer's own token may and may not do, by plain HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from microglia.model.kinds import BY_NAME
from microglia.plan.object import plan_object
from microglia.policy.schema import PruningPolicy
from tests import factories, planning
from tests.autoscaling import scaled_object
from tests.lab import Lab
from tests.lab.api import ApiError
from tests.lab.definitions import definition
from tests.lab.helming import NAMESPACE, RELEASE
from tests.lab.waiting import until
from tests.lab.walled import OTHER, PLANS, SHOP, SIDECARS, WRITER, Walled, deployment_body, pod_body, sidecar_body

pytestmark = pytest.mark.timeout(180)

OURS = {"app.kubernetes.io/managed-by": "microglia"}
USER = f"system:serviceaccount:{NAMESPACE}:{WRITER}"
PODS = f"/api/v1/namespaces/{SHOP}/pods"
COST = "controller.kubernetes.io/pod-deletion-cost"
UNTIL = "2100-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def walled(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walled]:
    """The chart in mode approve, and one namespace that opted in."""
    made = Walled(lab, tmp_path_factory.mktemp("helm"))
    yield made
    made.close()


def test_never_below_a_floor(walled: Walled) -> None:
    """A Protection's floor holds, by name and reason."""
    walled.deployment("cart", 4)
    walled.protect("cart-floor", "cart", level="floor", minReplicas=4)
    assert "Protection cart-floor holds cart at 4 replicas: drilled" in refusal(lambda: walled.scale("cart", 3))


def test_never_below_one(walled: Walled) -> None:
    """The last copy stays."""
    assert "never takes the last copy" in refusal(lambda: walled.scale("solo", 0))


def test_never_below_two_from_two(walled: Walled) -> None:
    """The second copy stays as well, unless a policy says otherwise."""
    walled.deployment("pair", 2)
    assert "keeps 2 replicas" in refusal(lambda: walled.scale("pair", 1))


def test_never_more_than_a_step(walled: Walled) -> None:
    """Ten per cent, and at least one."""
    assert "allows 1 of 5 replicas in one step, this takes 2" in refusal(lambda: walled.scale("five", 3))
    walled.deployment("many", 20)
    assert walled.scale("many", 18) == 18


def test_a_whole_policy_is_understood(walled: Walled) -> None:
    """One that says everything, empty fields too, as the agent mirrors it from a file; the strictest step holds."""
    spec = PruningPolicy().spec.model_dump(mode="json", by_alias=True)
    spec["pace"]["perWorkload"] = {"share": "50%", "atLeast": 1, "atMost": None}
    spec["scope"]["namespaces"]["include"] = ["s?o*"]
    body = {
        "apiVersion": "microglia.dev/v1alpha1",
        "kind": "PruningPolicy",
        "metadata": {"name": "whole"},
        "spec": spec,
    }
    walled.lab.apply([body])
    walled.deployment("eight", 8)
    assert walled.scale("eight", 7) == 7
    assert "PruningPolicy default allows 1 of 7" in refusal(lambda: walled.scale("eight", 5))
    spec["pace"]["perWorkload"]["share"] = "0%"
    spec["protect"]["minReplicas"] = 1
    walled.lab.apply([{**body, "spec": spec}])
    assert walled.scale("eight", 6) == 6
    walled.lab.api.delete("/apis/microglia.dev/v1alpha1/pruningpolicies/whole")


def test_small_steps_end_at_the_floor(walled: Walled) -> None:
    """Ten steps in a row, each small enough: those past the floor are refused."""
    walled.deployment("stairs", 9)
    walled.protect("stairs-floor", "stairs", level="floor", minReplicas=4)
    for _ in range(10):
        count = walled.count("stairs")
        if count > 4:
            walled.scale("stairs", count - 1)
        else:
            assert "holds stairs at 4" in refusal(lambda: walled.scale("stairs", 3))
    assert walled.count("stairs") == 4


def test_never_a_pinned_object(walled: Walled) -> None:
    """A Protection without a level pins."""
    walled.deployment("standby", 4)
    walled.protect("standby-pin", "standby")
    assert "Protection standby-pin pins standby" in refusal(lambda: walled.scale("standby", 3))


def test_a_minimum_has_the_walls_of_a_count(walled: Walled) -> None:
    """Floors and pins of the target, the step, the second copy and the last: of a HorizontalPodAutoscaler."""
    made = walled.autoscaler("elastic", 6)
    assert walled.lower(made, 5) == 5
    assert "allows 1 of 5 replicas in one step, this takes 2" in refusal(lambda: walled.lower(made, 3))
    walled.protect("elastic-floor", "elastic", level="floor", minReplicas=5)
    assert "Protection elastic-floor holds elastic at 5 replicas" in refusal(lambda: walled.lower(made, 4))
    walled.protect("springy-pin", "springy")
    assert "Protection springy-pin pins springy" in refusal(partial(walled.lower, walled.autoscaler("springy", 4), 3))
    assert "keeps 2 replicas" in refusal(partial(walled.lower, walled.autoscaler("twin", 2), 1))
    assert walled.lower(made, 9) == 9


def test_a_rollout_has_the_same_walls(walled: Walled) -> None:
    """Its count is written by its own ``/scale``: the step, floors of its own kind, the second copy and the last."""
    walled.lab.apply([definition(BY_NAME["Rollout"])])
    for name, count in (("wave", 5), ("pair-of-waves", 2), ("last-wave", 1)):
        metadata = {"name": name, "namespace": SHOP}
        spec = {"replicas": count, "selector": {"matchLabels": {"app": name}}}
        body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": metadata, "spec": spec}
        walled.lab.apply([body])
    until("the writer is heard about it", lambda: "" if walled.rolls("wave", 4, dryRun="All") == 4 else "no", 30.0)
    assert "allows 1 of 5 replicas in one step, this takes 2" in refusal(lambda: walled.rolls("wave", 3))
    assert walled.rolls("wave", 4) == 4
    assert "keeps 2 replicas" in refusal(lambda: walled.rolls("pair-of-waves", 1))
    assert "never takes the last copy" in refusal(lambda: walled.rolls("last-wave", 0))
    assert walled.rolls("wave", 9) == 9


def test_a_scaled_object_has_the_same_walls(walled: Walled) -> None:
    """KEDA's minimum may be none; the writer never makes it that."""
    walled.lab.apply([definition(BY_NAME["ScaledObject"])])
    made = walled.scaler(scaled_object("queue", 4, "queue"))
    until("the writer is heard about it", lambda: "" if walled.lower(made, 3, dryRun="All") == 3 else "no", 30.0)
    assert walled.lower(made, 3) == 3
    assert "allows 1 of 3 replicas" in refusal(lambda: walled.lower(made, 1))
    assert "keeps 2 replicas" in refusal(partial(walled.lower, walled.scaler(scaled_object("tail", 2, "tail")), 1))
    one = walled.scaler(scaled_object("last", 1, "last"))
    assert "never takes the last copy" in refusal(lambda: walled.lower(one, 0))
    assert "changes nothing of an autoscaler but spec.minReplicaCount" in refusal(
        lambda: walled.rewrite(made, maxReplicaCount=5)
    )
    assert walled.lower(made, 8) == 8


def test_of_an_autoscaler_only_the_minimum_is_written(walled: Walled) -> None:
    """Neither bounds, nor target, nor pace; an untouched one passes."""
    made = walled.autoscaler("bounded", 4)
    other = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other"}
    pace = {"scaleDown": {"stabilizationWindowSeconds": 5}}
    for spec in ({"maxReplicas": 9}, {"scaleTargetRef": other}, {"behavior": pace}):
        told = refusal(partial(walled.rewrite, made, **spec))
        assert "microglia's writer changes nothing of an autoscaler but spec.minReplicas" in told
    assert walled.lower(made, 4) == 4


def test_never_somebody_elses_sidecar(walled: Walled) -> None:
    """Neither changed, nor taken over, nor deleted, nor made without the label."""
    made = walled.sidecar("theirs", ["~shop/a"])
    path = f"{SIDECARS}/theirs"
    body = {**made, "metadata": {**made["metadata"], "labels": OURS}}
    assert "not microglia's" in refusal(lambda: walled.writer.send("PUT", path, body))
    assert "not microglia's" in refusal(lambda: walled.writer.delete(path))
    assert "keeps its label" in refusal(lambda: walled.writer.post(SIDECARS, sidecar_body("bare", ["~shop/a"], {})))


def test_never_unlabels_its_own(walled: Walled) -> None:
    """Nobody could tell any more whose it is."""
    made = walled.sidecar("labelled", ["~shop/a"], **OURS)
    body = {**made, "metadata": {**made["metadata"], "labels": {}}}
    assert "keeps its label" in refusal(lambda: walled.writer.send("PUT", f"{SIDECARS}/labelled", body))


def test_a_sidecar_only_hides(walled: Walled) -> None:
    """No Sidecar that drops everything but a list, changes the outbound policy, or selects the whole namespace."""
    narrow = sidecar_body("narrow", [], OURS)
    narrow["spec"]["egress"] = [{"hosts": ["./*"]}]
    closed = sidecar_body("closed", ["~shop/a"], OURS)
    closed["spec"]["outboundTrafficPolicy"] = {"mode": "REGISTRY_ONLY"}
    wide = sidecar_body("wide", ["~shop/a"], OURS)
    del wide["spec"]["workloadSelector"]
    for body in (narrow, closed, wide):
        assert "only hides hosts" in refusal(partial(walled.writer.post, SIDECARS, body))
    assert walled.writer.post(SIDECARS, sidecar_body("right", ["~shop/a"], OURS))["metadata"]["uid"]


def test_never_a_pods_labels(walled: Walled) -> None:
    """Nor anything else of a pod, but what it costs to delete it."""
    walled.lab.apply([pod_body("pod")])
    for change in ({"labels": {"team": "other"}}, {"annotations": {"team": None}}, {"annotations": {"x": "y"}}):
        write = partial(walled.writer.patch, f"{PODS}/pod", {"metadata": change})
        assert "changes nothing of a pod but" in refusal(write)
    image = {"spec": {"containers": [{"name": "main", "image": "example.invalid/other:1"}]}}
    media = "application/strategic-merge-patch+json"
    assert "changes nothing of a pod but" in refusal(lambda: walled.writer.patch(f"{PODS}/pod", image, media))
    marked = walled.writer.patch(f"{PODS}/pod", {"metadata": {"annotations": {COST: "-5", "microglia.dev/victim": ""}}})
    assert marked["metadata"]["annotations"][COST] == "-5"


def test_never_another_namespace(walled: Walled) -> None:
    """One that did not opt in: RBAC refuses even a raise."""
    walled.lab.apply([deployment_body(OTHER, "web", 3)])
    assert "cannot update resource" in refusal(lambda: walled.scale("web", 4, OTHER))


def test_never_approves_its_own_plan(walled: Walled) -> None:
    """Neither in its own name nor in somebody's; and what was offered it may not write at all."""
    assert "does not approve its own plans" in refusal(lambda: walled.writer.post(PLANS, offer("own", USER)))
    assert "must be your own name" in refusal(lambda: walled.writer.post(PLANS, offer("own", "jane")))
    made = walled.writer.post(PLANS, offer("offered"))
    made["spec"]["approval"] = offer("offered", USER)["spec"]["approval"]
    assert "cannot update" in refusal(lambda: walled.writer.send("PUT", f"{PLANS}/{made['metadata']['name']}", made))


def test_people_sign_with_their_own_name(walled: Walled) -> None:
    """An approval in another's name, or of another digest, is refused; so is a plan rewritten; one's own is taken."""
    (made,) = walled.lab.apply([offer("signed")])
    path = f"{PLANS}/{made['metadata']['name']}"
    approval = offer("signed", "admin")["spec"]["approval"]
    for wrong in ({**approval, "by": "jane"}, {**approval, "digest": "b" * 64}):
        assert "spec.approval" in refusal(partial(walled.lab.api.patch, path, {"spec": {"approval": wrong}}))
    other = offer("other")["spec"]["changes"]
    assert "never change" in refusal(lambda: walled.lab.api.patch(path, {"spec": {"changes": other}}))
    assert walled.lab.api.patch(path, {"spec": {"approval": approval}})["spec"]["approval"] == approval
    rejected = {"approval": None, "rejected": {"by": "jane", "why": "not in December"}}
    assert "spec.rejected.by must be" in refusal(lambda: walled.lab.api.patch(path, {"spec": rejected}))


def test_restores_pass(walled: Walled) -> None:
    """Five ways of giving back: far, of a pinned one, below its floor, a Sidecar that shows more, and one that goes."""
    walled.deployment("back", 1)
    assert walled.scale("back", 12) == 12
    walled.deployment("pinned", 1)
    walled.protect("pinned-pin", "pinned")
    assert walled.scale("pinned", 5) == 5
    walled.deployment("short", 1)
    walled.protect("short-floor", "short", level="floor", minReplicas=6)
    assert walled.scale("short", 3) == 3
    made = walled.sidecar("own", ["~shop/a", "~shop/b"], **OURS)
    made["spec"]["egress"][0]["hosts"] = ["*/*", "~shop/b"]
    shown = walled.writer.send("PUT", f"{SIDECARS}/own", made)
    assert shown["spec"]["egress"] == [{"hosts": ["*/*", "~shop/b"]}]
    walled.writer.delete(f"{SIDECARS}/own")


def test_an_allow_list_is_widened_and_never_narrowed(walled: Walled) -> None:
    """The writer makes no list, and drops nothing that a Sidecar names; a list that people made it may lengthen."""
    made = walled.sidecar("listed", [], **OURS)
    made["spec"]["egress"][0]["hosts"] = ["./*", "shop/*"]
    assert "only hides hosts" in refusal(lambda: walled.writer.send("PUT", f"{SIDECARS}/listed", made))
    (list_,) = walled.lab.apply([{**sidecar_body("listed", [], OURS), "spec": made["spec"]}])
    assert list_["spec"]["egress"][0]["hosts"] == ["./*", "shop/*"]
    list_["spec"]["egress"][0]["hosts"] = ["./*", "mail/*", "shop/*"]
    longer = walled.writer.send("PUT", f"{SIDECARS}/listed", list_)
    longer["spec"]["egress"][0]["hosts"] = ["./*", "mail/*"]
    assert "only hides hosts" in refusal(lambda: walled.writer.send("PUT", f"{SIDECARS}/listed", longer))


def test_an_allow_list_is_made_where_the_chart_says_so(walled: Walled) -> None:
    """``wall.allowLists`` lets the writer name the namespaces that stay visible, its own always among them."""
    made, lame = (sidecar_body("opened", [], OURS) for _ in range(2))
    made["spec"]["egress"][0]["hosts"] = ["mail/*", "shop/*"]
    lame["spec"]["egress"][0]["hosts"] = ["mail/*"]
    assert "only hides hosts" in walled.writes(made)
    try:
        walled.install(wall={"allowLists": True})
        until("the wall lets allow-lists through", lambda: walled.writes(made), 60)
        assert "only hides hosts" in walled.writes(lame)
    finally:
        walled.install()
    until("the wall is as it was", lambda: "" if walled.writes(made) else "it still lets them through", 60)


def test_a_restore_shows_more_of_an_edited_sidecar(walled: Walled) -> None:
    """Somebody's edit of ours does not stand in the way of lifting an exclusion; it does of adding one."""
    made = walled.sidecar("edited", ["~shop/a", "~shop/b", "./*"], **OURS)
    made["spec"]["egress"][0]["hosts"] = ["*/*", "./*", "~shop/a"]
    again = walled.writer.send("PUT", f"{SIDECARS}/edited", made)
    again["spec"]["egress"][0]["hosts"] = ["*/*", "./*", "~shop/a", "~shop/c"]
    assert "only hides hosts" in refusal(lambda: walled.writer.send("PUT", f"{SIDECARS}/edited", again))


def test_restores_pass_without_any_policy(walled: Walled) -> None:
    """When the last PruningPolicy is gone, what was pruned can still come back."""
    walled.deployment("orphan", 2)
    policies = "/apis/microglia.dev/v1alpha1/pruningpolicies"
    kept = walled.lab.api.get(f"{policies}/default")
    walled.lab.api.delete(f"{policies}/default")
    assert walled.scale("orphan", 4) == 4
    walled.lab.apply([{key: kept[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "default"}}])


def test_the_reader_writes_no_workload_and_no_policy_of_people(walled: Walled) -> None:
    """Its mirrors carry its label; what people wrote stays theirs."""
    reader = walled.lab.api_for(NAMESPACE, f"{RELEASE}-reader")
    path = f"/apis/apps/v1/namespaces/{SHOP}/deployments/five/scale"
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 9}}
    scale["metadata"] = {"name": "five", "namespace": SHOP}
    assert "cannot update" in refusal(lambda: reader.send("PUT", path, scale))
    policies = "/apis/microglia.dev/v1alpha1/pruningpolicies"
    theirs = reader.get(f"{policies}/default")
    assert "carry its label" in refusal(lambda: reader.send("PUT", f"{policies}/default", theirs))
    mirror = {"apiVersion": "microglia.dev/v1alpha1", "kind": "PruningPolicy", "spec": {}}
    mirror["metadata"] = {"name": "from-file", "labels": {"microglia.dev/managed-by": "microglia"}}
    assert reader.post(policies, mirror)["metadata"]["name"] == "from-file"
    walled.lab.api.delete(f"{policies}/from-file")


def offer(name: str, by: str = "") -> dict[str, Any]:
    """A PruningPlan as the reader offers it, with an approval if somebody signs it."""
    body = plan_object(planning.plan(planning.scaled(factories.deployment(name), 5, 4)))
    if by:
        body["spec"]["approval"] = {"digest": body["spec"]["digest"], "by": by, "until": UNTIL}
    return body


def refusal(write: Callable[[], object]) -> str:
    """What the API server says to a write that it answers with 403 (RBAC) or 422 (the wall)."""
    with pytest.raises(ApiError) as answer:
        write()
    assert answer.value.status in (403, 422), str(answer.value)
    return str(answer.value)
