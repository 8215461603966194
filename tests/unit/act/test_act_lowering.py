"""Minima of autoscalers: what is compared, the one field that is written, and what is found after an interruption."""

from pathlib import Path
from typing import Any

import pytest

from microglia.act.write import ClusterWriter
from microglia.model.ports import ConflictError, UnreadableError
from microglia.plan.change import Change, MinimumChange
from microglia.plan.history import Step
from tests.autoscaling import Json, hpa, lowering, made_by_keda, scaled_object
from tests.unit.act.changes import patience
from tests.unit.act.filed_cluster import FiledCluster, deployment, shop

HPA, KEDA = "HorizontalPodAutoscaler", "ScaledObject"


@pytest.fixture
def cluster(tmp_path: Path) -> FiledCluster:
    found = shop(tmp_path / "cluster.json", deployment("cart", 5))
    for raw in (
        hpa(),
        scaled_object("mail", target="mail"),
        made_by_keda("mail", target="mail"),
        deployment("mail", 5),
    ):
        found.put(raw)
    return found


def raw(cluster: FiledCluster, kind: str, name: str) -> Json:
    return dict(cluster.load()[f"{kind}/shop/{name}"])


def to(cluster: FiledCluster, after: int, kind: str = HPA, name: str = "cart", **parts: Any) -> MinimumChange:
    """The change of the minimum as it is now."""
    return lowering(raw(cluster, "Deployment", name), raw(cluster, kind, name), after, **parts)


def write(cluster: FiledCluster, change: Change) -> Step:
    return ClusterWriter(cluster, patience()).write(change)


@pytest.mark.parametrize(("kind", "name", "field"), [(HPA, "cart", "minReplicas"), (KEDA, "mail", "minReplicaCount")])
def test_one_field_is_written(cluster: FiledCluster, kind: str, name: str, field: str) -> None:
    """All else of the autoscaler stays, the count is nobody's but its own, and so is what KEDA made."""
    before, made = raw(cluster, kind, name), raw(cluster, HPA, "keda-hpa-mail")
    change = to(cluster, 4, kind, name)
    assert write(cluster, change).state == "done"
    after = raw(cluster, kind, name)
    assert after["spec"] == {**before["spec"], field: 4}
    assert after.get("status") == before.get("status")
    assert raw(cluster, "Deployment", name)["spec"]["replicas"] == 5
    assert raw(cluster, HPA, "keda-hpa-mail") == made
    assert cluster.log == [f"replace {kind}/shop/{name}"]
    assert ClusterWriter(cluster, patience()).look(change).state == "done"


@pytest.mark.parametrize(
    ("kind", "name", "edit", "told"),
    [
        (HPA, "cart", lambda one: one["spec"].update(minReplicas=7), "its minimum is 7 now, 5 when it was planned"),
        (HPA, "cart", lambda one: one["spec"].update(maxReplicas=7), "or its target changed since it was planned"),
        (HPA, "cart", lambda one: one["status"].update(conditions=[]), "its minimum may not be lowered now"),
        (HPA, "cart", lambda one: one["metadata"].update(uid="new"), "was replaced by another object"),
        (HPA, "cart", lambda one: one["metadata"].update(labels={"app.kubernetes.io/managed-by": "x-operator"}),
         "x-operator decides its minimum now"),
        ("Deployment", "cart", lambda one: one["spec"].update(replicas=8), "holds 8 replicas now, not its"),
        ("Deployment", "cart", lambda one: one["spec"].update(paused=True), "or its target changed since"),
        (HPA, "keda-hpa-mail", lambda one: one["status"].update(conditions=[]), "may not be lowered now"),
    ],
)  # fmt: skip
def test_what_moved_is_a_surprise(cluster: FiledCluster, kind: str, name: str, edit: Any, told: str) -> None:
    """Another minimum, bound, condition, object, owner, count or template since the plan: nothing is written."""
    change = to(cluster, 4, KEDA, "mail") if "mail" in name else to(cluster, 4)
    cluster.edit(kind, "shop", name, edit)
    step = write(cluster, change)
    assert (step.state, told in step.message) == ("surprise", True), step.message
    assert cluster.log == []


@pytest.mark.parametrize(("kind", "name"), [(HPA, "cart"), ("Deployment", "cart")])
def test_what_is_gone_is_a_surprise(cluster: FiledCluster, kind: str, name: str) -> None:
    """Without the autoscaler or its target there is nothing to lower."""
    change = to(cluster, 4)
    cluster.remove(kind, "shop", name)
    step = write(cluster, change)
    assert (step.state, "is gone" in step.message) == ("surprise", True)


def test_keda_without_its_autoscaler_is_a_surprise(cluster: FiledCluster) -> None:
    """What KEDA makes is found by the name that its status says; where it is not there, nothing is lowered."""
    change = to(cluster, 4, KEDA, "mail")
    cluster.edit(KEDA, "shop", "mail", lambda one: one.update(status={"hpaName": "other"}))
    assert "no HorizontalPodAutoscaler of ScaledObject shop/mail was seen" in write(cluster, change).message


def test_raising_needs_only_the_object(cluster: FiledCluster) -> None:
    """Back up whatever the conditions, the count and the digest say; what is as high already is left alone."""
    change = to(cluster, 7)
    cluster.edit(HPA, "shop", "cart", lambda one: one["status"].update(conditions=[]))
    cluster.edit("Deployment", "shop", "cart", lambda one: one["spec"].update(replicas=9))
    assert write(cluster, change).state == "done"
    assert raw(cluster, HPA, "cart")["spec"]["minReplicas"] == 7
    cluster.edit(HPA, "shop", "cart", lambda one: one["spec"].update(minReplicas=8))
    step = write(cluster, change)
    assert (step.state, step.message) == ("done", "its minimum already is 8; nothing was written")
    assert ClusterWriter(cluster, patience()).look(change).state == "done"


def test_an_interrupted_write_is_found(cluster: FiledCluster) -> None:
    """As before, as planned, as somebody else wrote it, gone, or not to be seen."""
    change, writer = to(cluster, 4), ClusterWriter(cluster, patience())
    assert writer.look(change).message == "its minimum still is 5"
    assert writer.look(change).state == "pending"
    cluster.edit(HPA, "shop", "cart", lambda one: one["spec"].update(minReplicas=2))
    assert writer.look(change).state == "surprise"
    assert "neither 5 as before nor 4 as planned" in writer.look(change).message
    cluster.remove(HPA, "shop", "cart")
    assert writer.look(change).state == "surprise"
    cluster.hook = unreadable
    assert writer.look(change).state == "writing"


def unreadable(verb: str, what: str) -> None:
    raise UnreadableError("no answer")


def test_a_conflict_reads_again(cluster: FiledCluster) -> None:
    """The autoscaler's controller writes its status all the time."""
    left = [1]

    def conflict(verb: str, what: str) -> None:
        if verb == "replace" and left[0]:
            left[0] -= 1
            raise ConflictError("other resourceVersion")

    change = to(cluster, 4)
    cluster.hook = conflict
    assert write(cluster, change).state == "done"
    assert raw(cluster, HPA, "cart")["spec"]["minReplicas"] == 4
